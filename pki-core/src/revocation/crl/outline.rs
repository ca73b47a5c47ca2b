//! What stands around a list's entries, and where they lie.

use std::io::{Cursor as InMemory, Read, Seek, SeekFrom};
use std::ops::Range;

use jiff::Timestamp;

use super::extent::Extent;
use super::image::CrlReadFault;

use crate::certificate::asn1::{self, Cursor, DerFault, Element};
use crate::certificate::image::{DistributionPointImage, ImageFault, distribution_point_name};
use crate::certificate::name::Name;
use crate::certificate::oid;
use crate::certificate::public_key::{
    MessageDigest, PublicKey, SignatureAlgorithm, SignatureInvalid,
};
use crate::certificate::tbs::read_extensions;

/// Octets from a list's start in which everything before its entries has to lie, and after its
/// entries everything that follows: names, times, extensions and a signature take a few hundred.
const AROUND: u64 = 32 * 1024;

/// A list without its entries: read from the two ends of a file, however long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlOutline {
    /// Octets that were signed, counted from the list's start.
    pub signed: Range<u64>,
    /// Octets of the entries; empty for a list without any.
    pub entries: Range<u64>,
    /// Octets of the whole list.
    pub length: u64,
    signature: Vec<u8>,
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
}

impl CrlOutline {
    /// Reads the two ends of a list; nothing of its entries.
    ///
    /// # Errors
    /// What is no list of this CA, or cannot be read.
    pub fn read<R: Read + Seek>(list: &mut R) -> Result<Self, CrlReadFault> {
        let length = list.seek(SeekFrom::End(0))?;
        let head = piece(list, 0..length.min(AROUND))?;
        let ends = Ends::find(&head, length)?;
        let around = ends.signed.end.checked_sub(ends.entries.end);
        if around.is_none_or(|around| around > AROUND) || length - ends.signed.end > AROUND {
            return Err(CrlReadFault::Form("what follows the entries is too long"));
        }
        let tail = piece(list, ends.entries.end..length)?;
        Self::decode(&head, &tail, ends, length)
    }

    /// Reads a list in memory.
    ///
    /// # Errors
    /// What is no list of this CA.
    pub fn of(der: &[u8]) -> Result<Self, CrlReadFault> {
        Self::read(&mut InMemory::new(der))
    }

    fn decode(head: &[u8], tail: &[u8], ends: Ends, length: u64) -> Result<Self, CrlReadFault> {
        // What the head says of itself lies before the header of the entries.
        let mut fields = Cursor::new(&head[ends.fields.clone()])?;
        if fields.expect(asn1::INTEGER)?.small_integer()? != 1 {
            return Err(CrlReadFault::Form("the list is not of version 2"));
        }
        let algorithm = fields.expect(asn1::SEQUENCE)?.raw;
        let issuer = fields.expect(asn1::SEQUENCE)?.raw;
        let this_update = fields.next()?.time()?;
        let next_update = fields.next()?.time()?;
        fields.finish()?;

        let of_signed = usize_of(ends.signed.end - ends.entries.end)?;
        let (extensions, outer) = tail.split_at(of_signed);
        let extensions = Element::parse_as(extensions, asn1::explicit(0))?;
        let mut outer = Cursor::new(outer)?;
        if outer.expect(asn1::SEQUENCE)?.raw != algorithm {
            return Err(CrlReadFault::Form("the signature algorithms differ"));
        }
        let signature = outer.expect(asn1::BIT_STRING)?.octets_of_bits()?.to_vec();
        outer.finish()?;

        let mut outline = Self {
            signed: ends.signed,
            entries: ends.entries,
            length,
            signature,
            algorithm: SignatureAlgorithm::from_identifier_der(algorithm),
            issuer: Name::from_der(issuer).map_err(ImageFault::Name)?,
            this_update,
            next_update,
            number: 0,
            base: None,
            authority_key_id: None,
            distribution_point: None,
        };
        outline.read_extensions(&extensions)?;
        Ok(outline)
    }

