//! The port [`Procedures`] on the database.

use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{id::ApplicationId, person::municipality::MunicipalityCode};
use schema::ra::{rows::ApplicationRow, tables::application};

use super::{Database, application::from_row, micros};
use crate::port::{Procedures, StoreError, StoredApplication};

impl Procedures for Database {
    fn applications_of_resident(
        &self,
        municipality: &MunicipalityCode,
        resident_hash: &[u8; 32],
        limit: u32,
    ) -> Result<Vec<StoredApplication>, StoreError> {
        let rows: Vec<ApplicationRow> = self.read(|connection| {
            Ok(application::table
                .filter(application::municipality.eq(municipality.to_string()))
                .filter(application::resident_hash.eq(resident_hash.to_vec()))
                .order((application::received_at.desc(), application::id))
                .limit(i64::from(limit))
                .select(ApplicationRow::as_select())
                .load(connection)?)
        })?;
        rows.into_iter().map(from_row).collect()
    }

    fn idle_applications(
        &self,
        steps: &[&str],
        before: Timestamp,
        after: Option<(Timestamp, ApplicationId)>,
        limit: u32,
    ) -> Result<Vec<StoredApplication>, StoreError> {
        let (since, last) = after.map_or((i64::MIN, String::new()), |(at, id)| {
            (micros(at), id.to_string())
        });
        let rows: Vec<ApplicationRow> = self.read(|connection| {
            Ok(application::table
                .filter(application::open.eq(true))
                .filter(application::changed_at.lt(micros(before)))
                .filter(
                    application::changed_at.gt(since).or(application::changed_at
                        .eq(since)
                        .and(application::id.gt(&last))),
                )
                .filter(application::step.eq_any(steps))
                .order((application::changed_at, application::id))
                .limit(i64::from(limit))
                .select(ApplicationRow::as_select())
                .load(connection)?)
        })?;
        rows.into_iter().map(from_row).collect()
    }
}
