//! The identification of this visit for the other certificate of the card.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::CertificateKind;
use super::identity::IdentityDocument;

/// `GET /v1/applications/{id}/identity-of-visit`: what this application may rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityOfVisit {
    /// Absent where the applicant shows a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<EarlierIdentity>,
}

/// A decision of this visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierIdentity {
    /// The application that it was made for.
    pub application: String,
    pub certificate_kind: CertificateKind,
    /// What was shown then.
    pub document: IdentityDocument,
    /// Operator id of who decided.
    pub decided_by: String,
    pub decided_at: String,
    /// SHA-256 of its record, hex: what is confirmed is what was seen.
    pub identity_sha256: String,
}

/// `POST /v1/applications/{id}/identity-of-visit`: the same person is before the clerk, who saw this
/// decision and lets the application rest on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityOfVisitRequest {
    /// As in [`EarlierIdentity`].
    pub identity_sha256: String,
}