    fn read_extensions(&mut self, extensions: &Element<'_>) -> Result<(), CrlReadFault> {
        let mut number = None;
        let list = Element::parse_as(extensions.content, asn1::SEQUENCE)?.inside()?;
        for extension in read_extensions(list)? {
            let integer = || Element::parse(extension.value)?.small_integer();
            match extension.name {
                oid::CRL_NUMBER => number = Some(integer()?),
                oid::DELTA_CRL_INDICATOR => self.base = Some(integer()?),
                oid::AUTHORITY_KEY_IDENTIFIER => {
                    let mut parts = Element::parse_as(extension.value, asn1::SEQUENCE)?.inside()?;
                    let id = parts.optional(asn1::implicit(0))?;
                    self.authority_key_id = id.map(|id| id.content.to_vec());
                }
                oid::ISSUING_DISTRIBUTION_POINT => {
                    self.distribution_point = Some(issuing_distribution_point(extension.value)?);
                }
                _ if extension.critical => {
                    return Err(CrlReadFault::Form("an unknown critical extension"));
                }
                _ => {}
            }
        }
        self.number = number.ok_or(CrlReadFault::Form("the list carries no number"))?;
        Ok(())
    }

    /// Its signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Verifies the signature with the issuer's key, over the digest of [`Self::signed`].
    ///
    /// # Errors
    /// The key did not sign these octets.
    pub fn verify_digest(
        &self,
        issuer: &PublicKey,
        digest: MessageDigest,
    ) -> Result<(), SignatureInvalid> {
        let algorithm = self.algorithm.ok_or(SignatureInvalid)?;
        issuer.verify_digest(algorithm, digest, &self.signature)
    }

    /// Verifies the signature with the issuer's key over the octets that were signed.
    pub(super) fn verify(&self, issuer: &PublicKey, signed: &[u8]) -> Result<(), SignatureInvalid> {
        let algorithm = self.algorithm.ok_or(SignatureInvalid)?;
        issuer.verify(algorithm, signed, &self.signature)
    }

    /// Whether this list may take the place of `previous`: same issuer, scope and kind, number
    /// higher, issued no earlier and ending no earlier (RFC 5280 §5.2.3). That no entry is lost is
    /// [`continues`](super::continues)'s to say.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn follows(&self, previous: &Self) -> Result<(), SuccessionFault> {
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
}

/// Where a list's parts lie, from the headers at its start.
struct Ends {
    signed: Range<u64>,
    /// Version, algorithm, issuer and times, within the head.
    fields: Range<usize>,
    entries: Range<u64>,
}

impl Ends {
    fn find(head: &[u8], length: u64) -> Result<Self, CrlReadFault> {
        let outer = Extent::read(head, 0)?.expect(asn1::SEQUENCE)?;
        if outer.content.end != length {
            return Err(CrlReadFault::Encoding(DerFault::Value(
                "the length of the list is not that of its octets",
            )));
        }
        let signed = Extent::read(head, outer.content.start)?.expect(asn1::SEQUENCE)?;
        let begin = signed.content.start;
        let mut at = begin;
        // version, signature, issuer, thisUpdate, nextUpdate
        for _ in 0..5 {
            at = Extent::read(head, at)?.content.end;
        }
        let fields = usize_of(begin)?..usize_of(at)?;
        if fields.end > head.len() {
            return Err(CrlReadFault::Form("what precedes the entries is too long"));
        }
        let next = Extent::read(head, at)?;
        let entries = if next.tag == asn1::SEQUENCE {
            next.content
        } else {
            at..at
        };
        if entries.end > signed.content.end || signed.content.end > length {
            return Err(CrlReadFault::Form("the parts overlap"));
        }
        Ok(Self {
            signed: outer.content.start..signed.content.end,
            fields,
            entries,
        })
    }
}

fn piece<R: Read + Seek>(list: &mut R, range: Range<u64>) -> Result<Vec<u8>, CrlReadFault> {
    list.seek(SeekFrom::Start(range.start))?;
    let mut octets = vec![0; usize_of(range.end - range.start)?];
    list.read_exact(&mut octets)?;
    Ok(octets)
}

fn usize_of(number: u64) -> Result<usize, CrlReadFault> {
    usize::try_from(number).map_err(|_| CrlReadFault::Form("too long for this machine"))
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
