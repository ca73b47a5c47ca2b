//! What officers decide, as far as it outlives the process. The promises are those of
//! [`super::store`].

use jiff::Timestamp;
use pki_core::officer::State;

use super::{
    disclosure::{CaseChange, ChangeCase},
    register_hold::HoldDecision,
    store::{AuditEntry, AuditRecord, Party, StoreError},
};

/// An act about to be kept, or as kept. `sealed` is the deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficerAct {
    pub id: [u8; 16],
    /// Kind of deed.
    pub deed: String,
    pub subject: String,
    pub state: State,
    pub proposer: String,
    /// ECDSA, DER.
    pub first_signature: Option<Vec<u8>>,
    pub second: Option<String>,
    pub second_signature: Option<Vec<u8>>,
    pub sealed: Vec<u8>,
    /// What came of carrying it out; `None` while it is not, or not known.
    pub outcome: Option<String>,
    pub made_at: Timestamp,
    /// When it came into its state.
    pub since: Timestamp,
}

/// A signature that was verified.
#[derive(Clone)]
pub struct Signing {
    pub id: [u8; 16],
    /// The state in which the act was read.
    pub from: State,
    pub to: State,
    pub officer: String,
    pub signature: Vec<u8>,
    pub at: Timestamp,
    /// What the act changes, in the same transaction.
    pub change: Option<ActChange>,
}

/// What an act changes in the transaction of its last signature.
#[derive(Clone)]
pub enum ActChange {
    /// A request.
    Case(CaseChange),
    /// A batch of the register that the brake held.
    Hold(HoldDecision),
}

/// What came of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Signed,
    /// Somebody signed meanwhile. Nothing was changed.
    NotDue,
    /// The request could not be changed. The act is signed, and nothing came of it.
    Case(ChangeCase),
    /// The batch is not held any more. The act is signed, and nothing came of it.
    NotHeld,
}

/// Which audit rows.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The event begins with it.
    pub event: Option<String>,
    /// The actor contains it.
    pub actor: Option<String>,
    /// The subject contains it.
    pub subject: Option<String>,
    /// Refusals alone.
    pub refused: bool,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub limit: u32,
}

/// The part of the authority's memory that is about officers.
pub trait OfficerStore: Send + Sync {
    /// Keep an act that waits for its signature.
    fn put_act(&self, act: OfficerAct, audit: AuditEntry) -> Result<(), StoreError>;

    /// Take a signature, once and only in the state in which the act was read. From the
    /// return on the act cannot be signed in that part again.
    fn sign_act(&self, signing: Signing, audit: AuditEntry) -> Result<Signed, StoreError>;

    /// Say what came of carrying an act out.
    fn end_act(&self, id: &[u8; 16], outcome: &str, audit: AuditEntry) -> Result<(), StoreError>;

    /// The act with that id.
    fn act(&self, id: &[u8; 16]) -> Result<Option<OfficerAct>, StoreError>;

    /// Acts, the newest first; those of one state or those that were signed.
    fn acts(&self, state: Option<State>, limit: u32) -> Result<Vec<OfficerAct>, StoreError>;

    /// Every enrolled party, by kind and id.
    fn parties(&self) -> Result<Vec<Party>, StoreError>;

    /// Audit rows that fit, the newest first.
    fn search_audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, StoreError>;
}
