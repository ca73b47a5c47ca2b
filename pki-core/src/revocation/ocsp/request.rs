//! OCSP requests (RFC 6960 §4.1), as untrusted as anything gets.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::certificate::asn1::{self, DerFault, Element};
use crate::certificate::issuer::Issuer;
use crate::certificate::serial::{Serial, SerialFault};
use crate::certificate::tbs::read_extensions;
use crate::certificate::{oid, public_key::SignatureAlgorithm};

/// Longest request that is read, in octets.
pub const MAX_OCTETS: usize = 4096;
/// Most certificates that one request may ask for.
pub const MAX_CERTIFICATES: usize = 16;
/// Longest nonce, in octets (RFC 9654 §2.1).
pub const MAX_NONCE: usize = 128;

/// Why a request gets no answer but `malformedRequest`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// Longer than [`MAX_OCTETS`].
    #[error("a request has at most {MAX_OCTETS} octets")]
    TooLong,
    /// Not an OCSPRequest in DER.
    #[error("not an OCSP request")]
    Encoding(#[from] DerFault),
    /// Its version is not 1.
    #[error("the request is not of version 1")]
    Version,
    /// It asks for nothing.
    #[error("the request asks for no certificate")]
    Empty,
    /// It asks for more than [`MAX_CERTIFICATES`].
    #[error("a request asks for at most {MAX_CERTIFICATES} certificates")]
    TooMany,
    /// Its nonce is empty or longer than 128 octets.
    #[error("a nonce has 1 to {MAX_NONCE} octets")]
    Nonce,
    /// It carries a critical extension that is not known here.
    #[error("an unknown critical extension")]
    Critical,
}

/// Hash with which a CertID names its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertIdHash {
    /// SHA-1: a name for the issuer here, not a signature.
    Sha1,
    /// SHA-256.
    Sha256,
    /// Another, which names no issuer that is known here.
    Other,
}

/// The certificate that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertId {
    /// Its DER, which the answer repeats.
    raw: Vec<u8>,
    hash: CertIdHash,
    issuer_name_hash: Vec<u8>,
    issuer_key_hash: Vec<u8>,
    serial: Vec<u8>,
}

impl CertId {
    /// The identifier of a certificate of that issuer, with SHA-1 as most clients write it.
    pub fn new(issuer: &IssuerIds, serial: &Serial) -> Self {
        let algorithm = asn1::sequence(&[&asn1::oid(&oid::SHA1), &asn1::null()]);
        let raw = asn1::sequence(&[
            &algorithm,
            &asn1::octet_string(&issuer.sha1.0),
            &asn1::octet_string(&issuer.sha1.1),
            &serial.to_der(),
        ]);
        Self {
            raw,
            hash: CertIdHash::Sha1,
            issuer_name_hash: issuer.sha1.0.to_vec(),
            issuer_key_hash: issuer.sha1.1.to_vec(),
            serial: serial.as_octets().to_vec(),
        }
    }

    pub(super) fn read(element: Element<'_>) -> Result<Self, DerFault> {
        let mut fields = element.expect(asn1::SEQUENCE)?.inside()?;
        let mut algorithm = fields.expect(asn1::SEQUENCE)?.inside()?;
        let hash = match algorithm.next()?.oid()? {
            oid::SHA1 => CertIdHash::Sha1,
            oid::SHA256 => CertIdHash::Sha256,
            _ => CertIdHash::Other,
        };
        let issuer_name_hash = fields.expect(asn1::OCTET_STRING)?.content.to_vec();
        let issuer_key_hash = fields.expect(asn1::OCTET_STRING)?.content.to_vec();
        let serial = fields.expect(asn1::INTEGER)?.integer()?.to_vec();
        fields.finish()?;
        Ok(Self {
            raw: element.raw.to_vec(),
            hash,
            issuer_name_hash,
            issuer_key_hash,
            serial,
        })
    }

    /// DER, as it came.
    pub fn as_der(&self) -> &[u8] {
        &self.raw
    }

    /// Its hash.
    pub fn hash(&self) -> CertIdHash {
        self.hash
    }

    /// The serial number asked for. A fault means that no certificate can have it: the
    /// answer is unknown, not an error.
    pub fn serial(&self) -> Result<Serial, SerialFault> {
        Serial::from_octets(&self.serial)
    }
}

