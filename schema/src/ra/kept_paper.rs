//! Kept papers, their chunks, and the record of deletions.

use diesel::prelude::*;

diesel::table! {
    kept_paper (id) {
        id -> Text,
        municipality -> Text,
        idempotency_key -> Text,
        subject -> Text,
        subject_id -> Text,
        kind -> Text,
        media -> Text,
        bytes -> BigInt,
        pages -> Integer,
        chunks -> Integer,
        terminal -> Text,
        operator -> Text,
        received_at -> BigInt,
        due_on -> Text,
        held_by -> Nullable<Text>,
        held_at -> Nullable<BigInt>,
        hold_reason -> Nullable<Binary>,
    }
}

diesel::table! {
    kept_paper_chunk (paper, number) {
        paper -> Text,
        number -> Integer,
        sealed -> Binary,
    }
}

diesel::table! {
    paper_deletion (paper) {
        paper -> Text,
        municipality -> Text,
        subject -> Text,
        subject_id -> Text,
        kind -> Text,
        rule -> Text,
        due_on -> Text,
        deleted_at -> BigInt,
    }
}

/// A paper without its content.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = kept_paper)]
pub struct KeptPaperRow {
    pub id: String,
    pub municipality: String,
    pub idempotency_key: String,
    pub subject: String,
    pub subject_id: String,
    pub kind: String,
    pub media: String,
    pub bytes: i64,
    pub pages: i32,
    pub chunks: i32,
    pub terminal: String,
    pub operator: String,
    pub received_at: i64,
    pub due_on: String,
    pub held_by: Option<String>,
    pub held_at: Option<i64>,
    pub hold_reason: Option<Vec<u8>>,
}

/// A part of a paper's content.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = kept_paper_chunk)]
pub struct KeptPaperChunkRow {
    pub paper: String,
    pub number: i32,
    pub sealed: Vec<u8>,
}

/// A deletion.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = paper_deletion)]
pub struct PaperDeletionRow {
    pub paper: String,
    pub municipality: String,
    pub subject: String,
    pub subject_id: String,
    pub kind: String,
    pub rule: String,
    pub due_on: String,
    pub deleted_at: i64,
}
