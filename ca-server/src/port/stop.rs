//! Stops of gateways, as far as they outlive the process. The promises are those of
//! [`super::store`].

use jiff::Timestamp;

use super::store::{AuditEntry, StoreError};

/// Most stops of one gateway that are open.
pub const OPEN_STOPS: i64 = 1000;

/// Issuing has stopped at a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayStop {
    /// The gateway's name of it.
    pub id: String,
    /// Who told it first.
    pub gateway: String,
    /// The certificate that showed the fault, lower-case hex.
    pub serial: String,
    pub application: String,
    pub terminal: String,
    pub operator: String,
    pub tripped_at: Timestamp,
    pub told_at: Timestamp,
    /// What two officers signed, JSON, as the gateway is given it; and since when.
    pub release: Option<(Vec<u8>, Timestamp)>,
}

/// What came of telling a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteStop {
    Noted,
    /// It was told before; nothing was changed, and there is no audit row.
    Known,
    /// The gateway has [`OPEN_STOPS`] open ones. The refusal is in the log.
    TooMany,
}

/// The part of the authority's memory that is about stops.
pub trait StopStore: Send + Sync {
    /// Keep a stop; the first telling counts.
    fn note_stop(&self, stop: GatewayStop, audit: AuditEntry) -> Result<NoteStop, StoreError>;

    /// Open stops, the oldest first, or released ones, the newest first.
    fn stops(&self, open: bool, limit: u32) -> Result<Vec<GatewayStop>, StoreError>;

    /// The stop with that id.
    fn stop(&self, id: &str) -> Result<Option<GatewayStop>, StoreError>;

    /// Lay the officers' release beside an open stop; `false`, with a refusal in the log, when
    /// it is not open.
    fn release_stop(
        &self,
        id: &str,
        release: Vec<u8>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;
}
