//! A CA room: a SoftHSM token, CA certificates, a database, enrolled parties,
//! and the real `ca-server` as a process of its own that can be killed.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use hsm_config::{KeyAlgorithm, Token, TokenSpec};
use jiff::SignedDuration;
use pki_core::certificate::{issuer::Access, pem};
use serde_json::Value;
use xtask::process::{Program, Start, run};

use super::{
    ceremony::{party_certificate, profile, self_signed},
    client::Client,
    window::{PartyKey, Window},
    world::Folder,
};
use crate::{
    adapter::{hsm::HsmSigner, system::SystemClock},
    port::{clock::Clock, signer::Signer},
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// How long a server may take to become ready.
const READY: Duration = Duration::from_secs(90);

/// See the module.
pub struct Room {
    pub folder: Folder,
    /// Path of the `ca-server` program.
    program: PathBuf,
    pub window: Window,
    gateway: PartyKey,
    gateway_certificate: Vec<u8>,
    infrastructure: Vec<u8>,
    /// The signing CA's certificate, DER.
    pub signing: Vec<u8>,
    /// `sqlite:…` or `postgres://…`.
    pub database: String,
    /// Whether only registered verifiers are given revocation information.
    registered: bool,
}

/// The worker program of the token, built when it is not there yet.
fn worker(program: &Path) -> PathBuf {
    let worker = program.with_file_name("hsm");
    let mut build = xtask::workspace::cargo();
    build.args([
        "build",
        "-q",
        "--locked",
        "-p",
        "hsm-config",
        "--bin",
        "hsm",
    ]);
    if program.parent().is_some_and(|dir| dir.ends_with("release")) {
        build.arg("--release");
    }
    run(&mut build).expect("the build of hsm");
    worker
}

/// A file that only its owner reads.
pub fn private(path: &Path, text: &str) {
    fs::write(path, text).expect("a file of the test");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

impl Room {
    /// Token, ceremony, database and enrolment of one gateway and one window of
    /// 13101. `program` is the path of `ca-server`; `database` is `None` for SQLite.
    pub fn new(program: &str, database: Option<&str>) -> Self {
        Self::made(program, database, false)
    }

    /// The same on SQLite, with registered access (Arts 17, 18).
    pub fn registered(program: &str) -> Self {
        Self::made(program, None, true)
    }

    fn made(program: &str, database: Option<&str>, registered: bool) -> Self {
        let folder = Folder::new();
        let dir = folder.path().to_owned();
        let program = PathBuf::from(program);
        let table = make_token(&dir, &worker(&program));
        let (signing, infrastructure) = ceremony(&dir, &table);
        let database = database.map_or_else(|| "sqlite:ca.sqlite".to_owned(), str::to_owned);
        private(
            &dir.join("ca.toml"),
            &configuration(&table, &database, registered),
        );
        let mut room = Self {
            window: Window::of("13101"),
            gateway: PartyKey::new(),
            gateway_certificate: Vec::new(),
            database: database.replace("sqlite:", &format!("sqlite:{}/", dir.display())),
            program,
            folder,
            signing,
            infrastructure,
            registered,
        };
        room.officer(&["migrate"]);
        for wish in room.window.enrolments() {
            room.enrol(&wish.kind, &wish.id, Some("13101"), &wish.request);
        }
        let request = room.gateway.request("gw-1");
        room.gateway_certificate = room.enrol("gateway", "gw-1", None, &request);
        room.server("ca-1", "server");
        room
    }

    /// Enrol a server; certificate and key lie in files of that name.
    fn server(&self, id: &str, file: &str) {
        let dir = self.folder.path();
        let server = PartyKey::new();
        self.enrol("server", id, None, &server.request(id));
        private(
            &dir.join(format!("{file}.key")),
            &pem::encode(pem::PRIVATE_KEY, &server.to_pkcs8()),
        );
        let certificate = dir.join(format!("server-{id}.pem"));
        fs::rename(certificate, dir.join(format!("{file}.pem"))).expect("the certificate");
    }

    /// Enrol a verifier; its certificate and key lie in `verifier-ID.pem` and `verifier-ID.key`.
    pub fn verifier(&self, id: &str) -> (Vec<u8>, PartyKey) {
        let key = PartyKey::new();
        let certificate = self.enrol("verifier", id, None, &key.request(id));
        private(
            &self.folder.path().join(format!("verifier-{id}.key")),
            &pem::encode(pem::PRIVATE_KEY, &key.to_pkcs8()),
        );
        (certificate, key)
    }

    /// A verifier's certificate as the infrastructure CA signed it so long ago that it has run out.
    pub fn expired_verifier(&self, id: &str, key: &PartyKey) -> Vec<u8> {
        let table = fs::read_to_string(self.folder.path().join("hsm.toml")).expect("the table");
        let signer = HsmSigner::new(token(self.folder.path(), &table));
        let long_ago = SystemClock.now() - SignedDuration::from_hours(24 * 500);
        party_certificate(
            &signer,
            "infra",
            &self.infrastructure,
            ("verifier", id),
            &key.public_key(),
            long_ago,
        )
    }

    /// The infrastructure CA's certificate, DER.
    pub fn infrastructure(&self) -> &[u8] {
        &self.infrastructure
    }

    /// Run an officer's command with `ca.toml`.
    pub fn officer(&self, words: &[&str]) -> Vec<u8> {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .arg("--config")
            .arg(self.folder.path().join("ca.toml"));
        run(&mut command).unwrap_or_else(|fault| panic!("{words:?}: {fault}"))
    }

    /// Have a party's key certified at the command line; answers the certificate, DER.
    pub fn enrol(
        &self,
        kind: &str,
        id: &str,
        municipality: Option<&str>,
        request: &[u8],
    ) -> Vec<u8> {
        let file = |end: &str| {
            let path = self.folder.path().join(format!("{kind}-{id}.{end}"));
            path.display().to_string()
        };
        fs::write(file("csr"), pem::encode(pem::REQUEST, request)).expect("a file of the test");
        let (csr, certificate, record) = (file("csr"), file("pem"), file("json"));
        let mut words = vec![
            "enrol",
            "--kind",
            kind,
            "--id",
            id,
            "--label",
            "test",
            "--request",
            &csr,
            "--out",
            &certificate,
        ];
        words.extend(if kind == "verifier" {
            ["--arrangement", "令和8年11月23日 第1号"]
        } else {
            ["--record", &record]
        });
        if let Some(code) = municipality {
            words.extend(["--municipality", code]);
        }
        if kind == "server" {
            words.extend(["--dns", "localhost"]);
        }
        self.officer(&words);
        let text = fs::read_to_string(&certificate).expect("the certificate");
        pem::decode(pem::CERTIFICATE, &text).expect("the certificate")
    }

    /// Start `ca-server issue` and wait until it answers.
    pub fn start(&self) -> Issuing {
        let dir = self.folder.path();
        let mut program = Start::new("ca-issue", &self.program, dir.join("issue.log"))
            .args(["issue", "--config"])
            .args([dir.join("ca.toml")])
            .ready_file(dir.join("issue.ready"))
            .start()
            .expect("the start of ca-server");
        let ready = program
            .wait_ready(READY)
            .unwrap_or_else(|fault| panic!("{fault}"));
        let address = |name: &str| {
            let listen: &Value = &ready["listen"][name];
            listen.as_str().expect("an address").to_owned()
        };
        Issuing {
            client: Client::new(
                &address("ca"),
                &self.infrastructure,
                &self.gateway_certificate,
                &self.gateway.to_pkcs8(),
            ),
            base: address("ca"),
            admin: address("admin"),
            program,
        }
    }

    /// Start `ca-server console` and wait until it answers; its base URL.
    pub fn start_console(&self) -> (Program, String) {
        let dir = self.folder.path();
        let mut program = Start::new("ca-console", &self.program, dir.join("console.log"))
            .args(["console", "--config"])
            .args([dir.join("ca.toml")])
            .ready_file(dir.join("console.ready"))
            .start()
            .expect("the start of ca-server");
        let ready = program
            .wait_ready(READY)
            .unwrap_or_else(|fault| panic!("{fault}"));
        let base = ready["listen"]["console"].as_str().expect("an address");
        (program, base.to_owned())
    }

    /// Make a responder key in the token, enrol it, and start `ca-server status`.
    pub fn start_status(&self) -> (Program, String, String) {
        let dir = self.folder.path();
        let file = |name: &str| dir.join(name).display().to_string();
        let database = &self.database;
        let table = fs::read_to_string(dir.join("hsm.toml")).expect("the token's table");
        let (access, tls) = if self.registered {
            self.server("status-1", "status");
            (
                "access = \"registered\"",
                "[tls]\ncertificate = \"status.pem\"\nkey = \"status.key\"\nauthority = \"infra.cer\"\n",
            )
        } else {
            ("access = \"open\"", "")
        };
        let text = format!(
            "{access}\ndatabase = \"{database}\"\ncrl_folder = \"crl\"\n\n{tls}\n{table}\n\
             [[issuer]]\nname = \"sign\"\ncertificate = \"sign.cer\"\n\n\
             [issuer.ocsp]\nkey = \"ocsp\"\ncertificate = \"ocsp-responder-ocsp-1.pem\"\n\n\
             [limits]\nrequests_per_second = 100000\n"
        );
        private(&dir.join("status.toml"), &text);
        let mut request = Command::new(&self.program);
        request.args(["enrolment-request", "--id", "ocsp-1", "--token-key", "ocsp"]);
        request.args(["--config", &file("status.toml"), "--out", &file("ocsp.csr")]);
        run(&mut request).unwrap_or_else(|fault| panic!("{fault}"));
        let text = fs::read_to_string(dir.join("ocsp.csr")).expect("the request");
        let request = pem::decode(pem::REQUEST, &text).expect("the request");
        self.enrol("ocsp-responder", "ocsp-1", None, &request);
        self.start_status_again("status")
    }

    /// Start another `ca-server status` beside the first, of the same configuration.
    pub fn start_status_again(&self, name: &str) -> (Program, String, String) {
        let dir = self.folder.path();
        let mut program = Start::new(name, &self.program, dir.join(format!("{name}.log")))
            .args(["status", "--config"])
            .args([dir.join("status.toml")])
            .ready_file(dir.join(format!("{name}.ready")))
            .start()
            .expect("the start of ca-server");
        let ready = program
            .wait_ready(READY)
            .unwrap_or_else(|fault| panic!("{fault}"));
        let address = |name: &str| {
            let listen: &Value = &ready["listen"][name];
            listen.as_str().expect("an address").to_owned()
        };
        (program, address("public"), address("admin"))
    }

    /// A client with another certificate and key.
    pub fn client_as(&self, base: &str, certificate: &[u8], key: &PartyKey) -> Client {
        Client::new(base, &self.infrastructure, certificate, &key.to_pkcs8())
    }

    /// The window terminal's certificate, DER.
    pub fn terminal_certificate(&self) -> Vec<u8> {
        let name = format!("terminal-{}.pem", self.window.terminal_id);
        let text = fs::read_to_string(self.folder.path().join(name)).expect("the certificate");
        pem::decode(pem::CERTIFICATE, &text).expect("the certificate")
    }

    /// Where SoftHSM keeps the token's files: moved away, the token is gone.
    pub fn token_files(&self) -> PathBuf {
        self.folder.path().join("token")
    }
}

/// A running `ca-server issue`.
pub struct Issuing {
    pub program: Program,
    pub client: Client,
    /// Base URL of the inner interface.
    pub base: String,
    /// Base URL of health and metrics.
    pub admin: String,
}

impl Issuing {
    /// Status and body of a page of the admin listener.
    pub fn admin_page(&self, path: &str) -> (u16, String) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut response = agent
            .get(format!("{}{path}", self.admin))
            .call()
            .expect("the admin listener");
        let status = response.status().as_u16();
        (
            status,
            response.body_mut().read_to_string().unwrap_or_default(),
        )
    }
}

fn make_token(dir: &Path, worker: &Path) -> String {
    let store = dir.join("token");
    fs::create_dir(&store).expect("a folder of the test");
    fs::write(
        dir.join("softhsm2.conf"),
        format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            store.display()
        ),
    )
    .expect("a file of the test");
    private(&dir.join("pin"), "246810\n");
    private(&dir.join("so-pin"), "135791\n");
    let table = format!(
        "[token]\nmodule = \"{MODULE}\"\nlabel = \"ca\"\npin_file = \"pin\"\nsessions = 2\n\
         environment = {{ SOFTHSM2_CONF = \"softhsm2.conf\" }}\nworker = \"{}\"\n",
        worker.display()
    );
    private(&dir.join("hsm.toml"), &table);
    let mut init = Command::new(worker);
    init.args(["init", "--config"])
        .arg(dir.join("hsm.toml"))
        .arg("--so-pin-file")
        .arg(dir.join("so-pin"));
    run(&mut init).unwrap_or_else(|fault| panic!("{fault}"));
    table
}

