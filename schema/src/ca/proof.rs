//! Signed acts kept as proof.

use diesel::prelude::*;

diesel::table! {
    proof (issuer, serial, deed) {
        issuer -> Text,
        serial -> Binary,
        deed -> Text,
        sealed -> Bool,
        act -> Binary,
        kept_at -> BigInt,
    }
}

/// The act behind a certificate or its revocation.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = proof)]
pub struct ProofRow {
    pub issuer: String,
    pub serial: Vec<u8>,
    pub deed: String,
    pub sealed: bool,
    pub act: Vec<u8>,
    pub kept_at: i64,
}