/// Hashes of an issuer's name and key, by which requests name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerIds {
    sha1: ([u8; 20], [u8; 20]),
    sha256: ([u8; 32], [u8; 32]),
}

impl IssuerIds {
    /// Hashes of name and key.
    pub fn of(issuer: &Issuer) -> Self {
        let name = issuer.subject().as_der();
        let key = issuer.public_key().octets();
        Self {
            sha1: (Sha1::digest(name).into(), Sha1::digest(key).into()),
            sha256: (Sha256::digest(name).into(), Sha256::digest(key).into()),
        }
    }

    /// Whether `id` names a certificate of this issuer.
    pub fn issued(&self, id: &CertId) -> bool {
        match id.hash {
            CertIdHash::Sha1 => {
                id.issuer_name_hash == self.sha1.0 && id.issuer_key_hash == self.sha1.1
            }
            CertIdHash::Sha256 => {
                id.issuer_name_hash == self.sha256.0 && id.issuer_key_hash == self.sha256.1
            }
            CertIdHash::Other => false,
        }
    }
}

/// A request, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspRequest {
    /// The certificates asked for, in order; one at least.
    pub certificates: Vec<CertId>,
    /// The nonce's octets, to be repeated in the answer.
    pub nonce: Option<Vec<u8>>,
    /// Signature algorithms that the client prefers, those known here, best first
    /// (RFC 6960 §4.4.7).
    pub preferred: Vec<SignatureAlgorithm>,
}

impl OcspRequest {
    /// Reads a request. A signature on it is not looked at: anyone may ask.
    pub fn parse(der: &[u8]) -> Result<Self, RequestFault> {
        if der.len() > MAX_OCTETS {
            return Err(RequestFault::TooLong);
        }
        let mut outer = Element::parse_as(der, asn1::SEQUENCE)?.inside()?;
        let mut fields = outer.expect(asn1::SEQUENCE)?.inside()?;
        if outer.peek_tag().is_some() {
            outer.expect(asn1::explicit(0))?;
            outer.finish()?;
        }
        if let Some(version) = fields.optional(asn1::explicit(0))?
            && Element::parse_as(version.content, asn1::INTEGER)?.small_integer()? != 0
        {
            return Err(RequestFault::Version);
        }
        fields.optional(asn1::explicit(1))?; // requestorName
        let mut certificates = Vec::new();
        let mut list = fields.expect(asn1::SEQUENCE)?.inside()?;
        while !list.is_empty() {
            if certificates.len() == MAX_CERTIFICATES {
                return Err(RequestFault::TooMany);
            }
            let mut single = list.expect(asn1::SEQUENCE)?.inside()?;
            certificates.push(CertId::read(single.next()?)?);
            if let Some(extensions) = single.optional(asn1::explicit(0))? {
                let list = Element::parse_as(extensions.content, asn1::SEQUENCE)?.inside()?;
                if read_extensions(list)?.iter().any(|e| e.critical) {
                    return Err(RequestFault::Critical);
                }
            }
            single.finish()?;
        }
        if certificates.is_empty() {
            return Err(RequestFault::Empty);
        }
        let mut request = Self {
            certificates,
            nonce: None,
            preferred: Vec::new(),
        };
        if let Some(extensions) = fields.optional(asn1::explicit(2))? {
            request.take_extensions(extensions)?;
        }
        fields.finish()?;
        Ok(request)
    }

    fn take_extensions(&mut self, wrapped: Element<'_>) -> Result<(), RequestFault> {
        let list = Element::parse_as(wrapped.content, asn1::SEQUENCE)?.inside()?;
        for extension in read_extensions(list)? {
            match extension.name {
                oid::OCSP_NONCE => {
                    let nonce = Element::parse_as(extension.value, asn1::OCTET_STRING)?.content;
                    if !(1..=MAX_NONCE).contains(&nonce.len()) || self.nonce.is_some() {
                        return Err(RequestFault::Nonce);
                    }
                    self.nonce = Some(nonce.to_vec());
                }
                oid::OCSP_PREFERRED_ALGORITHMS => {
                    let list = Element::parse_as(extension.value, asn1::SEQUENCE)?.inside()?;
                    for preferred in list.rest()? {
                        let identifier = preferred.expect(asn1::SEQUENCE)?.inside()?.next()?;
                        self.preferred
                            .extend(SignatureAlgorithm::from_identifier_der(identifier.raw));
                    }
                }
                _ if extension.critical => return Err(RequestFault::Critical),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
