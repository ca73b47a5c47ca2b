//! A service on the net that lets people in by their certificate: OpenSSL's `s_server` with the list of
//! revocations that it fetched, and GnuTLS as the browser, which signs with the card's key.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use xtask::fault::{Fault, OnPath, Result};
use xtask::process::{self, Program, Start};
use xtask::{port, setup};

/// TLS 1.2 with PKCS #1 v1.5: the signature that cards of the public service make.
const AS_CARDS_SIGN: &str = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-RSA-SHA256";

/// Where an answer of the service begins that let somebody in.
const WELCOME: &str = "HTTP/1.0 200 ok";

/// The service.
pub struct Site {
    dir: PathBuf,
    port: u16,
    program: Program,
}

/// Who comes: the card of a card service, a token on it, its PIN.
pub struct Visitor<'a> {
    /// Socket of the card service.
    pub socket: &'a Path,
    /// The token's label as PKCS #11 has it.
    pub token: &'a str,
    /// `CKA_ID` of key and certificate, one byte.
    pub id: u8,
    /// Its PIN.
    pub pin: &'a str,
}

impl Site {
    /// Opens a service in `dir` that lets in whom `ca` (PEM) certifies and `crl` (DER) does not list.
    pub fn open(dir: &Path, ca: &Path, crl: &Path) -> Result<Self> {
        fs::create_dir_all(dir).on(dir)?;
        let file = |name: &str| dir.join(name);
        if !file("site.pem").exists() {
            let mut make = Command::new("openssl");
            make.args([
                "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
            ])
            .arg("-keyout")
            .arg(file("site.key"))
            .arg("-out")
            .arg(file("site.pem"));
            process::run(&mut make)?;
        }
        let port = port::free()?;
        let (program, _, said) = Start::new("site", "openssl", file("site.log"))
            .args(["s_server", "-www", "-accept"])
            .args([format!("127.0.0.1:{port}")])
            .args([
                "-Verify",
                "1",
                "-verify_return_error",
                "-purpose",
                "sslclient",
            ])
            .args(["-crl_check", "-CRLform", "DER", "-CRL"])
            .args([crl])
            .args([Path::new("-CAfile"), ca])
            .args([Path::new("-cert"), &file("site.pem")])
            .args([Path::new("-key"), &file("site.key")])
            .start_talking()?;
        let mut said = BufReader::new(said);
        let mut line = String::new();
        while !line.starts_with("ACCEPT") {
            line.clear();
            if said.read_line(&mut line).on(dir)? == 0 {
                return Err(Fault::new("openssl s_server does not listen").with_log(program.log()));
            }
        }
        // What it goes on saying is read away, so that it never waits for a reader.
        thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Ok(Self {
            dir: dir.to_owned(),
            port,
            program,
        })
    }

    /// Somebody comes, with a certificate or without: whether the service let them in, and what both said.
    pub fn visited(&self, visitor: Option<&Visitor<'_>>) -> Result<(bool, String)> {
        let mut browser = Command::new("gnutls-cli");
        browser
            .args([
                "--priority",
                AS_CARDS_SIGN,
                "--port",
                &self.port.to_string(),
            ])
            .arg("--x509cafile")
            .arg(self.dir.join("site.pem"));
        if let Some(visitor) = visitor {
            let module = setup::find_file("/usr/lib/*/opensc-pkcs11.so")
                .ok_or_else(|| Fault::new("opensc-pkcs11 is not installed"))?;
            let object = |kind: &str| {
                let token = visitor.token.replace(' ', "%20");
                format!("pkcs11:token={token};id=%{:02x};type={kind}", visitor.id)
            };
            browser
                .arg("--provider")
                .arg(module)
                .args(["--x509certfile", &object("cert")])
                .args(["--x509keyfile", &object("private")])
                .env("PCSCLITE_CSOCK_NAME", visitor.socket)
                .env("GNUTLS_PIN", visitor.pin);
        }
        let request = self.dir.join("request");
        fs::write(&request, "GET / HTTP/1.0\r\n\r\n").on(&request)?;
        browser
            .arg("localhost")
            .stdin(Stdio::from(fs::File::open(&request).on(&request)?));
        process::die_with_parent(&mut browser);
        let output = browser.output()?;
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((said.contains(WELCOME), said))
    }

    /// Closes the service.
    pub fn close(mut self) -> Result<()> {
        self.program.kill().map(drop)
    }
}
