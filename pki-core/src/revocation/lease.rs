//! Who may say what the record said a moment ago: the lease of a status node on the feed of
//! revocations, and when a revocation may be acknowledged (`docs/adr/0013-answers-from-memory.md`).

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// How long after the commit of a revocation a node that has not read of it may think it has a
/// lease. [`RIGHT`] is shorter by what two clocks may run apart in that time, and more.
pub const LEASE: Duration = Duration::from_secs(2);

/// How long a lease has to be seen unchanged to be dead. One that does not change for so long was
/// last renewed before that time; what may be under way then began within [`RIGHT`] of that
/// renewal, or gives no right ([`Tenure::renewed`]), and its own right is over.
pub const DEAD: Duration = Duration::from_secs(4);

/// How long a renewal gives the right to answer from memory, from before it began.
pub const RIGHT: Duration = Duration::from_millis(1750);

/// A moment by two clocks of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By one that never stands still or goes back.
    pub running: Duration,
    /// By the one that people set.
    pub wall: Timestamp,
}

/// The right to answer from memory that a renewal gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    began: Moment,
}

impl Right {
    /// From a renewal whose transaction began after this moment.
    pub fn from(began: Moment) -> Self {
        Self { began }
    }

    /// Whether it holds now, by both clocks: the one may stand while a machine sleeps, the other
    /// may be set.
    pub fn holds(&self, now: Moment) -> bool {
        let running = now.running.checked_sub(self.began.running);
        let wall = now.wall.duration_since(self.began.wall);
        running.is_some_and(|passed| passed < RIGHT)
            && wall >= SignedDuration::ZERO
            && wall.unsigned_abs() < RIGHT
    }
}

/// What a node has of its renewals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tenure {
    /// Of the last renewal that was committed.
    last: Option<Right>,
    right: Option<Right>,
}

impl Tenure {
    /// Whether a renewal that begins now goes on from the one before.
    pub fn continues(&self, now: Moment) -> bool {
        self.last.is_some_and(|last| last.holds(now))
    }

    /// A renewal was committed that began after `began`; `all_there` when it found all of its
    /// leases. The first after a gap gives no right: whoever took the lease for dead meanwhile
    /// did not wait for it. From its commit on the lease is seen, so the next one gives it.
    pub fn renewed(&mut self, began: Moment, all_there: bool) {
        let right = Right::from(began);
        self.right = (all_there && self.continues(began)).then_some(right);
        self.last = Some(right);
    }

    /// Whether the node may answer from memory now.
    pub fn holds(&self, now: Moment) -> bool {
        self.right.is_some_and(|right| right.holds(now))
    }
}

/// A node's place in an issuer's feed, as it stands in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// One start of one status node.
    pub node: String,
    pub issuer: String,
    /// Nothing up to here is in its memory as good.
    pub place: u64,
    /// Rises with each renewal.
    pub renewal: u64,
}

/// What whoever acknowledges has seen of the leases, by its own running clock.
#[derive(Debug, Default)]
pub struct Watch(BTreeMap<(String, String), (u64, Duration)>);

impl Watch {
    /// The leases as they stand, read before `read`. Rows that are gone are forgotten.
    pub fn see(&mut self, leases: &[Lease], read: Duration) {
        let mut known = std::mem::take(&mut self.0);
        for lease in leases {
            let key = (lease.node.clone(), lease.issuer.clone());
            let seen = match known.remove(&key) {
                Some((renewal, since)) if renewal == lease.renewal => (renewal, since),
                _ => (lease.renewal, read),
            };
            self.0.insert(key, seen);
        }
    }

    /// For how long a lease has been seen unchanged by those who read it again after `asked`.
    pub fn unchanged(&self, lease: &Lease, asked: Duration) -> Duration {
        let key = (lease.node.clone(), lease.issuer.clone());
        match self.0.get(&key) {
            Some((renewal, since)) if *renewal == lease.renewal => asked.saturating_sub(*since),
            _ => Duration::ZERO,
        }
    }

