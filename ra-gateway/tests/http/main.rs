//! The gateway as terminals and kiosks reach it: real TLS, real connections.

mod lane;
mod online;
mod party;
mod served;
#[path = "../support/mod.rs"]
mod support;
mod window;
