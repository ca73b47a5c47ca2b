//! Lists read back: for checks before publishing, and for their succession.

use jiff::Timestamp;

use crate::certificate::asn1::{self, Cursor, DerFault, Element};
use crate::certificate::image::{DistributionPointImage, ImageFault, distribution_point_name};
use crate::certificate::name::Name;
use crate::certificate::oid;
use crate::certificate::public_key::{PublicKey, SignatureAlgorithm, SignatureInvalid};
use crate::certificate::serial::{Serial, SerialFault};
use crate::certificate::tbs::{SignedParts, read_extensions, split_signed};

/// Why bytes are no list of this CA.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlReadFault {
    /// Not a CertificateList in DER.
    #[error("not a certificate revocation list")]
    Encoding(#[from] DerFault),
    /// A name cannot be read.
    #[error("a name in the list cannot be read")]
    Name(#[from] ImageFault),
    /// A serial number is malformed.
    #[error("a serial number in the list is malformed")]
    Serial(#[from] SerialFault),
    /// It carries no number, no nextUpdate or an unknown critical extension.
    #[error("{0}")]
    Form(&'static str),
}

/// A list as read back. Entries stay where they are and are read one by one.
#[derive(Clone, Debug)]
pub struct CrlImage<'a> {
    signed: &'a [u8],
    signature: &'a [u8],
    /// Signature algorithm; `None` for one that this CA does not verify.
    pub algorithm: Option<SignatureAlgorithm>,
    /// Issuer.
    pub issuer: Name,
    /// Issue time.
    pub this_update: Timestamp,
    /// When the next one will have been published.
    pub next_update: Timestamp,
    /// CRL number.
    pub number: u64,
    /// Base of a delta.
    pub base: Option<u64>,
    /// Key identifier of the issuer.
    pub authority_key_id: Option<Vec<u8>>,
    /// Distribution point and onlyContainsUserCerts of issuingDistributionPoint.
    pub distribution_point: Option<(DistributionPointImage, bool)>,
    entries: &'a [u8],
}

/// One entry as read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlEntry {
    /// Serial number.
    pub serial: Serial,
    /// When it was recorded.
    pub revoked_at: Timestamp,
    /// Reason code, absent for unspecified.
    pub reason: Option<u8>,
    /// When the key is believed to have been lost.
    pub invalidity_date: Option<Timestamp>,
}

impl<'a> CrlImage<'a> {
    /// Reads a list. Its entries are not looked at before [`Self::entries`] is driven.
    pub fn decode(der: &'a [u8]) -> Result<Self, CrlReadFault> {
        let SignedParts {
            signed,
            algorithm,
            signature,
        } = split_signed(der)?;
        let mut fields = Element::parse(signed)?.inside()?;
        if fields.expect(asn1::INTEGER)?.small_integer()? != 1 {
            return Err(CrlReadFault::Form("the list is not of version 2"));
        }
        if fields.expect(asn1::SEQUENCE)?.raw != algorithm {
            return Err(CrlReadFault::Form("the signature algorithms differ"));
        }
        let issuer = fields.expect(asn1::SEQUENCE)?.raw;
        let this_update = fields.next()?.time()?;
        let next_update = fields.next()?.time()?;
        let entries = fields.optional(asn1::SEQUENCE)?;
        let extensions = fields.expect(asn1::explicit(0))?;
        fields.finish()?;
        let mut image = Self {
            signed,
            signature,
            algorithm: SignatureAlgorithm::from_identifier_der(algorithm),
            issuer: Name::from_der(issuer).map_err(ImageFault::Name)?,
            this_update,
            next_update,
            number: 0,
            base: None,
            authority_key_id: None,
            distribution_point: None,
            entries: entries.map_or(&[][..], |list| list.content),
        };
        let mut number = None;
        let list = Element::parse_as(extensions.content, asn1::SEQUENCE)?.inside()?;
        for extension in read_extensions(list)? {
            let integer = || Element::parse(extension.value)?.small_integer();
            match extension.name {
                oid::CRL_NUMBER => number = Some(integer()?),
                oid::DELTA_CRL_INDICATOR => image.base = Some(integer()?),
                oid::AUTHORITY_KEY_IDENTIFIER => {
                    let mut parts = Element::parse_as(extension.value, asn1::SEQUENCE)?.inside()?;
                    let id = parts.optional(asn1::implicit(0))?;
                    image.authority_key_id = id.map(|id| id.content.to_vec());
                }
                oid::ISSUING_DISTRIBUTION_POINT => {
                    image.distribution_point = Some(issuing_distribution_point(extension.value)?);
                }
                _ if extension.critical => {
                    return Err(CrlReadFault::Form("an unknown critical extension"));
                }
                _ => {}
            }
        }
        image.number = number.ok_or(CrlReadFault::Form("the list carries no number"))?;
        Ok(image)
    }

    /// Verifies the signature with the issuer's key.
    pub fn verify_signature(&self, issuer: &PublicKey) -> Result<(), SignatureInvalid> {
        issuer.verify(
            self.algorithm.ok_or(SignatureInvalid)?,
            self.signed,
            self.signature,
        )
    }

    /// Entries in their order.
    pub fn entries(&self) -> impl Iterator<Item = Result<CrlEntry, CrlReadFault>> + use<'a> {
        let mut cursor = Some(Cursor::new(self.entries));
        std::iter::from_fn(move || match cursor.take()? {
            Err(fault) => Some(Err(fault.into())),
            Ok(mut list) => {
                if list.is_empty() {
                    return None;
                }
                let entry = list
                    .expect(asn1::SEQUENCE)
                    .map_err(CrlReadFault::from)
                    .and_then(read_entry);
                if entry.is_ok() {
                    cursor = Some(Ok(list));
                }
                Some(entry)
            }
        })
    }

    /// Whether this list may take the place of `previous`: same issuer, scope and kind,
    /// number higher, issued no earlier and ending no earlier (RFC 5280 §5.2.3), and not
    /// an entry lost whose certificate is still within its validity, which
    /// `still_within_validity` answers.
    pub fn follows(
        &self,
        previous: &CrlImage<'_>,
        still_within_validity: impl Fn(&Serial) -> bool,
    ) -> Result<(), SuccessionFault> {
        if self.issuer != previous.issuer
            || self.distribution_point != previous.distribution_point
            || self.base.is_some() != previous.base.is_some()
        {
            return Err(SuccessionFault::Scope);
        }
        if self.number <= previous.number {
            return Err(SuccessionFault::Number {
                previous: previous.number,
                new: self.number,
            });
        }
        if self.this_update < previous.this_update || self.next_update < previous.next_update {
            return Err(SuccessionFault::Times);
        }
        if self.base.is_some() {
            return Ok(());
        }
        let mut kept = std::collections::HashSet::new();
        for entry in self.entries() {
            kept.insert(entry?.serial);
        }
        for entry in previous.entries() {
            let serial = entry?.serial;
            if !kept.contains(&serial) && still_within_validity(&serial) {
                return Err(SuccessionFault::Lost(serial));
            }
        }
        Ok(())
    }
}

