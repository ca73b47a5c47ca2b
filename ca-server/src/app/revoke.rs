//! A revocation takes effect when it is recorded (Art 15). It needs no token.

use pki_core::{
    act::{Deed, RevokeDeed},
    revocation::ground::Ground,
};
use schema::wire::v1::ca::RevokeRequest;

use super::{
    App,
    authorise::{self, Refusal, Unauthorised, authorise},
    certificate_subject, proof,
};
use crate::port::store::{AuditEntry, ProvedDeed, Revocation, Revoke, Revoked, StoreError};

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Arts 12 and 14 are not the window's to claim, and a renewal is recorded with the new one.
    #[error("the ground is not one that a window may state")]
    Ground,
    /// No such certificate was issued.
    #[error("there is no such certificate")]
    NotFound,
    /// It belongs to another municipality.
    #[error("the certificate belongs to another municipality")]
    OutOfScope,
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
}

impl From<Unauthorised> for RevokeError {
    fn from(error: Unauthorised) -> Self {
        match error {
            Unauthorised::Refused(refusal) => Self::Refused(refusal),
            Unauthorised::Store(error) => Self::Store(error),
        }
    }
}

/// Record a revocation for a signed act. One that was recorded before is
/// answered as it was recorded; the first record stands.
pub fn revoke(app: &App, gateway: &str, wish: &RevokeRequest) -> Result<Revoked, RevokeError> {
    let now = app.clock.now();
    let refuse = |name: &str| {
        let entry = authorise::entry(gateway, &wish.act, "revoke", now);
        app.store.record(entry.refused(name))
    };
    let permitted = match authorise(app, gateway, &wish.act, now) {
        Ok(permitted) => permitted,
        Err(Unauthorised::Refused(refusal)) => {
            refuse(refusal.name())?;
            return Err(refusal.into());
        }
        Err(error) => return Err(error.into()),
    };
    let Deed::Revoke(deed) = &permitted.act.deed else {
        refuse(Refusal::OtherDeed.name())?;
        return Err(Refusal::OtherDeed.into());
    };
    if matches!(
        deed.ground,
        Ground::Article9Renewal | Ground::Article12 | Ground::Article14
    ) {
        refuse("ground")?;
        return Err(RevokeError::Ground);
    }
    let issuer = app.issuer_of(&deed.serial)?.name.as_str();
    let entry = AuditEntry {
        at: now,
        event: "revoke",
        outcome: "done".to_owned(),
        actor: permitted.actor.clone(),
        subject: certificate_subject(issuer, deed.serial.as_octets()),
        detail: serde_json::json!({
            "ground": deed.ground,
            "application": permitted.act.application,
            "act_sha256": hex::encode(permitted.act_sha256),
            "identity_sha256": deed.identity_sha256,
        }),
    };
    // A successor acts for the municipalities that became part of it.
    let municipalities = app.mergers.all_of(permitted.act.municipality);
    let municipalities = municipalities.iter().map(ToString::to_string).collect();
    let proof = proof::seal_or_keep(app, issuer, &deed.serial, ProvedDeed::Revoke, &wish.act);
    let revocation = Revocation {
        issuer: issuer.to_owned(),
        serial: deed.serial.as_octets().to_vec(),
        ground: deed.ground.as_str().to_owned(),
        reason: Some(deed.ground.reason_code()),
        at: now,
        municipalities: Some(municipalities),
        proof: Some(proof),
    };
    record(app, deed, revocation, entry)
}

fn record(
    app: &App,
    deed: &RevokeDeed,
    revocation: Revocation,
    entry: AuditEntry,
) -> Result<Revoked, RevokeError> {
    match app.store.revoke(revocation, entry)? {
        Revoke::Revoked(revoked) => {
            metrics::counter!("jitsuin_revocations_total", "ground" => deed.ground.as_str())
                .increment(1);
            app.publisher.ring();
            Ok(revoked)
        }
        Revoke::Already(revoked) => Ok(revoked),
        Revoke::NotFound => Err(RevokeError::NotFound),
        Revoke::OutOfScope => Err(RevokeError::OutOfScope),
    }
}
