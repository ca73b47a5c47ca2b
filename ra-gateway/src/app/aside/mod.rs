//! Procedures beside the walk from application to hand-over.

pub mod disclose;
pub mod revoke;
pub mod revoke_online;
