//! Registered verifiers.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    ca::verifier::{VerifierRow, verifier},
    database::AnyConnection,
};

use super::{convert, writer::Scope};
use crate::port::{store::AuditEntry, verifier::Verifier};

pub fn enrol(
    scope: &mut Scope,
    new: &Verifier,
    at: Timestamp,
    replace: bool,
    entry: &AuditEntry,
) -> QueryResult<bool> {
    let known: Option<i64> = verifier::table
        .find(&new.id)
        .select(verifier::enrolled_at)
        .first(scope.connection)
        .optional()?;
    if known.is_some() {
        if !replace {
            scope.audit(&entry.refused("already-enrolled"))?;
            return Ok(false);
        }
        diesel::delete(verifier::table.find(&new.id)).execute(scope.connection)?;
    }
    diesel::insert_into(verifier::table)
        .values(&VerifierRow {
            id: new.id.clone(),
            label: new.label.clone(),
            arrangement: new.arrangement.clone(),
            certificate: new.certificate.clone(),
            certificate_sha256: new.certificate_sha256.to_vec(),
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
    id: &str,
    active: bool,
    at: Timestamp,
    entry: &AuditEntry,
) -> QueryResult<bool> {
    let changed = diesel::update(verifier::table.find(id))
        .set((
            verifier::status.eq(convert::activity(active)),
            verifier::changed_at.eq(at.as_microsecond()),
        ))
        .execute(scope.connection)?;
    if changed == 0 {
        scope.audit(&entry.refused("not-found"))?;
        return Ok(false);
    }
    scope.audit(entry)?;
    Ok(true)
}

pub fn all(connection: &mut AnyConnection) -> QueryResult<Vec<Verifier>> {
    verifier::table
        .order(verifier::id)
        .select(VerifierRow::as_select())
        .load(connection)?
        .into_iter()
        .map(read)
        .collect()
}

pub fn by_certificate(
    connection: &mut AnyConnection,
    sha256: &[u8; 32],
) -> QueryResult<Option<Verifier>> {
    verifier::table
        .filter(verifier::certificate_sha256.eq(sha256.to_vec()))
        .select(VerifierRow::as_select())
        .first(connection)
        .optional()?
        .map(read)
        .transpose()
}

fn read(row: VerifierRow) -> QueryResult<Verifier> {
    Ok(Verifier {
        certificate_sha256: convert::digest(&row.certificate_sha256)?,
        active: match row.status.as_str() {
            "active" => true,
            "suspended" => false,
            _ => return Err(convert::foreign("status")),
        },
        id: row.id,
        label: row.label,
        arrangement: row.arrangement,
        certificate: row.certificate,
    })
}
