//! The key ceremony: keys, CA certificates and requests from one reviewed file.
//!
//! The file ([`spec::CeremonySpec`]) is checked as a whole ([`plan::Plan::check`]) before
//! the first key is made; holding it ([`hold::hold`]) never overwrites a key or a file and
//! ends, whatever happens, with a written record ([`record::Record`]).

pub mod hold;
pub mod plan;
pub mod record;
pub mod spec;
