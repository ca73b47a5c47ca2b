//! What went wrong, said as what the caller may do next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The outcome of a call that brought no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token cannot be used now. **Nothing was done**: try again after the given time.
    #[error("the token is away: {reason}")]
    Away {
        /// When trying again makes sense.
        retry_after: Duration,
        /// Why, for logs and health pages.
        reason: String,
    },
    /// The call was lost under way: **it may have happened**. Signing the same
    /// bytes again is safe; making or destroying a key is not: look first.
    #[error("the token's answer was lost: {reason}")]
    Unknown {
        /// Why, for logs.
        reason: String,
    },
    /// The token or its configuration says no; trying again changes nothing.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// This token cannot do it.
    #[error("the token does not support {what}")]
    Unsupported {
        /// The mechanism or operation.
        what: String,
    },
}

impl TokenError {
    /// Whether the same call may be made again unchanged (for signing).
    pub fn may_retry(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Unknown { .. })
    }
}

/// Why a call was refused. The texts tell an operator what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Refusal {
    /// No key of that label and class.
    #[error("no key with label {0:?} is in the token")]
    NoSuchKey(String),
    /// More than one key carries the label; a label must name one key.
    #[error("more than one key carries the label {0:?}")]
    AmbiguousKey(String),
    /// A key with this label exists already.
    #[error("a key with label {0:?} exists already")]
    KeyExists(String),
    /// The PIN was refused. It is not tried again until its source gives another one.
    #[error("the PIN was refused; correct it at its source (it is not tried again)")]
    WrongPin,
    /// The token has locked the PIN.
    #[error("the token has locked its PIN; the security officer must unlock it")]
    PinLocked,
    /// The key is of another kind or may not be used so.
    #[error("the key {label:?} cannot be used for this: {reason}")]
    WrongUse {
        /// The key.
        label: String,
        /// CKR code or reason.
        reason: String,
    },
    /// The input is outside its limits or was tampered with.
    #[error("bad input: {0}")]
    BadInput(String),
    /// The token refused for a reason of its own.
    #[error("the token says {0}")]
    Token(String),
}
