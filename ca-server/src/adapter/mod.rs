//! The ports' real implementations.

pub mod database;
pub mod system;
