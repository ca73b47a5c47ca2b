//! The registry of verifiers (署名検証者): who may be given revocation information
//! (Arts 17, 18).

use jiff::Timestamp;

use super::store::{AuditEntry, StoreError};

/// A registered verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    /// 1 to 32 of a-z A-Z 0-9 - .
    pub id: String,
    /// Its name.
    pub label: String,
    /// Number and date of the written arrangement (Art 17 (4)).
    pub arrangement: String,
    /// DER.
    pub certificate: Vec<u8>,
    pub certificate_sha256: [u8; 32],
    /// Neither suspended by an officer (Art 18 (3), (4)) nor ended.
    pub active: bool,
}

/// The part of the authority's memory that knows verifiers. Writing methods are
/// transactions like those of [`super::store::Store`].
pub trait Verifiers: Send + Sync {
    /// Take a verifier into the registry; one of the same id is replaced only when `replace`.
    fn enrol_verifier(
        &self,
        verifier: Verifier,
        at: Timestamp,
        replace: bool,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Suspend or resume; `false` when there is no such verifier.
    fn set_verifier(
        &self,
        id: &str,
        active: bool,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;

    /// All verifiers in the order of their ids.
    fn verifiers(&self) -> Result<Vec<Verifier>, StoreError>;

    /// A verifier by the SHA-256 of its certificate.
    fn verifier_by_certificate(&self, sha256: &[u8; 32]) -> Result<Option<Verifier>, StoreError>;
}
