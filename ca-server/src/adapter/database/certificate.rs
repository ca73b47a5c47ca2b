//! Serials: reserved, then completed or abandoned.

use diesel::{dsl::sql, prelude::*, sql_types::Bool};
use jiff::Timestamp;
use schema::{
    ca::{
        rows::CertificateRow,
        tables::{certificate, revocation},
    },
    database::AnyConnection,
};

use super::{convert, proof, register_event, revocation as revocations, writer::Scope};
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
            partition: i32::from(new.partition.get()),
            not_after: new.not_after.as_microsecond(),
            key_sha256: new.key_sha256.to_vec(),
            application: new.application.to_vec(),
            idempotency_key: new.idempotency_key.to_vec(),
            wish_sha256: new.wish_sha256.to_vec(),
            resident: new.holder.as_ref().map(|holder| holder.resident.to_vec()),
            in_effect: false,
            tbs: Some(new.tbs.clone()),
            der: None,
            reserved_at: new.at.as_microsecond(),
            ended_at: None,
            identified_at: new
                .holder
                .as_ref()
                .map(|holder| holder.identified_at.as_microsecond()),
        })
        .execute(scope.connection)?;
    if let Some(holder) = &new.holder {
        proof::insert(
            scope.connection,
            &new.issuer,
            &new.serial,
            ProvedDeed::Issue,
            &holder.proof,
            new.at,
        )?;
    }
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

/// Art 6: not while a certificate is in effect, but in its place; one request at a time; and
/// not for somebody who has moved or died since he was identified (Art 12).
fn resident_refusal(
    connection: &mut AnyConnection,
    new: &Reservation,
) -> QueryResult<Option<ReserveRefusal>> {
    let Some(holder) = &new.holder else {
        return Ok(None);
    };
    let identified_at = holder.identified_at.as_microsecond();
    if register_event::changed_since(connection, &holder.resident, identified_at)? {
        return Ok(Some(ReserveRefusal::RegisterChanged));
    }
    let mine = certificate::issuer
        .eq(new.issuer.clone())
        .and(certificate::resident.eq(holder.resident.to_vec()));
    let stands: Option<(Vec<u8>, i64)> = certificate::table
        .filter(mine.clone())
        .filter(certificate::in_effect)
        .select((certificate::serial, certificate::not_after))
        .first(connection)
        .optional()?;
    let stands = stands.map(|(serial, end)| (serial, end >= new.at.as_microsecond()));
    match (stands, &holder.replaces) {
        (Some((serial, true)), Some(replaced)) if serial == *replaced => {}
        (_, Some(_)) => return Ok(Some(ReserveRefusal::NothingToReplace)),
        (Some((_, true)), None) => return Ok(Some(ReserveRefusal::InEffect)),
        (Some((_, false)), None) => {
            // It ran out by itself; the flag only follows.
            diesel::update(certificate::table)
                .filter(mine.clone())
                .filter(certificate::in_effect)
                .set(certificate::in_effect.eq(false))
                .execute(connection)?;
        }
        (None, None) => {}
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
    let holder: Option<(Option<Vec<u8>>, Option<i64>)> = certificate::table
        .find((&done.issuer, &done.serial))
        .select((certificate::resident, certificate::identified_at))
        .first(scope.connection)
        .optional()?;
    if let Some((Some(resident), Some(identified_at))) = holder {
        register_event::completing(scope.connection)?;
        if register_event::changed_since(scope.connection, &resident, identified_at)? {
            scope.audit(&entry.refused(ReserveRefusal::RegisterChanged.name()))?;
            return Ok(Complete::RegisterChanged);
        }
        if another_in_effect(scope.connection, done, &resident)? {
            scope.audit(&entry.refused(ReserveRefusal::InEffect.name()))?;
            return Ok(Complete::InEffect);
        }
    }
    let changed = diesel::update(certificate::table.find((&done.issuer, &done.serial)))
        .filter(certificate::state.eq("reserved"))
        .set((
            certificate::state.eq("completed"),
            certificate::in_effect.eq(done.replaces.is_none()),
            certificate::tbs.eq(None::<Vec<u8>>),
            certificate::der.eq(Some(&done.der)),
            certificate::ended_at.eq(Some(done.at.as_microsecond())),
        ))
        .execute(scope.connection)?;
    if changed == 0 {
        scope.audit(&entry.refused("not-reserved"))?;
        return Ok(Complete::NotReserved);
    }
    if let Some(replaced) = &done.replaces {
        give_place(scope, done, replaced)?;
        diesel::update(certificate::table.find((&done.issuer, &done.serial)))
            .set(certificate::in_effect.eq(true))
            .execute(scope.connection)?;
    }
    scope.audit(entry)?;
    Ok(Complete::Completed)
}

/// Whether a certificate that is not to be replaced is in effect for this resident: it came into
/// effect after this one was reserved. The unique index would refuse the second one too, but
/// could not say why.
fn another_in_effect(
    connection: &mut AnyConnection,
    done: &Completion,
    resident: &[u8],
) -> QueryResult<bool> {
    let serial: Option<Vec<u8>> = certificate::table
        .filter(certificate::issuer.eq(&done.issuer))
        .filter(certificate::resident.eq(resident))
        .filter(certificate::in_effect)
        .filter(certificate::serial.ne(&done.serial))
        .select(certificate::serial)
        .first(connection)
        .optional()?;
    let replaced = done.replaces.as_ref().map(|replaced| &replaced.serial);
    Ok(serial.is_some_and(|serial| Some(&serial) != replaced))
}

/// The replaced certificate goes out of effect now, in the transaction in which the new one comes
/// into it. One that was revoked since the reservation has its record; one that ran out needs none.
fn give_place(scope: &mut Scope, done: &Completion, replaced: &Replaced) -> QueryResult<()> {
    let stands: Option<(i64, Option<String>, i32)> = certificate::table
        .find((&done.issuer, &replaced.serial))
        .filter(certificate::in_effect)
        .select((
            certificate::not_after,
            certificate::municipality,
            certificate::partition,
        ))
        .first(scope.connection)
        .optional()?;
    match stands {
        None => Ok(()),
        Some((end, ..)) if end < done.at.as_microsecond() => {
            diesel::update(certificate::table.find((&done.issuer, &replaced.serial)))
                .set(certificate::in_effect.eq(false))
                .execute(scope.connection)
                .map(drop)
        }
        Some((end, municipality, partition)) => {
            let revoked = Revoked {
                serial: replaced.serial.clone(),
                revoked_at: done.at,
                ground: replaced.ground.clone(),
                reason: Some(replaced.reason),
                not_after: convert::time(end)?,
                municipality,
                partition: convert::partition(partition)?,
            };
            revocations::end(scope.connection, &done.issuer, &revoked)?;
            scope.audit(&replaced.audit)
        }
    }
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
    let (municipality, partition, not_after) = certificate::table
        .find((issuer, serial))
        .select((
            certificate::municipality,
            certificate::partition,
            certificate::not_after,
        ))
        .first::<(Option<String>, i32, i64)>(scope.connection)?;
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
            partition: convert::partition(partition)?,
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
        // As the index says it, and not as a value: a plan for any value could not use the index.
        .filter(sql::<Bool>("state <> 'abandoned'"))
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
