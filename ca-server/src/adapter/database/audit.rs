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
    let limit = i64::from(limit);
    let Some((lane, sequence)) = after else {
        return read(
            audit::table
                .select(AuditRow::as_select())
                .order((audit::lane, audit::sequence))
                .limit(limit)
                .load(connection)?,
        );
    };
    // The rest of the lane and then the lanes behind it: asked for at once, PostgreSQL would begin
    // at the first row of all, each time.
    let mut rows: Vec<AuditRow> = audit::table
        .select(AuditRow::as_select())
        .filter(audit::lane.eq(lane))
        .filter(audit::sequence.gt(convert::signed(sequence)))
        .order(audit::sequence)
        .limit(limit)
        .load(connection)?;
    let left = limit - rows.len() as i64;
    if left > 0 {
        rows.extend(
            audit::table
                .select(AuditRow::as_select())
                .filter(audit::lane.gt(lane))
                .order((audit::lane, audit::sequence))
                .limit(left)
                .load::<AuditRow>(connection)?,
        );
    }
    read(rows)
}

fn read(rows: Vec<AuditRow>) -> QueryResult<Vec<AuditRecord>> {
    rows.into_iter().map(convert::audit).collect()
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
