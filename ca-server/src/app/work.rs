//! What this process is issuing now: a second call with the same idempotency
//! key waits for the first.

use std::{
    collections::HashSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Idempotency keys in work.
#[derive(Default)]
pub struct InWork {
    keys: Mutex<HashSet<[u8; 16]>>,
    changed: Condvar,
}

/// The right to work on one key, given back when dropped.
pub struct Claim<'a> {
    work: &'a InWork,
    key: [u8; 16],
}

impl InWork {
    /// Claim a key, waiting at most `patience` for whoever has it.
    pub fn claim(&self, key: [u8; 16], patience: Duration) -> Option<Claim<'_>> {
        let until = Instant::now() + patience;
        let mut keys = self.lock();
        while !keys.insert(key) {
            let left = until.checked_duration_since(Instant::now())?;
            (keys, _) = self
                .changed
                .wait_timeout(keys, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Some(Claim { work: self, key })
    }

    /// Whether a key is in work here.
    pub fn holds(&self, key: &[u8; 16]) -> bool {
        self.lock().contains(key)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<[u8; 16]>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.work.lock().remove(&self.key);
        self.work.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_call_waits_for_the_first_and_gives_up_in_time() {
        let work = InWork::default();
        let first = work.claim([7; 16], Duration::ZERO).unwrap();
        assert!(work.claim([7; 16], Duration::from_millis(10)).is_none());
        assert!(work.claim([8; 16], Duration::ZERO).is_some());
        std::thread::scope(|scope| {
            let second = scope.spawn(|| work.claim([7; 16], Duration::from_secs(5)).is_some());
            drop(first);
            assert!(second.join().unwrap());
        });
        assert!(!work.holds(&[7; 16]));
    }
}
