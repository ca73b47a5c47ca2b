//! Judges from outside the project: pkilint, GnuTLS, OpenSC.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use xtask::fault::{Fault, OnPath, Result};
use xtask::process;
use xtask::workspace::target_dir;

/// The version that the allow-list was written for.
const PKILINT: &str = "pkilint==0.13.3";

/// The programs' folder of a Python environment `name`, made once per checkout and version: with
/// `words` for `pip install`.
pub(crate) fn environment(name: &str, version: &str, words: &[&str]) -> Result<PathBuf> {
    let dir = target_dir().join(name);
    let mark = dir.join(version);
    if !mark.exists() {
        // Two test processes may come here at once: each makes its own, the first one stays.
        let own = target_dir().join(format!("{name}-{}", std::process::id()));
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&own))?;
        process::run(
            Command::new(own.join("bin/python"))
                .args(["-m", "pip", "-q", "--disable-pip-version-check", "install"])
                .args(words),
        )
        .map_err(|fault| fault.during(&format!("{version} comes from PyPI")))?;
        fs::write(own.join(version), "").on(&own)?;
        if fs::rename(&own, &dir).is_err() && !mark.exists() {
            // Of an older version.
            fs::remove_dir_all(&dir).on(&dir)?;
            fs::rename(&own, &dir).on(&dir)?;
        }
        let _ = fs::remove_dir_all(&own);
    }
    Ok(dir.join("bin"))
}

/// pkilint in an environment of its own.
pub struct Pkilint {
    bin: PathBuf,
}

/// One finding at error level or above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file it was found in.
    pub file: String,
    /// `ERROR` or `FATAL`.
    pub severity: String,
    /// pkilint's code.
    pub code: String,
    /// Where.
    pub place: String,
}

impl Pkilint {
    /// Makes the environment when it is not there.
    pub fn ready() -> Result<Self> {
        let bin = environment("judges", PKILINT, &[PKILINT])?;
        Ok(Self { bin })
    }

    /// Findings in a certificate.
    pub fn certificate(&self, file: &Path) -> Result<Vec<Finding>> {
        self.lint("lint_pkix_cert", &[], file)
    }

    /// Findings in a CRL.
    pub fn crl(&self, file: &Path) -> Result<Vec<Finding>> {
        self.lint("lint_crl", &["-t", "CRL", "-p", "PKIX"], file)
    }

    /// Findings in an OCSP answer.
    pub fn ocsp(&self, file: &Path) -> Result<Vec<Finding>> {
        self.lint("lint_ocsp_response", &[], file)
    }

    fn lint(&self, program: &str, options: &[&str], file: &Path) -> Result<Vec<Finding>> {
        // The scripts name their interpreter by its first place; the environment may have been moved.
        let mut command = Command::new(self.bin.join("python"));
        command
            .arg(self.bin.join(program))
            .arg("lint")
            .args(options)
            .args(["-s", "ERROR", "-f", "JSON"])
            .arg(file);
        let output = process::output(&mut command)?;
        let report: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
            Fault::new(format!("{} gave no report", process::told(&command)))
                .with_lines(&String::from_utf8_lossy(&output.stderr), 10)
        })?;
        let results = report["results"]
            .as_array()
            .ok_or_else(|| Fault::new("a pkilint report without results"))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut findings = Vec::new();
        for result in results {
            for finding in result["finding_descriptions"]
                .as_array()
                .into_iter()
                .flatten()
            {
                findings.push(Finding {
                    file: file
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                    severity: text(&finding["severity"]),
                    code: text(&finding["code"]),
                    place: text(&result["node_path"]),
                });
            }
        }
        Ok(findings)
    }
}

/// Runs `certtool` on a DER file and gives what it printed.
pub fn certtool(option: &str, file: &Path) -> Result<String> {
    let mut command = Command::new("certtool");
    command.args([option, "--inder", "--infile"]).arg(file);
    process::run(&mut command).map(|said| String::from_utf8_lossy(&said).into_owned())
}

/// Runs `ocsptool --response-info` on an answer.
pub fn ocsptool(file: &Path) -> Result<String> {
    let mut command = Command::new("ocsptool");
    command.args(["--response-info", "--infile"]).arg(file);
    process::run(&mut command).map(|said| String::from_utf8_lossy(&said).into_owned())
}

/// OpenSC's tools against one card service.
pub struct OpenSc {
    socket: PathBuf,
    reader: String,
}

impl OpenSc {
    /// Tools that see the readers of this service, and of them one.
    pub fn at(socket: PathBuf, reader: &str) -> Self {
        Self {
            socket,
            reader: reader.to_owned(),
        }
    }

    /// `pkcs15-tool`.
    pub fn pkcs15(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("pkcs15-tool");
        command
            .args(["--reader", &self.reader])
            .args(words)
            .env("PCSCLITE_CSOCK_NAME", &self.socket);
        process::run(&mut command).map(|said| String::from_utf8_lossy(&said).into_owned())
    }

    /// `pkcs11-tool` with OpenSC's module; whatever its status.
    pub fn pkcs11(&self, words: &[&str]) -> Result<(bool, String)> {
        let module = xtask::setup::find_file("/usr/lib/*/opensc-pkcs11.so")
            .ok_or_else(|| Fault::new("opensc-pkcs11 is not installed"))?;
        let mut command = Command::new("pkcs11-tool");
        command
            .arg("--module")
            .arg(module)
            .args(words)
            .env("PCSCLITE_CSOCK_NAME", &self.socket);
        let output = process::output(&mut command)?;
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((output.status.success(), said))
    }

    /// Signs a file with the key for signatures on the card (RSASSA-PKCS1-v1_5 with SHA-256).
    pub fn sign(&self, password: &str, message: &Path, signature: &Path) -> Result<()> {
        let (_, listing) = self.pkcs11(&["--list-slots"])?;
        let slot = slot_of(&listing, "Digital Signature PIN")?;
        let (message, signature) = (message.to_string_lossy(), signature.to_string_lossy());
        let mut words = vec!["--slot-index", &slot, "--login", "--pin", password];
        words.extend(["--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", "02"]);
        words.extend(["--input-file", &*message, "--output-file", &*signature]);
        match self.pkcs11(&words)? {
            (true, _) => Ok(()),
            (false, said) => Err(Fault::new("OpenSC does not sign").with_lines(&said, 12)),
        }
    }
}

/// The index of the slot whose token has that label, in what `pkcs11-tool --list-slots` says.
pub fn slot_of(listing: &str, label: &str) -> Result<String> {
    let mut index = "";
    for line in listing.lines() {
        if let Some(rest) = line.strip_prefix("Slot ") {
            index = rest.split_whitespace().next().unwrap_or_default();
        }
        if line.contains("token label") && line.contains(label) {
            return Ok(index.to_owned());
        }
    }
    Err(Fault::new(format!("no token with the label {label}")).with_lines(listing, 40))
}
