//! How a token is, as seen by the server.

use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::error::Refusal;

/// The state of a token.
#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    /// Being started; calls wait for the outcome until their deadline.
    Probing,
    /// Calls are answered.
    Usable(Arc<TokenDescription>),
    /// Calls are refused at once with `Away`, or `Refused` when `refusal` is set.
    Unusable {
        /// Why, in words for an operator.
        reason: String,
        /// Since when.
        since: SystemTime,
        /// Set when trying again by itself would do harm (wrong PIN).
        refusal: Option<Refusal>,
    },
}

impl Health {
    /// Whether calls are answered now.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Usable(_))
    }
}

/// What a usable token says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenDescription {
    /// CK_INFO: manufacturer, description and version of the module.
    pub module: String,
    /// The token's label.
    pub label: String,
    /// The token's serial number.
    pub serial: String,
    /// The token's manufacturer, model and firmware version.
    pub model: String,
    /// Names of the mechanisms, sorted.
    pub mechanisms: Vec<String>,
    /// Process id of the worker.
    pub worker_pid: u32,
    /// The worker's number since this program opened the token, from 1.
    #[serde(default)]
    pub generation: u64,
}
