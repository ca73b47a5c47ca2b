//! Characters that the certificate cannot carry, and what stands for them (代替文字).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A character that may stand for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubstituteCandidate {
    pub character: String,
    /// `U+9AD8`.
    pub code_point: String,
    /// Where the relation comes from.
    pub source: String,
}

/// A character that the certificate cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterFinding {
    /// `name` or `address`.
    pub item: String,
    /// Counted in characters from 0.
    pub position: u32,
    pub character: String,
    pub code_point: String,
    pub candidates: Vec<SubstituteCandidate>,
    /// Kana may be chosen (always where no candidate fits).
    pub kana_allowed: bool,
}

/// `GET /v1/applications/{id}/characters`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterFindings {
    /// Version of the list of substitutes.
    pub list_version: String,
    pub findings: Vec<CharacterFinding>,
}

/// The applicant's choice for one finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterChoice {
    pub item: String,
    pub position: u32,
    /// A candidate's character, or kana.
    pub substitute: String,
}

/// `POST /v1/applications/{id}/characters`: one choice for each finding, none for
/// anything else; an empty list when there are no findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterChoices {
    pub choices: Vec<CharacterChoice>,
}
