//! A token behind a facade that answers in bounded time.
//!
//! ```text
//! callers ──frames──▶ socket pair ──▶ hsm worker: N signing threads ──▶ PKCS#11 module
//!    ▲ pool.rs  link.rs                 worker/         one session each
//!    └──── supervise.rs reads the answers, starts a new child when one is lost
//! ```

mod error;
mod health;
mod initialise;
mod key;
mod link;
pub mod measure;
mod pool;
mod set;
mod supervise;
mod verify;
mod wire;
pub mod worker;

pub use error::{Refusal, TokenError};
pub use health::{Health, TokenDescription};
pub use initialise::initialise;
pub use key::{KeyAlgorithm, KeyClass, KeyEntry, SignatureAlgorithm};
pub use pool::{Token, Verified};
pub use set::TokenSet;
