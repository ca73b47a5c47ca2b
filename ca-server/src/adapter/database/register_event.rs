//! Events of the resident register, each applied once.
//!
//! An event and the completion of a certificate for the same resident must not pass each other
//! unseen: whichever commits second has to see the first. SQLite has one writer; on PostgreSQL
//! completions share a lock that an application of events takes for itself ([`completing`],
//! [`applying`]).

use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::revocation::register_event::{Effect, RegisterEventKind};
use schema::{
    ca::{
        register_event::{
            RegisterEventAlsoRow, RegisterEventRow, RegisterPositionRow, register_event,
            register_event_also, register_position,
        },
        tables::certificate,
    },
    database::AnyConnection,
};

use super::{convert, register_hold as holds, revocation as revocations, writer::Scope};
use crate::port::{register_hold::BatchName, store::*};

/// The lock's number among the advisory locks of a database that is ours alone.
const LOCK: i64 = 5_193_172;

/// Begins a transaction on PostgreSQL that holds the lock of [`completing`].
pub const BEGIN_COMPLETING: &str = "BEGIN; SELECT pg_advisory_xact_lock_shared(5193172)";

/// Held until the commit by each completion for a resident; any number at once.
pub fn completing(connection: &mut AnyConnection) -> QueryResult<()> {
    lock(connection, "SELECT pg_advisory_xact_lock_shared($1)")
}

/// Held until the commit by an application of events; nothing completes beside it.
pub fn applying(connection: &mut AnyConnection) -> QueryResult<()> {
    lock(connection, "SELECT pg_advisory_xact_lock($1)")
}

fn lock(connection: &mut AnyConnection, statement: &str) -> QueryResult<()> {
    match connection {
        AnyConnection::Sqlite(_) => Ok(()),
        AnyConnection::Postgres(connection) => diesel::sql_query(statement)
            .bind::<diesel::sql_types::BigInt, _>(LOCK)
            .execute(connection)
            .map(drop),
    }
}

/// Whether an event that bears on the resident's certificates came when he was identified or
/// later.
pub fn changed_since(
    connection: &mut AnyConnection,
    resident: &[u8],
    identified_at: i64,
) -> QueryResult<bool> {
    let count: i64 = register_event::table
        .filter(register_event::bears)
        .filter(
            register_event::resident
                .eq(resident)
                .or(register_event::former.eq(Some(resident))),
        )
        .filter(register_event::recorded_at.ge(identified_at))
        .count()
        .get_result(connection)?;
    Ok(count > 0)
}

pub struct Application<'a> {
    /// Whose certificates an event may meet.
    pub issuers: &'a [String],
    pub municipality: &'a str,
    pub before: &'a RegisterPosition,
    pub after: &'a RegisterPosition,
    pub events: &'a [NewRegisterEvent],
    pub at: Timestamp,
}

pub fn apply(scope: &mut Scope, wish: &Application) -> QueryResult<AppliedEvents> {
    applying(scope.connection)?;
    if position(scope.connection, wish.municipality)? != *wish.before {
        return Ok(AppliedEvents::Moved);
    }
    let name = BatchName {
        municipality: wish.municipality.to_owned(),
        batch: wish.after.batch,
        sha256: wish.after.batch_sha256,
    };
    if holds::stopped(scope.connection, &name)? {
        return Ok(AppliedEvents::Moved);
    }
    let mut outcomes = Vec::with_capacity(wish.events.len());
    for event in wish.events {
        outcomes.extend(apply_one(scope, wish, event)?);
    }
    put_position(scope.connection, wish.municipality, wish.after, wish.at)?;
    Ok(AppliedEvents::Applied(outcomes))
}

/// A certificate that an event may meet.
struct Met {
    serial: Vec<u8>,
    identified_at: i64,
    not_after: i64,
    municipality: Option<String>,
    partition: i32,
}

