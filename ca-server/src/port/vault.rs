//! Personal data at rest: sealed, and looked up through keyed hashes.

use zeroize::Zeroizing;

use super::{signer::SignError, store::StoreError};

/// Why the vault did not do it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Its key is in the token, and the token cannot be used now.
    #[error("the vault's key cannot be unwrapped")]
    Token(#[source] SignError),
    /// Its wrapped key is in the database, and the database cannot be read now.
    #[error("the vault's key cannot be read")]
    Store(#[source] StoreError),
    /// What was given is not what this vault sealed, or not in this place.
    #[error("sealed data do not open: they were changed or moved")]
    Forged,
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] super::entropy::EntropyFailed),
}

/// Seals columns under a data key that only the token can unwrap.
pub trait Vault: Send + Sync {
    /// Encrypt and bind to a place (`certificate/sign/01ab…/der`): moved
    /// elsewhere it does not open.
    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Decrypt what was sealed for that place.
    fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError>;

    /// A keyed hash for look-ups: equal for equal values of one kind, and says
    /// nothing about the value to whoever has no key.
    fn hash(&self, kind: &str, value: &str) -> Result<[u8; 32], VaultError>;
}
