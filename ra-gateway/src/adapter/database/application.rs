//! Applications and what changes together with them.

use diesel::prelude::*;
use pki_core::{
    id::{ApplicationId, CardId, IdempotencyKey},
    person::municipality::MunicipalityCode,
};
use schema::{
    database::AnyConnection,
    ra::{
        rows::{ApplicationRow, BreakerRow, VisitRow},
        tables::{application, breaker, visit},
    },
};

use super::{Fault, all, approval, digest, micros, notice, parsed, statistics, time, upkeep};
use crate::port::{Change, Effect, Index, StoreError, StoredApplication};

pub(super) fn from_row(row: ApplicationRow) -> Result<StoredApplication, StoreError> {
    const WHAT: &str = "application";
    Ok(StoredApplication {
        id: parsed(&row.id, WHAT)?,
        municipality: parsed(&row.municipality, WHAT)?,
        receive_key: parsed(&row.receive_key, WHAT)?,
        step: row.step,
        open: row.open,
        version: row
            .version
            .try_into()
            .map_err(|_| StoreError::Unreadable(WHAT))?,
        terminal: parsed(&row.terminal, WHAT)?,
        operator: parsed(&row.operator, WHAT)?,
        received_at: time(row.received_at)?,
        changed_at: time(row.changed_at)?,
        index: Index {
            resident_hash: row.resident_hash.as_deref().map(digest).transpose()?,
            visit: row.visit.map(|id| parsed(&id, WHAT)).transpose()?,
            spki_sha256: row.spki_sha256.as_deref().map(digest).transpose()?,
            issue_key: row.issue_key.map(|id| parsed(&id, WHAT)).transpose()?,
            serial: row.serial,
        },
        sealed: row.sealed,
    })
}

pub(super) fn by_receive_key(
    connection: &mut AnyConnection,
    key: &IdempotencyKey,
) -> Result<Option<StoredApplication>, Fault> {
    application::table
        .filter(application::receive_key.eq(key.to_string()))
        .select(ApplicationRow::as_select())
        .first(connection)
        .optional()?
        .map(from_row)
        .transpose()
        .map_err(Fault::from)
}

pub(super) fn insert(connection: &mut AnyConnection, new: &StoredApplication) -> Result<(), Fault> {
    let version = i64::try_from(new.version).map_err(|_| StoreError::Unreadable("version"))?;
    diesel::insert_into(application::table)
        .values(&ApplicationRow {
            id: new.id.to_string(),
            municipality: new.municipality.to_string(),
            receive_key: new.receive_key.to_string(),
            step: new.step.clone(),
            open: new.open,
            version,
            terminal: new.terminal.to_string(),
            operator: new.operator.to_string(),
            received_at: micros(new.received_at),
            changed_at: micros(new.changed_at),
            resident_hash: new.index.resident_hash.map(|hash| hash.to_vec()),
            visit: new.index.visit.map(|id| id.to_string()),
            spki_sha256: new.index.spki_sha256.map(|hash| hash.to_vec()),
            issue_key: new.index.issue_key.map(|id| id.to_string()),
            serial: new.index.serial.clone(),
            sealed: new.sealed.clone(),
        })
        .execute(connection)?;
    Ok(())
}

pub(super) fn find(
    connection: &mut AnyConnection,
    id: &ApplicationId,
    municipality: &MunicipalityCode,
) -> Result<Option<StoredApplication>, Fault> {
    application::table
        .find(id.to_string())
        .filter(application::municipality.eq(municipality.to_string()))
        .select(ApplicationRow::as_select())
        .first(connection)
        .optional()?
        .map(from_row)
        .transpose()
        .map_err(Fault::from)
}

pub(super) fn of_serial(
    connection: &mut AnyConnection,
    serial: &str,
    municipality: &MunicipalityCode,
) -> Result<Option<StoredApplication>, Fault> {
    application::table
        .filter(application::serial.eq(serial))
        .filter(application::municipality.eq(municipality.to_string()))
        .select(ApplicationRow::as_select())
        .first(connection)
        .optional()?
        .map(from_row)
        .transpose()
        .map_err(Fault::from)
}

