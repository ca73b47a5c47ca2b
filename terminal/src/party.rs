//! The enrolled key of a terminal or kiosk: its TLS client key, with which it also
//! signs acts and records.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use pki_core::certificate::{pem, request};
use thiserror::Error;
use zeroize::Zeroizing;

use service::config::{self, ConfigError};

/// A P-256 key from a PKCS#8 PEM file of mode 0600.
pub struct PartyKey(EcdsaKeyPair);

/// The random source failed; the machine is not fit for service.
#[derive(Debug, Error)]
#[error("the terminal's key could not sign")]
pub struct SignFault;

impl PartyKey {
    /// Reads the key.
    ///
    /// # Errors
    /// When the file is missing, readable by others, or holds no P-256 key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        config::owner_only("key", path)?;
        let text = Zeroizing::new(config::file(path)?);
        let unusable = || ConfigError::Value {
            key: "key",
            reason: format!("{} holds no P-256 key in PKCS#8 PEM", path.display()),
        };
        let text = std::str::from_utf8(&text).map_err(|_| unusable())?;
        let der = Zeroizing::new(pem::decode(pem::PRIVATE_KEY, text).map_err(|_| unusable())?);
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
            .map(Self)
            .map_err(|_| unusable())
    }

    /// ECDSA P-256/SHA-256 (DER).
    ///
    /// # Errors
    /// [`SignFault`] when the random source fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignFault> {
        self.0
            .sign(&SystemRandom::new(), message)
            .map(|s| s.as_ref().to_vec())
            .map_err(|_| SignFault)
    }
}

/// Why no enrolment request was written.
#[derive(Debug, Error)]
pub enum EnrolmentFault {
    /// The key or the request could not be made.
    #[error("the key could not be made")]
    Key(#[source] request::CreateFault<request::KeyFault>),
    /// A file could not be written. An existing key is never overwritten.
    #[error("cannot write {path} (an existing file is not overwritten)")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Makes a P-256 key (PKCS#8 PEM, mode 0600) and the PKCS#10 request that a CA
/// officer enrols it from.
///
/// # Errors
/// [`EnrolmentFault`]; neither file is left half-written.
pub fn enrolment_request(id: &str, key: &Path, out: &Path) -> Result<(), EnrolmentFault> {
    let made = request::create_p256(id).map_err(EnrolmentFault::Key)?;
    write_new(key, made.private_key_pem.as_bytes(), 0o600)?;
    write_new(out, made.request_pem.as_bytes(), 0o644)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), EnrolmentFault> {
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| EnrolmentFault::Write {
        path: path.to_owned(),
        source,
    })
}
