//! Places, extended hours and shift changes.

use diesel::prelude::*;

diesel::table! {
    places (number) {
        number -> BigInt,
        version -> Text,
        file -> Text,
        loaded_by -> Text,
        loaded_at -> BigInt,
    }
}

diesel::table! {
    opening_extension (id) {
        id -> Text,
        municipality -> Text,
        place -> Text,
        day -> Text,
        until_at -> BigInt,
        operator -> Text,
        made_at -> BigInt,
        sealed -> Binary,
    }
}

diesel::table! {
    shift_change (id) {
        id -> Text,
        municipality -> Text,
        terminal -> Text,
        operator -> Text,
        before_operator -> Nullable<Text>,
        applications -> BigInt,
        at -> BigInt,
    }
}

/// A loaded file of places.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = places)]
pub struct PlacesRow {
    pub number: i64,
    pub version: String,
    pub file: String,
    pub loaded_by: String,
    pub loaded_at: i64,
}

/// A day on which a place is open longer.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = opening_extension)]
pub struct OpeningExtensionRow {
    pub id: String,
    pub municipality: String,
    pub place: String,
    /// `YYYY-MM-DD`
    pub day: String,
    pub until_at: i64,
    pub operator: String,
    pub made_at: i64,
    pub sealed: Vec<u8>,
}

/// A shift change.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = shift_change)]
pub struct ShiftChangeRow {
    pub id: String,
    pub municipality: String,
    pub terminal: String,
    pub operator: String,
    pub before_operator: Option<String>,
    pub applications: i64,
    pub at: i64,
}
