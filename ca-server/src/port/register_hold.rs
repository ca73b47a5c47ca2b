//! What the store promises about batches of the register that the brake held.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pki_core::revocation::{
    register_brake::{Met, RegisterStanding},
    register_event::RegisterEventKind,
};

use super::store::{AuditEntry, RegisterPosition, StoreError};

/// What became of a batch that was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// It waits for officers.
    Held,
    /// An officer refused it: the register system has to leave another. Two may still release it.
    Refused,
    /// Two officers let it through: it is applied at the next look.
    Released,
    /// It was applied after that.
    Applied,
}

impl HoldState {
    /// Name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Released => "released",
            Self::Applied => "applied",
        }
    }

    /// The state of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Held, Self::Refused, Self::Released, Self::Applied]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A batch by its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchName {
    pub municipality: String,
    pub batch: u64,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
}

/// A batch that the brake held. No resident's data are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub name: BatchName,
    pub first_sequence: u64,
    pub last_sequence: u64,
    /// Events by kind.
    pub kinds: BTreeMap<RegisterEventKind, u64>,
    /// Certificates that it would end, as it was held.
    pub ends: u64,
    pub standing: RegisterStanding,
    /// The most that may be ended in a day.
    pub allowed: u64,
    pub state: HoldState,
    pub held_at: Timestamp,
    /// Who decided last, as in audit rows, and when.
    pub decided: Option<(String, Timestamp)>,
}

/// What an officer decided about a held batch, in the transaction of the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldDecision {
    pub name: BatchName,
    /// [`HoldState::Released`] from held or refused; [`HoldState::Refused`] from held.
    pub to: HoldState,
    pub by: String,
    pub at: Timestamp,
}

/// What the brake held, and what it has to know.
pub trait RegisterHolds: Send + Sync {
    /// Which of the residents have which certificates of these issuers in effect that have not
    /// run out.
    fn certificates_met(
        &self,
        issuers: &[String],
        residents: &[[u8; 32]],
        at: Timestamp,
    ) -> Result<Vec<Met>, StoreError>;

    /// How a municipality's certificates stand: those of `places` (it and what was merged into
    /// it), and what its events ended since `since` without released batches.
    fn register_standing(
        &self,
        issuers: &[String],
        municipality: &str,
        places: &[String],
        since: Timestamp,
        at: Timestamp,
    ) -> Result<RegisterStanding, StoreError>;

    /// Hold a batch that is next after the position `before`; `false` when it is held already, or
    /// when somebody else applied events meanwhile: look again. From the return on nobody applies
    /// it before it is released.
    fn hold_register_batch(
        &self,
        before: &RegisterPosition,
        hold: Hold,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;

    /// The batch with these bytes, if it was held.
    fn register_hold(&self, name: &BatchName) -> Result<Option<Hold>, StoreError>;

    /// Batches that were held, the newest first.
    fn register_holds(&self, limit: u32) -> Result<Vec<Hold>, StoreError>;
}
