//! Requests for a second person's approval, as the store keeps them.

use jiff::Timestamp;
use pki_core::{
    approval::Approval,
    id::{ApprovalId, OperatorId},
    person::municipality::MunicipalityCode,
};

use super::{audit::AuditEntry, store::StoreError};

/// An approval as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredApproval {
    /// What it is and where it stands.
    pub approval: Approval,
    /// Reference and reason, sealed.
    pub sealed: Vec<u8>,
}

/// A second person's decision, with its proof.
#[derive(Clone, PartialEq, Eq)]
pub struct Decision {
    /// The approval as it stands with it.
    pub approval: Approval,
    /// Who decided.
    pub by: OperatorId,
    /// When.
    pub at: Timestamp,
    /// The statement as the approver's card signed it.
    pub statement: Vec<u8>,
    /// The card's signature.
    pub signature: Vec<u8>,
}

/// The part of the store that keeps approvals. Promises as `Store`; beside them: of two
/// decisions on one approval, and of two uses, one is written.
pub trait Approvals {
    /// Keeps a request. `false`, and nothing is kept, when `most` of the municipality wait
    /// already.
    fn request_approval(
        &self,
        new: &StoredApproval,
        most: u32,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;
    /// An approval of this municipality.
    fn approval(
        &self,
        id: &ApprovalId,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredApproval>, StoreError>;
    /// Approvals of this municipality that were asked for since then, newest first.
    fn approvals(
        &self,
        municipality: &MunicipalityCode,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredApproval>, StoreError>;
    /// Writes a decision; `false` when another was written before.
    fn decide_approval(&self, decision: &Decision, audit: &AuditEntry) -> Result<bool, StoreError>;
}
