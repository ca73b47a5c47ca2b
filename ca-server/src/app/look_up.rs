//! One certificate as the record has it.

use pki_core::certificate::Serial;

use super::{App, sealed_place};
use crate::port::{
    store::{Revoked, SerialState, Status, StoreError},
    vault::VaultError,
};

/// A certificate and what the record says of it.
pub struct Found {
    pub serial: Serial,
    /// DER.
    pub certificate: Vec<u8>,
    /// `live`, `revoked` or `expired`.
    pub status: &'static str,
    pub revocation: Option<Revoked>,
}

/// Why a look-up failed.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
}

/// The resident's certificate with this serial; `None` when none was issued.
pub fn certificate(app: &App, serial: &Serial) -> Result<Option<Found>, LookUpError> {
    let now = app.clock.now();
    let issuer = &app.signing.name;
    let Some(stored) = app.store.certificate(issuer, serial.as_octets())? else {
        return Ok(None);
    };
    let (SerialState::Completed, Some(sealed)) = (stored.state, &stored.der) else {
        return Ok(None);
    };
    let place = sealed_place(issuer, serial.as_octets(), "der");
    let certificate = app.vault.open(&place, sealed)?.to_vec();
    let status = app
        .store
        .status(issuer, &[serial.as_octets().to_vec()])?
        .pop();
    let (status, revocation) = match status {
        Some(Status::Revoked(revoked)) => ("revoked", Some(revoked)),
        _ if stored.not_after < now => ("expired", None),
        _ => ("live", None),
    };
    Ok(Some(Found {
        serial: serial.clone(),
        certificate,
        status,
        revocation,
    }))
}
