//! Requests for disclosure and correction. `sealed` and `answer` are sealed.

use diesel::prelude::*;

diesel::table! {
    disclosure (id) {
        id -> Binary,
        municipality -> Text,
        wish -> Text,
        step -> Text,
        requested_on -> Text,
        due -> Nullable<Text>,
        version -> Integer,
        idempotency_key -> Binary,
        wish_sha256 -> Binary,
        resident -> Nullable<Binary>,
        sealed -> Binary,
        answer -> Nullable<Binary>,
        received_at -> BigInt,
        changed_at -> BigInt,
    }
}

/// One request.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = disclosure)]
pub struct DisclosureRow {
    pub id: Vec<u8>,
    pub municipality: String,
    pub wish: String,
    pub step: String,
    pub requested_on: String,
    pub due: Option<String>,
    pub version: i32,
    pub idempotency_key: Vec<u8>,
    pub wish_sha256: Vec<u8>,
    pub resident: Option<Vec<u8>>,
    pub sealed: Vec<u8>,
    pub answer: Option<Vec<u8>>,
    pub received_at: i64,
    pub changed_at: i64,
}
