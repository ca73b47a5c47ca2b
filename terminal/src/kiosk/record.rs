//! The kiosk's signed record of one generation (§4): for the audit, carried by the
//! card and sent to the gateway. No key material.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;

use crate::party::{PartyKey, SignFault};

const CONTEXT: &[u8] = b"jitsuin-kiosk-record-v1\0";

/// What is recorded. The order of the fields is the order in the JSON.
#[derive(Debug, Serialize)]
pub struct KioskRecord<'a> {
    version: u8,
    kiosk: &'a str,
    visit: String,
    card: String,
    spki_sha256: String,
    software_sha256: &'a str,
    self_test: &'a str,
    generated_at: String,
    erased: bool,
}

impl<'a> KioskRecord<'a> {
    /// A record of a generation whose private key has been erased here.
    pub fn new(
        kiosk: &'a str,
        visit: &[u8; 16],
        card: &[u8; 16],
        spki: &[u8],
        software_sha256: &'a str,
        generated_at: Timestamp,
    ) -> Self {
        Self {
            version: 1,
            kiosk,
            visit: hex::encode(visit),
            card: hex::encode(card),
            spki_sha256: hex::encode(crate::hash::sha256(&[spki])),
            software_sha256,
            self_test: "passed",
            generated_at: generated_at
                .round(jiff::Unit::Second)
                .unwrap_or(generated_at)
                .to_string(),
            erased: true,
        }
    }

    /// The JSON, a line feed, and the base64 of the kiosk's signature.
    ///
    /// # Errors
    /// [`SignFault`].
    pub fn sign(&self, key: &PartyKey) -> Result<Vec<u8>, SignFault> {
        let mut bytes = serde_json::to_vec(self).map_err(|_| SignFault)?;
        let signature = key.sign(CONTEXT, &bytes)?;
        bytes.push(0x0A);
        bytes.extend_from_slice(STANDARD.encode(signature).as_bytes());
        Ok(bytes)
    }
}
