//! What a key-pair kiosk sends.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// `POST /v1/kiosk/records`: the same bytes that the card carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskRecordRequest {
    pub record: Base64,
}

/// Answer to [`KioskRecordRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskRecordResponse {
    /// False when the record was there already.
    pub stored: bool,
}

/// `POST /v1/kiosk/health`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskHealthRequest {
    /// `passed` or `failed`.
    pub self_test: String,
    /// SHA-256 of the running program, hex.
    pub software_sha256: String,
    /// What the kiosk is doing: `idle`, `visit`, `stopped`.
    pub state: String,
    /// The kiosk's clock, RFC 3339.
    pub time: String,
}

/// Answer to [`KioskHealthRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskHealthResponse {
    /// The kiosk must take no further visit.
    pub suspended: bool,
    /// The gateway's clock, RFC 3339.
    pub time: String,
}
