//! The resident register (住民基本台帳): look-ups.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::opening::Residence;

/// `POST /v1/register-lookups`: at least `resident`, or `name` with `birth_date`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterLookupRequest {
    /// The resident's number in the municipality's register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `EYYYYMMDD`, or as on the form (`昭和25年4月1日`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A person in the resident register (住民基本台帳).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterEntryMessage {
    pub resident: String,
    /// Family and given name separated by U+3000, in the register's own characters.
    pub name: String,
    /// `EYYYYMMDD`.
    pub birth_date: String,
    /// `1` male, `2` female.
    pub sex: String,
    pub address: String,
}

/// Answer to [`RegisterLookupRequest`]: residents of the terminal's municipality only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterLookupResponse {
    /// At most 20.
    pub entries: Vec<RegisterEntryMessage>,
    /// Who fits and is no resident any more: what follows for the certificate is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<GoneResident>,
}

/// A person whose record in the register ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoneResident {
    pub resident: String,
    pub name: String,
    /// Not `resident`.
    pub residence: Residence,
}
