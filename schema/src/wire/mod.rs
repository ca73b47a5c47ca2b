//! Messages between programs. JSON; unknown fields are refused.

pub mod bytes;
pub mod v1;
