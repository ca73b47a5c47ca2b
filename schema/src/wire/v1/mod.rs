//! Version 1 of the messages.

pub mod act;
pub mod authority;
pub mod ca;
pub mod disclosure;
pub mod ra;
pub mod register_revocation;
pub mod stop;
