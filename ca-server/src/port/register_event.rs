//! What the store promises about events of the resident register.

use jiff::Timestamp;
pub use pki_core::revocation::register_event::EventOutcome;
use pki_core::revocation::register_event::RegisterEventKind;

use super::store::{AuditEntry, StoreError};

/// An event about to be applied.
#[derive(Clone, Debug)]
pub struct NewRegisterEvent {
    /// The municipality's own count; the first is 1.
    pub sequence: u64,
    pub kind: RegisterEventKind,
    /// Keyed hash of municipality and number.
    pub resident: [u8; 32],
    /// The same from before a merger.
    pub former: Option<[u8; 32]>,
    /// When the register was changed.
    pub recorded_at: Timestamp,
    /// The audit row; its subject becomes the certificate's where one is met, and its outcome
    /// that of the event.
    pub audit: AuditEntry,
}

/// What came of a wish to apply events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppliedEvents {
    /// Each was applied, in their order: what each met, or that it met nothing.
    Applied(Vec<EventOutcome>),
    /// Somebody else applied events meanwhile, or held the batch: nothing was done; look at the
    /// position, and at the hold.
    Moved,
}

/// How far the events of a municipality were applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegisterPosition {
    /// The newest batch that was begun; 0 before the first.
    pub batch: u64,
    /// SHA-256 of its whole file.
    pub batch_sha256: [u8; 32],
    /// All of its events were applied.
    pub complete: bool,
    /// The newest event that was applied; 0 before the first.
    pub sequence: u64,
    /// Why the next batch is not taken.
    pub trouble: Option<String>,
}

/// A certificate that an event revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldRevocation {
    pub sequence: u64,
    pub serial: Vec<u8>,
    pub kind: RegisterEventKind,
    pub recorded_at: Timestamp,
    /// When it was applied here, and took effect.
    pub revoked_at: Timestamp,
}

/// Events and how far they were applied. An event, what it does to the certificate, its audit
/// row and the new position are one transaction.
pub trait RegisterEvents {
    /// Apply events that follow one another, the first of them next after the position `before`,
    /// and move the position to `after`. Once it returned, a certificate that rests on the
    /// register from before is out of effect, and none can come into effect any more. An event
    /// meets the resident's certificate of each of `issuers`; the answer has an outcome for each
    /// that it met, and one for an event that met none.
    fn apply_register_events(
        &self,
        issuers: &[String],
        municipality: &str,
        before: &RegisterPosition,
        after: &RegisterPosition,
        events: Vec<NewRegisterEvent>,
        at: Timestamp,
    ) -> Result<AppliedEvents, StoreError>;

    /// How far a municipality's events were applied.
    fn register_position(&self, municipality: &str) -> Result<RegisterPosition, StoreError>;

    /// Keep why the next batch is not taken, or that it can be again. The audit row is written
    /// when this is news; answers whether it was.
    fn set_register_trouble(
        &self,
        municipality: &str,
        trouble: Option<String>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Certificates that events after `since` revoked, in the order of the events.
    fn register_revocations(
        &self,
        municipality: &str,
        since: u64,
        limit: u32,
    ) -> Result<Vec<ToldRevocation>, StoreError>;
}
