//! Time, handed in.

use jiff::Timestamp;

/// Tells the time. A use-case asks once, at its start.
pub trait Clock: Send + Sync {
    /// Now, to the microsecond.
    fn now(&self) -> Timestamp;
}
