//! Parts of tests and benchmarks: a window with generated parties, an issuing
//! client over mutual TLS, CA certificates made for the occasion, and a CA room
//! on a SoftHSM token with the real programs; the register's side of its feed.

pub mod ceremony;
pub mod client;
pub mod disclosure;
pub mod fixed;
pub mod register_server;
pub mod room;
pub mod window;
pub mod world;
