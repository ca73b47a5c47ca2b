//! The signed acts themselves, kept beside what they brought about: the digest in the audit log
//! says which act it was, the act says what its two signatories signed.

use jiff::Timestamp;

use super::store::StoreError;

/// An act as it is kept: payload and both signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// Sealed, unless the vault could not be used when a revocation had to be recorded at once
    /// (Art 11). A revoking act holds references and digests, nothing of the person.
    pub sealed: bool,
    pub act: Vec<u8>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proof({} bytes)", self.act.len())
    }
}

/// What an act brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProvedDeed {
    Issue,
    Revoke,
}

impl ProvedDeed {
    /// As in tables and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Revoke => "revoke",
        }
    }
}

/// A proof as it is read.
#[derive(Clone)]
pub struct Kept {
    pub deed: ProvedDeed,
    pub proof: Proof,
    pub kept_at: Timestamp,
}

/// Acts are written by `reserve` and `revoke`, in the transaction that carries them out.
pub trait Proofs {
    /// The acts behind a serial: the one that asked for it, and the one that revoked it.
    fn proofs(&self, issuer: &str, serial: &[u8]) -> Result<Vec<Kept>, StoreError>;
}
