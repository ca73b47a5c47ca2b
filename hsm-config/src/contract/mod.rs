//! What every token must keep, as functions to run on one, and tokens to run them on.
//!
//! For tests alone (feature `contract`): a broken promise is a panic.

mod promises;
mod tokens;

pub use promises::*;
pub use tokens::{P11KitServer, SoftHsm};
