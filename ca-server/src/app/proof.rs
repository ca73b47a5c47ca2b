//! The signed acts themselves, kept for a dispute: years later it can be shown what the terminal's
//! key and the operator's card signed, or the holder's own key (Art 9 ③).

use pki_core::{
    act::{Act, SignedAct},
    certificate::Serial,
    revocation::online::Statement,
};
use schema::wire::v1::{act::SignedActMessage, ca::OnlineRevokeRequest};
use serde::Serialize;

use super::{App, sealed_place, sha256};
use crate::port::{
    store::{AuditEntry, Kept, Proof, ProvedDeed, StoreError},
    vault::VaultError,
};

/// Seal an act beside the certificate that it is about.
pub(super) fn seal(
    app: &App,
    issuer: &str,
    serial: &Serial,
    deed: ProvedDeed,
    act: &impl Serialize,
) -> Result<Proof, VaultError> {
    let place = place(issuer, serial, deed);
    Ok(Proof {
        sealed: true,
        act: app.vault.seal(&place, &bytes(act))?,
    })
}

/// Seal an act, or keep it as it came when the vault cannot be used: a revocation is recorded at
/// once (Art 11), also while the token is away.
pub(super) fn seal_or_keep(
    app: &App,
    issuer: &str,
    serial: &Serial,
    deed: ProvedDeed,
    act: &impl Serialize,
) -> Proof {
    seal(app, issuer, serial, deed, act).unwrap_or_else(|error| {
        tracing::warn!(error = %crate::causes(&error), "a revoking act is kept unsealed");
        Proof {
            sealed: false,
            act: bytes(act),
        }
    })
}

fn place(issuer: &str, serial: &Serial, deed: ProvedDeed) -> String {
    let column = format!("proof-{}", deed.as_str());
    sealed_place(issuer, serial.as_octets(), &column)
}

fn bytes(act: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(act).unwrap_or_default()
}

/// An act as an auditor reads it.
pub struct ProvedAct {
    pub deed: ProvedDeed,
    pub kept_at: jiff::Timestamp,
    pub by: Signed,
    /// SHA-256 of what was signed, as in the audit log.
    pub sha256: [u8; 32],
}

/// What was signed, and by whom.
pub enum Signed {
    /// An act of a window.
    Window {
        /// As it came, payload and signatures.
        signed: SignedAct,
        /// What the payload says.
        act: Box<Act>,
    },
    /// A statement of the holder, signed with the certificate's key.
    Holder {
        /// As it came.
        signed: OnlineRevokeRequest,
        /// What it says.
        statement: Statement,
    },
}

/// Why proofs were not read.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
    /// What is kept is no act.
    #[error("what is kept is no act")]
    Foreign,
}

/// The acts behind a certificate and its revocation. Reading them is itself in the audit log.
pub fn read(app: &App, serial: &Serial) -> Result<Vec<ProvedAct>, ProofError> {
    let now = app.clock.now();
    let issuer = &app.issuer_of(serial)?.name;
    let kept = app.store.proofs(issuer, serial.as_octets())?;
    let acts = kept
        .into_iter()
        .map(|kept| open(app, issuer, serial, kept))
        .collect::<Result<Vec<_>, _>>()?;
    app.store.record(AuditEntry {
        at: now,
        event: "proof.read",
        outcome: if acts.is_empty() { "none" } else { "done" }.to_owned(),
        actor: "officer".to_owned(),
        subject: super::certificate_subject(issuer, serial.as_octets()),
        detail: serde_json::json!({}),
    })?;
    Ok(acts)
}

fn open(app: &App, issuer: &str, serial: &Serial, kept: Kept) -> Result<ProvedAct, ProofError> {
    let bytes = if kept.proof.sealed {
        let place = place(issuer, serial, kept.deed);
        app.vault.open(&place, &kept.proof.act)?.to_vec()
    } else {
        kept.proof.act
    };
    // The two forms share no field, and neither takes one of the other's.
    let (by, sha256) = if let Ok(message) = serde_json::from_slice::<SignedActMessage>(&bytes) {
        let signed = SignedAct {
            payload: message.payload.0,
            terminal_signature: message.terminal_signature.0,
            operator_signature: message.operator_signature.0,
        };
        let act = Box::new(signed.unverified().map_err(|_| ProofError::Foreign)?);
        let digest = sha256(&signed.payload);
        (Signed::Window { signed, act }, digest)
    } else {
        let signed: OnlineRevokeRequest =
            serde_json::from_slice(&bytes).map_err(|_| ProofError::Foreign)?;
        let statement: Statement =
            serde_json::from_slice(&signed.statement.0).map_err(|_| ProofError::Foreign)?;
        let digest = sha256(&signed.statement.0);
        (Signed::Holder { signed, statement }, digest)
    };
    Ok(ProvedAct {
        deed: kept.deed,
        kept_at: kept.kept_at,
        by,
        sha256,
    })
}
