//! A holder revokes online on real parts: the card signs through OpenSC, curl carries, the responder tells.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use softhsm_tests::judges::OpenSc;
use softhsm_tests::scene::{Scene, text_of};
use xtask::judge::Judge;
use xtask::process;
use xtask::stack::layout::Database;
use xtask::stack::pcscd::COUNTER_READER;
use xtask::stack::{ISSUER, Settings};
use xtask::window::SOUMU_TARO;

/// A holder at home: card, reader, curl.
struct Holder {
    scene: Scene,
    dir: PathBuf,
    serial: String,
    opensc: OpenSc,
}

/// Status and what was said.
type Said = (u16, Value);

impl Holder {
    fn new() -> Self {
        let scene = Scene::open("online", Database::Sqlite, Settings::default()).unwrap();
        let card = scene.stack().resident_card(0);
        let application = scene.written(&SOUMU_TARO, &card).unwrap();
        let dir = scene.stack().scratch("home").unwrap();
        let certificate = scene.window.certificate(&application).unwrap();
        fs::write(dir.join("subscriber.cer"), certificate).unwrap();
        let issuer = scene
            .stack()
            .public()
            .get(&format!("/certs/{ISSUER}.cer"))
            .unwrap();
        fs::write(dir.join("ca.cer"), issuer.ok().unwrap()).unwrap();
        let image = scene.window.image(&application).unwrap();
        let socket = scene.stack().card_service().socket();
        Self {
            serial: text_of(&image["serial"]),
            opensc: OpenSc::at(socket, &format!("{COUNTER_READER} 00 00")),
            dir,
            scene,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// `curl` with what the page says, trusting the stack's own certificate.
    fn curl(&self, words: &[&str], path: &str) -> (u16, String) {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--write-out", "\n%{http_code}"]);
        command.arg("--cacert").arg(self.file("ceremony/infra.pem"));
        let url = format!("{}{path}", self.scene.stack().where_to().online());
        let said = process::run(command.args(words).arg(url)).unwrap();
        let said = String::from_utf8(said).unwrap();
        let (body, status) = said.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }

    /// Many requests on one connection; gives the status of each.
    fn flood(&self) -> String {
        let mut command = Command::new("curl");
        command.args(["--silent", "--output", "/dev/null"]);
        command.args(["--write-out", "%{http_code}\n", "--cacert"]);
        command.arg(self.file("ceremony/infra.pem"));
        let url = format!("{}/?n=[1-300]", self.scene.stack().where_to().online());
        String::from_utf8(process::run(command.arg(url)).unwrap()).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scene.file(name)
    }

    fn post(&self, path: &str, body: &Value) -> Said {
        let body = body.to_string();
        let words = ["-H", "Content-Type: application/json", "-d", &body];
        let (status, said) = self.curl(&words, path);
        (status, serde_json::from_str(&said).unwrap_or(Value::Null))
    }

    /// A fresh statement, as the gateway makes it.
    fn statement(&self) -> String {
        let asked = json!({ "serial": self.serial });
        let (status, answer) = self.post("/v1/online-revocation-challenges", &asked);
        assert_eq!(status, 201, "{answer}");
        let bytes = STANDARD.decode(text_of(&answer["statement"])).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The card's signature over a text.
    fn sign(&self, statement: &str) -> Vec<u8> {
        let (message, signature) = (self.path("statement.json"), self.path("statement.sig"));
        fs::write(&message, statement).unwrap();
        self.opensc
            .sign(SOUMU_TARO.password, &message, &signature)
            .unwrap();
        fs::read(signature).unwrap()
    }

    fn send(&self, statement: &str, signature: &[u8]) -> Said {
        let body = json!({
            "statement": STANDARD.encode(statement),
            "signature": STANDARD.encode(signature),
        });
        self.post("/v1/online-revocations", &body)
    }

    #[track_caller]
    fn refused(&self, statement: &str, signature: &[u8], status: u16, problem: &str) {
        let (answered, said) = self.send(statement, signature);
        let kind = text_of(&said["type"]).replace("urn:jitsuin:problem:", "");
        assert_eq!((answered, kind.as_str()), (status, problem), "{said}");
        self.status_is("good");
    }

    /// What the responder says to OpenSSL.
    #[track_caller]
    fn status_is(&self, expected: &str) {
        let stack = self.scene.stack();
        let judge = Judge::new(&self.dir, &stack.scratch("judge").unwrap()).unwrap();
        let url = format!("{}/ocsp/{ISSUER}", stack.public().base());
        judge
            .ask_ocsp(&url, "subscriber.cer", "answer.der", expected)
            .unwrap();
    }
}

/// A key that is not on the card.
fn foreign_signature(holder: &Holder, statement: &str) -> Vec<u8> {
    let (key, message) = (holder.path("foreign.pem"), holder.path("foreign.json"));
    fs::write(&message, statement).unwrap();
    let mut make = Command::new("openssl");
    make.args(["genpkey", "-algorithm", "RSA", "-out"]);
    process::run(make.arg(&key)).unwrap();
    let mut sign = Command::new("openssl");
    sign.args(["dgst", "-sha256", "-sign"]).arg(&key);
    process::run(sign.arg(&message)).unwrap()
}

#[test]
fn a_holder_revokes_online_with_card_and_curl_and_nobody_else_does() {
    let holder = Holder::new();
    let (status, page) = holder.curl(&[], "/");
    assert!(
        status == 200 && page.contains("オンライン失効申請"),
        "{page}"
    );
    holder.status_is("good");

    let statement = holder.statement();
    let signature = holder.sign(&statement);
    // Another key, another text, an older time, a text of the holder's own making.
    let foreign = foreign_signature(&holder, &statement);
    holder.refused(&statement, &foreign, 409, "authority-refused");
    let other = statement.replace(&holder.serial, &"3b".repeat(16));
    holder.refused(&other, &signature, 422, "statement-invalid");
    let mut made: Value = serde_json::from_str(&statement).unwrap();
    made["time"] = json!("2026-01-01T00:00:00Z");
    let made = made.to_string();
    holder.refused(&made, &holder.sign(&made), 422, "statement-invalid");
    let spaced = statement.replacen('{', "{ ", 1);
    holder.refused(&spaced, &signature, 409, "authority-refused");
    let (status, said) = holder.post("/v1/online-revocations", &json!({ "statement": "" }));
    assert_eq!(status, 400, "{said}");

    // The holder's.
    let (status, revoked) = holder.send(&statement, &signature);
    assert_eq!(status, 200, "{revoked}");
    assert_eq!(
        (&revoked["serial"], &revoked["ground"]),
        (&json!(holder.serial), &json!("article9"))
    );
    holder.status_is("revoked");
    // Sent again it answers with what was recorded, and records nothing.
    assert_eq!(holder.send(&statement, &signature), (200, revoked));

    // The authority can show years later what was signed; OpenSSL agrees.
    let authority = holder.scene.stack().authority().unwrap();
    let shown = authority
        .ca(&["proof", "--serial", &holder.serial])
        .unwrap();
    let shown = String::from_utf8(shown).unwrap();
    let shown: Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    assert_eq!(shown["holder_of"], json!(holder.serial));
    let kept = |name: &str| STANDARD.decode(text_of(&shown[name])).unwrap();
    fs::write(holder.path("kept.json"), kept("statement")).unwrap();
    fs::write(holder.path("kept.sig"), kept("holder_signature")).unwrap();
    Judge::new(&holder.dir, &holder.path("judge"))
        .unwrap()
        .signature("subscriber.cer", "kept.json", "kept.sig")
        .unwrap();

    // Who asks without end is told to wait; the window beside it works on.
    let answers = holder.flood();
    assert!(answers.contains("429"), "{answers}");
    holder.scene.window.counter.get("/api/status").unwrap();
    holder.scene.close().unwrap();
}
