//! Time, handed in.

pub use service::clock::Clock;
