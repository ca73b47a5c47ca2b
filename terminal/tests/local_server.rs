//! The local server of the real program, from outside: who may talk to it, what it
//! takes, how it starts and ends.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::Folder;
use xtask::process::{Program, Start};
use xtask::stack::pcscd::CardService;

struct Server {
    program: Program,
    address: String,
    secret: String,
    folder: Folder,
}

/// A window PC without readers and without its gateway.
fn server(name: &str) -> Server {
    server_in(Folder::new(name))
}

fn server_in(folder: Folder) -> Server {
    let at = |file: &str| folder.0.join(file);
    configure(&folder, "");
    let mut program = Start::new(
        "counter-terminal",
        env!("CARGO_BIN_EXE_counter-terminal"),
        at("log"),
    )
    .args(["serve", "--config"])
    .args([at("counter.toml")])
    .env("PCSCLITE_CSOCK_NAME", at("pcscd.comm"))
    .ready_file(at("ready"))
    .start()
    .unwrap();
    let ready = program.wait_ready(Duration::from_secs(20)).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Server {
        address: text(&ready["listen"]["terminal_ui"]).replace("http://", ""),
        secret: text(&ready["local_secret"]),
        program,
        folder,
    }
}

fn configure(folder: &Folder, more: &str) {
    let at = |file: &str| folder.0.join(file).to_str().unwrap().to_owned();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=131010001"])
        .args(["-keyout", &at("any.key"), "-out", &at("any.pem")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let key = std::fs::read(at("any.key")).unwrap();
    folder.private_file("any.key", &key);
    let text = format!(
        "terminal = \"131010001\"\nlisten = \"127.0.0.1:0\"\n{more}\n[gateway]\n\
         url = \"https://127.0.0.1:1\"\ntrust = \"any.pem\"\ncertificate = \"any.pem\"\n\
         key = \"any.key\"\n[readers]\nresident = \"Jitsuin Counter 00 00\"\n\
         operator = \"Jitsuin Counter 00 01\"\n"
    );
    std::fs::write(at("counter.toml"), text).unwrap();
}

impl Server {
    fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }

    /// One request as raw text; gives the answer as raw text.
    fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The same; gives status and body.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
        let answer = self.raw(method, path, headers, body);
        let status = answer[9..12].parse().unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        if status < 400 {
            assert!(head.contains("no-store"), "{head}");
        }
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn host(&self) -> String {
        format!("Host: {}\r\n", self.address)
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let headers = format!("{}Jitsuin-Local: {}\r\n", self.host(), self.secret);
        self.ask("POST", path, &headers, body)
    }
}

#[test]
fn only_its_own_pages_may_talk_to_it_and_bad_bodies_change_nothing() {
    let mut server = server("local-fence");
    let (status, body) = server.ask("GET", "/api/status", &server.host(), "");
    assert_eq!(
        (status, &body["terminal"]),
        (200, &Value::from("131010001"))
    );
    assert_eq!(body["gateway"], "down");

    let foreign = "Host: evil.example\r\n";
    let (status, body) = server.ask("GET", "/api/status", foreign, "");
    assert_eq!((status, kind(&body)), (403, "origin"));

    // What shows a person is read with this start's secret only, and so is a page; a
    // cookie of an earlier start is worth nothing.
    let old = format!(
        "{}Cookie: jitsuin-local-{}=0ld\r\n",
        server.host(),
        server.port()
    );
    for headers in [server.host(), old] {
        let (status, body) = server.ask("GET", "/api/applications", &headers, "");
        assert_eq!((status, kind(&body)), (403, "local-secret"));
        let browser = format!("{headers}Accept: text/html\r\n");
        let page = server.raw("GET", "/screens/applications", &browser, "");
        assert!(page.starts_with("HTTP/1.1 403"), "{page}");
        assert!(page.contains("開始アドレス") && !page.contains(&server.secret));
        let page = server.raw("GET", "/", &browser, "");
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("開始アドレス"));
        assert!(!page.contains(&server.secret));
    }
    let started = server.raw(
        "GET",
        &format!("/start/{}", server.secret),
        &server.host(),
        "",
    );
    let set = format!("jitsuin-local-{}={}", server.port(), server.secret);
    assert!(
        started.contains(&set) && started.contains("HttpOnly; SameSite=Strict"),
        "{started}"
    );
    let ours = format!("{}Cookie: {set}\r\n", server.host());
    let (status, body) = server.ask("GET", "/api/applications", &ours, "");
    assert_eq!((status, kind(&body)), (401, "sign-in-needed"));

    let bare = server.host();
    let (status, body) = server.ask("POST", "/api/sign-in", &bare, r#"{"pin":"246810"}"#);
    assert_eq!((status, kind(&body)), (403, "local-secret"));

    let (status, body) = server.post("/api/sign-in", r#"{"pin":"246810","more":"SECRET99"}"#);
    assert_eq!((status, kind(&body)), (400, "bad-request"));
    assert!(!body.to_string().contains("SECRET99"));

    let large = format!(r#"{{"pin":"{}"}}"#, "1".repeat(70_000));
    let (status, body) = server.post("/api/sign-in", &large);
    assert_eq!((status, kind(&body)), (413, "too-large"));

    // Without a smart-card service the clerk is told so.
    let (status, body) = server.post("/api/sign-in", r#"{"pin":"246810"}"#);
    assert_eq!((status, kind(&body)), (503, "reader-away"));
    assert!(body["say"]["ja"].is_string() && body["say"]["en"].is_string());

    let (status, body) = server.post("/api/applications/xyz/issue", "{}");
    assert_eq!((status, kind(&body)), (404, "not-found"));
    let (status, body) = server.post(&format!("/api/applications/{}/issue", "a".repeat(32)), "{}");
    assert_eq!((status, kind(&body)), (401, "sign-in-needed"));

    let ended = server.program.end().unwrap();
    assert!(ended.success(), "SIGTERM ends it well: {ended:?}");
    let log = std::fs::read_to_string(server.folder.0.join("log")).unwrap();
    assert!(!log.contains("246810") && !log.contains(&server.secret));
}

fn kind(problem: &Value) -> &str {
    let kind = problem["type"].as_str().unwrap_or_default();
    kind.strip_prefix("urn:jitsuin:problem:").unwrap_or(kind)
}

#[test]
fn a_configuration_is_checked_without_touching_anything() {
    let folder = Folder::new("local-config");
    let check = || {
        Command::new(env!("CARGO_BIN_EXE_counter-terminal"))
            .args(["serve", "--check-config", "--config"])
            .arg(folder.0.join("counter.toml"))
            .output()
            .unwrap()
    };
    configure(&folder, "");
    let checked = check();
    assert!(checked.status.success(), "{checked:?}");
    assert!(!folder.0.join("state").exists());

    configure(&folder, "listn = 3");
    let checked = check();
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(!checked.status.success());
    assert!(said.contains("line 3") && said.contains("listn"), "{said}");

    configure(&folder, "");
    let key = folder.0.join("any.key");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(key, mode).unwrap();
    let said = String::from_utf8(check().stderr).unwrap();
    assert!(
        said.contains("gateway.key") && said.contains("644"),
        "{said}"
    );
}

#[test]
fn the_enrolment_request_never_overwrites_a_key() {
    let folder = Folder::new("local-enrol");
    let enrol = |id: &str| {
        Command::new(env!("CARGO_BIN_EXE_keygen-kiosk"))
            .args(["enrolment-request", "--id", id, "--key"])
            .arg(folder.0.join("key.pem"))
            .arg("--out")
            .arg(folder.0.join("request.pem"))
            .output()
            .unwrap()
    };
    assert!(!enrol("kiosk").status.success());
    assert!(enrol("13101K001").status.success());
    let before = std::fs::read(folder.0.join("key.pem")).unwrap();
    assert!(!enrol("13101K001").status.success());
    assert_eq!(std::fs::read(folder.0.join("key.pem")).unwrap(), before);
    let verified = Command::new("openssl")
        .args(["req", "-verify", "-noout", "-in"])
        .arg(folder.0.join("request.pem"))
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn a_smart_card_service_that_dies_and_comes_back_needs_no_restart() {
    let folder = Folder::new("local-pcscd");
    let socket = folder.0.join("pcscd.comm");
    let start = |name: &str| {
        let dir = folder.0.join(name);
        let service = CardService::start(&dir, folder.0.join("pcscd.log")).unwrap();
        let _ = std::fs::remove_file(&socket);
        std::os::unix::fs::symlink(service.socket(), &socket).unwrap();
        service
    };
    let mut first = start("first");
    let server = server_in(folder_of(&folder));
    let fault = |server: &Server| {
        let (_, status) = server.ask("GET", "/api/status", &server.host(), "");
        status["readers"]["resident"]["fault"].clone()
    };
    let wait = |wanted: bool| {
        let started = Instant::now();
        while fault(&server).is_null() != wanted {
            assert!(
                started.elapsed() < Duration::from_secs(15),
                "{}",
                fault(&server)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait(true);
    first.end().unwrap();
    wait(false);
    let away = Instant::now();
    while away.elapsed() < Duration::from_secs(2) {
        assert!(fault(&server).is_string());
    }
    let mut second = start("second");
    wait(true);
    second.end().unwrap();
}

/// The same folder for a server that ends with it.
fn folder_of(folder: &Folder) -> Folder {
    Folder(folder.0.clone())
}
