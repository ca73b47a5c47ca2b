//! Encryption of what is at rest, and hashes to find it by.

/// Why sealed bytes do not open.
#[derive(Debug, thiserror::Error)]
pub enum VaultFault {
    /// The data key is not known here (yet): the token is away, or the database was
    /// written by another gateway.
    #[error("the data key is not available")]
    NoKey,
    /// The bytes were changed, or belong to another row.
    #[error("sealed data does not open")]
    Damaged,
}

/// Seals personal data.
///
/// Promises: `open` gives back exactly what `seal` was given under the same context and
/// fails on every other input; sealing the same twice gives different bytes; a keyed hash
/// is the same on every node and after a restart, differs between domains, and tells
/// nothing without the data key.
pub trait Vault: Send + Sync {
    /// Encrypts; `context` names the row and is authenticated.
    fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, VaultFault>;
    /// Decrypts.
    fn open(&self, context: &str, sealed: &[u8])
    -> Result<zeroize::Zeroizing<Vec<u8>>, VaultFault>;
    /// HMAC-SHA-256 for look-ups.
    fn keyed_hash(&self, domain: &str, value: &[u8]) -> Result<[u8; 32], VaultFault>;
}
