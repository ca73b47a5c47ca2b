//! Time, handed in.

use std::time::Duration;

use jiff::Timestamp;
use pki_core::revocation::lease::Moment;
pub use service::clock::Clock;

/// Tells how much time has passed since some moment in the past.
///
/// Promise: it never stands still, also while the machine sleeps, never goes back, and nobody
/// sets it.
pub trait Stopwatch: Send + Sync {
    /// Since that moment.
    fn elapsed(&self) -> Duration;

    /// Now, by this and by the wall clock.
    fn moment(&self, wall: Timestamp) -> Moment {
        Moment {
            running: self.elapsed(),
            wall,
        }
    }
}