pub(super) fn certified_beside(
    connection: &mut AnyConnection,
    beside: &StoredApplication,
    card: &CardId,
) -> Result<Vec<StoredApplication>, Fault> {
    let others = application::table
        .filter(application::id.ne(beside.id.to_string()))
        .filter(application::serial.is_not_null());
    let mut found = Vec::new();
    if let Some(resident) = beside.index.resident_hash {
        found = others
            .clone()
            .filter(application::municipality.eq(beside.municipality.to_string()))
            .filter(application::resident_hash.eq(resident.to_vec()))
            .select(ApplicationRow::as_select())
            .load(connection)?;
    }
    let visits: Vec<String> = visit::table
        .filter(visit::card.eq(card.to_string()))
        .select(visit::id)
        .load(connection)?;
    found.extend(
        others
            .filter(application::visit.eq_any(visits))
            .select(ApplicationRow::as_select())
            .load::<ApplicationRow>(connection)?,
    );
    all(found, from_row)
}

pub(super) fn list(
    connection: &mut AnyConnection,
    municipality: &MunicipalityCode,
    open_only: bool,
    limit: u32,
) -> Result<Vec<StoredApplication>, Fault> {
    // Both values of `open` are named so that one query and one index serve both wishes.
    let wanted = if open_only {
        vec![true]
    } else {
        vec![true, false]
    };
    let mut rows: Vec<ApplicationRow> = Vec::new();
    for open in wanted {
        rows.extend(
            application::table
                .filter(application::municipality.eq(municipality.to_string()))
                .filter(application::open.eq(open))
                .order(application::received_at.desc())
                .limit(i64::from(limit))
                .select(ApplicationRow::as_select())
                .load::<ApplicationRow>(connection)?,
        );
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.received_at));
    rows.truncate(limit as usize);
    all(rows, from_row)
}

/// Changes the application only if it is still at the version that was read.
pub(super) fn advance(connection: &mut AnyConnection, change: &Change) -> Result<(), Fault> {
    let expected = i64::try_from(change.expected).map_err(|_| Fault::Stale)?;
    let changed = diesel::update(
        application::table
            .find(change.id.to_string())
            .filter(application::municipality.eq(change.municipality.to_string()))
            .filter(application::version.eq(expected)),
    )
    .set((
        application::step.eq(&change.step),
        application::open.eq(change.open),
        application::version.eq(expected + 1),
        application::changed_at.eq(micros(change.now)),
        application::resident_hash.eq(change.index.resident_hash.map(|hash| hash.to_vec())),
        application::visit.eq(change.index.visit.map(|id| id.to_string())),
        application::spki_sha256.eq(change.index.spki_sha256.map(|hash| hash.to_vec())),
        application::issue_key.eq(change.index.issue_key.map(|id| id.to_string())),
        application::serial.eq(&change.index.serial),
        application::sealed.eq(&change.sealed),
    ))
    .execute(connection)?;
    if changed != 1 {
        return Err(Fault::Stale);
    }
    for effect in &change.effects {
        write_effect(connection, change, effect)?;
    }
    Ok(())
}

fn write_effect(
    connection: &mut AnyConnection,
    change: &Change,
    effect: &Effect,
) -> Result<(), Fault> {
    match effect {
        Effect::OpenVisit {
            visit: id,
            card,
            kiosk,
        } => {
            diesel::insert_into(visit::table)
                .values(&VisitRow {
                    id: id.to_string(),
                    application: change.id.to_string(),
                    card: card.to_string(),
                    kiosk: kiosk.to_string(),
                    opened_at: micros(change.now),
                })
                .execute(connection)?;
        }
        Effect::KeepKioskRecord(record) => {
            upkeep::keep_kiosk_record(connection, record)?;
        }
        Effect::Count(event) => {
            statistics::count(
                connection,
                &change.id,
                &change.municipality,
                *event,
                change.now,
            )?;
        }
        Effect::SpendApproval { approval, by } => {
            approval::spend(connection, approval, by, change.now)?;
        }
        Effect::NoteCheckCode(code) => notice::note_check_code(connection, &change.id, code)?,
        Effect::TripBreaker {
            id,
            serial,
            terminal,
            operator,
        } => {
            diesel::insert_into(breaker::table)
                .values(&BreakerRow {
                    id: id.clone(),
                    tripped_at: micros(change.now),
                    application: change.id.to_string(),
                    serial: serial.clone(),
                    terminal: terminal.to_string(),
                    operator: operator.to_string(),
                    released_at: None,
                    released_by: None,
                    reason: None,
                    proof: None,
                })
                .execute(connection)?;
        }
    }
    Ok(())
}
