//! Registrations: asked for by one officer, approved by another.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::ra::registration::{RegistrationRow, registration};

use super::{Database, Fault, micros, parsed, party, time};
use crate::port::{AuditEntry, Party, Registration, Registrations, StoreError};

/// Most requests of one list.
const MOST: i64 = 1_000;

fn from_row(row: RegistrationRow) -> Result<Registration, StoreError> {
    Ok(Registration {
        id: row.id,
        record: row.record,
        party: row.party,
        role: row
            .role
            .map(|role| parsed(&role, "registration"))
            .transpose()?,
        requested_by: row.requested_by,
        requested_at: time(row.requested_at)?,
    })
}

impl Registrations for Database {
    fn request_registration(
        &self,
        new: &Registration,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.audited(audit, new.requested_at, |c, _| {
            diesel::insert_into(registration::table)
                .values(&RegistrationRow {
                    id: new.id.clone(),
                    record: new.record.clone(),
                    party: new.party.clone(),
                    role: new.role.map(|role| role.to_string()),
                    requested_by: new.requested_by.clone(),
                    requested_at: micros(new.requested_at),
                    approved_by: None,
                    approved_at: None,
                })
                .execute(c)?;
            Ok(())
        })
        .map_err(Fault::into_store)
    }

    fn registrations(&self) -> Result<Vec<Registration>, StoreError> {
        self.read(|c| {
            let rows: Vec<RegistrationRow> = registration::table
                .filter(registration::approved_by.is_null())
                .order(registration::requested_at)
                .limit(MOST)
                .select(RegistrationRow::as_select())
                .load(c)?;
            Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
        })
    }

    fn approve_registration(
        &self,
        id: &str,
        by: &str,
        new: &Party,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        self.audited(audit, now, |c, entry| {
            let changed = diesel::update(
                registration::table
                    .find(id)
                    .filter(registration::approved_by.is_null())
                    .filter(registration::requested_by.ne(by)),
            )
            .set((
                registration::approved_by.eq(Some(by)),
                registration::approved_at.eq(Some(micros(now))),
            ))
            .execute(c)?;
            if changed != 1 {
                entry.refused = Some("same-person".to_owned());
                return Ok(false);
            }
            party::register(c, new, now)?;
            Ok(true)
        })
        .map_err(Fault::into_store)
    }
}
