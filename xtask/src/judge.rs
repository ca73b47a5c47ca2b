//! Outside judges: OpenSSL decides whether what the programs hand out is right.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fault::{Fault, OnPath, Result};
use crate::process;
use crate::stack::clock::Clock;

/// Judges the files of one output directory.
pub struct Judge {
    dir: PathBuf,
    work: PathBuf,
    /// What OpenSSL is started with.
    environment: Vec<(String, OsString)>,
}

impl Judge {
    /// A judge of the files in `dir`, with a place of its own for what it converts.
    pub fn new(dir: &Path, work: &Path) -> Result<Self> {
        fs::create_dir_all(work).on(work)?;
        Ok(Self {
            dir: dir.to_owned(),
            work: work.to_owned(),
            environment: Vec::new(),
        })
    }

    /// The same judge by another clock.
    #[must_use]
    pub fn by(mut self, clock: &Clock) -> Self {
        self.environment = clock.environment();
        self
    }

    fn openssl(&self, words: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.args(words);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// PEM form of a DER file, as some of OpenSSL's options want it.
    fn pem(&self, kind: &str, name: &str) -> Result<PathBuf> {
        let pem = self.work.join(format!("{name}.pem"));
        let mut command = self.openssl(&[kind, "-inform", "DER", "-in"]);
        command.arg(self.file(name)).arg("-out").arg(&pem);
        process::run(&mut command)?;
        Ok(pem)
    }

    /// `openssl verify -x509_strict -crl_check` with the CRL of that name. Gives what it said.
    fn verify(&self, certificate: &str, crl: &str, partition: bool) -> Result<(bool, String)> {
        let mut command = self.openssl(&["verify", "-x509_strict", "-crl_check"]);
        if partition {
            command.arg("-extended_crl");
        }
        command.arg("-CAfile").arg(self.pem("x509", "ca.cer")?);
        command.arg("-CRLfile").arg(self.pem("crl", crl)?);
        command.arg(self.pem("x509", certificate)?);
        let output = process::output(&mut command)?;
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((output.status.success(), said))
    }

    /// The certificate is good by this CRL.
    pub fn good_by_crl(&self, certificate: &str, crl: &str, partition: bool) -> Result<()> {
        match self.verify(certificate, crl, partition)? {
            (true, _) => Ok(()),
            (false, said) => Err(Fault::new(format!(
                "openssl does not accept {certificate} with {crl}"
            ))
            .with_lines(&said, 10)),
        }
    }

    /// The certificate is revoked by this CRL, and that is the only thing wrong with it.
    pub fn revoked_by_crl(&self, certificate: &str, crl: &str, partition: bool) -> Result<()> {
        self.wrong_with(certificate, crl, partition, "certificate revoked")
    }

    /// The certificate's time is over, and that is the only thing wrong with it.
    pub fn expired(&self, certificate: &str, crl: &str) -> Result<()> {
        self.wrong_with(certificate, crl, false, "certificate has expired")
    }

    fn wrong_with(&self, certificate: &str, crl: &str, partition: bool, only: &str) -> Result<()> {
        let (accepted, said) = self.verify(certificate, crl, partition)?;
        let errors: Vec<&str> = said
            .lines()
            .filter(|line| line.starts_with("error ") && line.contains("depth lookup"))
            .collect();
        if !accepted && errors.iter().all(|line| line.contains(only)) && !errors.is_empty() {
            Ok(())
        } else {
            Err(Fault::new(format!(
                "openssl does not find of {certificate} with {crl}: {only}"
            ))
            .with_lines(&said, 10))
        }
    }

    /// Asks a responder and keeps its answer as `keep`; `expected` is `good` or `revoked`.
    pub fn ask_ocsp(
        &self,
        url: &str,
        certificate: &str,
        keep: &str,
        expected: &str,
    ) -> Result<String> {
        let mut command = self.openssl(&["ocsp", "-url", url, "-respout"]);
        command.arg(self.file(keep));
        self.ocsp(command, certificate, expected)
    }

    /// Judges a kept answer.
    pub fn kept_ocsp(&self, answer: &str, certificate: &str, expected: &str) -> Result<String> {
        let mut command = self.openssl(&["ocsp", "-no_nonce", "-respin"]);
        command.arg(self.file(answer));
        self.ocsp(command, certificate, expected)
    }

    fn ocsp(&self, mut command: Command, certificate: &str, expected: &str) -> Result<String> {
        let ca = self.pem("x509", "ca.cer")?;
        command.arg("-issuer").arg(&ca).arg("-CAfile").arg(&ca);
        command.arg("-cert").arg(self.pem("x509", certificate)?);
        let output = process::output(&mut command)?;
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        let verified = said.contains("Response verify OK");
        let status = said
            .lines()
            .any(|line| line.ends_with(&format!(": {expected}")));
        if output.status.success() && verified && status {
            Ok(said)
        } else {
            Err(Fault::new(format!(
                "openssl ocsp does not say {expected} of {certificate}"
            ))
            .with_lines(&said, 12))
        }
    }

    /// The signature over the message is the certificate holder's.
    pub fn signature(&self, certificate: &str, message: &str, signature: &str) -> Result<()> {
        let public = self.work.join(format!("{certificate}.pub"));
        let mut key = self.openssl(&["x509", "-inform", "DER", "-pubkey", "-noout", "-in"]);
        key.arg(self.file(certificate));
        fs::write(&public, process::run(&mut key)?).on(&public)?;
        let mut command = self.openssl(&["dgst", "-sha256", "-verify"]);
        command
            .arg(&public)
            .arg("-signature")
            .arg(self.file(signature))
            .arg(self.file(message));
        process::run(&mut command).map(drop)
    }

    /// Serial number of a certificate, lower-case hex as OpenSSL prints it.
    pub fn serial(&self, certificate: &str) -> Result<String> {
        let mut command = self.openssl(&["x509", "-inform", "DER", "-noout", "-serial", "-in"]);
        command.arg(self.file(certificate));
        let said = process::run(&mut command)?;
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Ok(said.trim_start_matches("serial=").to_lowercase())
    }

    /// Last moment of a certificate's validity, as OpenSSL prints it.
    pub fn end(&self, certificate: &str) -> Result<String> {
        let mut command = self.openssl(&["x509", "-inform", "DER", "-noout", "-enddate", "-in"]);
        command.arg(self.file(certificate));
        let said = process::run(&mut command)?;
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Ok(said.trim_start_matches("notAfter=").to_owned())
    }

    /// CRL number, as OpenSSL prints it.
    pub fn crl_number(&self, crl: &str) -> Result<String> {
        let mut command = self.openssl(&["crl", "-inform", "DER", "-noout", "-crlnumber", "-in"]);
        command.arg(self.file(crl));
        let said = process::run(&mut command)?;
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Ok(said.trim_start_matches("crlNumber=").to_owned())
    }
}
