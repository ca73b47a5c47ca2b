//! Deltas, each beside the complete list of its number.

use diesel::prelude::*;

diesel::table! {
    delta_crl (issuer, scope, number) {
        issuer -> Text,
        scope -> Text,
        number -> BigInt,
        base -> BigInt,
        entries -> BigInt,
        sha256 -> Binary,
    }
}

/// One delta.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = delta_crl)]
pub struct DeltaCrlRow {
    pub issuer: String,
    pub scope: String,
    pub number: i64,
    pub base: i64,
    pub entries: i64,
    pub sha256: Vec<u8>,
}
