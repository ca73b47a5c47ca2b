//! The masters in the gateway's PKCS#11 token.

use std::time::Duration;

use hsm_config::{Health, Refusal, Token, TokenError};

use crate::port::{MasterFault, Masters};

/// Masters in a token, by label.
pub struct TokenMasters {
    token: Token,
}

impl TokenMasters {
    /// On a token that was opened; it may still be away.
    pub const fn new(token: Token) -> Self {
        Self { token }
    }
}

impl Masters for TokenMasters {
    fn cmac(&self, label: &str, message: &[u8]) -> Result<[u8; 16], MasterFault> {
        let deadline = self.token.deadline();
        // Computing the same CMAC again does no harm: one retry where the answer was lost.
        let answer = match self.token.cmac(label, message, deadline) {
            Err(TokenError::Unknown { .. }) => {
                self.token.cmac(label, message, self.token.deadline())
            }
            other => other,
        };
        answer.map_err(|error| match error {
            TokenError::Away { retry_after, .. } => MasterFault::Away {
                retry_after,
                source: Box::new(error),
            },
            TokenError::Unknown { .. } => MasterFault::Away {
                retry_after: Duration::from_secs(1),
                source: Box::new(error),
            },
            TokenError::Refused(Refusal::NoSuchKey(label)) => MasterFault::NoKey(label),
            TokenError::Refused(_) | TokenError::Unsupported { .. } => {
                MasterFault::Refused(Box::new(error))
            }
        })
    }

    fn trouble(&self) -> Option<String> {
        match self.token.health() {
            Health::Usable(_) => None,
            Health::Probing => Some("the token is being sought".to_owned()),
            Health::Unusable { reason, .. } => Some(reason),
        }
    }
}
