//! The prefecture's certificate authority: issues, revokes, publishes CRLs and
//! answers OCSP.
//!
//! ```text
//! http/  ──▶ app/ ──▶ port/ ◀── adapter/
//! asynchronous  use-cases   promises   database, token, clock
//! ```
//!
//! Three programs in one binary: `issue` serves the gateways and `console` the officers, and
//! these two alone, with the officers' commands, reach the CA keys; `status` faces relying
//! parties with a key of its own and a database it can only read.

pub mod adapter;
pub mod app;
pub mod command;
pub mod config;
mod console;
pub mod http;
pub mod port;
#[cfg(feature = "testing")]
pub mod testing;

pub use service::log::causes;
