//! The gateway's token: AES-256 masters that never leave it, used through AES-CMAC.

use std::time::Duration;

/// Why the token did not answer.
#[derive(Debug, thiserror::Error)]
pub enum MasterFault {
    /// The token is away or busy; the same call may be made again later.
    #[error("the gateway's token is away")]
    Away {
        /// When it is worth asking again.
        retry_after: Duration,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No key of that label: make or import it (`ra-gateway card-master`, `kiosk-master`).
    #[error("the gateway's token has no key {0:?}")]
    NoKey(String),
    /// The token refused; retrying does not help.
    #[error("the gateway's token refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Masters by label.
///
/// Promises: `cmac` is AES-CMAC (NIST SP 800-38B) under the AES-256 key of that
/// label; the key's value does not leave the token; a call ends within the token's
/// deadline.
pub trait Masters: Send + Sync {
    /// CMAC of `message` under the master `label`.
    fn cmac(&self, label: &str, message: &[u8]) -> Result<[u8; 16], MasterFault>;

    /// Why the token cannot be used now, for the readiness check; `None` when it can.
    fn trouble(&self) -> Option<String>;
}
