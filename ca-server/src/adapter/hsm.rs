//! The signer on a PKCS#11 token.

use std::time::Instant;

use hsm_config::{Health, Token, TokenError};
use pki_core::certificate::{MessageDigest, SignatureAlgorithm};
use zeroize::Zeroizing;

use crate::port::signer::{SignError, Signer, Verified};

/// A token behind the port. The facade verifies each signature before it gives it.
pub struct HsmSigner(Token);

impl HsmSigner {
    /// The signer of an opened token.
    pub fn new(token: Token) -> Self {
        Self(token)
    }
}

fn error(error: TokenError) -> SignError {
    match error {
        TokenError::Away {
            retry_after,
            reason,
        } => SignError::Away {
            retry_after,
            reason,
        },
        TokenError::Unknown { reason } => SignError::Unknown { reason },
        refused @ (TokenError::Refused(_) | TokenError::Unsupported { .. }) => SignError::Refused {
            reason: refused.to_string(),
        },
    }
}

impl Signer for HsmSigner {
    fn sign(
        &self,
        key: &str,
        by: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        timed(|| self.0.sign(key, by, message, self.0.deadline()))
    }

    fn sign_verified(
        &self,
        key: &str,
        by: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Verified, SignError> {
        let verified = timed(|| self.0.sign_verified(key, by, message, self.0.deadline()))?;
        Ok(Verified {
            by: verified.by().to_vec(),
            signature: verified.signature,
        })
    }

    fn sign_digest(
        &self,
        key: &str,
        by: SignatureAlgorithm,
        digest: &MessageDigest,
    ) -> Result<Vec<u8>, SignError> {
        timed(|| {
            self.0
                .sign_digest(key, by, digest.octets(), self.0.deadline())
        })
    }

    fn public_key(&self, key: &str) -> Result<Vec<u8>, SignError> {
        self.0.public_key(key, self.0.deadline()).map_err(error)
    }

    fn wrap(&self, key: &str, data_key: &[u8; 32]) -> Result<Vec<u8>, SignError> {
        self.0.wrap(key, data_key, self.0.deadline()).map_err(error)
    }

    fn unwrap(&self, key: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, SignError> {
        self.0
            .unwrap(key, wrapped, self.0.deadline())
            .map_err(error)
    }

    fn trouble(&self) -> Option<String> {
        match self.0.health() {
            Health::Usable(_) => None,
            Health::Probing => Some("the token is being looked for".to_owned()),
            Health::Unusable { reason, .. } => Some(reason),
        }
    }
}

/// Signs, and counts how long it took.
fn timed<T>(sign: impl FnOnce() -> Result<T, TokenError>) -> Result<T, SignError> {
    let started = Instant::now();
    let signature = sign().map_err(error);
    metrics::histogram!("jitsuin_sign_seconds").record(started.elapsed().as_secs_f64());
    signature
}
