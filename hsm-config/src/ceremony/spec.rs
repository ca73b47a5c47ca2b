//! The reviewed file, as written. Examples: `hsm-config/specs/`.

use std::path::PathBuf;

use serde::Deserialize;

use crate::spec::TokenSpec;
use crate::token::KeyAlgorithm;

/// One ceremony. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonySpec {
    /// What is done, for the record's head.
    pub title: String,
    /// A rehearsal (or demo) runs without the officers' confirmations, and its record
    /// says so.
    #[serde(default)]
    pub rehearsal: bool,
    /// Who holds the ceremony: at least two different people.
    pub officers: Vec<Officer>,
    /// How the CAs publish; decides whether their certificates carry URIs.
    #[serde(default)]
    pub publication: PublicationSpec,
    /// The token in which the keys are made.
    pub token: TokenSpec,
    /// Keys to make, in this order.
    #[serde(default, rename = "key")]
    pub keys: Vec<KeySpec>,
    /// Self-signed certificates to make.
    #[serde(default, rename = "certificate")]
    pub certificates: Vec<CertificateSpec>,
    /// Requests to make, for another CA to certify.
    #[serde(default, rename = "request")]
    pub requests: Vec<RequestSpec>,
}

/// Someone who takes part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Name as in the register of officers.
    pub name: String,
    /// What they are there for.
    pub role: String,
}

/// How the CAs publish their lists.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicationSpec {
    /// `http://host[/path]` for open access; absent: registered verifiers only, no URIs.
    pub base_url: Option<String>,
}

/// A key to make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// Its label in the token.
    pub label: String,
    /// Its kind.
    pub algorithm: KeyAlgorithm,
}

/// A self-signed CA certificate to make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateSpec {
    /// Label of a key of this ceremony.
    pub key: String,
    /// Name of a profile that comes with the product, or a profile file (`*.toml`,
    /// relative to this one).
    pub profile: String,
    /// The CA's name, `KEY=value`, in encoding order.
    pub subject: Vec<String>,
    /// Its Japanese name, for subjectAltName.
    pub alternative_name: Option<Vec<String>>,
    /// The CA's segment in URLs and file names (`sign` in `/crl/sign.crl`).
    pub segment: String,
    /// File name: PEM when it ends in `.pem`, else DER.
    pub out: PathBuf,
}

/// A PKCS#10 request to make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestSpec {
    /// Label of a key of this ceremony.
    pub key: String,
    /// The name it asks for.
    pub common_name: String,
    /// File name: DER when it ends in `.der`, else PEM.
    pub out: PathBuf,
}
