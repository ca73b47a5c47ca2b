//! The time, read once per use-case and handed down.

pub use service::clock::Clock;