/// Keys and CA certificates; answers the signing and the infrastructure CA's, DER.
/// The token of that table, when it can be used.
fn token(dir: &Path, table: &str) -> Token {
    #[derive(serde::Deserialize)]
    struct File {
        token: TokenSpec,
    }
    let file: File = toml::from_str(table).expect("the token's table");
    let token = Token::open(file.token.check(dir).expect("the token's table"));
    token.wait_usable(READY);
    token
}

fn ceremony(dir: &Path, table: &str) -> (Vec<u8>, Vec<u8>) {
    let token = token(dir, table);
    for (label, algorithm) in [
        ("sign", KeyAlgorithm::Rsa2048),
        ("infra", KeyAlgorithm::P256),
        ("audit", KeyAlgorithm::P256),
        ("vault", KeyAlgorithm::Aes256Wrap),
    ] {
        token
            .generate(label, algorithm, token.deadline() + READY)
            .unwrap_or_else(|error| panic!("key {label}: {error}"));
    }
    let signer = HsmSigner::new(token);
    let made = ["signing-ca", "infrastructure-ca"].map(|name| {
        let now = SystemClock.now();
        let (key, unit, begins) = match name {
            "signing-ca" => ("sign", "OU=JPKI for digital signature", now),
            // Old enough to have certified somebody whose certificate has run out.
            _ => {
                let begins = now - SignedDuration::from_hours(24 * 600);
                ("infra", "OU=Infrastructure CA", begins)
            }
        };
        let signer: &dyn Signer = &signer;
        let certificate = self_signed(
            signer,
            key,
            &profile(name),
            key,
            &["C=JP", "O=JPKI-TEST", unit, "OU=Governor of Tokyo-to"],
            Access::Open {
                base_url: "http://127.0.0.1:8080".to_owned(),
            },
            begins,
        );
        fs::write(dir.join(format!("{key}.cer")), &certificate).expect("a file of the test");
        certificate
    });
    let [signing, infrastructure] = made;
    (signing, infrastructure)
}

