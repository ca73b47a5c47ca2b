//! Kept papers (各種申請書の保存).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// `POST /v1/papers`. Exactly one of `application` and `notice` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepPaperRequest {
    /// 16 bytes, hex.
    pub idempotency_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// A kind of the list of retention rules: `issue-application`, `identity-copy`, …
    pub kind: String,
    /// PDF, PNG or JPEG; told apart by its content.
    pub content: Base64,
}

/// A kept paper without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptPaper {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    pub kind: String,
    /// `application/pdf`, `image/png`, `image/jpeg`.
    pub media: String,
    pub bytes: u64,
    pub pages: u32,
    pub received_at: String,
    /// The first day on which it is no longer kept, as far as is known now.
    pub due_on: String,
    /// Held by order, beyond that day.
    pub held: bool,
}

/// Papers of an application or a notice, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptPapers {
    pub papers: Vec<KeptPaper>,
}

/// Answer to `GET /v1/papers/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptPaperContent {
    pub paper: KeptPaper,
    pub content: Base64,
}

/// `POST /v1/papers/{id}/hold` and `POST /v1/papers/{id}/release`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaperOrderRequest {
    /// As it was approved: 1 to 200 characters; kept sealed.
    pub reason: String,
    /// The supervisor's approval of exactly this: act `paper-hold` or `paper-release`, the paper's id as the
    /// reference, and the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// An order about a kept paper.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaperOrderMessage {
    /// `hold`, `release`.
    pub order: String,
    pub reason: String,
    /// Who asked for it and carried it out.
    pub by: String,
    /// The supervisor.
    pub approved_by: String,
    /// RFC 3339, UTC.
    pub at: String,
}

/// Answer to `GET /v1/papers/{id}/orders`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaperOrders {
    pub paper: KeptPaper,
    /// Oldest first.
    pub orders: Vec<PaperOrderMessage>,
}
