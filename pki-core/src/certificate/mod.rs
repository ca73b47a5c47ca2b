//! Certificates: what is in them, what is signed, what comes out.

pub(crate) mod asn1;
pub mod name;
pub(crate) mod oid;
pub mod pem;
pub mod public_key;
pub mod request;
pub mod serial;

pub use asn1::DerFault;
pub use name::Name;
pub use public_key::{KeyKind, PublicKey, SignatureAlgorithm};
pub use serial::Serial;
