//! Notices in the gateway's database, and what a certificate is found by.

use jiff::Timestamp;
use pki_core::{
    certificate::CheckCode,
    id::{ApplicationId, CardId, IdempotencyKey, NoticeId, OperatorId, TerminalId},
    person::municipality::MunicipalityCode,
};

use super::{
    audit::AuditEntry,
    store::{AdvanceError, StoreError, StoredApplication},
};

/// A notice as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredNotice {
    /// Names it.
    pub id: NoticeId,
    /// Where it was made.
    pub municipality: MunicipalityCode,
    /// Idempotency key of its receipt.
    pub idempotency_key: IdempotencyKey,
    /// Kebab-case service.
    pub service: String,
    /// Kebab-case step.
    pub step: String,
    /// Something is still to be done.
    pub open: bool,
    /// Counts the changes, from 1.
    pub version: u64,
    /// The application that the card's certificate comes from.
    pub application: ApplicationId,
    /// The card.
    pub card: CardId,
    /// Terminal that received it.
    pub terminal: TerminalId,
    /// Operator who received it.
    pub operator: OperatorId,
    /// When.
    pub opened_at: Timestamp,
    /// Last change.
    pub changed_at: Timestamp,
    /// Its state, sealed.
    pub sealed: Vec<u8>,
}

/// Answer to [`NoticeStore::open_notice`].
pub enum OpenedNotice {
    /// It was stored now.
    New,
    /// A notice with that idempotency key was there already.
    Known(Box<StoredNotice>),
}

/// A change of one notice.
pub struct NoticeChange {
    /// Which notice.
    pub id: NoticeId,
    /// Of which municipality; another one's is not found.
    pub municipality: MunicipalityCode,
    /// The version that was read.
    pub expected: u64,
    /// The step it comes to.
    pub step: String,
    /// Whether something is still to be done.
    pub open: bool,
    /// When.
    pub now: Timestamp,
    /// Its new state, sealed.
    pub sealed: Vec<u8>,
}

/// Promises: those of the store. Two changes of one notice with the same expected version
/// never both succeed.
pub trait NoticeStore {
    /// Stores a new notice unless its idempotency key is known.
    fn open_notice(
        &self,
        notice: &StoredNotice,
        audit: &AuditEntry,
    ) -> Result<OpenedNotice, StoreError>;
    /// A notice of this municipality.
    fn notice(
        &self,
        id: &NoticeId,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredNotice>, StoreError>;
    /// Notices of this municipality, newest first.
    fn notices(
        &self,
        municipality: &MunicipalityCode,
        open_only: bool,
        limit: u32,
    ) -> Result<Vec<StoredNotice>, StoreError>;
    /// Notices about the certificate of an application, newest first.
    fn notices_about(&self, application: &ApplicationId) -> Result<Vec<StoredNotice>, StoreError>;
    /// Changes a notice.
    fn change_notice(&self, change: &NoticeChange, audit: &AuditEntry) -> Result<(), AdvanceError>;

    /// Applications of this municipality with a certificate whose visit was on this card,
    /// newest first.
    fn certified_on_card(
        &self,
        card: &CardId,
        municipality: &MunicipalityCode,
    ) -> Result<Vec<StoredApplication>, StoreError>;
    /// Applications of this municipality with a certificate of the resident whose number has
    /// this keyed hash, newest first.
    fn certified_of_resident(
        &self,
        resident_hash: &[u8; 32],
        municipality: &MunicipalityCode,
    ) -> Result<Vec<StoredApplication>, StoreError>;
    /// The application that a certificate was issued for, in whatever municipality: for its
    /// holder, who has proved to be that.
    fn certified_by_serial(&self, serial: &str) -> Result<Option<StoredApplication>, StoreError>;
    /// Applications of this municipality whose certificate has this check code.
    fn certified_by_check_code(
        &self,
        code: &CheckCode,
        municipality: &MunicipalityCode,
    ) -> Result<Vec<StoredApplication>, StoreError>;
}
