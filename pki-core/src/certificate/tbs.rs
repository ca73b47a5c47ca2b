//! TBSCertificate as read: borrowed, every field with its exact bytes.

use const_oid::ObjectIdentifier;

use super::asn1::{self, Cursor, DerFault, Element};

/// TBSCertificate (RFC 5280 §4.1). Version 3 only; unique identifiers are refused.
#[derive(Clone, Debug)]
pub(crate) struct Tbs<'a> {
    /// The whole of it.
    pub raw: &'a [u8],
    /// Content of the version's INTEGER.
    pub version: u64,
    /// Content octets of the serial number, whatever they are.
    pub serial: &'a [u8],
    /// AlgorithmIdentifier.
    pub signature: &'a [u8],
    /// RDNSequence.
    pub issuer: &'a [u8],
    pub not_before: Element<'a>,
    pub not_after: Element<'a>,
    /// RDNSequence.
    pub subject: &'a [u8],
    /// SubjectPublicKeyInfo.
    pub spki: &'a [u8],
    pub extensions: Vec<Extension<'a>>,
}

/// One extension as read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub name: ObjectIdentifier,
    pub critical: bool,
    pub value: &'a [u8],
}

impl<'a> Tbs<'a> {
    pub fn parse(raw: &'a [u8]) -> Result<Self, DerFault> {
        let mut fields = Element::parse_as(raw, asn1::SEQUENCE)?.inside()?;
        let version = match fields.optional(asn1::explicit(0))? {
            Some(version) => Element::parse_as(version.content, asn1::INTEGER)?.small_integer()?,
            None => 0,
        };
        let serial = fields.expect(asn1::INTEGER)?.content;
        let signature = fields.expect(asn1::SEQUENCE)?.raw;
        let issuer = fields.expect(asn1::SEQUENCE)?.raw;
        let mut validity = fields.expect(asn1::SEQUENCE)?.inside()?;
        let not_before = validity.next()?;
        let not_after = validity.next()?;
        validity.finish()?;
        let subject = fields.expect(asn1::SEQUENCE)?.raw;
        let spki = fields.expect(asn1::SEQUENCE)?.raw;
        let extensions = match fields.optional(asn1::explicit(3))? {
            Some(wrapped) => {
                read_extensions(Element::parse_as(wrapped.content, asn1::SEQUENCE)?.inside()?)?
            }
            None => Vec::new(),
        };
        fields.finish()?;
        Ok(Self {
            raw,
            version,
            serial,
            signature,
            issuer,
            not_before,
            not_after,
            subject,
            spki,
            extensions,
        })
    }

    /// The first extension of that name.
    pub fn extension(&self, name: ObjectIdentifier) -> Option<&Extension<'a>> {
        self.extensions
            .iter()
            .find(|extension| extension.name == name)
    }

    /// Value of the first extension of that name.
    pub fn value(&self, name: ObjectIdentifier) -> Option<&'a [u8]> {
        self.extension(name).map(|extension| extension.value)
    }
}

/// Reads what an `Extensions` SEQUENCE holds.
pub(crate) fn read_extensions(mut list: Cursor<'_>) -> Result<Vec<Extension<'_>>, DerFault> {
    let mut extensions = Vec::with_capacity(12);
    while !list.is_empty() {
        let mut fields = list.expect(asn1::SEQUENCE)?.inside()?;
        let name = fields.next()?.oid()?;
        let critical = match fields.optional(asn1::BOOLEAN)? {
            // DER leaves a DEFAULT value out (X.690 §11.5).
            Some(critical) if !critical.boolean()? => {
                return Err(DerFault::Value("an explicit FALSE"));
            }
            Some(_) => true,
            None => false,
        };
        let value = fields.expect(asn1::OCTET_STRING)?.content;
        fields.finish()?;
        extensions.push(Extension {
            name,
            critical,
            value,
        });
    }
    Ok(extensions)
}

/// One extension as written.
pub(crate) fn extension(name: &ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical {
        asn1::boolean(true)
    } else {
        Vec::new()
    };
    asn1::sequence(&[&asn1::oid(name), &critical, &asn1::octet_string(value)])
}

/// A signed thing taken apart. Certificates, CRLs and OCSP answers share this shape.
pub(crate) struct SignedParts<'a> {
    /// The bytes that were signed.
    pub signed: &'a [u8],
    /// AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    pub signature: &'a [u8],
}

pub(crate) fn split_signed(der: &[u8]) -> Result<SignedParts<'_>, DerFault> {
    let mut fields = Element::parse_as(der, asn1::SEQUENCE)?.inside()?;
    let parts = SignedParts {
        signed: fields.expect(asn1::SEQUENCE)?.raw,
        algorithm: fields.expect(asn1::SEQUENCE)?.raw,
        signature: fields.expect(asn1::BIT_STRING)?.octets_of_bits()?,
    };
    fields.finish()?;
    Ok(parts)
}
