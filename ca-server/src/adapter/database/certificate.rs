//! Serials: reserved, then completed or abandoned.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    ca::{
        rows::CertificateRow,
        tables::{certificate, revocation},
    },
    database::AnyConnection,
};

use super::{convert, revocation as revocations, writer::Scope};
use crate::port::store::*;

pub fn reserve(scope: &mut Scope, new: &Reservation, entry: &AuditEntry) -> QueryResult<Reserve> {
    if let Some(row) = of_request(scope.connection, &new.idempotency_key)? {
        if row.wish_sha256 == new.wish_sha256 && row.issuer == new.issuer {
            return Ok(Reserve::Repeat(Box::new(row)));
        }
        return refuse(scope, entry, ReserveRefusal::KeyReused);
    }
    if let Some(refusal) = key_refusal(scope.connection, new)? {
        return refuse(scope, entry, refusal);
    }
    if let Some(refusal) = resident_refusal(scope.connection, new)? {
        return refuse(scope, entry, refusal);
    }
    if find(scope.connection, &new.issuer, &new.serial)?.is_some() {
        return refuse(scope, entry, ReserveRefusal::SerialTaken);
    }
    diesel::insert_into(certificate::table)
        .values(&CertificateRow {
            issuer: new.issuer.clone(),
            serial: new.serial.clone(),
            state: "reserved".to_owned(),
            node: new.node.clone(),
            profile: new.profile.clone(),
            profile_sha256: new.profile_sha256.to_vec(),
            municipality: new.municipality.clone(),
            not_after: new.not_after.as_microsecond(),
            key_sha256: new.key_sha256.to_vec(),
            application: new.application.to_vec(),
            idempotency_key: new.idempotency_key.to_vec(),
            wish_sha256: new.wish_sha256.to_vec(),
            resident: new.resident.map(|hash| hash.to_vec()),
            in_effect: false,
            tbs: Some(new.tbs.clone()),
            der: None,
            reserved_at: new.at.as_microsecond(),
            ended_at: None,
        })
        .execute(scope.connection)?;
    scope.audit(entry)?;
    Ok(Reserve::Reserved)
}

fn refuse(scope: &mut Scope, entry: &AuditEntry, refusal: ReserveRefusal) -> QueryResult<Reserve> {
    scope.audit(&entry.refused(refusal.name()))?;
    Ok(Reserve::Refused(refusal))
}

/// One key belongs to one application; a second serial for it only when the
/// first was abandoned, or taken back because its image was wrong (Art 13).
fn key_refusal(
    connection: &mut AnyConnection,
    new: &Reservation,
) -> QueryResult<Option<ReserveRefusal>> {
    let rows: Vec<(Vec<u8>, String, bool, Option<String>)> = certificate::table
        .left_join(
            revocation::table.on(revocation::issuer
                .eq(certificate::issuer)
                .and(revocation::serial.eq(certificate::serial))),
        )
        .filter(certificate::key_sha256.eq(new.key_sha256.to_vec()))
        .select((
            certificate::application,
            certificate::state,
            certificate::in_effect,
            revocation::ground.nullable(),
        ))
        .load(connection)?;
    let free =
        |(application, state, in_effect, ground): &(Vec<u8>, String, bool, Option<String>)| {
            application.as_slice() == new.application.as_slice()
                && !in_effect
                && (state == "abandoned"
                    || state == "completed" && ground.as_deref() == Some("article13"))
        };
    Ok((!rows.iter().all(free)).then_some(ReserveRefusal::PublicKeyTaken))
}