fn configuration(table: &str, database: &str, registered: bool) -> String {
    let access = if registered {
        "access = \"registered\""
    } else {
        "access = \"open\"\npublic_url = \"http://127.0.0.1:8080\""
    };
    let profiles = xtask::workspace::root().join("pki-core/profiles");
    let profiles = profiles.display();
    let mut text = format!(
        "node = \"ca-1\"\nprefecture = \"13\"\nprefecture_name = \"Tokyo-to\"\ndatabase = \"{database}\"\n\
         {access}\n\n\
         [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\n{table}\n\
         [signing]\nname = \"sign\"\ncertificate = \"sign.cer\"\nkey = \"sign\"\n\
         profile = \"{profiles}/signature.toml\"\nocsp_responder_profile = \"{profiles}/ocsp-responder.toml\"\n\n\
         [infrastructure]\nname = \"infra\"\ncertificate = \"infra.cer\"\nkey = \"infra\"\n\n\
         [infrastructure.profiles]\n"
    );
    for kind in [
        "terminal", "kiosk", "operator", "gateway", "server", "officer", "auditor", "verifier",
    ] {
        text += &format!("{kind} = \"{profiles}/{kind}.toml\"\n");
    }
    text += "\n[vault]\nkey = \"vault\"\n\n[audit]\nmac_key_file = \"audit.key\"\nkey = \"audit\"\n\n\
             [crl]\nfolder = \"crl\"\nafter_revocation_s = 1\n\n[limits]\nrequests_per_second = 100000\n\n\
             [[municipality]]\ncode = \"13101\"\nname = \"Chiyoda-ku\"\n\n\
             [[municipality]]\ncode = \"13102\"\nname = \"Chuo-ku\"\n";
    text
}