/// Why a list may not take another's place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionFault {
    /// Issuer, distribution point or kind differ.
    #[error("the lists cover different things")]
    Scope,
    /// The number does not rise.
    #[error("number {new} does not follow {previous}")]
    Number {
        /// Number of the list in place.
        previous: u64,
        /// Number of the list offered.
        new: u64,
    },
    /// It was issued earlier or ends earlier.
    #[error("the list is older than the one before it")]
    Times,
    /// A certificate within its validity would be un-revoked.
    #[error("serial {0} would be lost from the list")]
    Lost(Serial),
    /// An entry cannot be read.
    #[error("an entry cannot be read")]
    Read(#[from] CrlReadFault),
}

fn issuing_distribution_point(
    value: &[u8],
) -> Result<(DistributionPointImage, bool), CrlReadFault> {
    let mut fields = Element::parse_as(value, asn1::SEQUENCE)?.inside()?;
    let point = match fields.optional(asn1::explicit(0))? {
        Some(choice) => distribution_point_name(choice.content)?,
        None => DistributionPointImage::default(),
    };
    let only_users = fields.optional(asn1::implicit(1))?;
    fields.finish()?;
    Ok((point, only_users.is_some_and(|flag| flag.content == [0xFF])))
}

fn read_entry(entry: Element<'_>) -> Result<CrlEntry, CrlReadFault> {
    let mut fields = entry.inside()?;
    let serial = Serial::from_octets(fields.expect(asn1::INTEGER)?.content)?;
    let revoked_at = fields.next()?.time()?;
    let mut read = CrlEntry {
        serial,
        revoked_at,
        reason: None,
        invalidity_date: None,
    };
    if let Some(extensions) = fields.optional(asn1::SEQUENCE)? {
        for extension in read_extensions(extensions.inside()?)? {
            match extension.name {
                oid::REASON_CODE => {
                    read.reason =
                        match Element::parse_as(extension.value, asn1::ENUMERATED)?.content {
                            [code] => Some(*code),
                            _ => return Err(CrlReadFault::Form("a reason of more than one octet")),
                        };
                }
                oid::INVALIDITY_DATE => {
                    read.invalidity_date = Some(Element::parse(extension.value)?.time()?);
                }
                _ if extension.critical => {
                    return Err(CrlReadFault::Form("an unknown critical extension"));
                }
                _ => {}
            }
        }
    }
    fields.finish()?;
    Ok(read)
}
