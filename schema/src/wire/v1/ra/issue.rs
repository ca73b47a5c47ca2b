//! Steps of an application from issue to hand-over: act, image, card as written, fee.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::{bytes::Base64, v1::act::SignedActMessage};

/// `POST /v1/applications/{id}/issue`: safe to repeat, with the same act or, when its
/// time has run out, with a new act that carries the same idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueActRequest {
    pub act: SignedActMessage,
}

/// What clerk and applicant said of the certificate image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageVerdict {
    Right,
    /// The person's data are wrong: revoked under Art 13, issued again without a further fee.
    PersonWrong,
    /// Governor's name or date wrong: issuing stops until an officer releases it.
    IssuerWrong,
    /// Another substitute is wished: revoked under Art 9, a new application.
    SubstituteWish,
}

/// `POST /v1/applications/{id}/image`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageRequest {
    pub verdict: ImageVerdict,
    /// SHA-256 of the DER that the image was made of, hex.
    pub certificate_sha256: String,
    /// The revocation's act: needed for `person-wrong` (ground `article13`) and
    /// `substitute-wish` (ground `article9`), refused with the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<SignedActMessage>,
}

/// `POST /v1/applications/{id}/written`: what was read back from the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenRequest {
    /// SHA-256 of the certificate as read back from the card, hex.
    pub certificate_sha256: String,
    /// What the card signed on trial: 16 to 4096 bytes.
    pub trial_message: Base64,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub trial_signature: Base64,
}

/// `POST /v1/applications/{id}/fee`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeRequest {
    /// Must be the fee that is due (`fee_yen`).
    pub amount_yen: u32,
    /// 16 bytes, hex: a repeat answers with the same receipt.
    pub idempotency_key: String,
}

/// `POST /v1/applications/{id}/hand-over`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverRequest {}

/// `POST /v1/applications/{id}/cancel`: the applicant withdraws before issue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {}
