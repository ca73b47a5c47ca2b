//! Rows as they are read and written. Times are microseconds since
//! 1970-01-01T00:00:00Z.

use diesel::prelude::*;

use super::tables;

/// A terminal, kiosk or operator that the infrastructure CA has certified.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::party)]
pub struct PartyRow {
    pub kind: String,
    pub id: String,
    pub municipality: String,
    pub label: String,
    pub certificate: Vec<u8>,
    pub certificate_sha256: Vec<u8>,
    pub status: String,
    pub changed_at: i64,
    /// Of an operator.
    pub role: Option<String>,
}

/// A challenge that waits for an operator's card to sign it.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::operator_challenge)]
pub struct OperatorChallengeRow {
    pub id: String,
    pub operator: String,
    pub terminal: String,
    pub challenge: Vec<u8>,
    pub expires_at: i64,
}

/// A signed-in operator at one terminal.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::operator_session)]
pub struct OperatorSessionRow {
    pub token_sha256: Vec<u8>,
    pub operator: String,
    pub terminal: String,
    pub terminal_certificate_sha256: Vec<u8>,
    pub opened_at: i64,
    pub seen_at: i64,
    pub expires_at: i64,
}

/// An application: what queries need in columns, the rest sealed.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::application)]
pub struct ApplicationRow {
    pub id: String,
    pub municipality: String,
    pub receive_key: String,
    pub step: String,
    pub open: bool,
    pub version: i64,
    pub terminal: String,
    pub operator: String,
    pub received_at: i64,
    pub changed_at: i64,
    pub resident_hash: Option<Vec<u8>>,
    pub visit: Option<String>,
    pub spki_sha256: Option<Vec<u8>>,
    pub issue_key: Option<String>,
    pub serial: Option<String>,
    pub sealed: Vec<u8>,
}

/// A visit to a kiosk that was opened on a card.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::visit)]
pub struct VisitRow {
    pub id: String,
    pub application: String,
    pub card: String,
    pub kiosk: String,
    pub opened_at: i64,
}

/// A kiosk's signed record of one generation, as received.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::kiosk_record)]
pub struct KioskRecordRow {
    pub visit: String,
    pub record_sha256: Vec<u8>,
    pub kiosk: String,
    pub record: Vec<u8>,
    pub received_at: i64,
}

/// What a kiosk last said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::kiosk_health)]
pub struct KioskHealthRow {
    pub kiosk: String,
    pub self_test: String,
    pub software_sha256: String,
    pub state: String,
    pub kiosk_time: i64,
    pub received_at: i64,
}

/// Money taken, or a counter-entry.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::fee_entry)]
pub struct FeeEntryRow {
    pub number: String,
    pub municipality: String,
    pub fiscal_year: i32,
    pub application: String,
    pub idempotency_key: String,
    pub kind: String,
    pub amount_yen: i64,
    pub counter_of: Option<String>,
    pub operator: String,
    pub at: i64,
    pub application_kind: String,
    /// `YYYY-MM-DD`
    pub booked_on: String,
    /// Of a counter-entry.
    pub approval: Option<String>,
}

/// The last receipt number of a municipality's fiscal year.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::fee_counter)]
pub struct FeeCounterRow {
    pub municipality: String,
    pub fiscal_year: i32,
    pub last: i64,
}

/// One stop of issuing, and its release.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::breaker)]
pub struct BreakerRow {
    pub id: String,
    pub tripped_at: i64,
    pub application: String,
    pub serial: String,
    pub terminal: String,
    pub operator: String,
    pub released_at: Option<i64>,
    pub released_by: Option<String>,
    pub reason: Option<String>,
    /// The release as two officers signed it, JSON.
    pub proof: Option<String>,
}

/// A wrapped data key.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::data_key)]
pub struct DataKeyRow {
    pub id: i32,
    pub wrapped: Vec<u8>,
    pub made_at: i64,
}

/// One act or refusal.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::audit)]
pub struct AuditRow {
    pub node: String,
    pub sequence: i64,
    pub at: i64,
    pub act: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub terminal: Option<String>,
    pub operator: Option<String>,
    pub kiosk: Option<String>,
    pub application: Option<String>,
    pub reference: Option<String>,
    pub mac: Vec<u8>,
}

/// Where a node's audit rows end.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tables::audit_head)]
pub struct AuditHeadRow {
    pub node: String,
    pub sequence: i64,
    pub mac: Vec<u8>,
}