fn apply_one(
    scope: &mut Scope,
    wish: &Application,
    event: &NewRegisterEvent,
) -> QueryResult<Vec<EventOutcome>> {
    let effect = event.kind.effect();
    let mut all_met = Vec::with_capacity(wish.issuers.len());
    for issuer in wish.issuers {
        let of = Of {
            issuer,
            at: wish.at,
        };
        let met = match (effect, event.former) {
            (Effect::Revoke(ground), _) => revoke_older(scope.connection, &of, event, ground)?,
            (Effect::Relink, Some(former)) => relink(scope.connection, &of, event, &former)?,
            (Effect::Relink, None) | (Effect::None, _) => None,
        };
        all_met.extend(met.map(|(outcome, serial)| (issuer, outcome, serial)));
    }
    let mut all_met = all_met.into_iter();
    // The first stands in the event's own row and audit row.
    let (outcome, first) = match all_met.next() {
        Some((issuer, outcome, serial)) => (outcome, Some((issuer, serial))),
        None => (EventOutcome::Nothing, None),
    };
    diesel::insert_into(register_event::table)
        .values(&RegisterEventRow {
            municipality: wish.municipality.to_owned(),
            sequence: convert::signed(event.sequence),
            kind: event.kind.as_str().to_owned(),
            resident: event.resident.to_vec(),
            former: event.former.map(|hash| hash.to_vec()),
            bears: effect != Effect::None,
            recorded_at: event.recorded_at.as_microsecond(),
            applied_at: wish.at.as_microsecond(),
            outcome: outcome.as_str().to_owned(),
            issuer: first.as_ref().map(|(issuer, _)| (*issuer).clone()),
            serial: first.as_ref().map(|(_, serial)| serial.clone()),
        })
        .execute(scope.connection)?;
    let entry = |outcome: EventOutcome, met: Option<(&String, &Vec<u8>)>| {
        let mut entry = event.audit.clone();
        outcome.as_str().clone_into(&mut entry.outcome);
        if let Some((issuer, serial)) = met {
            entry.subject = format!("certificate:{issuer}/{}", hex::encode(serial));
        }
        entry
    };
    let named = first.as_ref().map(|(issuer, serial)| (*issuer, serial));
    scope.audit(&entry(outcome, named))?;
    let mut outcomes = vec![outcome];
    for (issuer, outcome, serial) in all_met {
        scope.audit(&entry(outcome, Some((issuer, &serial))))?;
        diesel::insert_into(register_event_also::table)
            .values(&RegisterEventAlsoRow {
                municipality: wish.municipality.to_owned(),
                sequence: convert::signed(event.sequence),
                issuer: issuer.clone(),
                serial,
                outcome: outcome.as_str().to_owned(),
            })
            .execute(scope.connection)?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Certificates of which issuer an event looks for, and when it is applied.
struct Of<'a> {
    issuer: &'a str,
    at: Timestamp,
}

/// Revokes the certificate that rests on the register from before the event.
fn revoke_older(
    connection: &mut AnyConnection,
    of: &Of,
    event: &NewRegisterEvent,
    ground: pki_core::revocation::Ground,
) -> QueryResult<Option<(EventOutcome, Vec<u8>)>> {
    match in_effect(connection, of, &event.resident)? {
        Some(met) if met.identified_at <= event.recorded_at.as_microsecond() => {
            let serial = met.serial.clone();
            revoke(connection, of, met, ground)?;
            Ok(Some((EventOutcome::Revoked, serial)))
        }
        _ => Ok(None),
    }
}

/// Serial, identified at, reserved at, not after, municipality, partition.
type MetRow = (Vec<u8>, Option<i64>, i64, i64, Option<String>, i32);

/// The certificate in effect for a resident, if it has not run out.
fn in_effect(
    connection: &mut AnyConnection,
    of: &Of,
    resident: &[u8; 32],
) -> QueryResult<Option<Met>> {
    let row: Option<MetRow> = certificate::table
        .filter(certificate::issuer.eq(of.issuer))
        .filter(certificate::resident.eq(resident.to_vec()))
        .filter(certificate::in_effect)
        .filter(certificate::not_after.ge(of.at.as_microsecond()))
        .select((
            certificate::serial,
            certificate::identified_at,
            certificate::reserved_at,
            certificate::not_after,
            certificate::municipality,
            certificate::partition,
        ))
        .first(connection)
        .optional()?;
    Ok(row.map(
        |(serial, identified_at, reserved_at, not_after, municipality, partition)| Met {
            serial,
            identified_at: identified_at.unwrap_or(reserved_at),
            not_after,
            municipality,
            partition,
        },
    ))
}

fn revoke(
    connection: &mut AnyConnection,
    of: &Of,
    met: Met,
    ground: pki_core::revocation::Ground,
) -> QueryResult<()> {
    let revoked = Revoked {
        not_after: convert::time(met.not_after)?,
        municipality: met.municipality,
        partition: convert::partition(met.partition)?,
        serial: met.serial,
        revoked_at: of.at,
        ground: ground.as_str().to_owned(),
        reason: Some(ground.reason_code()),
    };
    revocations::end(connection, of.issuer, &revoked)
}

/// Everything of the former number becomes the new number's. Where a newer certificate is in
/// effect there already, the holder has gone over to it.
fn relink(
    connection: &mut AnyConnection,
    of: &Of,
    event: &NewRegisterEvent,
    former: &[u8; 32],
) -> QueryResult<Option<(EventOutcome, Vec<u8>)>> {
    // What is over goes along, for whoever asks later what was recorded about him (Art 29).
    diesel::update(certificate::table)
        .filter(certificate::issuer.eq(of.issuer))
        .filter(certificate::resident.eq(former.to_vec()))
        .filter(certificate::in_effect.eq(false))
        .filter(certificate::state.eq("completed"))
        .set(certificate::resident.eq(Some(event.resident.to_vec())))
        .execute(connection)?;
    let Some(met) = in_effect(connection, of, former)? else {
        return Ok(None);
    };
    let serial = met.serial.clone();
    if in_effect(connection, of, &event.resident)?.is_some() {
        let ground = pki_core::revocation::Ground::Article9Renewal;
        revoke(connection, of, met, ground)?;
        belongs(connection, of, &serial, &event.resident)?;
        return Ok(Some((EventOutcome::Superseded, serial)));
    }
    // One that ran out under the new number keeps its flag until somebody looks.
    diesel::update(certificate::table)
        .filter(certificate::issuer.eq(of.issuer))
        .filter(certificate::resident.eq(event.resident.to_vec()))
        .filter(certificate::in_effect)
        .set(certificate::in_effect.eq(false))
        .execute(connection)?;
    belongs(connection, of, &serial, &event.resident)?;
    Ok(Some((EventOutcome::Relinked, serial)))
}

fn belongs(
    connection: &mut AnyConnection,
    of: &Of,
    serial: &[u8],
    resident: &[u8; 32],
) -> QueryResult<()> {
    diesel::update(certificate::table.find((of.issuer, serial)))
        .set(certificate::resident.eq(Some(resident.to_vec())))
        .execute(connection)
        .map(drop)
}

pub fn position(
    connection: &mut AnyConnection,
    municipality: &str,
) -> QueryResult<RegisterPosition> {
    let row = register_position::table
        .find(municipality)
        .select(RegisterPositionRow::as_select())
        .first(connection)
        .optional()?;
    let Some(row) = row else {
        return Ok(RegisterPosition::default());
    };
    Ok(RegisterPosition {
        batch: convert::count(row.batch)?,
        batch_sha256: convert::digest(&row.batch_sha256)?,
        complete: row.complete,
        sequence: convert::count(row.sequence)?,
        trouble: row.trouble,
    })
}

fn put_position(
    connection: &mut AnyConnection,
    municipality: &str,
    position: &RegisterPosition,
    at: Timestamp,
) -> QueryResult<()> {
    diesel::delete(register_position::table.find(municipality)).execute(connection)?;
    diesel::insert_into(register_position::table)
        .values(&RegisterPositionRow {
            municipality: municipality.to_owned(),
            batch: convert::signed(position.batch),
            batch_sha256: position.batch_sha256.to_vec(),
            complete: position.complete,
            sequence: convert::signed(position.sequence),
            trouble: position.trouble.clone(),
            changed_at: at.as_microsecond(),
        })
        .execute(connection)?;
    Ok(())
}

pub fn set_trouble(
    scope: &mut Scope,
    municipality: &str,
    trouble: Option<&str>,
    at: Timestamp,
    entry: &AuditEntry,
) -> QueryResult<bool> {
    applying(scope.connection)?;
    let before = position(scope.connection, municipality)?;
    if before.trouble.as_deref() == trouble {
        return Ok(false);
    }
    let after = RegisterPosition {
        trouble: trouble.map(str::to_owned),
        ..before
    };
    put_position(scope.connection, municipality, &after, at)?;
    scope.audit(entry)?;
    Ok(true)
}

pub fn revocations(
    connection: &mut AnyConnection,
    municipality: &str,
    since: u64,
    limit: u32,
) -> QueryResult<Vec<ToldRevocation>> {
    let revoked = EventOutcome::Revoked.as_str();
    // A further certificate is only ever revoked beside a first one by the same event, so that a
    // page which ends with an event holds all that it revoked.
    let rows: Vec<RegisterEventRow> = register_event::table
        .filter(register_event::municipality.eq(municipality))
        .filter(register_event::sequence.gt(convert::signed(since)))
        .filter(register_event::outcome.eq(revoked))
        .order(register_event::sequence)
        .limit(limit.into())
        .select(RegisterEventRow::as_select())
        .load(connection)?;
    let also: Vec<RegisterEventAlsoRow> = register_event_also::table
        .filter(register_event_also::municipality.eq(municipality))
        .filter(register_event_also::sequence.gt(convert::signed(since)))
        .filter(register_event_also::sequence.le(rows.last().map_or(0, |row| row.sequence)))
        .filter(register_event_also::outcome.eq(revoked))
        .order((register_event_also::sequence, register_event_also::issuer))
        .select(RegisterEventAlsoRow::as_select())
        .load(connection)?;
    let mut told = Vec::with_capacity(rows.len() + also.len());
    for row in rows {
        let sequence = row.sequence;
        let first = ToldRevocation {
            sequence: convert::count(sequence)?,
            serial: row.serial.ok_or_else(|| convert::foreign("event"))?,
            kind: row
                .kind
                .parse::<RegisterEventKind>()
                .map_err(|_| convert::foreign("event kind"))?,
            recorded_at: convert::time(row.recorded_at)?,
            revoked_at: convert::time(row.applied_at)?,
        };
        let further = also
            .iter()
            .filter(|also| also.sequence == sequence)
            .map(|also| ToldRevocation {
                serial: also.serial.clone(),
                ..first.clone()
            });
        told.extend(std::iter::once(first.clone()).chain(further));
    }
    Ok(told)
}
