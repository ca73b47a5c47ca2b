//! Notices about a card, and the check codes of issued certificates.

use diesel::prelude::*;

diesel::table! {
    notice (id) {
        id -> Text,
        municipality -> Text,
        idempotency_key -> Text,
        service -> Text,
        step -> Text,
        open -> Bool,
        version -> BigInt,
        application -> Text,
        card -> Text,
        terminal -> Text,
        operator -> Text,
        opened_at -> BigInt,
        changed_at -> BigInt,
        sealed -> Binary,
    }
}

diesel::table! {
    check_code (application) {
        application -> Text,
        code -> Text,
    }
}

/// A notice.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = notice)]
pub struct NoticeRow {
    pub id: String,
    pub municipality: String,
    pub idempotency_key: String,
    pub service: String,
    pub step: String,
    pub open: bool,
    pub version: i64,
    pub application: String,
    pub card: String,
    pub terminal: String,
    pub operator: String,
    pub opened_at: i64,
    pub changed_at: i64,
    pub sealed: Vec<u8>,
}

/// The code on the printed copy of an application's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = check_code)]
pub struct CheckCodeRow {
    pub application: String,
    pub code: String,
}
