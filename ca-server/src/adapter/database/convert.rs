//! Rows to the port's types. A row that does not convert was not written by
//! this program, and is an error rather than a guess.

use diesel::{QueryResult, result::Error};
use jiff::Timestamp;
use pki_core::certificate::PartitionNumber;
use schema::ca::rows::{AuditRow, CertificateRow, CrlRow, PartyRow, RevocationRow};

use crate::port::store::{AuditRecord, CrlRecord, Party, Revoked, SerialState, StoredCertificate};

#[derive(Debug, thiserror::Error)]
#[error("a stored {0} is not as this program writes it")]
struct Foreign(&'static str);

/// The error for a value this program does not write.
pub fn foreign(what: &'static str) -> Error {
    Error::DeserializationError(Box::new(Foreign(what)))
}

pub fn time(micros: i64) -> QueryResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| foreign("time"))
}

/// How the registries say whether somebody may act.
pub fn activity(active: bool) -> &'static str {
    if active { "active" } else { "suspended" }
}

pub fn count(number: i64) -> QueryResult<u64> {
    u64::try_from(number).map_err(|_| foreign("count"))
}

/// Counts are below 2^63 for as long as the sun shines.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn partition(number: i32) -> QueryResult<PartitionNumber> {
    u32::try_from(number)
        .ok()
        .and_then(PartitionNumber::new)
        .ok_or_else(|| foreign("partition"))
}

pub fn digest(bytes: &[u8]) -> QueryResult<[u8; 32]> {
    bytes.try_into().map_err(|_| foreign("digest"))
}

pub fn certificate(row: CertificateRow) -> QueryResult<StoredCertificate> {
    Ok(StoredCertificate {
        state: match row.state.as_str() {
            "reserved" => SerialState::Reserved,
            "completed" => SerialState::Completed,
            "abandoned" => SerialState::Abandoned,
            _ => return Err(foreign("state")),
        },
        not_after: time(row.not_after)?,
        reserved_at: time(row.reserved_at)?,
        issuer: row.issuer,
        serial: row.serial,
        node: row.node,
        profile: row.profile,
        municipality: row.municipality,
        key_sha256: row.key_sha256,
        application: row.application,
        idempotency_key: row.idempotency_key,
        wish_sha256: row.wish_sha256,
        in_effect: row.in_effect,
        tbs: row.tbs,
        der: row.der,
    })
}

pub fn revoked(row: RevocationRow) -> QueryResult<Revoked> {
    Ok(Revoked {
        revoked_at: time(row.revoked_at)?,
        reason: row
            .reason
            .map(u8::try_from)
            .transpose()
            .map_err(|_| foreign("reason"))?,
        not_after: time(row.not_after)?,
        serial: row.serial,
        ground: row.ground,
        municipality: row.municipality,
        partition: partition(row.partition)?,
    })
}

pub fn crl(row: CrlRow) -> QueryResult<CrlRecord> {
    Ok(CrlRecord {
        number: count(row.number)?,
        published: row.state == "published",
        feed: count(row.feed)?,
        this_update: time(row.this_update)?,
        next_update: time(row.next_update)?,
        entries: count(row.entries)?,
        ended_before: time(row.ended_before)?,
        issuer: row.issuer,
        scope: row.scope,
    })
}

pub fn party(row: PartyRow) -> QueryResult<Party> {
    Ok(Party {
        certificate_sha256: digest(&row.certificate_sha256)?,
        active: match row.status.as_str() {
            "active" => true,
            "suspended" => false,
            _ => return Err(foreign("status")),
        },
        kind: row.kind,
        id: row.id,
        municipality: row.municipality,
        label: row.label,
        certificate: row.certificate,
        public_key: row.public_key,
    })
}

pub fn audit(row: AuditRow) -> QueryResult<AuditRecord> {
    Ok(AuditRecord {
        sequence: count(row.sequence)?,
        at: time(row.at)?,
        mac: digest(&row.mac)?,
        lane: row.lane,
        event: row.event,
        outcome: row.outcome,
        actor: row.actor,
        subject: row.subject,
        detail: row.detail,
    })
}
