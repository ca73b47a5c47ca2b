//! Revocation: the statutory grounds, and the lists and answers by which verifiers learn of it.

pub mod crl;
pub mod ground;
pub mod ocsp;

pub use ground::{Ground, ReasonCode};
