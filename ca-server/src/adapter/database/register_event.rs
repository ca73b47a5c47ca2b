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
            RegisterEventRow, RegisterPositionRow, register_event, register_position,
        },
        tables::certificate,
    },
    database::AnyConnection,
};

use super::{convert, revocation as revocations, writer::Scope};
use crate::port::store::*;

/// The lock's number among the advisory locks of a database that is ours alone.
const LOCK: i64 = 5_193_172;

/// Held until the commit by each completion for a resident; any number at once.
pub fn completing(connection: &mut AnyConnection) -> QueryResult<()> {
    lock(connection, "SELECT pg_advisory_xact_lock_shared($1)")
}

/// Held until the commit by an application of events; nothing completes beside it.
fn applying(connection: &mut AnyConnection) -> QueryResult<()> {
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
        .filter(register_event::bears.eq(true))
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
    pub issuer: &'a str,
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
    let mut outcomes = Vec::with_capacity(wish.events.len());
    for event in wish.events {
        outcomes.push(apply_one(scope, wish, event)?);
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
}

fn apply_one(
    scope: &mut Scope,
    wish: &Application,
    event: &NewRegisterEvent,
) -> QueryResult<EventOutcome> {
    let effect = event.kind.effect();
    let (outcome, serial) = match (effect, event.former) {
        (Effect::Revoke(ground), _) => match in_effect(scope.connection, wish, &event.resident)? {
            Some(met) if met.identified_at <= event.recorded_at.as_microsecond() => {
                let serial = met.serial.clone();
                revoke(scope.connection, wish, met, ground)?;
                (EventOutcome::Revoked, Some(serial))
            }
            _ => (EventOutcome::Nothing, None),
        },
        (Effect::Relink, Some(former)) => relink(scope.connection, wish, event, &former)?,
        (Effect::Relink, None) | (Effect::None, _) => (EventOutcome::Nothing, None),
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
            issuer: serial.as_ref().map(|_| wish.issuer.to_owned()),
            serial: serial.clone(),
        })
        .execute(scope.connection)?;
    let mut entry = event.audit.clone();
    outcome.as_str().clone_into(&mut entry.outcome);
    if let Some(serial) = serial {
        entry.subject = format!("certificate:{}/{}", wish.issuer, hex::encode(serial));
    }
    scope.audit(&entry)?;
    Ok(outcome)
}

/// Serial, identified at, reserved at, not after, municipality.
type MetRow = (Vec<u8>, Option<i64>, i64, i64, Option<String>);

/// The certificate in effect for a resident, if it has not run out.
fn in_effect(
    connection: &mut AnyConnection,
    wish: &Application,
    resident: &[u8; 32],
) -> QueryResult<Option<Met>> {
    let row: Option<MetRow> = certificate::table
        .filter(certificate::issuer.eq(wish.issuer))
        .filter(certificate::resident.eq(resident.to_vec()))
        .filter(certificate::in_effect.eq(true))
        .filter(certificate::not_after.ge(wish.at.as_microsecond()))
        .select((
            certificate::serial,
            certificate::identified_at,
            certificate::reserved_at,
            certificate::not_after,
            certificate::municipality,
        ))
        .first(connection)
        .optional()?;
    Ok(row.map(
        |(serial, identified_at, reserved_at, not_after, municipality)| Met {
            serial,
            identified_at: identified_at.unwrap_or(reserved_at),
            not_after,
            municipality,
        },
    ))
}

fn revoke(
    connection: &mut AnyConnection,
    wish: &Application,
    met: Met,
    ground: pki_core::revocation::Ground,
) -> QueryResult<()> {
    let revoked = Revoked {
        not_after: convert::time(met.not_after)?,
        municipality: met.municipality,
        serial: met.serial,
        revoked_at: wish.at,
        ground: ground.as_str().to_owned(),
        reason: Some(ground.reason_code()),
    };
    revocations::end(connection, wish.issuer, &revoked)
}

/// Everything of the former number becomes the new number's. Where a newer certificate is in
/// effect there already, the holder has gone over to it.
fn relink(
    connection: &mut AnyConnection,
    wish: &Application,
    event: &NewRegisterEvent,
    former: &[u8; 32],
) -> QueryResult<(EventOutcome, Option<Vec<u8>>)> {
    // What is over goes along, for whoever asks later what was recorded about him (Art 29).
    diesel::update(certificate::table)
        .filter(certificate::issuer.eq(wish.issuer))
        .filter(certificate::resident.eq(former.to_vec()))
        .filter(certificate::in_effect.eq(false))
        .filter(certificate::state.eq("completed"))
        .set(certificate::resident.eq(Some(event.resident.to_vec())))
        .execute(connection)?;
    let Some(met) = in_effect(connection, wish, former)? else {
        return Ok((EventOutcome::Nothing, None));
    };
    let serial = met.serial.clone();
    if in_effect(connection, wish, &event.resident)?.is_some() {
        let ground = pki_core::revocation::Ground::Article9Renewal;
        revoke(connection, wish, met, ground)?;
        belongs(connection, wish, &serial, &event.resident)?;
        return Ok((EventOutcome::Superseded, Some(serial)));
    }
    // One that ran out under the new number keeps its flag until somebody looks.
    diesel::update(certificate::table)
        .filter(certificate::issuer.eq(wish.issuer))
        .filter(certificate::resident.eq(event.resident.to_vec()))
        .filter(certificate::in_effect.eq(true))
        .set(certificate::in_effect.eq(false))
        .execute(connection)?;
    belongs(connection, wish, &serial, &event.resident)?;
    Ok((EventOutcome::Relinked, Some(serial)))
}

fn belongs(
    connection: &mut AnyConnection,
    wish: &Application,
    serial: &[u8],
    resident: &[u8; 32],
) -> QueryResult<()> {
    diesel::update(certificate::table.find((wish.issuer, serial)))
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
    let rows: Vec<RegisterEventRow> = register_event::table
        .filter(register_event::municipality.eq(municipality))
        .filter(register_event::sequence.gt(convert::signed(since)))
        .filter(register_event::outcome.eq(EventOutcome::Revoked.as_str()))
        .order(register_event::sequence)
        .limit(limit.into())
        .select(RegisterEventRow::as_select())
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(ToldRevocation {
                sequence: convert::count(row.sequence)?,
                serial: row.serial.ok_or_else(|| convert::foreign("event"))?,
                kind: row
                    .kind
                    .parse::<RegisterEventKind>()
                    .map_err(|_| convert::foreign("event kind"))?,
                recorded_at: convert::time(row.recorded_at)?,
                revoked_at: convert::time(row.applied_at)?,
            })
        })
        .collect()
}
