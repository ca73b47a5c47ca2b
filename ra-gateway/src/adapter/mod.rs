//! The ports on real parts.

pub mod authority;
pub mod database;
pub mod register_csv;
pub mod system;
pub mod token;
pub mod vault;