    /// Whether nobody can say good any more of what the feeds hold up to these positions, by
    /// leases that were read after `asked`: each has reached them, or is [`DEAD`].
    pub fn is_settled(
        &self,
        leases: &[Lease],
        feeds: &BTreeMap<String, u64>,
        asked: Duration,
    ) -> bool {
        leases.iter().all(|lease| {
            let reached = feeds
                .get(&lease.issuer)
                .is_none_or(|position| lease.place >= *position);
            reached || self.unchanged(lease, asked) >= DEAD
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(running: u64, wall: i64) -> Moment {
        Moment {
            running: Duration::from_millis(running),
            wall: Timestamp::from_millisecond(1_800_000_000_000 + wall).unwrap(),
        }
    }

    #[test]
    fn a_right_ends_by_whichever_clock_is_first() {
        let right = Right::from(moment(1000, 0));
        assert!(right.holds(moment(1000, 0)));
        assert!(right.holds(moment(2749, 1749)));
        assert!(!right.holds(moment(2750, 0)), "the running clock");
        assert!(!right.holds(moment(1000, 1750)), "the machine slept");
        assert!(!right.holds(moment(1001, -1)), "the clock was set back");
        assert!(!right.holds(moment(999, 0)), "never before it began");
        assert!(RIGHT < LEASE);
    }

    #[test]
    fn only_a_renewal_that_follows_one_in_time_gives_a_right() {
        let mut tenure = Tenure::default();
        let mut renew = |at, all_there| {
            let continues = tenure.continues(moment(at, at as i64));
            tenure.renewed(moment(at, at as i64), all_there);
            (continues, tenure.holds(moment(at + 1, at as i64 + 1)))
        };
        assert_eq!(renew(1000, false), (false, false), "it makes the lease");
        assert_eq!(renew(1250, true), (true, true));
        assert_eq!(renew(2900, true), (true, true));
        assert_eq!(renew(4650, true), (false, false), "it came too late");
        assert_eq!(renew(4900, true), (true, true));
        assert_eq!(
            renew(5150, false),
            (true, false),
            "somebody forgot the lease"
        );
        assert_eq!(renew(5400, true), (true, true));
        assert!(DEAD > 2 * RIGHT);
    }

    fn lease(node: &str, place: u64, renewal: u64) -> Lease {
        Lease {
            node: node.to_owned(),
            issuer: "sign".to_owned(),
            place,
            renewal,
        }
    }

    #[test]
    fn settled_is_what_every_lease_has_reached_or_nobody_can_trust_any_more() {
        let second = Duration::from_secs;
        let feeds = BTreeMap::from([("sign".to_owned(), 5)]);
        let mut watch = Watch::default();
        let behind = [lease("a", 5, 9), lease("b", 4, 3)];
        watch.see(&behind, second(10));
        assert!(!watch.is_settled(&behind, &feeds, second(10)));
        assert!(watch.is_settled(&[lease("a", 5, 9), lease("b", 5, 4)], &feeds, second(10)));
        assert!(watch.is_settled(&[], &feeds, second(10)));
        // One that is renewed and stays behind is alive.
        let renewed = [lease("a", 5, 10), lease("b", 4, 4)];
        watch.see(&renewed, second(13));
        assert!(!watch.is_settled(&renewed, &feeds, second(16)));
        // One that does not change for long is dead.
        watch.see(&renewed, second(18));
        assert!(watch.is_settled(&renewed, &feeds, second(17)));
        // Another issuer's feed is no matter.
        let other = BTreeMap::from([("auth".to_owned(), 99)]);
        assert!(watch.is_settled(&renewed, &other, second(13)));
        // A row that comes again after it was gone is a new one.
        watch.see(&[], second(19));
        watch.see(&renewed, second(20));
        assert!(!watch.is_settled(&renewed, &feeds, second(23)));
    }
}
