//! Batches of the register that the brake held. Whoever applies a batch looks here in the same
//! transaction ([`stopped`]), so that none is applied that another node held.

use std::collections::BTreeMap;

use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::revocation::{
    register_brake::{Met, RegisterStanding},
    register_event::RegisterEventKind,
};
use schema::{
    ca::{
        register_event::{register_event, register_event_also},
        register_hold::{RegisterHoldRow, register_hold},
        tables::certificate,
    },
    database::AnyConnection,
};

use super::{Database, convert, register_event as events, writer::Scope};
use crate::port::{register_hold::*, store::*};

/// Residents asked for in one query.
const TOGETHER: usize = 500;

impl RegisterHolds for Database {
    fn certificates_met(
        &self,
        issuers: &[String],
        residents: &[[u8; 32]],
        at: Timestamp,
    ) -> Result<Vec<Met>, StoreError> {
        self.read(|connection| {
            let mut met = Vec::new();
            for some in residents.chunks(TOGETHER) {
                met.extend(met_of(connection, issuers, some, at)?);
            }
            Ok(met)
        })
    }

    fn register_standing(
        &self,
        issuers: &[String],
        municipality: &str,
        places: &[String],
        since: Timestamp,
        at: Timestamp,
    ) -> Result<RegisterStanding, StoreError> {
        self.read(|connection| {
            let in_effect: i64 = certificate::table
                .filter(certificate::issuer.eq_any(issuers))
                .filter(certificate::municipality.eq_any(places.iter().map(Some)))
                .filter(certificate::in_effect)
                .filter(certificate::not_after.ge(at.as_microsecond()))
                .count()
                .get_result(connection)?;
            Ok(RegisterStanding {
                in_effect: convert::count(in_effect)?,
                ended_today: ended(connection, municipality, since)?,
            })
        })
    }

    fn hold_register_batch(
        &self,
        before: &RegisterPosition,
        hold: Hold,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let before = before.clone();
        self.write("hold_register_batch", move |scope| {
            put(scope, &before, &hold, &audit)
        })
    }

    fn register_hold(&self, name: &BatchName) -> Result<Option<Hold>, StoreError> {
        self.read(|connection| find(connection, name))
    }

    fn register_holds(&self, limit: u32) -> Result<Vec<Hold>, StoreError> {
        self.read(|connection| {
            register_hold::table
                .select(RegisterHoldRow::as_select())
                .order((
                    register_hold::held_at.desc(),
                    register_hold::municipality,
                    register_hold::batch.desc(),
                    register_hold::batch_sha256,
                ))
                .limit(limit.into())
                .load(connection)?
                .into_iter()
                .map(read)
                .collect()
        })
    }
}

/// Issuer, resident, identified at, reserved at.
type MetRow = (String, Option<Vec<u8>>, Option<i64>, i64);

fn met_of(
    connection: &mut AnyConnection,
    issuers: &[String],
    residents: &[[u8; 32]],
    at: Timestamp,
) -> QueryResult<Vec<Met>> {
    let rows: Vec<MetRow> = certificate::table
        .filter(certificate::issuer.eq_any(issuers))
        .filter(certificate::resident.eq_any(residents.iter().map(|hash| Some(hash.as_slice()))))
        .filter(certificate::in_effect)
        .filter(certificate::not_after.ge(at.as_microsecond()))
        .select((
            certificate::issuer,
            certificate::resident,
            certificate::identified_at,
            certificate::reserved_at,
        ))
        .load(connection)?;
    rows.into_iter()
        .map(|(issuer, resident, identified_at, reserved_at)| {
            Ok(Met {
                issuer,
                resident: convert::digest(&resident.unwrap_or_default())?,
                identified_at: convert::time(identified_at.unwrap_or(reserved_at))?,
            })
        })
        .collect()
}

/// What a municipality's events ended since then, without batches that officers released.
fn ended(connection: &mut AnyConnection, municipality: &str, since: Timestamp) -> QueryResult<u64> {
    let ends = [EventOutcome::Revoked, EventOutcome::Superseded].map(EventOutcome::as_str);
    let released: Vec<(i64, i64)> = register_hold::table
        .filter(register_hold::municipality.eq(municipality))
        .filter(register_hold::state.eq(HoldState::Applied.as_str()))
        .select((register_hold::first_sequence, register_hold::last_sequence))
        .load(connection)?;
    let counts = |sequence: &i64| {
        !released
            .iter()
            .any(|(first, last)| (first..=last).contains(&sequence))
    };
    let first: Vec<i64> = register_event::table
        .filter(register_event::municipality.eq(municipality))
        .filter(register_event::applied_at.ge(since.as_microsecond()))
        .filter(register_event::outcome.eq_any(ends))
        .order(register_event::sequence)
        .select(register_event::sequence)
        .load(connection)?;
    // Certificates of further issuers that the same events ended.
    let also: Vec<i64> = match first.first() {
        None => Vec::new(),
        Some(earliest) => register_event_also::table
            .filter(register_event_also::municipality.eq(municipality))
            .filter(register_event_also::sequence.ge(earliest))
            .filter(register_event_also::outcome.eq_any(ends))
            .select(register_event_also::sequence)
            .load(connection)?,
    };
    Ok(first.iter().chain(&also).filter(|at| counts(at)).count() as u64)
}

