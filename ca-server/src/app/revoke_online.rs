//! Online revocation (Art 9 ③): the holder's own signature is the permission. The gateway
//! only carries it; what it carries is verified here with the key of the certificate on
//! record.

use pki_core::{
    certificate::image::CertificateImage,
    revocation::{
        ground::Ground,
        online::{OnlineFault, Statement},
    },
};
use schema::wire::v1::ca::OnlineRevokeRequest;
use sha2::{Digest, Sha256};

use super::{
    App, certificate_subject,
    look_up::{self, LookUpError},
    proof,
};
use crate::port::store::{AuditEntry, ProvedDeed, Revocation, Revoke, Revoked, StoreError};

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub enum OnlineError {
    /// The statement or the signature does not hold, or there is no such certificate: the
    /// asker is not told which.
    #[error("the statement is not accepted")]
    NotAccepted,
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error(transparent)]
    LookUp(#[from] LookUpError),
}

/// Record a revocation that the holder signed. A second one answers what was recorded first.
pub fn revoke_online(
    app: &App,
    gateway: &str,
    wish: &OnlineRevokeRequest,
) -> Result<Revoked, OnlineError> {
    let now = app.clock.now();
    let mut entry = AuditEntry {
        at: now,
        event: "revoke-online",
        outcome: "done".to_owned(),
        actor: format!("gateway:{gateway} holder"),
        subject: "statement".to_owned(),
        detail: serde_json::json!({
            "statement_sha256": hex::encode(Sha256::digest(&wish.statement.0)),
        }),
    };
    // 1. The statement is one, for this prefecture, now.
    let statement = match Statement::read(&wish.statement.0, app.prefecture, now) {
        Ok(statement) => statement,
        Err(fault) => return refuse(app, entry, fault.name()),
    };
    let issuer = app.issuer_of(&statement.serial)?.name.as_str();
    entry.subject = certificate_subject(issuer, statement.serial.as_octets());
    // 2. The key of the certificate on record made the signature.
    let Some(found) = look_up::certificate(app, gateway, &statement.serial)? else {
        return refuse(app, entry, "unknown-serial");
    };
    let held = CertificateImage::decode(&found.certificate)
        .map_err(|_| OnlineFault::Serial)
        .and_then(|image| statement.verify(&wish.statement.0, &wish.signature.0, &image, now));
    if let Err(fault) = held {
        return refuse(app, entry, fault.name());
    }
    // 3. It is recorded, and from then on has its effect (Art 15); the statement stays as proof.
    let proof = proof::seal_or_keep(app, issuer, &statement.serial, ProvedDeed::Revoke, wish);
    let revocation = Revocation {
        issuer: issuer.to_owned(),
        serial: statement.serial.as_octets().to_vec(),
        ground: Ground::Article9.as_str().to_owned(),
        reason: Some(Ground::Article9.reason_code()),
        at: now,
        municipalities: None,
        proof: Some(proof),
    };
    match app.store.revoke(revocation, entry)? {
        Revoke::Revoked(revoked) => {
            metrics::counter!("jitsuin_revocations_total", "ground" => "article9-online")
                .increment(1);
            app.publisher.ring();
            Ok(revoked)
        }
        Revoke::Already(revoked) => Ok(revoked),
        // The store has audited it as a refusal.
        Revoke::NotFound | Revoke::OutOfScope => Err(OnlineError::NotAccepted),
    }
}

fn refuse(app: &App, entry: AuditEntry, name: &str) -> Result<Revoked, OnlineError> {
    app.store.record(entry.refused(name))?;
    Err(OnlineError::NotAccepted)
}
