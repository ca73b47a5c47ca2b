//! A gateway's stops, and how officers of the authority release them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// Most stops in one report.
pub const MOST_STOPS: usize = 100;

/// Issuing has stopped at a gateway: a wrong governor's name or date was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// 32 hex digits, drawn by the gateway.
    pub id: String,
    /// The certificate that showed it: lower-case hex.
    pub serial: String,
    pub application: String,
    /// Terminal and operator that saw it.
    pub terminal: String,
    pub operator: String,
    /// RFC 3339, UTC.
    pub tripped_at: String,
}

/// `POST /v1/stops`: every stop of a gateway that is not released. Telling one again changes
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopReport {
    /// At most 100.
    pub stops: Vec<Stop>,
}

/// One officer's signature with the certificate that it is checked by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficerSignature {
    pub officer: String,
    /// X.509, DER.
    pub certificate: Base64,
    /// ECDSA P-256 with SHA-256, DER.
    pub signature: Base64,
}

/// What two officers signed. The gateway checks it by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopRelease {
    /// The stop's id.
    pub stop: String,
    /// The act at the console, 32 hex digits.
    pub act: String,
    /// The deed, the very bytes whose digest the officers' statements carry.
    pub deed: Base64,
    /// Who proposed it.
    pub proposer: OfficerSignature,
    /// Who agreed to it.
    pub second: OfficerSignature,
}

/// The answer: the releases of those stops that officers have released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopReleases {
    pub releases: Vec<StopRelease>,
}
