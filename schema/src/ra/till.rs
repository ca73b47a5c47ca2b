//! The till: how far it is closed, its closed days and remitted months.

use diesel::prelude::*;

diesel::table! {
    till (municipality) {
        municipality -> Text,
        closed_through -> Nullable<Text>,
    }
}

diesel::table! {
    day_close (municipality, day) {
        municipality -> Text,
        day -> Text,
        closed_at -> BigInt,
        operator -> Text,
        lines -> BigInt,
        booked_yen -> BigInt,
        counted_yen -> BigInt,
        sealed -> Nullable<Binary>,
        approval -> Nullable<Text>,
    }
}

diesel::table! {
    remittance (municipality, month) {
        municipality -> Text,
        month -> Text,
        made_at -> BigInt,
        operator -> Text,
        lines -> BigInt,
        booked_yen -> BigInt,
    }
}

/// How far a municipality's book is closed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = till)]
pub struct TillRow {
    pub municipality: String,
    /// `YYYY-MM-DD`
    pub closed_through: Option<String>,
}

/// A closed day.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = day_close)]
pub struct DayCloseRow {
    pub municipality: String,
    pub day: String,
    pub closed_at: i64,
    pub operator: String,
    pub lines: i64,
    pub booked_yen: i64,
    pub counted_yen: i64,
    pub sealed: Option<Vec<u8>>,
    pub approval: Option<String>,
}

/// A remitted month.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = remittance)]
pub struct RemittanceRow {
    pub municipality: String,
    /// `YYYY-MM`
    pub month: String,
    pub made_at: i64,
    pub operator: String,
    pub lines: i64,
    pub booked_yen: i64,
}
