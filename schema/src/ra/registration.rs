//! Registrations that wait for a second officer.

use diesel::prelude::*;

diesel::table! {
    registration (id) {
        id -> Text,
        record -> Text,
        party -> Text,
        role -> Nullable<Text>,
        requested_by -> Text,
        requested_at -> BigInt,
        approved_by -> Nullable<Text>,
        approved_at -> Nullable<BigInt>,
    }
}

/// One registration.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = registration)]
pub struct RegistrationRow {
    pub id: String,
    /// The authority's record, JSON.
    pub record: String,
    /// Kind and id, for people.
    pub party: String,
    pub role: Option<String>,
    pub requested_by: String,
    pub requested_at: i64,
    pub approved_by: Option<String>,
    pub approved_at: Option<i64>,
}
