//! Certificates: what is in them, what is signed, what comes out.
//!
//! [`profile::Profile`] says what a kind of certificate looks like, [`plan::plan`]
//! turns a decision into bytes to sign, [`unsigned::Unsigned::assemble`] turns the
//! signature into a certificate, and [`image::CertificateImage`] reads it back.

pub(crate) mod asn1;
pub mod check_code;
pub mod distribution_point;
pub mod image;
pub mod issuer;
pub mod key_fitness;
pub mod lint;
pub mod name;
pub(crate) mod oid;
pub mod partition;
pub mod pem;
pub mod plan;
pub mod profile;
pub mod public_key;
pub mod request;
pub mod serial;
pub mod subscriber;
pub(crate) mod tbs;
pub mod unsigned;
pub mod user;

pub use asn1::DerFault;
pub use check_code::{CheckCode, CheckCodeFault};
pub use distribution_point::{DistributionPoint, Place};
pub use image::{CertificateImage, ImageFault};
pub use issuer::{Access, Issuer, IssuerFault, Publication};
pub use name::Name;
pub use partition::{Partition, PartitionNumber};
pub use plan::{Party, PlanFault, PlanInput, Subject, Subscriber, User, plan};
pub use profile::{Profile, ProfileFault};
pub use public_key::{KeyKind, MessageDigest, MessageHasher, PublicKey, SignatureAlgorithm};
pub use serial::Serial;
pub use unsigned::{AssembleFault, Certificate, Unsigned};
