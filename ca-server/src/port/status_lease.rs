//! Leases of status nodes on the feed of revocations: two sides of one table.

use std::collections::BTreeMap;

pub use pki_core::revocation::lease::Lease;

use super::store::StoreError;

/// Most serials that are told one by one.
pub const MOST_NEWS: usize = 10_000;

/// What an issuer's feed holds beyond a node's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Where the feed ends now.
    pub place: u64,
    pub gone: Gone,
}

/// Which serials are not to be relied on any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// These, and none else.
    These(Vec<Vec<u8>>),
    /// More than [`MOST_NEWS`], or the feed went back: it may be any.
    Any,
}

/// The side of the nodes. They have no other access that writes revocation information.
pub trait LeaseBook: Send + Sync {
    /// Renew the leases of a node, one for each issuer with the place it has reached, in one
    /// transaction: in it the feeds are read and `tell` is called with the news of each issuer,
    /// and the new places are written. `true` when all of its leases were there before: whoever
    /// revokes after that sees them. An error may mean that it was done.
    fn renew(
        &self,
        node: &str,
        places: &BTreeMap<String, u64>,
        at: jiff::Timestamp,
        tell: &mut dyn FnMut(&str, News),
    ) -> Result<bool, StoreError>;

    /// Give up the leases of a node, which answers nothing from memory any more.
    fn give_up(&self, node: &str) -> Result<(), StoreError>;
}

/// How leases and feeds stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The position of the newest revocation of each issuer.
    pub feeds: BTreeMap<String, u64>,
    pub leases: Vec<Lease>,
}

/// The side of those who revoke.
pub trait StatusLeases: Send + Sync {
    /// How leases and feeds stand. The feeds are read first: a lease that is made after that
    /// reads a feed at least as long.
    fn lease_standing(&self) -> Result<Standing, StoreError>;

    /// Forget leases of nodes that are dead, as they were seen: one that was renewed since stays.
    fn forget_leases(&self, dead: Vec<Lease>) -> Result<(), StoreError>;
}
