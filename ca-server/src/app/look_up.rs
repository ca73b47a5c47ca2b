//! One certificate as the record has it.

use pki_core::certificate::Serial;

use super::{App, certificate_subject, sealed_place};
use crate::port::{
    store::{AuditEntry, Revoked, SerialState, Status, StoreError},
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

/// The resident's certificate with this serial; `None` when none was issued. Whoever looks is in
/// the audit log before there is an answer, and so is whoever looks for what is not there.
pub fn certificate(
    app: &App,
    gateway: &str,
    serial: &Serial,
) -> Result<Option<Found>, LookUpError> {
    let now = app.clock.now();
    let issuer = &app.issuer_of(serial)?.name;
    let entry = AuditEntry {
        at: now,
        event: "certificate.read",
        outcome: "done".to_owned(),
        actor: format!("gateway:{gateway}"),
        subject: certificate_subject(issuer, serial.as_octets()),
        detail: serde_json::json!({}),
    };
    let stored = app.store.certificate(issuer, serial.as_octets())?;
    let Some((stored, sealed)) = stored.and_then(|mut stored| {
        let sealed = stored.der.take()?;
        (stored.state == SerialState::Completed).then_some((stored, sealed))
    }) else {
        app.store.record(entry.refused("not-found"))?;
        return Ok(None);
    };
    app.store.record(entry)?;
    let place = sealed_place(issuer, serial.as_octets(), "der");
    let certificate = app.vault.open(&place, &sealed)?.to_vec();
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
