//! Rows as they are read and written. Times are microseconds since
//! 1970-01-01T00:00:00Z; `tbs` and `der` are sealed.

use diesel::prelude::*;

use super::tables;

/// One issuer: a CA key with its certificate, under the name it has in URLs.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::issuer)]
pub struct IssuerRow {
    pub name: String,
    pub kind: String,
    pub certificate: Vec<u8>,
    pub key_id: Vec<u8>,
    pub revocations: i64,
}

/// One serial and what became of it.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::certificate)]
pub struct CertificateRow {
    pub issuer: String,
    pub serial: Vec<u8>,
    pub state: String,
    pub node: String,
    pub profile: String,
    pub profile_sha256: Vec<u8>,
    pub municipality: Option<String>,
    pub partition: i32,
    pub not_after: i64,
    pub key_sha256: Vec<u8>,
    pub application: Vec<u8>,
    pub idempotency_key: Vec<u8>,
    pub wish_sha256: Vec<u8>,
    pub resident: Option<Vec<u8>>,
    pub in_effect: bool,
    pub tbs: Option<Vec<u8>>,
    pub der: Option<Vec<u8>>,
    pub reserved_at: i64,
    pub ended_at: Option<i64>,
    pub identified_at: Option<i64>,
}

/// One serial that is not to be relied on.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::revocation)]
pub struct RevocationRow {
    pub issuer: String,
    pub serial: Vec<u8>,
    pub feed: i64,
    pub revoked_at: i64,
    pub ground: String,
    pub reason: Option<i32>,
    pub municipality: Option<String>,
    pub partition: i32,
    pub not_after: i64,
}

/// One CRL number and what was published under it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::crl)]
pub struct CrlRow {
    pub issuer: String,
    pub scope: String,
    pub number: i64,
    pub state: String,
    pub node: String,
    pub feed: i64,
    pub this_update: i64,
    pub next_update: i64,
    pub entries: i64,
    pub sha256: Option<Vec<u8>>,
    pub published_at: Option<i64>,
    pub ended_before: i64,
}

/// One enrolled party.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::party)]
pub struct PartyRow {
    pub kind: String,
    pub id: String,
    pub municipality: Option<String>,
    pub label: String,
    pub certificate: Vec<u8>,
    pub certificate_sha256: Vec<u8>,
    pub public_key: Vec<u8>,
    pub status: String,
    pub enrolled_at: i64,
    pub changed_at: i64,
}

/// One audit row.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::audit)]
pub struct AuditRow {
    pub lane: String,
    pub sequence: i64,
    pub at: i64,
    pub event: String,
    pub outcome: String,
    pub actor: String,
    pub subject: String,
    pub detail: String,
    pub mac: Vec<u8>,
}

/// A key of the vault as it is kept: wrapped by a key of the token.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::data_key)]
pub struct DataKeyRow {
    pub id: i64,
    pub wrapped: Vec<u8>,
    pub wrapping: String,
    pub made_at: i64,
}
