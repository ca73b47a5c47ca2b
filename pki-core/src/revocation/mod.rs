//! Revocation: the statutory grounds, and the lists and answers by which verifiers learn of it.

pub mod crl;
pub mod ground;
pub mod lease;
pub mod ocsp;
pub mod online;
pub mod register_batch;
pub mod register_brake;
pub mod register_event;
pub mod replacement;

pub use ground::{Ground, ReasonCode};
pub use replacement::{ReplacementCause, Replaces};
