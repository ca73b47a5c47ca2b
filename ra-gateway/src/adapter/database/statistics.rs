//! Counted events: written with the change that makes them.

use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{
    application::statistics::Event, calendar::JapaneseDay, id::ApplicationId,
    person::municipality::MunicipalityCode,
};
use schema::{
    database::AnyConnection,
    on_both,
    ra::statistics::{CountedEventRow, counted_event},
};

use super::{Database, Fault, parsed};
use crate::port::{Statistics, StoreError};

const WHAT: &str = "counted event";

/// Counts an event, once for its application.
pub(super) fn count(
    connection: &mut AnyConnection,
    application: &ApplicationId,
    municipality: &MunicipalityCode,
    event: Event,
    now: Timestamp,
) -> Result<(), Fault> {
    let row = CountedEventRow {
        application: application.to_string(),
        event: event.name().to_owned(),
        municipality: municipality.to_string(),
        day: JapaneseDay::of(now).to_string(),
        class: event.class(),
        waited_s: event.waited_s().map(i64::from),
    };
    on_both!(connection, |connection| diesel::insert_into(
        counted_event::table
    )
    .values(&row)
    .on_conflict_do_nothing()
    .execute(connection))?;
    Ok(())
}

fn from_row(row: CountedEventRow) -> Result<(JapaneseDay, Event), StoreError> {
    let unreadable = || StoreError::Unreadable(WHAT);
    let waited = row
        .waited_s
        .map(u32::try_from)
        .transpose()
        .map_err(|_| unreadable())?;
    let event = Event::parse(&row.event, &row.class, waited).ok_or_else(unreadable)?;
    Ok((parsed(&row.day, WHAT)?, event))
}

impl Statistics for Database {
    fn events(
        &self,
        municipality: &MunicipalityCode,
        from: JapaneseDay,
        to: JapaneseDay,
    ) -> Result<Vec<(JapaneseDay, Event)>, StoreError> {
        self.read(|c| {
            let rows: Vec<CountedEventRow> = counted_event::table
                .filter(counted_event::municipality.eq(municipality.to_string()))
                .filter(counted_event::day.between(from.to_string(), to.to_string()))
                .order(counted_event::day)
                .select(CountedEventRow::as_select())
                .load(c)?;
            Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
        })
    }
}
