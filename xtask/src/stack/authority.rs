//! The CA room: tokens, key ceremony, `ca-server issue` and `ca-server status`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::layout::Layout;
use super::token::Token;
use super::{ISSUER, MUNICIPALITIES, Settings, users};
use crate::fault::{Fault, OnPath, Result};
use crate::process::{self, Program};
use crate::text;
use crate::workspace::{self, Programs};

/// Kinds of parties with a profile of the infrastructure CA.
const PARTY_KINDS: &[&str] = &[
    "terminal", "kiosk", "operator", "gateway", "server", "officer", "auditor", "verifier",
];

/// Label of the first key of the OCSP responder for signature certificates.
const RESPONDER: &str = "ocsp";

/// How long a server may take to become ready.
pub const READY: Duration = Duration::from_secs(30);

/// The authority's files and tokens.
pub struct Authority<'a> {
    layout: &'a Layout,
    programs: &'a Programs,
    /// Holds the CA keys.
    pub token: Token,
    /// Holds the OCSP responder's key.
    pub ocsp_token: Token,
}

/// A party to enrol.
pub struct Party<'a> {
    /// `terminal`, `kiosk`, `operator`, `gateway`, `server`, `ocsp-responder`.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The municipality it works for.
    pub municipality: Option<&'a str>,
    /// A name that people know it by.
    pub label: &'a str,
}

impl<'a> Authority<'a> {
    /// Makes or opens the tokens.
    pub fn open(layout: &'a Layout, programs: &'a Programs) -> Result<Self> {
        Ok(Self {
            layout,
            programs,
            token: Token::ensure(layout, programs, "ca")?,
            ocsp_token: Token::ensure(layout, programs, "ocsp")?,
        })
    }

