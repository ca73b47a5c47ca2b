//! The time, read once per use-case and handed down.

use jiff::Timestamp;

/// Tells the time.
///
/// Promise: the time is UTC; two readings by one caller never go back by more than
/// the operating system's own corrections.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}
