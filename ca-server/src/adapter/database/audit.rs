//! Reading the audit log. It is written by `chain` alone.

use diesel::prelude::*;
use schema::{
    ca::{
        rows::AuditRow,
        tables::{audit, audit_state},
    },
    database::AnyConnection,
};

use super::convert;
use crate::port::store::AuditRecord;

pub fn rows(
    connection: &mut AnyConnection,
    after: Option<(&str, u64)>,
    limit: u32,
) -> QueryResult<Vec<AuditRecord>> {
    let mut query = audit::table
        .select(AuditRow::as_select())
        .order((audit::lane, audit::sequence))
        .limit(i64::from(limit))
        .into_boxed();
    if let Some((lane, sequence)) = after {
        query = query.filter(
            audit::lane.gt(lane.to_owned()).or(audit::lane
                .eq(lane.to_owned())
                .and(audit::sequence.gt(convert::signed(sequence)))),
        );
    }
    query
        .load(connection)?
        .into_iter()
        .map(convert::audit)
        .collect()
}

pub fn ends(connection: &mut AnyConnection) -> QueryResult<Vec<(String, u64, [u8; 32])>> {
    audit_state::table
        .order(audit_state::lane)
        .select((audit_state::lane, audit_state::sequence, audit_state::mac))
        .load::<(String, i64, Vec<u8>)>(connection)?
        .into_iter()
        .map(|(lane, sequence, mac)| Ok((lane, convert::count(sequence)?, convert::digest(&mac)?)))
        .collect()
}
