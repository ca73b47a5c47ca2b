//! The identity decision (本人確認).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the applicant showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityDocument {
    /// `drivers-licence`, `passport`, `residence-card`, `basic-resident-card`,
    /// `my-number-card`, `official-id`, `inquiry-reply` (照会書回答).
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `YYYY-MM-DD`; an expired document is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<String>,
}

/// The clerk's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityVerdict {
    Accepted,
    Refused,
}

/// `POST /v1/applications/{id}/identity`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityRequest {
    pub document: IdentityDocument,
    /// The face is that of the photo (for `inquiry-reply`: the clerk knows the person
    /// by the mayor's method).
    pub face_matches: bool,
    pub decision: IdentityVerdict,
    /// At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}
