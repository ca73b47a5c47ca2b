//! What an authority tells a gateway of itself, before anything is asked of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/authority`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRecord {
    /// Two digits.
    pub prefecture: String,
    /// `production` or `training`.
    pub mode: String,
    /// Policy of the certificates that it issues, dotted.
    pub policy: Option<String>,
}
