//! What register events did to certificates, so that the window can tell the resident.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A certificate that was revoked because of a register event (異動等失効, Art 12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRevocation {
    /// Number of the event in its municipality's register.
    pub sequence: u64,
    /// Lower-case hex of the serial number's DER content octets.
    pub serial: String,
    /// `moved-out`, `death`, `deletion`, `item-changed`, `address-notation`.
    pub kind: String,
    /// RFC 3339, UTC: when the register was changed.
    pub recorded_at: String,
    /// RFC 3339, UTC: when the revocation was recorded, and took effect (Art 15).
    pub revoked_at: String,
    /// What the resident may apply for because of it (`reissue-address-notation`, …); absent where
    /// nothing can be applied for here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_application: Option<String>,
}

/// `GET /v1/register-revocations?municipality=13101&since=0`: in the order of the events, those
/// after the event `since`, at most 500.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRevocationList {
    pub municipality: String,
    pub revocations: Vec<RegisterRevocation>,
    /// Ask for more with this as `since`: everything up to this event is told.
    pub told: u64,
}
