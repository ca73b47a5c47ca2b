//! Operators: sign-in with the card, and the session that follows.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// `POST /v1/operator-challenges`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorChallengeRequest {
    /// Operator id: 4 to 16 characters `[0-9A-Z-]`.
    pub operator: String,
}

/// Answer to [`OperatorChallengeRequest`]; good for two minutes, once, on this
/// terminal. It is given for unknown operators too, so that it tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorChallengeResponse {
    /// 16 bytes, hex.
    pub challenge_id: String,
    /// 32 random bytes.
    pub challenge: Base64,
}

/// `POST /v1/operator-sessions`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorSessionRequest {
    pub challenge_id: String,
    pub operator: String,
    /// ECDSA P-256/SHA-256 (DER) by the operator's card over
    /// [`operator_challenge_message`].
    pub signature: Base64,
}

/// What the operator's card signs at sign-in: the card is given the SHA-256 of
/// `"jitsuin-operator-challenge-v1\0" || terminal id (9 ASCII) || challenge (32)`.
pub fn operator_challenge_message(terminal: &str, challenge: &[u8]) -> Vec<u8> {
    let mut message = b"jitsuin-operator-challenge-v1\0".to_vec();
    message.extend_from_slice(terminal.as_bytes());
    message.extend_from_slice(challenge);
    message
}

/// The secret of a session, sent in the header `Operator-Session`. Not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct SessionToken(pub String);

impl fmt::Debug for SessionToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionToken(…)")
    }
}

/// Answer to [`OperatorSessionRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorSessionResponse {
    pub session: SessionToken,
    pub operator: String,
    /// A name that people know the operator by.
    pub label: String,
    /// `clerk`, `supervisor` or `auditor`.
    pub role: String,
    /// The session ends here at the latest; it ends earlier when idle.
    pub expires_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_token_is_not_printed() {
        let token = SessionToken("secret-value".into());
        assert!(!format!("{token:?}").contains("secret-value"));
    }
}
