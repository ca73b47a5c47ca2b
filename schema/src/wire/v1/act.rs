//! The signed act as it travels: the exact bytes that were signed and the two
//! signatures over them. What the bytes say is `pki_core::act`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// A statement signed by a terminal's key and countersigned by an operator's card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedActMessage {
    /// UTF-8 JSON of the act, verbatim as signed.
    pub payload: Base64,
    /// ECDSA P-256/SHA-256 (DER) by the terminal's enrolled key.
    pub terminal_signature: Base64,
    /// ECDSA P-256/SHA-256 (DER) by the operator's card.
    pub operator_signature: Base64,
}
