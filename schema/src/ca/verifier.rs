//! Verifiers, and what was provided to them.

use diesel::prelude::*;

diesel::table! {
    verifier (id) {
        id -> Text,
        label -> Text,
        arrangement -> Text,
        certificate -> Binary,
        certificate_sha256 -> Binary,
        status -> Text,
        enrolled_at -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    provision (run, day, verifier, kind) {
        run -> Text,
        day -> Text,
        verifier -> Text,
        kind -> Text,
        count -> BigInt,
    }
}

/// One registered verifier.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = verifier)]
pub struct VerifierRow {
    pub id: String,
    pub label: String,
    pub arrangement: String,
    pub certificate: Vec<u8>,
    pub certificate_sha256: Vec<u8>,
    pub status: String,
    pub enrolled_at: i64,
    pub changed_at: i64,
}

/// One total: what one run of a status node provided to one verifier on one day.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = provision)]
pub struct ProvisionRow {
    pub run: String,
    pub day: String,
    pub verifier: String,
    pub kind: String,
    pub count: i64,
}
