//! CRL numbers: reserved in a row before anything is signed, so that two nodes
//! never publish the same number twice or a lower one.

use diesel::{dsl::max, prelude::*};
use jiff::Timestamp;
use schema::{
    ca::{
        rows::CrlRow,
        tables::{crl, issuer},
    },
    database::AnyConnection,
};

use super::{convert, delta_crl, writer::Scope};
use crate::port::store::{AuditEntry, CrlRecord, DeltaRecord, NewCrl};

pub fn reserve(scope: &mut Scope, new: &NewCrl) -> QueryResult<CrlRecord> {
    // A no-op update locks the issuer, so numbers and feed positions rise together.
    let feed: i64 = diesel::update(issuer::table.find(&new.issuer))
        .set(issuer::revocations.eq(issuer::revocations))
        .returning(issuer::revocations)
        .get_result(scope.connection)?;
    let last: Option<i64> = crl::table
        .filter(crl::issuer.eq(&new.issuer))
        .filter(crl::scope.eq(&new.scope))
        .select(max(crl::number))
        .first(scope.connection)?;
    let row = CrlRow {
        issuer: new.issuer.clone(),
        scope: new.scope.clone(),
        number: last.unwrap_or(0) + 1,
        state: "reserved".to_owned(),
        node: new.node.clone(),
        feed,
        this_update: new.this_update.as_microsecond(),
        next_update: new.next_update.as_microsecond(),
        entries: 0,
        sha256: None,
        published_at: None,
        ended_before: new.ended_before.as_microsecond(),
    };
    diesel::insert_into(crl::table)
        .values(&row)
        .execute(scope.connection)?;
    convert::crl(row)
}

pub fn publish(
    scope: &mut Scope,
    record: &CrlRecord,
    sha256: [u8; 32],
    entries: u64,
    delta: Option<&DeltaRecord>,
    at: Timestamp,
    entry: &AuditEntry,
) -> QueryResult<bool> {
    let number = convert::signed(record.number);
    let newest: Option<i64> = crl::table
        .filter(crl::issuer.eq(&record.issuer))
        .filter(crl::scope.eq(&record.scope))
        .filter(crl::state.eq("published"))
        .select(max(crl::number))
        .first(scope.connection)?;
    if newest.is_some_and(|newest| newest >= number) {
        scope.audit(&entry.refused("overtaken"))?;
        return Ok(false);
    }
    diesel::update(crl::table.find((&record.issuer, &record.scope, number)))
        .set((
            crl::state.eq("published"),
            crl::sha256.eq(Some(sha256.to_vec())),
            crl::entries.eq(convert::signed(entries)),
            crl::published_at.eq(Some(at.as_microsecond())),
        ))
        .execute(scope.connection)?;
    if let Some(delta) = delta {
        delta_crl::insert(scope, record, delta)?;
    }
    scope.audit(entry)?;
    Ok(true)
}

pub fn find(
    connection: &mut AnyConnection,
    issuer: &str,
    scope: &str,
    number: u64,
) -> QueryResult<Option<CrlRecord>> {
    crl::table
        .find((issuer, scope, convert::signed(number)))
        .select(CrlRow::as_select())
        .first(connection)
        .optional()?
        .map(convert::crl)
        .transpose()
}

pub fn latest(
    connection: &mut AnyConnection,
    issuer: &str,
    scope: &str,
) -> QueryResult<Option<CrlRecord>> {
    crl::table
        .filter(crl::issuer.eq(issuer))
        .filter(crl::scope.eq(scope))
        .filter(crl::state.eq("published"))
        .order(crl::number.desc())
        .select(CrlRow::as_select())
        .first(connection)
        .optional()?
        .map(convert::crl)
        .transpose()
}