fn put(
    scope: &mut Scope,
    before: &RegisterPosition,
    hold: &Hold,
    entry: &AuditEntry,
) -> QueryResult<bool> {
    events::applying(scope.connection)?;
    if events::position(scope.connection, &hold.name.municipality)? != *before
        || find(scope.connection, &hold.name)?.is_some()
    {
        return Ok(false);
    }
    diesel::insert_into(register_hold::table)
        .values(&row(hold))
        .execute(scope.connection)?;
    scope.audit(entry)?;
    Ok(true)
}

fn find(connection: &mut AnyConnection, name: &BatchName) -> QueryResult<Option<Hold>> {
    register_hold::table
        .find((
            name.municipality.as_str(),
            convert::signed(name.batch),
            name.sha256.as_slice(),
        ))
        .select(RegisterHoldRow::as_select())
        .first(connection)
        .optional()?
        .map(read)
        .transpose()
}

/// Whether a batch may not be applied; one that was released counts as applied from now on.
pub fn stopped(connection: &mut AnyConnection, name: &BatchName) -> QueryResult<bool> {
    let Some(hold) = find(connection, name)? else {
        return Ok(false);
    };
    match hold.state {
        HoldState::Held | HoldState::Refused => Ok(true),
        HoldState::Applied => Ok(false),
        HoldState::Released => {
            set(
                connection,
                name,
                &[HoldState::Released],
                HoldState::Applied,
                None,
            )?;
            Ok(false)
        }
    }
}

/// What an officer decided, without the caller's audit row; `false` when it is too late for it.
pub fn decide(scope: &mut Scope, decision: &HoldDecision) -> QueryResult<bool> {
    events::applying(scope.connection)?;
    let name = &decision.name;
    let position = events::position(scope.connection, &name.municipality)?;
    if position.batch >= name.batch {
        return Ok(false);
    }
    let from: &[HoldState] = match decision.to {
        HoldState::Released => &[HoldState::Held, HoldState::Refused],
        HoldState::Refused => &[HoldState::Held],
        HoldState::Held | HoldState::Applied => &[],
    };
    let decided = Some((decision.by.as_str(), decision.at));
    set(scope.connection, name, from, decision.to, decided)
}

fn set(
    connection: &mut AnyConnection,
    name: &BatchName,
    from: &[HoldState],
    to: HoldState,
    decided: Option<(&str, Timestamp)>,
) -> QueryResult<bool> {
    let row = register_hold::table
        .find((
            name.municipality.as_str(),
            convert::signed(name.batch),
            name.sha256.as_slice(),
        ))
        .filter(register_hold::state.eq_any(from.iter().map(|state| state.as_str())));
    let changed = match decided {
        None => diesel::update(row)
            .set(register_hold::state.eq(to.as_str()))
            .execute(connection)?,
        Some((by, at)) => diesel::update(row)
            .set((
                register_hold::state.eq(to.as_str()),
                register_hold::decided_by.eq(Some(by)),
                register_hold::decided_at.eq(Some(at.as_microsecond())),
            ))
            .execute(connection)?,
    };
    Ok(changed == 1)
}

fn row(hold: &Hold) -> RegisterHoldRow {
    let kinds: BTreeMap<&str, u64> = hold
        .kinds
        .iter()
        .map(|(kind, count)| (kind.as_str(), *count))
        .collect();
    RegisterHoldRow {
        municipality: hold.name.municipality.clone(),
        batch: convert::signed(hold.name.batch),
        batch_sha256: hold.name.sha256.to_vec(),
        first_sequence: convert::signed(hold.first_sequence),
        last_sequence: convert::signed(hold.last_sequence),
        kinds: serde_json::json!(kinds).to_string(),
        ends: convert::signed(hold.ends),
        in_effect: convert::signed(hold.standing.in_effect),
        ended_today: convert::signed(hold.standing.ended_today),
        allowed: convert::signed(hold.allowed),
        state: hold.state.as_str().to_owned(),
        held_at: hold.held_at.as_microsecond(),
        decided_by: hold.decided.as_ref().map(|(by, _)| by.clone()),
        decided_at: hold.decided.as_ref().map(|(_, at)| at.as_microsecond()),
    }
}

fn read(row: RegisterHoldRow) -> QueryResult<Hold> {
    let kinds: BTreeMap<String, u64> =
        serde_json::from_str(&row.kinds).map_err(|_| convert::foreign("count of events"))?;
    let kinds = kinds
        .into_iter()
        .map(|(kind, count)| {
            let kind: RegisterEventKind =
                kind.parse().map_err(|_| convert::foreign("event kind"))?;
            Ok((kind, count))
        })
        .collect::<QueryResult<_>>()?;
    let decided = match (row.decided_by, row.decided_at) {
        (Some(by), Some(at)) => Some((by, convert::time(at)?)),
        _ => None,
    };
    Ok(Hold {
        name: BatchName {
            municipality: row.municipality,
            batch: convert::count(row.batch)?,
            sha256: convert::digest(&row.batch_sha256)?,
        },
        first_sequence: convert::count(row.first_sequence)?,
        last_sequence: convert::count(row.last_sequence)?,
        kinds,
        ends: convert::count(row.ends)?,
        standing: RegisterStanding {
            in_effect: convert::count(row.in_effect)?,
            ended_today: convert::count(row.ended_today)?,
        },
        allowed: convert::count(row.allowed)?,
        state: HoldState::of(&row.state).ok_or_else(|| convert::foreign("state"))?,
        held_at: convert::time(row.held_at)?,
        decided,
    })
}
