//! The prefecture's certificate authority: issues, revokes, publishes CRLs and
//! answers OCSP.
//!
//! ```text
//! http/  ──▶ app/ ──▶ port/ ◀── adapter/
//! asynchronous  use-cases   promises   database, token, clock
//! ```
//!
//! Two programs in one binary: `issue` alone reaches the CA keys; `status` faces
//! relying parties with a key of its own and a database it can only read.

pub mod adapter;
pub mod app;
pub mod command;
pub mod config;
pub mod http;
pub mod port;
#[cfg(feature = "testing")]
pub mod testing;

/// An error and all of its causes on one line, for logs.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
