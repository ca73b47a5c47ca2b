//! Signed acts kept as proof; written in the transaction that carries the act out.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    ca::proof::{ProofRow, proof},
    database::AnyConnection,
};

use super::convert;
use crate::port::store::*;

pub fn insert(
    connection: &mut AnyConnection,
    issuer: &str,
    serial: &[u8],
    deed: ProvedDeed,
    kept: &Proof,
    at: Timestamp,
) -> QueryResult<()> {
    diesel::insert_into(proof::table)
        .values(&ProofRow {
            issuer: issuer.to_owned(),
            serial: serial.to_owned(),
            deed: deed.as_str().to_owned(),
            sealed: kept.sealed,
            act: kept.act.clone(),
            kept_at: at.as_microsecond(),
        })
        .execute(connection)
        .map(drop)
}

pub fn of(connection: &mut AnyConnection, issuer: &str, serial: &[u8]) -> QueryResult<Vec<Kept>> {
    let rows: Vec<ProofRow> = proof::table
        .filter(proof::issuer.eq(issuer))
        .filter(proof::serial.eq(serial))
        .order(proof::deed)
        .select(ProofRow::as_select())
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(Kept {
                deed: match row.deed.as_str() {
                    "issue" => ProvedDeed::Issue,
                    "revoke" => ProvedDeed::Revoke,
                    _ => return Err(convert::foreign("deed")),
                },
                proof: Proof {
                    sealed: row.sealed,
                    act: row.act,
                },
                kept_at: convert::time(row.kept_at)?,
            })
        })
        .collect()
}
