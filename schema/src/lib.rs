//! Shapes that outlive a process: tables, migrations and rows of the two
//! databases, and the messages between programs.
//!
//! A row is not a message and neither is a domain type: three shapes for one
//! thing are three types, converted beside the row or the message.

#[cfg(feature = "ca")]
pub mod ca;
#[cfg(feature = "database")]
pub mod database;
#[cfg(feature = "ra")]
pub mod ra;
pub mod wire;
