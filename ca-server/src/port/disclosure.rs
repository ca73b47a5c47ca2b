//! Requests for disclosure and correction, as far as they outlive the process. The promises
//! are those of [`super::store`]: each writing method is one transaction with its audit row.

use jiff::Timestamp;

use super::store::{AuditEntry, Revocation, StoreError, StoredCertificate};

/// A request about to be kept.
#[derive(Clone)]
pub struct NewCase {
    pub id: [u8; 16],
    pub municipality: String,
    /// `disclosure`, `correction`
    pub wish: &'static str,
    /// `YYYY-MM-DD`
    pub requested_on: String,
    /// `YYYY-MM-DD`; `None`: without delay.
    pub due: Option<String>,
    pub idempotency_key: [u8; 16],
    pub wish_sha256: [u8; 32],
    /// Keyed hash of the person's number in the register.
    pub resident: Option<[u8; 32]>,
    /// The case, sealed.
    pub sealed: Vec<u8>,
    pub at: Timestamp,
}

/// A request as kept. `sealed` and `answer` are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCase {
    pub id: [u8; 16],
    pub municipality: String,
    pub wish: String,
    pub step: String,
    pub requested_on: String,
    pub due: Option<String>,
    /// 1, 2, 3, … with each change.
    pub version: u32,
    pub wish_sha256: Vec<u8>,
    pub resident: Option<Vec<u8>>,
    pub sealed: Vec<u8>,
    /// The answer on paper.
    pub answer: Option<Vec<u8>>,
    pub received_at: Timestamp,
}

/// What came of a wish to keep a request.
#[derive(Debug)]
pub enum ReceiveCase {
    Received,
    /// The idempotency key has a request already; nothing was kept.
    Repeat(Box<StoredCase>),
    /// The idempotency key or the id belongs to another request; the refusal is in the audit log.
    Taken,
}

/// A request that moves on.
#[derive(Clone)]
pub struct CaseChange {
    pub id: [u8; 16],
    /// The version that was read.
    pub expected: u32,
    /// `open`, `answered`, `delivered`
    pub step: &'static str,
    pub due: Option<String>,
    pub sealed: Vec<u8>,
    /// The answer, when this change makes it; `None` leaves what is there.
    pub answer: Option<Vec<u8>>,
    /// A certificate that is revoked in the same transaction (Art 13).
    pub revoke: Option<Revocation>,
    pub at: Timestamp,
}

/// What came of a wish to change a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeCase {
    Changed,
    /// Somebody changed it meanwhile: read it again. Nothing was changed.
    Stale,
    /// The certificate to be revoked is not this municipality's. Nothing was changed.
    NotRevoked,
}

/// Which requests.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// Of this municipality alone.
    pub municipality: Option<String>,
    /// `open`, `answered`, `delivered`
    pub step: Option<String>,
    /// The oldest term first; else the newest first.
    pub by_due: bool,
    pub limit: u32,
}

/// The lists of one scope that name a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSpan {
    /// Empty for the full list, else the municipality.
    pub scope: String,
    pub first: u64,
    pub first_at: Timestamp,
    pub last: u64,
    pub last_at: Timestamp,
    pub count: u64,
}

/// The part of the authority's memory that is about disclosures.
pub trait DisclosureStore: Send + Sync {
    /// Keep a request that was taken in.
    fn receive_case(&self, new: NewCase, audit: AuditEntry) -> Result<ReceiveCase, StoreError>;

    /// Move a request on, only if it is still of the version that was read. `Stale` and
    /// `NotRevoked` are audited as refusals.
    fn change_case(&self, change: CaseChange, audit: AuditEntry) -> Result<ChangeCase, StoreError>;

    /// The request with that id.
    fn case(&self, id: &[u8; 16]) -> Result<Option<StoredCase>, StoreError>;

    /// Requests, without their answers.
    fn cases(&self, filter: &CaseFilter) -> Result<Vec<StoredCase>, StoreError>;

    /// Every certificate that was issued to a resident, the oldest first.
    fn certificates_of(
        &self,
        issuer: &str,
        resident: &[u8; 32],
    ) -> Result<Vec<StoredCertificate>, StoreError>;

    /// Which published lists name a serial (失効情報ファイル), by scope.
    fn lists_naming(&self, issuer: &str, serial: &[u8]) -> Result<Vec<ListSpan>, StoreError>;
}
