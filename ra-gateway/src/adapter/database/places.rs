//! Files of places, extended hours, shift changes.

use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{calendar::JapaneseDay, id::TerminalId, person::municipality::MunicipalityCode};
use schema::{
    database::AnyConnection,
    ra::{
        place::{
            OpeningExtensionRow, PlacesRow, ShiftChangeRow, opening_extension, places, shift_change,
        },
        tables::application,
    },
};

use super::{Database, Fault, micros, parsed, time};
use crate::port::{AuditEntry, Extension, LoadedPlaces, Office, ShiftChange, StoreError};

fn load(connection: &mut AnyConnection, new: &LoadedPlaces) -> Result<bool, Fault> {
    let known: i64 = places::table
        .filter(places::version.eq(&new.version))
        .count()
        .get_result(connection)?;
    if known > 0 {
        return Ok(false);
    }
    let last: Option<i64> = places::table
        .select(places::number)
        .order(places::number.desc())
        .first(connection)
        .optional()?;
    diesel::insert_into(places::table)
        .values(&PlacesRow {
            number: last.unwrap_or(0) + 1,
            version: new.version.clone(),
            file: new.file.clone(),
            loaded_by: new.by.clone(),
            loaded_at: micros(new.at),
        })
        .execute(connection)?;
    Ok(true)
}

fn last_shift(
    connection: &mut AnyConnection,
    terminal: &TerminalId,
) -> Result<Option<ShiftChangeRow>, Fault> {
    Ok(shift_change::table
        .filter(shift_change::terminal.eq(terminal.to_string()))
        .order(shift_change::at.desc())
        .select(ShiftChangeRow::as_select())
        .first(connection)
        .optional()?)
}

fn from_row(row: ShiftChangeRow) -> Result<ShiftChange, StoreError> {
    const WHAT: &str = "shift change";
    Ok(ShiftChange {
        id: row.id,
        municipality: parsed(&row.municipality, WHAT)?,
        terminal: parsed(&row.terminal, WHAT)?,
        operator: parsed(&row.operator, WHAT)?,
        before: row
            .before_operator
            .map(|id| parsed(&id, WHAT))
            .transpose()?,
        applications: row
            .applications
            .try_into()
            .map_err(|_| StoreError::Unreadable(WHAT))?,
        at: time(row.at)?,
    })
}

fn take_over(connection: &mut AnyConnection, new: &ShiftChange) -> Result<ShiftChange, Fault> {
    let before = last_shift(connection, &new.terminal)?.map(|row| row.operator);
    let open: i64 = application::table
        .filter(application::municipality.eq(new.municipality.to_string()))
        .filter(application::terminal.eq(new.terminal.to_string()))
        .filter(application::open.eq(true))
        .count()
        .get_result(connection)?;
    let row = ShiftChangeRow {
        id: new.id.clone(),
        municipality: new.municipality.to_string(),
        terminal: new.terminal.to_string(),
        operator: new.operator.to_string(),
        before_operator: before,
        applications: open,
        at: micros(new.at),
    };
    diesel::insert_into(shift_change::table)
        .values(&row)
        .execute(connection)?;
    Ok(from_row(row)?)
}

impl Office for Database {
    fn load_places(&self, new: &LoadedPlaces, audit: &AuditEntry) -> Result<bool, StoreError> {
        self.audited(audit, new.at, |c, entry| {
            let loaded = load(c, new)?;
            if !loaded {
                entry.refused = Some("version-known".to_owned());
            }
            Ok(loaded)
        })
        .map_err(Fault::into_store)
    }

    fn places_version(&self) -> Result<Option<String>, StoreError> {
        self.read(|c| {
            Ok(places::table
                .select(places::version)
                .order(places::number.desc())
                .first(c)
                .optional()?)
        })
    }

    fn places(&self) -> Result<Option<LoadedPlaces>, StoreError> {
        self.read(|c| {
            let row: Option<PlacesRow> = places::table
                .order(places::number.desc())
                .select(PlacesRow::as_select())
                .first(c)
                .optional()?;
            row.map(|row| {
                Ok(LoadedPlaces {
                    version: row.version,
                    file: row.file,
                    by: row.loaded_by,
                    at: time(row.loaded_at)?,
                })
            })
            .transpose()
        })
    }

    fn extend(&self, new: &Extension, audit: &AuditEntry) -> Result<(), StoreError> {
        self.audited(audit, new.at, |c, _| {
            diesel::insert_into(opening_extension::table)
                .values(&OpeningExtensionRow {
                    id: new.id.clone(),
                    municipality: new.municipality.to_string(),
                    place: new.place.clone(),
                    day: new.day.to_string(),
                    until_at: micros(new.until),
                    operator: new.operator.to_string(),
                    made_at: micros(new.at),
                    sealed: new.sealed.clone(),
                })
                .execute(c)?;
            Ok(())
        })
        .map_err(Fault::into_store)
    }

    fn extended(
        &self,
        municipality: &MunicipalityCode,
        place: &str,
        day: JapaneseDay,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.read(|c| {
            let until: Option<i64> = opening_extension::table
                .filter(opening_extension::municipality.eq(municipality.to_string()))
                .filter(opening_extension::place.eq(place))
                .filter(opening_extension::day.eq(day.to_string()))
                .select(opening_extension::until_at)
                .order(opening_extension::until_at.desc())
                .first(c)
                .optional()?;
            Ok(until.map(time).transpose()?)
        })
    }

    fn take_over(
        &self,
        change: &ShiftChange,
        audit: &AuditEntry,
    ) -> Result<ShiftChange, StoreError> {
        self.audited(audit, change.at, |c, entry| {
            let done = take_over(c, change)?;
            let from = done.before.as_ref().map(ToString::to_string);
            entry.reference = Some(format!(
                "from {} with {} open",
                from.as_deref().unwrap_or("nobody"),
                done.applications
            ));
            Ok(done)
        })
        .map_err(Fault::into_store)
    }

    fn shift(&self, terminal: &TerminalId) -> Result<Option<ShiftChange>, StoreError> {
        self.read(|c| Ok(last_shift(c, terminal)?.map(from_row).transpose()?))
    }
}
