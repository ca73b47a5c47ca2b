//! Enrolled parties.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    ca::{rows::PartyRow, tables::party},
    database::AnyConnection,
};

use super::{convert, writer::Scope};
use crate::port::store::{AuditEntry, Party};

pub fn enrol(
    scope: &mut Scope,
    new: &Party,
    at: Timestamp,
    replace: bool,
    entry: &AuditEntry,
) -> QueryResult<bool> {
    let known: Option<i64> = party::table
        .find((&new.kind, &new.id))
        .select(party::enrolled_at)
        .first(scope.connection)
        .optional()?;
    if known.is_some() {
        if !replace {
            scope.audit(&entry.refused("already-enrolled"))?;
            return Ok(false);
        }
        diesel::delete(party::table.find((&new.kind, &new.id))).execute(scope.connection)?;
    }
    diesel::insert_into(party::table)
        .values(&PartyRow {
            kind: new.kind.clone(),
            id: new.id.clone(),
            municipality: new.municipality.clone(),
            label: new.label.clone(),
            certificate: new.certificate.clone(),
            certificate_sha256: new.certificate_sha256.to_vec(),
            public_key: new.public_key.clone(),
            status: convert::activity(new.active).to_owned(),
            enrolled_at: known.unwrap_or_else(|| at.as_microsecond()),
            changed_at: at.as_microsecond(),
        })
        .execute(scope.connection)?;
    scope.audit(entry)?;
    Ok(true)
}

pub fn set(
    scope: &mut Scope,
    kind: &str,
    id: &str,
    active: bool,
    at: Timestamp,
    entry: &AuditEntry,
) -> QueryResult<bool> {
    let changed = diesel::update(party::table.find((kind, id)))
        .set((
            party::status.eq(convert::activity(active)),
            party::changed_at.eq(at.as_microsecond()),
        ))
        .execute(scope.connection)?;
    if changed == 0 {
        scope.audit(&entry.refused("not-found"))?;
        return Ok(false);
    }
    scope.audit(entry)?;
    Ok(true)
}

pub fn find(connection: &mut AnyConnection, kind: &str, id: &str) -> QueryResult<Option<Party>> {
    party::table
        .find((kind, id))
        .select(PartyRow::as_select())
        .first(connection)
        .optional()?
        .map(convert::party)
        .transpose()
}

pub fn by_certificate(
    connection: &mut AnyConnection,
    sha256: &[u8; 32],
) -> QueryResult<Option<Party>> {
    party::table
        .filter(party::certificate_sha256.eq(sha256.to_vec()))
        .select(PartyRow::as_select())
        .first(connection)
        .optional()?
        .map(convert::party)
        .transpose()
}
