//! Online revocation by the holder (Art 9 ③): the public listener's messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// `POST /v1/online-revocation-challenges`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlineChallengeRequest {
    /// Serial number of the holder's certificate, hex.
    pub serial: String,
}

/// Answer to [`OnlineChallengeRequest`]; given for every serial number, so that it tells
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlineChallengeResponse {
    /// What the holder signs, byte for byte: RSASSA-PKCS1-v1_5 with SHA-256.
    pub statement: Base64,
    pub expires_at: String,
}
