//! What the use-cases need of the world, each as a promise. Every promise has
//! contract tests that run on all of its implementations.

pub mod clock;
pub mod disclosure;
pub mod entropy;
pub mod officer;
pub mod proof;
pub mod provision;
pub mod register_event;
pub mod register_feed;
pub mod register_hold;
pub mod retention;
pub mod signer;
pub mod status_lease;
pub mod stop;
pub mod store;
pub mod vault;
pub mod verifier;

#[cfg(feature = "testing")]
pub mod fake;
