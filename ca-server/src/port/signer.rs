//! The keys of the authority, out of reach.

use std::time::Duration;

use pki_core::certificate::{MessageDigest, SignatureAlgorithm};
use zeroize::Zeroizing;

/// Why a token did not do it, said as what the caller can do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Nothing was signed; the token cannot be used now.
    #[error("the token is away: {reason}")]
    Away {
        /// When trying again makes sense.
        retry_after: Duration,
        /// For logs and health pages.
        reason: String,
    },
    /// It may have signed, and the signature is lost.
    #[error("the token did not answer: {reason}")]
    Unknown {
        /// For logs.
        reason: String,
    },
    /// Trying again changes nothing: no such key, or a use it is not for.
    #[error("the token refused: {reason}")]
    Refused {
        /// For logs and health pages.
        reason: String,
    },
}

/// A signature, and the key that verified it.
pub struct Verified {
    /// As [`Signer::sign`] gives it.
    pub signature: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    pub by: Vec<u8>,
}

/// A token with the authority's keys. Every call ends by its own deadline, and
/// every signature was verified with the key's public half before it is returned.
pub trait Signer: Send + Sync {
    /// Sign `message` with the private key of that label; ECDSA signatures are DER.
    fn sign(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError>;

    /// The same, and which key verified it: whoever knows that key need not verify again.
    fn sign_verified(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Verified, SignError> {
        Ok(Verified {
            signature: self.sign(key, algorithm, message)?,
            by: self.public_key(key)?,
        })
    }

    /// Sign a message of which only the digest was kept, by the algorithm's own hash; as
    /// [`Signer::sign`] signs the message.
    fn sign_digest(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        digest: &MessageDigest,
    ) -> Result<Vec<u8>, SignError>;

    /// SubjectPublicKeyInfo (DER) of the key of that label.
    fn public_key(&self, key: &str) -> Result<Vec<u8>, SignError>;

    /// Encrypt a data key under a secret key of the token.
    fn wrap(&self, key: &str, data_key: &[u8; 32]) -> Result<Vec<u8>, SignError>;

    /// Decrypt what [`Signer::wrap`] gave.
    fn unwrap(&self, key: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, SignError>;

    /// Why it cannot be used now; does not call the token.
    fn trouble(&self) -> Option<String>;
}
