//! Approval by a second person (四眼).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// `POST /v1/approvals`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// `identity-inquiry`, `fee-correction`, `till-difference`, `paper-hold`, `paper-release`.
    pub act: String,
    /// The application that it concerns, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// What the act works on: 1 to 80 printable ASCII characters.
    pub reference: String,
    /// Why: 1 to 200 characters.
    pub reason: String,
}

/// A request for approval as terminals see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalMessage {
    /// 16 bytes, hex.
    pub id: String,
    pub act: String,
    pub application: Option<String>,
    pub reference: String,
    pub reason: String,
    /// SHA-256 of act, application, reference and reason, hex.
    pub subject_sha256: String,
    pub requested_by: String,
    pub requested_at: String,
    /// From then on it can be neither given nor used.
    pub expires_at: String,
    /// `waiting`, `approved`, `rejected`, `spent`.
    pub standing: String,
    pub decided_by: Option<String>,
}

/// `GET /v1/approvals`: of the municipality, newest first, at most 100.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalList {
    pub approvals: Vec<ApprovalMessage>,
}

/// `POST /v1/approvals/{id}/decision`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalDecision {
    /// JSON of `pki_core::approval::Statement`, as signed.
    pub statement: Base64,
    /// ECDSA P-256/SHA-256 (DER) by the approver's card over
    /// `"jitsuin-approval-v1\0" || statement`.
    pub signature: Base64,
}
