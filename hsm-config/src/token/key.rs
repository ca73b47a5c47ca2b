//! Keys and algorithms, in our own names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use pki_core::certificate::public_key::SignatureAlgorithm;

/// Length in bytes of the digest that is signed.
pub(crate) fn digest_length(algorithm: SignatureAlgorithm) -> usize {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 | SignatureAlgorithm::EcdsaP256Sha256 => 32,
        SignatureAlgorithm::RsaPkcs1Sha384 | SignatureAlgorithm::EcdsaP384Sha384 => 48,
    }
}

/// aws-lc's name for the digest that is signed.
pub(crate) fn hash(algorithm: SignatureAlgorithm) -> &'static aws_lc_rs::digest::Algorithm {
    match digest_length(algorithm) {
        32 => &aws_lc_rs::digest::SHA256,
        _ => &aws_lc_rs::digest::SHA384,
    }
}

/// The digest of a message that is signed.
pub(crate) fn digest(algorithm: SignatureAlgorithm, message: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(hash(algorithm), message)
        .as_ref()
        .to_vec()
}

/// Whether signatures are made by an RSA key.
pub(crate) fn is_rsa(algorithm: SignatureAlgorithm) -> bool {
    matches!(
        algorithm,
        SignatureAlgorithm::RsaPkcs1Sha256 | SignatureAlgorithm::RsaPkcs1Sha384
    )
}

/// What kind of key to make, and what it is for. AES keys have one purpose each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// RSA, 2048 bits, e = 65537.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA, 3072 bits, e = 65537.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA, 4096 bits, e = 65537.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// EC key on P-256 (secp256r1).
    #[serde(rename = "p256")]
    P256,
    /// EC key on P-384 (secp384r1).
    #[serde(rename = "p384")]
    P384,
    /// AES-256 that encrypts data keys ([`crate::Token::wrap`]) and nothing else.
    #[serde(rename = "aes-256-wrap")]
    Aes256Wrap,
    /// AES-256 that computes AES-CMAC ([`crate::Token::cmac`]) and nothing else.
    #[serde(rename = "aes-256-cmac")]
    Aes256Cmac,
}

impl KeyAlgorithm {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 7] = [
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::P256,
        Self::P384,
        Self::Aes256Wrap,
        Self::Aes256Cmac,
    ];

    /// The name in specifications and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Aes256Wrap => "aes-256-wrap",
            Self::Aes256Cmac => "aes-256-cmac",
        }
    }

    /// Modulus length in bits for RSA.
    pub fn rsa_bits(self) -> Option<u64> {
        match self {
            Self::Rsa2048 => Some(2048),
            Self::Rsa3072 => Some(3072),
            Self::Rsa4096 => Some(4096),
            _ => None,
        }
    }

    /// Whether it is a key pair.
    pub fn is_pair(self) -> bool {
        !matches!(self, Self::Aes256Wrap | Self::Aes256Cmac)
    }

    /// The signature algorithm a key of this kind is used with here.
    pub fn signature(self) -> Option<SignatureAlgorithm> {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => {
                Some(SignatureAlgorithm::RsaPkcs1Sha256)
            }
            Self::P256 => Some(SignatureAlgorithm::EcdsaP256Sha256),
            Self::P384 => Some(SignatureAlgorithm::EcdsaP384Sha384),
            Self::Aes256Wrap | Self::Aes256Cmac => None,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or_else(|| format!("no key algorithm is called {text:?}"))
    }
}

/// The class of a key object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyClass {
    /// CKO_PRIVATE_KEY.
    Private,
    /// CKO_PUBLIC_KEY.
    Public,
    /// CKO_SECRET_KEY.
    Secret,
}

/// A key object as the token lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// CKA_LABEL.
    pub label: String,
    /// CKA_CLASS.
    pub class: KeyClass,
    /// What the key is, in words (`RSA 2048`, `EC P-256`, `AES 256`, or the raw type).
    pub kind: String,
    /// CKA_SENSITIVE; `None` for public keys.
    pub sensitive: Option<bool>,
    /// CKA_EXTRACTABLE; `None` for public keys. A CA key must say `Some(false)`.
    pub extractable: Option<bool>,
    /// CKA_NEVER_EXTRACTABLE; `None` for public keys and where the token does not say.
    pub never_extractable: Option<bool>,
    /// CKA_LOCAL: made in the token, not brought in.
    pub local: Option<bool>,
}
