//! Revocation at the window.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::identity::IdentityDocument;
use crate::wire::v1::{act::SignedActMessage, ca::RevokeResponse};

/// `POST /v1/revocations`: Art 9 and Art 10 at the window. The act's
/// `identity_sha256` is [`RevocationIdentity::digest_input`]'s SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowRevokeRequest {
    pub act: SignedActMessage,
    pub identity: RevocationIdentity,
}

/// How the applicant for a revocation was identified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationIdentity {
    pub document: IdentityDocument,
    pub face_matches: bool,
}

impl RevocationIdentity {
    /// The bytes whose SHA-256 goes into the act: this message as compact JSON, fields
    /// in the order of the declaration, absent ones left out.
    pub fn digest_input(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and booleans always serialise")
    }
}

/// Answer to [`WindowRevokeRequest`].
pub type WindowRevokeResponse = RevokeResponse;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_input_of_a_revocation_identity_leaves_absent_fields_out() {
        let identity = RevocationIdentity {
            document: IdentityDocument {
                kind: "passport".into(),
                issuer: None,
                expires_on: Some("2030-01-01".into()),
            },
            face_matches: true,
        };
        assert_eq!(
            identity.digest_input(),
            br#"{"document":{"kind":"passport","expires_on":"2030-01-01"},"face_matches":true}"#
        );
    }
}
