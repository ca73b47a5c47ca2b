//! Notices of the resident register, as batches of a municipality (住基法30条の8③).

use pki_core::person::municipality::MunicipalityCode;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The batches cannot be looked at now; try later.
#[derive(Debug, thiserror::Error)]
#[error("the register's batches cannot be read")]
pub struct FeedAway(#[source] pub Cause);

/// Where municipalities leave their batches. A batch that was left is never changed; the next
/// has the next number. What is read here is not trusted: the use-case checks it whole.
pub trait RegisterFeed: Send + Sync {
    /// Numbers beyond `after` of batches that are there, in their order: the first of them at
    /// least.
    fn numbers(&self, municipality: MunicipalityCode, after: u64) -> Result<Vec<u64>, FeedAway>;

    /// A batch that is there. One that is longer than a batch may be is cut one byte after that
    /// length.
    fn batch(
        &self,
        municipality: MunicipalityCode,
        number: u64,
    ) -> Result<Option<Vec<u8>>, FeedAway>;

    /// Whether a batch is there with another SHA-256 than this. One that is gone does not differ.
    fn differs(
        &self,
        municipality: MunicipalityCode,
        number: u64,
        sha256: &[u8; 32],
    ) -> Result<bool, FeedAway>;
}