    /// Copies the profiles into the state directory, those of the signing CA changed to the kind of its key.
    pub fn write_profiles(&self, settings: &Settings) -> Result<()> {
        let from = workspace::root().join("pki-core/profiles");
        let signature = match settings.issuer_key.as_str() {
            "p256" => "ecdsa-p256-sha256",
            "p384" => "ecdsa-p384-sha384",
            _ => "rsa-sha256",
        };
        for entry in fs::read_dir(&from).on(&from)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let mut text = fs::read_to_string(&path).on(&path)?;
            text = text.replace(
                "signature = \"rsa-sha256\"",
                &format!("signature = \"{signature}\""),
            );
            if name.starts_with("signing-ca") {
                text = text.replace(
                    "subject-keys = [\"rsa-2048\"",
                    &format!("subject-keys = [\"{}\"", settings.issuer_key),
                );
            }
            self.layout
                .write_private(&format!("profiles/{name}"), &text)?;
        }
        Ok(())
    }

    /// Holds the key ceremony: CA keys and certificates, the responder's key.
    pub fn ceremony(&self, settings: &Settings) -> Result<()> {
        self.write_profiles(settings)?;
        let mut spec = ca_ceremony(settings, &self.layout.public_url());
        if settings.user_authentication {
            spec += &users::ceremony(settings);
        }
        self.hold(&self.token, "ca", &spec)?;
        for (first, _) in self.responders() {
            self.hold(&self.ocsp_token, first, &ocsp_ceremony(first, first))?;
        }
        Ok(())
    }

    fn hold(&self, token: &Token, name: &str, spec: &str) -> Result<()> {
        let spec = format!("{spec}\n{}", token.table(2));
        let file = self
            .layout
            .write_private(&format!("ceremony/{name}.toml"), &spec)?;
        let out = self.layout.folder(&format!("ceremony/{name}"))?;
        process::run(self.hsm().arg("ceremony").arg(file).arg("--out").arg(out)).map(drop)
    }

    /// Makes each responder's next key in a ceremony of its own: each key has one certificate.
    pub fn another_responder_key(&self) -> Result<()> {
        for (first, _) in self.responders() {
            let (number, _) = self.responder_key(first)?;
            let label = format!("{first}-{}", number + 1);
            self.hold(&self.ocsp_token, &label, &ocsp_ceremony(first, &label))?;
        }
        Ok(())
    }

    /// The responders: label of the first key, and the CA that it answers for (none: that of signatures).
    fn responders(&self) -> Vec<(&'static str, Option<&'static str>)> {
        let users = users::certificate(self.layout)
            .is_some()
            .then_some((users::RESPONDER, Some(users::ISSUER)));
        std::iter::once((RESPONDER, None)).chain(users).collect()
    }

    /// Which of a responder's keys is the newest, with its label.
    fn responder_key(&self, first: &str) -> Result<(u32, String)> {
        let folder = self.layout.path("ceremony");
        let mut newest = (1, first.to_owned());
        for entry in fs::read_dir(&folder).on(&folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let number = name
                .strip_prefix(first)
                .and_then(|rest| rest.strip_prefix('-'))
                .and_then(|number| number.parse().ok());
            if let Some(number) = number.filter(|number| *number > newest.0) {
                newest = (number, name);
            }
        }
        Ok(newest)
    }

    /// Certifies the newest key of each responder; its certificate goes to `ca/<first label>.cer`.
    pub fn enrol_responders(&self, again: bool) -> Result<()> {
        for (first, issuer) in self.responders() {
            let (_, label) = self.responder_key(first)?;
            let request = self.layout.path(&format!("ceremony/{label}/ocsp.csr"));
            let id = format!("{first}-1");
            let party = Party {
                kind: "ocsp-responder",
                id: &id,
                municipality: None,
                label: "OCSP responder 1",
            };
            let mut options = Vec::new();
            options.extend(again.then_some("--replace"));
            options.extend(issuer.into_iter().flat_map(|issuer| ["--issuer", issuer]));
            let (certificate, _) = self.enrol_with(&party, &request, &options)?;
            let mut command = Command::new("openssl");
            command
                .args(["x509", "-outform", "DER", "-in"])
                .arg(certificate)
                .arg("-out")
                .arg(self.layout.path(&format!("ca/{first}.cer")));
            process::run(&mut command)?;
        }
        Ok(())
    }

    /// DER of the signing CA's certificate.
    pub fn signing_certificate(&self) -> PathBuf {
        self.layout.path("ceremony/ca/sign.cer")
    }

    /// DER of the infrastructure CA's certificate.
    pub fn infrastructure_certificate(&self) -> PathBuf {
        self.layout.path("ceremony/ca/infra.cer")
    }

    /// PEM of the infrastructure CA's certificate, for TLS.
    pub fn trust(&self) -> PathBuf {
        self.layout.path("ceremony/infra.pem")
    }

    /// Writes the PEM form of the infrastructure CA's certificate.
    pub fn write_trust(&self) -> Result<()> {
        let mut command = Command::new("openssl");
        command
            .args(["x509", "-inform", "DER", "-in"])
            .arg(self.infrastructure_certificate());
        command.arg("-out").arg(self.trust());
        process::run(&mut command).map(drop)
    }

    /// Writes `ca.toml` for the database at this address.
    pub fn configure(&self, database: &str, settings: &Settings) -> Result<()> {
        let quote = |path: &Path| text::toml(&path.to_string_lossy());
        let profiles = self.layout.path("profiles");
        let mut config = format!(
            "{}node = \"ca-1\"\nprefecture = \"13\"\nprefecture_name = \"Tokyo-to\"\ndatabase = {}\naccess = \"open\"\n\
             public_url = {}\n\n[tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\n",
            self.layout.mode_line(),
            text::toml(database),
            text::toml(&self.layout.public_url()),
        );
        config += &self.token.table(settings.ca_sessions);
        config += &format!(
            "\n[signing]\nname = \"{ISSUER}\"\ncertificate = {}\nkey = \"sign\"\nprofile = {}\nocsp_responder_profile = {}\n",
            quote(&self.signing_certificate()),
            quote(&profiles.join(format!("signature{}.toml", marked(settings)))),
            quote(&profiles.join("ocsp-responder.toml")),
        );
        if let Some(certificate) = users::certificate(self.layout) {
            config += &users::issue(&certificate, &profiles, settings);
        }
        config += &format!(
            "\n[infrastructure]\nname = \"infra\"\ncertificate = {}\nkey = \"infra\"\n\n[infrastructure.profiles]\n",
            quote(&self.infrastructure_certificate()),
        );
        for kind in PARTY_KINDS {
            config += &format!(
                "{kind} = {}\n",
                quote(&profiles.join(format!("{kind}.toml")))
            );
        }
        config +=
            "\n[vault]\nkey = \"data\"\n\n[audit]\nmac_key_file = \"audit.key\"\nkey = \"audit\"\n";
        config += &format!(
            "\n[crl]\nfolder = \"crl\"\nafter_revocation_s = {}\n\n[limits]\nrequests_per_second = {}\n",
            settings.crl_after_revocation_s, settings.ca_requests_per_second
        );
        if settings.follow_register {
            let folder = self.layout.folder("register")?;
            config += &format!(
                "\n[register]\nfolder = {}\ninterval_s = 1\n",
                quote(&folder)
            );
        }
        for (code, name) in MUNICIPALITIES {
            config += &format!("\n[[municipality]]\ncode = \"{code}\"\nname = \"{name}\"\n");
            let merged = settings.successors.iter().find(|(one, _)| one == code);
            if let Some((_, successor)) = merged {
                config += &format!("successor = \"{successor}\"\n");
            }
        }
        self.layout.write_private("ca/ca.toml", &config)?;
        self.layout.folder("ca/crl")?;
        self.ca(&["migrate"]).map(drop)
    }

    /// Writes `status.toml`.
    pub fn configure_status(&self, database: &str, settings: &Settings) -> Result<()> {
        let quote = |path: &Path| text::toml(&path.to_string_lossy());
        let mut config = format!(
            "access = \"open\"\ndatabase = {}\ncrl_folder = \"crl\"\n\n[listen]\npublic = \"127.0.0.1:{}\"\n\n\
             [limits]\nrequests_per_second = {}\nocsp_signatures_per_second = 1000000\n\n{}\n\
             [[issuer]]\nname = \"{ISSUER}\"\ncertificate = {}\n\n[issuer.ocsp]\nkey = \"{}\"\ncertificate = \"ocsp.cer\"\n\n\
             [[issuer]]\nname = \"infra\"\ncertificate = {}\n",
            text::toml(database),
            self.layout.public_port,
            settings.public_requests_per_second,
            self.ocsp_token.table(2),
            quote(&self.signing_certificate()),
            self.responder_key(RESPONDER)?.1,
            quote(&self.infrastructure_certificate()),
        );
        if let Some(certificate) = users::certificate(self.layout) {
            config += &users::status(&certificate, &self.responder_key(users::RESPONDER)?.1);
        }
        self.layout
            .write_private("ca/status.toml", &config)
            .map(drop)
    }

    /// Lets a program make a P-256 key and its request, beside its configuration.
    pub fn key_and_request(
        &self,
        program: &str,
        id: &str,
        place: &str,
    ) -> Result<(PathBuf, PathBuf)> {
        let key = self
            .layout
            .folder(parent(place))?
            .join(format!("{}.key", name(place)));
        let request = key.with_extension("csr");
        process::run(
            self.programs
                .command(program)
                .args(["enrolment-request", "--id", id, "--key"])
                .arg(&key)
                .arg("--out")
                .arg(&request),
        )?;
        Ok((key, request))
    }

    /// Enrols a party; certificate and record go beside its request.
    pub fn enrol(&self, party: &Party<'_>, request: &Path) -> Result<(PathBuf, PathBuf)> {
        self.enrol_with(party, request, &[])
    }

    /// The same in place of the certificate that the party has.
    pub fn enrol_again(&self, party: &Party<'_>, request: &Path) -> Result<(PathBuf, PathBuf)> {
        self.enrol_with(party, request, &["--replace"])
    }

    fn enrol_with(
        &self,
        party: &Party<'_>,
        request: &Path,
        options: &[&str],
    ) -> Result<(PathBuf, PathBuf)> {
        let (certificate, record) = (
            request.with_extension("pem"),
            request.with_extension("json"),
        );
        let mut words: Vec<String> = [
            "enrol",
            "--kind",
            party.kind,
            "--id",
            party.id,
            "--label",
            party.label,
        ]
        .map(str::to_owned)
        .into();
        words.extend(options.iter().map(|&option| option.to_owned()));
        if let Some(municipality) = party.municipality {
            words.extend(["--municipality".into(), municipality.into()]);
        }
        if party.kind == "server" {
            words.extend(["--dns".into(), "localhost".into()]);
        }
        for (option, path) in [
            ("--request", request),
            ("--out", &certificate),
            ("--record", &record),
        ] {
            words.extend([option.to_owned(), path.to_string_lossy().into_owned()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.ca(&words)
            .map_err(|fault| fault.during(&format!("enrolling {} {}", party.kind, party.id)))?;
        Ok((certificate, record))
    }

    /// Runs an officer's command with `ca.toml`.
    pub fn ca(&self, words: &[&str]) -> Result<Vec<u8>> {
        let (command, rest) = words
            .split_first()
            .ok_or_else(|| Fault::new("no command"))?;
        process::run(
            self.programs
                .command("ca-server")
                .arg(command)
                .arg("--config")
                .arg(self.layout.path("ca/ca.toml"))
                .args(rest),
        )
    }

    /// Starts `ca-server issue`.
    pub fn start_issue(&self, environment: &[(String, PathBuf)]) -> Result<(Program, Value)> {
        self.start("issue", "ca.toml", environment)
    }

    /// Starts `ca-server console`.
    pub fn start_console(&self) -> Result<(Program, Value)> {
        self.start("console", "ca.toml", &[])
    }

    /// Starts `ca-server status`.
    pub fn start_status(&self) -> Result<(Program, Value)> {
        self.start("status", "status.toml", &[])
    }

    fn start(
        &self,
        command: &str,
        config: &str,
        environment: &[(String, PathBuf)],
    ) -> Result<(Program, Value)> {
        let name = format!("ca-{command}");
        let mut start = self
            .programs
            .start(&name, "ca-server", self.layout.log(&name)?)
            .args([command, "--config"])
            .args([self.layout.path("ca").join(config)])
            .ready_file(self.layout.ready(&name)?);
        for (name, value) in environment {
            start = start.env(name, value);
        }
        let mut program = start.start()?;
        let ready = program.wait_ready(READY)?;
        Ok((program, ready))
    }

    fn hsm(&self) -> Command {
        self.programs.command("hsm")
    }
}

fn parent(place: &str) -> &str {
    place.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn name(place: &str) -> &str {
    place.rsplit_once('/').map_or(place, |(_, name)| name)
}

/// Who holds the rehearsals.
const OFFICERS: &str = "officers = [\n    { name = \"鈴木 一郎\", role = \"CA officer\" },\n    \
                        { name = \"佐藤 花子\", role = \"auditor\" },\n]\n";

/// What the names of profiles for training end with.
pub(super) fn marked(settings: &Settings) -> &'static str {
    if settings.training { "-training" } else { "" }
}

/// The file of the ceremony in the CA room.
fn ca_ceremony(settings: &Settings, public_url: &str) -> String {
    let mut spec = format!(
        "title = \"Jitsuin demo: keys of the prefecture's CA\"\nrehearsal = true\n{OFFICERS}\n\
         [publication]\nbase-url = {}\n",
        text::toml(public_url)
    );
    for (label, algorithm) in [
        ("sign", settings.issuer_key.as_str()),
        ("infra", "p256"),
        ("audit", "p256"),
        ("data", "aes-256-wrap"),
    ] {
        spec += &format!("\n[[key]]\nlabel = \"{label}\"\nalgorithm = \"{algorithm}\"\n");
    }
    let marked = marked(settings);
    spec + &format!(
        "\n[[certificate]]\nkey = \"sign\"\nprofile = \"../profiles/signing-ca{marked}.toml\"\n\
         subject = [\"C=JP\", \"O=JPKI-TEST\", \"OU=JPKI for digital signature\", \"OU=Governor of Tokyo-to\"]\n\
         alternative-name = [\"C=JP\", \"O=公的個人認証サービス試験\", \"OU=公的個人認証サービス署名用\", \"OU=東京都知事\"]\n\
         segment = \"{ISSUER}\"\nout = \"sign.cer\"\n\n\
         [[certificate]]\nkey = \"infra\"\nprofile = \"../profiles/infrastructure-ca{marked}.toml\"\n\
         subject = [\"C=JP\", \"O=JPKI-TEST\", \"OU=Infrastructure CA\", \"OU=Governor of Tokyo-to\"]\n\
         segment = \"infra\"\nout = \"infra.cer\"\n"
    )
}

/// The ceremony of a status node: a key of its responder, and the request to certify it.
fn ocsp_ceremony(first: &str, label: &str) -> String {
    format!(
        "title = \"Jitsuin demo: OCSP responder\"\nrehearsal = true\n{OFFICERS}\n\
         [[key]]\nlabel = \"{label}\"\nalgorithm = \"p256\"\n\n\
         [[request]]\nkey = \"{label}\"\ncommon-name = \"{first}-1\"\nout = \"ocsp.csr\"\n"
    )
}
