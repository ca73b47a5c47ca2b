//! Deltas: recorded in the transaction that publishes the complete list of the
//! same number.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    ca::{
        delta_crl::{DeltaCrlRow, delta_crl},
        rows::CrlRow,
        tables::crl,
    },
    database::AnyConnection,
};

use super::{convert, writer::Scope};
use crate::port::store::{CrlRecord, DeltaRecord};

pub fn insert(scope: &mut Scope, of: &CrlRecord, delta: &DeltaRecord) -> QueryResult<()> {
    diesel::insert_into(delta_crl::table)
        .values(&DeltaCrlRow {
            issuer: of.issuer.clone(),
            scope: of.scope.clone(),
            number: convert::signed(of.number),
            base: convert::signed(delta.base),
            entries: convert::signed(delta.entries),
            sha256: delta.sha256.to_vec(),
        })
        .execute(scope.connection)
        .map(drop)
}

/// The oldest published list of the scope that has not run out.
pub fn base(
    connection: &mut AnyConnection,
    issuer: &str,
    scope: &str,
    now: Timestamp,
) -> QueryResult<Option<CrlRecord>> {
    crl::table
        .filter(crl::issuer.eq(issuer))
        .filter(crl::scope.eq(scope))
        .filter(crl::state.eq("published"))
        .filter(crl::next_update.gt(now.as_microsecond()))
        .order((crl::next_update, crl::number))
        .select(CrlRow::as_select())
        .first(connection)
        .optional()?
        .map(convert::crl)
        .transpose()
}
