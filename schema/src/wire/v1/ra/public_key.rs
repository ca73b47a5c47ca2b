//! The public key that the card brings from the kiosk.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// `POST /v1/applications/{id}/public-key`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicKeyRequest {
    /// PKCS#10 request as the card made it, DER.
    pub request: Base64,
    /// The kiosk's signed record as the card carried it.
    pub kiosk_record: Base64,
}
