//! Kept papers in the gateway's database.

use jiff::Timestamp;
use pki_core::{
    calendar::JapaneseDay,
    id::{ApplicationId, IdempotencyKey, NoticeId, OperatorId, PaperId, TerminalId},
    person::municipality::MunicipalityCode,
};

use super::{audit::AuditEntry, store::StoreError};

/// What a paper belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaperSubject {
    /// An application.
    Application(ApplicationId),
    /// A notice.
    Notice(NoticeId),
}

/// A hold by order.
#[derive(Clone, PartialEq, Eq)]
pub struct PaperHold {
    /// Who carried the order out.
    pub by: OperatorId,
    /// Since when.
    pub at: Timestamp,
    /// Why, sealed.
    pub reason: Vec<u8>,
}

/// A paper without its content.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPaper {
    /// Names it.
    pub id: PaperId,
    /// Where it was taken in.
    pub municipality: MunicipalityCode,
    /// The caller's wish.
    pub idempotency_key: IdempotencyKey,
    /// What it belongs to.
    pub subject: PaperSubject,
    /// A kind of the list of retention rules.
    pub kind: String,
    /// As in `Content-Type`.
    pub media: String,
    /// Of the content.
    pub bytes: u64,
    /// Of the document.
    pub pages: u32,
    /// Of the sealed content.
    pub chunks: u32,
    /// Where it was scanned.
    pub terminal: TerminalId,
    /// By whom.
    pub operator: OperatorId,
    /// When.
    pub received_at: Timestamp,
    /// Not before this day it is looked at for deletion.
    pub due_on: JapaneseDay,
    /// A hold.
    pub hold: Option<PaperHold>,
}

/// Answer to [`KeptPapers::keep_paper`].
pub enum Kept {
    /// It was stored now.
    New,
    /// A paper with that idempotency key was there already.
    Known(Box<StoredPaper>),
}

/// Promises: those of the store. A paper and all its chunks are stored, and deleted, in one
/// transaction; a paper that is held when its deletion commits is not deleted.
pub trait KeptPapers {
    /// Stores a paper with its sealed chunks unless its idempotency key is known.
    fn keep_paper(
        &self,
        paper: &StoredPaper,
        chunks: &[Vec<u8>],
        audit: &AuditEntry,
    ) -> Result<Kept, StoreError>;
    /// Papers of an application or notice of this municipality, oldest first.
    fn papers_of(
        &self,
        subject: &PaperSubject,
        municipality: &MunicipalityCode,
    ) -> Result<Vec<StoredPaper>, StoreError>;
    /// A paper of this municipality.
    fn paper(
        &self,
        id: &PaperId,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredPaper>, StoreError>;
    /// The sealed chunks of a paper in order.
    fn paper_chunks(&self, id: &PaperId) -> Result<Vec<Vec<u8>>, StoreError>;
    /// Papers that are not held and whose day has come, longest due first.
    fn papers_due(&self, today: JapaneseDay, limit: u32) -> Result<Vec<StoredPaper>, StoreError>;
    /// A later day, now that more is known.
    fn postpone_paper(&self, id: &PaperId, due_on: JapaneseDay) -> Result<(), StoreError>;
    /// Deletes a paper and its content and records the deletion under this rule; `false`
    /// when it is held or was deleted meanwhile.
    fn delete_paper(
        &self,
        paper: &StoredPaper,
        rule: &str,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;
}
