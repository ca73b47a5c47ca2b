//! Records whose years are over, as the rule table has it. The promises are those of
//! [`super::store`].

use jiff::Timestamp;

use super::store::{AuditEntry, StoreError};

/// Which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Requests for disclosure and correction, once the answer was handed over.
    Disclosures,
    /// What officers decided at the console.
    OfficerActs,
    /// Gateways' stops, once they were released.
    Stops,
}

impl Records {
    pub const ALL: [Self; 3] = [Self::Disclosures, Self::OfficerActs, Self::Stops];

    /// Name in the rule table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disclosures => "disclosure-request",
            Self::OfficerActs => "officer-act",
            Self::Stops => "gateway-stop",
        }
    }
}

/// One record that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Lower-case hex, as in audit rows.
    pub id: String,
    pub at: Timestamp,
}

/// The part of the authority's memory that forgets.
pub trait Retention: Send + Sync {
    /// Records that ended before a moment, the oldest first.
    fn ended_before(
        &self,
        records: Records,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Ended>, StoreError>;

    /// Delete a record that still stands as it was read; `false`, and no audit row, when it
    /// does not.
    fn delete_ended(
        &self,
        records: Records,
        ended: &Ended,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;
}
