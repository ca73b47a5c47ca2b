//! Orders about kept papers.

use diesel::prelude::*;

diesel::table! {
    paper_order (approval) {
        approval -> Text,
        paper -> Text,
        municipality -> Text,
        kind -> Text,
        reason -> Binary,
        given_by -> Text,
        approved_by -> Text,
        given_at -> BigInt,
    }
}

/// An order.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = paper_order)]
pub struct PaperOrderRow {
    pub approval: String,
    pub paper: String,
    pub municipality: String,
    pub kind: String,
    pub reason: Vec<u8>,
    pub given_by: String,
    pub approved_by: String,
    pub given_at: i64,
}
