//! Orders about kept papers in the gateway's database.

use jiff::Timestamp;
use pki_core::{
    id::{ApprovalId, OperatorId, PaperId},
    kept_paper::order::PaperOrder,
    person::municipality::MunicipalityCode,
};

use super::{
    audit::AuditEntry,
    kept_paper::StoredPaper,
    store::{AdvanceError, StoreError},
};

/// An order as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenOrder {
    /// The approval on whose strength it was given: each is used once.
    pub approval: ApprovalId,
    /// About which paper.
    pub paper: PaperId,
    /// Of which municipality.
    pub municipality: MunicipalityCode,
    /// What was ordered.
    pub order: PaperOrder,
    /// Why, sealed.
    pub reason: Vec<u8>,
    /// Who asked for it and carried it out.
    pub by: OperatorId,
    /// The supervisor.
    pub approved_by: OperatorId,
    /// When.
    pub at: Timestamp,
}

/// Promises: those of the store. An order, the paper's new standing and the use of its approval are one
/// transaction, and a paper takes an order only from the standing that it is for. Orders outlive their paper.
pub trait PaperOrders {
    /// Gives an order. `Stale`, and nothing is changed, when the paper is gone or stands otherwise, or when
    /// the approval is not to be used any more.
    fn order_paper(&self, order: &GivenOrder, audit: &AuditEntry) -> Result<(), AdvanceError>;
    /// The orders about a paper of this municipality, oldest first.
    fn paper_orders(
        &self,
        paper: &PaperId,
        municipality: &MunicipalityCode,
    ) -> Result<Vec<GivenOrder>, StoreError>;
    /// Papers of this municipality that are held, those held longest first.
    fn held_papers(
        &self,
        municipality: &MunicipalityCode,
        limit: u32,
    ) -> Result<Vec<StoredPaper>, StoreError>;
}
