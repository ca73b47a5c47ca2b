//! Online certificate status (RFC 6960, RFC 5019, RFC 9654).

pub mod path;
pub mod request;
pub mod response;

pub use request::{CertId, IssuerIds, OcspRequest, RequestFault};
pub use response::{
    CertStatus, ErrorStatus, Responder, ResponderFault, ResponseImage, SingleResponse,
    UnsignedResponse,
};
