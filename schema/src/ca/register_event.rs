//! Events of the resident register, and how far they were applied.

use diesel::prelude::*;

diesel::table! {
    register_event (municipality, sequence) {
        municipality -> Text,
        sequence -> BigInt,
        kind -> Text,
        resident -> Binary,
        former -> Nullable<Binary>,
        bears -> Bool,
        recorded_at -> BigInt,
        applied_at -> BigInt,
        outcome -> Text,
        issuer -> Nullable<Text>,
        serial -> Nullable<Binary>,
    }
}

diesel::table! {
    register_position (municipality) {
        municipality -> Text,
        batch -> BigInt,
        batch_sha256 -> Binary,
        complete -> Bool,
        sequence -> BigInt,
        trouble -> Nullable<Text>,
        changed_at -> BigInt,
    }
}

diesel::table! {
    register_event_also (municipality, sequence, issuer, serial) {
        municipality -> Text,
        sequence -> BigInt,
        issuer -> Text,
        serial -> Binary,
        outcome -> Text,
    }
}

/// A further certificate that an event met.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = register_event_also)]
pub struct RegisterEventAlsoRow {
    pub municipality: String,
    pub sequence: i64,
    pub issuer: String,
    pub serial: Vec<u8>,
    pub outcome: String,
}

/// One event and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = register_event)]
pub struct RegisterEventRow {
    pub municipality: String,
    pub sequence: i64,
    pub kind: String,
    pub resident: Vec<u8>,
    pub former: Option<Vec<u8>>,
    pub bears: bool,
    pub recorded_at: i64,
    pub applied_at: i64,
    pub outcome: String,
    pub issuer: Option<String>,
    pub serial: Option<Vec<u8>>,
}

/// How far one municipality's events were applied.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = register_position)]
pub struct RegisterPositionRow {
    pub municipality: String,
    pub batch: i64,
    pub batch_sha256: Vec<u8>,
    pub complete: bool,
    pub sequence: i64,
    pub trouble: Option<String>,
    pub changed_at: i64,
}
