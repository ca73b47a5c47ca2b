//! The whole, started on loopback.

pub mod pcscd;
pub mod postgres;
