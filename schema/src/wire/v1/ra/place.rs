//! The place of a window: its hours and its shifts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/place`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceView {
    /// Absent where there is no file of places.
    pub name: Option<String>,
    /// Version of the file of places.
    pub version: Option<String>,
    /// Why applicants are not served now, with when it opens; absent while it is open.
    pub closed: Option<String>,
    /// Until when a supervisor keeps it open today.
    pub extended_until: Option<String>,
    /// The last shift change at this terminal.
    pub shift: Option<ShiftMessage>,
}

/// `POST /v1/openings`, by a supervisor
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningRequest {
    /// RFC 3339; today.
    pub until: String,
    /// 1 to 200 characters.
    pub reason: String,
}

/// `POST /v1/shifts`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftRequest {}

/// A shift change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftMessage {
    /// Who took over.
    pub operator: String,
    /// From whom, where it is known.
    pub before: Option<String>,
    /// How many open applications of the terminal.
    pub applications: u64,
    pub at: String,
}
