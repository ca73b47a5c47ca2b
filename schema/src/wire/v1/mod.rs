//! Version 1 of the messages.

pub mod act;
pub mod ca;
pub mod disclosure;
pub mod ra;
pub mod register_revocation;