/// Art 6: not while a certificate is in effect; and one request at a time.
fn resident_refusal(
    connection: &mut AnyConnection,
    new: &Reservation,
) -> QueryResult<Option<ReserveRefusal>> {
    let Some(resident) = new.resident else {
        return Ok(None);
    };
    let mine = certificate::issuer
        .eq(new.issuer.clone())
        .and(certificate::resident.eq(resident.to_vec()));
    let ends: Option<i64> = certificate::table
        .filter(mine.clone())
        .filter(certificate::in_effect.eq(true))
        .select(certificate::not_after)
        .first(connection)
        .optional()?;
    match ends {
        Some(end) if end >= new.at.as_microsecond() => return Ok(Some(ReserveRefusal::InEffect)),
        Some(_) => {
            // It ran out by itself; the flag only follows.
            diesel::update(certificate::table)
                .filter(mine.clone())
                .filter(certificate::in_effect.eq(true))
                .set(certificate::in_effect.eq(false))
                .execute(connection)?;
        }
        None => {}
    }
    let in_work: Option<Vec<u8>> = certificate::table
        .filter(mine)
        .filter(certificate::state.eq("reserved"))
        .select(certificate::serial)
        .first(connection)
        .optional()?;
    Ok(in_work.map(|_| ReserveRefusal::InWork))
}

pub fn complete(scope: &mut Scope, done: &Completion, entry: &AuditEntry) -> QueryResult<Complete> {
    let changed = diesel::update(certificate::table.find((&done.issuer, &done.serial)))
        .filter(certificate::state.eq("reserved"))
        .set((
            certificate::state.eq("completed"),
            certificate::in_effect.eq(true),
            certificate::tbs.eq(None::<Vec<u8>>),
            certificate::der.eq(Some(&done.der)),
            certificate::ended_at.eq(Some(done.at.as_microsecond())),
        ))
        .execute(scope.connection)?;
    if changed == 0 {
        scope.audit(&entry.refused("not-reserved"))?;
        return Ok(Complete::NotReserved);
    }
    scope.audit(entry)?;
    Ok(Complete::Completed)
}

pub fn abandon(
    scope: &mut Scope,
    issuer: &str,
    serial: &[u8],
    at: Timestamp,
    entry: &AuditEntry,
) -> QueryResult<bool> {
    let changed = diesel::update(certificate::table.find((issuer, serial)))
        .filter(certificate::state.eq("reserved"))
        .set((
            certificate::state.eq("abandoned"),
            certificate::ended_at.eq(Some(at.as_microsecond())),
        ))
        .execute(scope.connection)?;
    if changed == 0 {
        return Ok(false);
    }
    let (municipality, not_after) = certificate::table
        .find((issuer, serial))
        .select((certificate::municipality, certificate::not_after))
        .first::<(Option<String>, i64)>(scope.connection)?;
    revocations::insert(
        scope.connection,
        issuer,
        &Revoked {
            serial: serial.to_vec(),
            revoked_at: at,
            ground: ABANDONED.to_owned(),
            reason: None,
            not_after: convert::time(not_after)?,
            municipality,
        },
    )?;
    scope.audit(entry)?;
    Ok(true)
}

pub fn find(
    connection: &mut AnyConnection,
    issuer: &str,
    serial: &[u8],
) -> QueryResult<Option<StoredCertificate>> {
    certificate::table
        .find((issuer, serial))
        .select(CertificateRow::as_select())
        .first(connection)
        .optional()?
        .map(convert::certificate)
        .transpose()
}

pub fn of_request(
    connection: &mut AnyConnection,
    idempotency_key: &[u8; 16],
) -> QueryResult<Option<StoredCertificate>> {
    certificate::table
        .filter(certificate::idempotency_key.eq(idempotency_key.to_vec()))
        .filter(certificate::state.ne("abandoned"))
        .select(CertificateRow::as_select())
        .first(connection)
        .optional()?
        .map(convert::certificate)
        .transpose()
}

pub fn reserved_by(
    connection: &mut AnyConnection,
    node: &str,
) -> QueryResult<Vec<(String, Vec<u8>)>> {
    certificate::table
        .filter(certificate::node.eq(node))
        .filter(certificate::state.eq("reserved"))
        .select((certificate::issuer, certificate::serial))
        .load(connection)
}
