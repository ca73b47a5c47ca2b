//! The irreversible part of every certificate, for residents and parties alike: reserve, sign,
//! assemble, complete. Nothing is signed that is not stored, and nothing is handed out that is
//! not stored signed.

use jiff::Timestamp;
use pki_core::certificate::{
    Partition, Profile, Serial,
    unsigned::{AssembleFault, Unsigned},
};

use super::{App, Authority, certificate_subject, resume::Held, sealed_place, sha256};
use crate::port::{
    signer::SignError,
    store::{
        AuditEntry, Complete, Completion, Holder, Replaced, Reservation, Reserve, ReserveRefusal,
        StoreError, StoredCertificate,
    },
    vault::VaultError,
};

/// What is certified, for whom, and how it is named in the audit log.
pub(super) struct Order<'a> {
    pub authority: &'a Authority,
    pub profile: &'a Profile,
    pub serial: &'a Serial,
    /// The use-case's clock reading.
    pub now: Timestamp,
    /// Linted bytes to sign.
    pub unsigned: Unsigned,
    /// The part of a municipality's list that it names; `None` for parties.
    pub list: Option<Partition>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_sha256: [u8; 32],
    pub application: [u8; 16],
    pub idempotency_key: [u8; 16],
    pub wish_sha256: [u8; 32],
    /// `None` for parties.
    pub holder: Option<Holder>,
    /// The certificate that goes out of effect when this one comes into it.
    pub replaces: Option<Replaced>,
    pub actor: String,
    /// Names of reserving and completing in the audit log.
    pub events: (&'static str, &'static str),
    /// References for the audit rows of both.
    pub references: serde_json::Value,
}

/// What came of an order.
pub(super) enum Certified {
    /// The certificate, DER; it is in the database and in effect.
    New(Vec<u8>),
    /// The idempotency key has a serial already.
    Repeat(Box<StoredCertificate>),
}

/// Why nothing was certified.
#[derive(Debug, thiserror::Error)]
pub(super) enum CertifyError {
    #[error("{}", .0.name())]
    Conflict(ReserveRefusal),
    #[error("the token did not sign")]
    Sign(#[from] SignError),
    #[error("the token's signature is not the issuer's")]
    Assemble(#[from] AssembleFault),
    /// Somebody abandoned the serial while it was being signed.
    #[error("the serial was abandoned while it was being signed")]
    Abandoned,
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
}

/// Carry an order out. The paragraphs' numbers are those of `issue` and `enrol`, which come
/// before and after.
pub(super) fn certify(app: &App, order: Order<'_>) -> Result<Certified, CertifyError> {
    let issuer = &order.authority.name;
    let serial = order.serial.as_octets();
    let subject = certificate_subject(issuer, serial);
    let entry = |event, detail| AuditEntry {
        at: order.now,
        event,
        outcome: "done".to_owned(),
        actor: order.actor.clone(),
        subject: subject.clone(),
        detail,
    };

    // 3. Serial and bytes to sign are stored under the idempotency key. From here
    //    on the serial ends completed or abandoned, whatever happens.
    let tbs = app.vault.seal(
        &sealed_place(issuer, serial, "tbs"),
        order.unsigned.bytes_to_sign(),
    )?;
    let reservation = Reservation {
        issuer: issuer.clone(),
        serial: serial.to_vec(),
        node: app.node.clone(),
        profile: order.profile.name().to_owned(),
        profile_sha256: order.profile.hash(),
        municipality: order.list.map(|list| list.municipality.to_string()),
        partition: order.list.map(|list| list.number).unwrap_or_default(),
        not_after: order.profile.validity().end(order.now),
        key_sha256: order.key_sha256,
        application: order.application,
        idempotency_key: order.idempotency_key,
        wish_sha256: order.wish_sha256,
        holder: order.holder,
        tbs,
        at: order.now,
    };
    let held = Held::new(app, issuer, serial, order.now);
    let reserve = entry(order.events.0, order.references.clone());
    match app.store.reserve(reservation, reserve)? {
        Reserve::Reserved => {}
        Reserve::Repeat(stored) => {
            held.release();
            return Ok(Certified::Repeat(stored));
        }
        Reserve::Refused(refusal) => {
            held.release();
            return Err(CertifyError::Conflict(refusal));
        }
    }

    // 4. One call to the token, with its deadline.
    let signature = app.signer.sign(
        &order.authority.key,
        order.unsigned.algorithm(),
        order.unsigned.bytes_to_sign(),
    )?;

    // 5. The certificate: its signature verified with the issuer's public key.
    let certificate = order
        .unsigned
        .assemble(&signature, &order.authority.issuer)?
        .into_der();

    // 6. It is stored, only if its serial is still reserved. Now it is in effect, and what it
    //    replaces is not.
    let completion = Completion {
        issuer: issuer.clone(),
        serial: serial.to_vec(),
        der: app
            .vault
            .seal(&sealed_place(issuer, serial, "der"), &certificate)?,
        at: order.now,
        replaces: order.replaces,
    };
    let ground = completion
        .replaces
        .as_ref()
        .map(|replaced| replaced.ground.clone());
    let mut detail = order.references;
    detail["certificate_sha256"] = hex::encode(sha256(&certificate)).into();
    match app
        .store
        .complete(completion, entry(order.events.1, detail))?
    {
        Complete::Completed => held.release(),
        Complete::NotReserved => return Err(CertifyError::Abandoned),
        Complete::RegisterChanged => {
            return Err(CertifyError::Conflict(ReserveRefusal::RegisterChanged));
        }
        Complete::InEffect => return Err(CertifyError::Conflict(ReserveRefusal::InEffect)),
    }
    if let Some(ground) = ground {
        metrics::counter!("jitsuin_revocations_total", "ground" => ground).increment(1);
        app.publisher.ring();
    }
    Ok(Certified::New(certificate))
}
