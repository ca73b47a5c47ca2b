//! Batches of the register that the brake held.

use diesel::prelude::*;

diesel::table! {
    register_hold (municipality, batch, batch_sha256) {
        municipality -> Text,
        batch -> BigInt,
        batch_sha256 -> Binary,
        first_sequence -> BigInt,
        last_sequence -> BigInt,
        kinds -> Text,
        ends -> BigInt,
        in_effect -> BigInt,
        ended_today -> BigInt,
        allowed -> BigInt,
        state -> Text,
        held_at -> BigInt,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
    }
}

/// One batch that was held, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = register_hold)]
pub struct RegisterHoldRow {
    pub municipality: String,
    pub batch: i64,
    pub batch_sha256: Vec<u8>,
    pub first_sequence: i64,
    pub last_sequence: i64,
    pub kinds: String,
    pub ends: i64,
    pub in_effect: i64,
    pub ended_today: i64,
    pub allowed: i64,
    pub state: String,
    pub held_at: i64,
    pub decided_by: Option<String>,
    pub decided_at: Option<i64>,
}
