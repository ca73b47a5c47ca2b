//! Requests for a second person's approval.

use diesel::prelude::*;

diesel::table! {
    approval (id) {
        id -> Text,
        municipality -> Text,
        act -> Text,
        application -> Nullable<Text>,
        subject_sha256 -> Binary,
        sealed -> Binary,
        requested_by -> Text,
        requested_at -> BigInt,
        expires_at -> BigInt,
        standing -> Text,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
        statement -> Nullable<Binary>,
        signature -> Nullable<Binary>,
        spent_by -> Nullable<Text>,
        spent_at -> Nullable<BigInt>,
    }
}

/// One request and what became of it.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = approval)]
pub struct ApprovalRow {
    pub id: String,
    pub municipality: String,
    pub act: String,
    pub application: Option<String>,
    pub subject_sha256: Vec<u8>,
    /// Reference and reason.
    pub sealed: Vec<u8>,
    pub requested_by: String,
    pub requested_at: i64,
    pub expires_at: i64,
    pub standing: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<i64>,
    /// As signed by the approver's card.
    pub statement: Option<Vec<u8>>,
    pub signature: Option<Vec<u8>>,
    pub spent_by: Option<String>,
    pub spent_at: Option<i64>,
}
