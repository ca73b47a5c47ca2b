//! Time, handed in.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

/// Tells the time. A use-case asks once, at its start.
///
/// Promise: UTC, to the microsecond; two readings by one caller never go back by more
/// than the operating system's own corrections.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, expected to be kept by NTP, cut to microseconds, as the
/// databases keep times.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.round(
            TimestampRound::new()
                .smallest(Unit::Microsecond)
                .mode(RoundMode::Trunc),
        )
        .unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_survives_the_way_through_a_database() {
        let now = SystemClock.now();
        assert_eq!(
            Timestamp::from_microsecond(now.as_microsecond()).unwrap(),
            now
        );
    }
}
