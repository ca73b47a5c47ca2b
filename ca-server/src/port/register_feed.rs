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
    /// The numbers of the batches that are there, in their order.
    fn numbers(&self, municipality: MunicipalityCode) -> Result<Vec<u64>, FeedAway>;

    /// A batch that is there. One that is longer than a batch may be is cut one byte after that
    /// length.
    fn batch(
        &self,
        municipality: MunicipalityCode,
        number: u64,
    ) -> Result<Option<Vec<u8>>, FeedAway>;
}
