//! Requests per terminal: a gateway that was taken over cannot flood the token
//! in the name of one window.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock};

/// Seconds of quota that may be used at once.
const BURST: u32 = 10;

/// Limits by terminal.
pub struct Limits {
    terminals: DefaultKeyedRateLimiter<String>,
}

impl Limits {
    /// So many requests per second and terminal.
    pub fn new(per_second: u32) -> Self {
        let rate = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        let burst = rate.saturating_mul(NonZeroU32::new(BURST).unwrap_or(NonZeroU32::MIN));
        Self {
            terminals: DefaultKeyedRateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
        }
    }

    /// Seconds to wait, when the terminal has used its quota up.
    pub fn check(&self, terminal: &str) -> Result<(), u64> {
        self.terminals
            .check_key(&terminal.to_owned())
            .map_err(|until| {
                let clock = governor::clock::DefaultClock::default();
                until.wait_time_from(clock.now()).as_secs() + 1
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_has_a_quota_of_its_own() {
        let limits = Limits::new(1);
        for _ in 0..BURST {
            assert!(limits.check("131010001").is_ok());
        }
        assert!(limits.check("131010001").is_err());
        assert!(limits.check("131010002").is_ok());
    }
}
