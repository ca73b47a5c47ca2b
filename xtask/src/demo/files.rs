//! What the demo leaves behind for independent checks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fault::{OnPath, Result};
use crate::judge::Judge;
use crate::local::Local;
use crate::stack::{self, Stack};

/// The output directory and its judge.
pub struct Files {
    dir: PathBuf,
    judge: Judge,
    public: Local,
}

impl Files {
    /// Files go to `dir`; what is published comes from the stack's public side.
    pub fn new(dir: &Path, stack: &Stack) -> Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            judge: Judge::new(dir, &stack.scratch("judge")?)?,
            public: stack.public(),
        })
    }

    /// OpenSSL's opinion of the files.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Writes one file.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.dir.join(name);
        fs::write(&path, bytes).on(&path)
    }

    /// The path of one file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Fetches the CA's certificate from where it is published.
    pub fn fetch_ca(&self) -> Result<()> {
        let der = self
            .public
            .get(&format!("/certs/{}.cer", stack::ISSUER))?
            .ok()?;
        self.keep("ca.cer", &der)
    }

    /// Fetches the full CRL and the municipality's partition.
    pub fn fetch_crls(&self, full: &str, partition: &str) -> Result<()> {
        let issuer = stack::ISSUER;
        let municipality = stack::MUNICIPALITY;
        self.keep(full, &self.public.get(&format!("/crl/{issuer}.crl"))?.ok()?)?;
        self.keep(
            partition,
            &self
                .public
                .get(&format!("/crl/{issuer}/{municipality}.crl"))?
                .ok()?,
        )
    }

    /// Address of the OCSP responder.
    pub fn ocsp_url(&self) -> String {
        format!("{}/ocsp/{}", self.public.base(), stack::ISSUER)
    }
}
