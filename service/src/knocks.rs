//! Refusals without a row of their own: strangers are counted and summed, and so is a
//! known party that keeps on knocking, so that a flood cannot fill the audit log.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
};

use governor::{DefaultKeyedRateLimiter, Quota};

/// Most rows of refusals that one known party gets in a minute.
const ROWS: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// Refusals that have no row yet.
pub struct Knocks {
    count: AtomicU64,
    rows: DefaultKeyedRateLimiter<String>,
}

impl Default for Knocks {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            rows: DefaultKeyedRateLimiter::keyed(Quota::per_minute(ROWS)),
        }
    }
}

impl Knocks {
    /// A refusal that gets no row.
    pub fn count(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a known party's refusal gets a row; when not, it is counted.
    pub fn has_row(&self, party: &str) -> bool {
        let free = self.rows.check_key(&party.to_owned()).is_ok();
        if !free {
            self.count();
        }
        free
    }

    /// Takes the count, once a minute, and hands it to `record`; when that fails they
    /// are not forgotten.
    ///
    /// # Errors
    /// What `record` failed with.
    pub fn sum_up<E>(&self, record: impl FnOnce(u64) -> Result<(), E>) -> Result<u64, E> {
        self.rows.retain_recent();
        let count = self.count.swap(0, Ordering::Relaxed);
        if count > 0 {
            record(count).inspect_err(|_| {
                self.count.fetch_add(count, Ordering::Relaxed);
            })?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_that_knocks_on_has_ten_rows_and_the_rest_is_summed_once() {
        let knocks = Knocks::default();
        let rows = (0..25).filter(|_| knocks.has_row("terminal:1")).count();
        assert_eq!(rows, 10);
        assert!(knocks.has_row("terminal:2"), "another party has its own");
        assert_eq!(knocks.sum_up(|_| Ok::<_, ()>(())), Ok(15));
        assert_eq!(
            knocks.sum_up(|_| Err(())),
            Ok(0),
            "nothing is left to write"
        );
    }

    #[test]
    fn what_could_not_be_written_is_not_forgotten() {
        let knocks = Knocks::default();
        knocks.count();
        assert_eq!(knocks.sum_up(|_| Err(())), Err(()));
        assert_eq!(knocks.sum_up(|_| Ok::<_, ()>(())), Ok(1));
    }
}
