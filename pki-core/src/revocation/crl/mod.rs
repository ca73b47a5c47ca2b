//! Certificate revocation lists (RFC 5280 §5).
//!
//! An entry is a function of serial, time, reason and invalidity date and is encoded
//! once, when the revocation is recorded. A list is a frame around encoded entries:
//! its cost is hashing and copying, whatever the CA has issued.

mod delta;
mod entries;
mod extent;
mod image;
mod outline;

use std::io;

use jiff::Timestamp;

use super::ground::ReasonCode;
use crate::certificate::asn1;
use crate::certificate::distribution_point::DistributionPoint;
use crate::certificate::issuer::Issuer;
use crate::certificate::oid;
use crate::certificate::public_key::{SignatureAlgorithm, SignatureInvalid};
use crate::certificate::serial::Serial;
use crate::certificate::tbs::extension;

pub use delta::{DeltaFault, agree, belongs};
pub use entries::{ContinuationFault, RawEntries, continues, loses_nothing};
pub use image::{CrlEntry, CrlImage, CrlReadFault};
pub use outline::{CrlOutline, SuccessionFault};

/// What a list covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every certificate of the issuer. Carries no issuingDistributionPoint: a list
    /// without one covers whatever the issuer signed, and every verifier takes it for
    /// any of its certificates (RFC 5280 §5.2.5, §6.3.3).
    Full,
    /// The residents' certificates whose distribution point this is: a critical
    /// issuingDistributionPoint with the same bytes, onlyContainsUserCerts set.
    Partition(DistributionPoint),
}

/// What stands around the entries.
pub struct Frame<'a> {
    /// Who signs.
    pub issuer: &'a Issuer,
    /// How.
    pub algorithm: SignatureAlgorithm,
    /// What it covers.
    pub scope: &'a Scope,
    /// Its number: rises within a scope, reserved before signing (RFC 5280 §5.2.3).
    pub number: u64,
    /// Issue time, to the second.
    pub this_update: Timestamp,
    /// When the next one will have been published at the latest.
    pub next_update: Timestamp,
    /// For a delta, the number of the complete list that it goes with (RFC 5280 §5.2.4).
    pub base: Option<u64>,
    /// For a complete list, where its deltas are found (RFC 5280 §5.2.6).
    pub freshest: Option<&'a DistributionPoint>,
}

/// Why no list is made or published.
#[derive(Debug, thiserror::Error)]
pub enum CrlFault {
    /// thisUpdate does not lie before nextUpdate.
    #[error("nextUpdate does not follow thisUpdate")]
    Times,
    /// The issuer's key cannot make such signatures.
    #[error("the issuer's key cannot make signatures of that algorithm")]
    Algorithm,
    /// A delta's base lies before it.
    #[error("a delta's base has a lower number")]
    Base,
    /// The issuer's key does not verify the signature.
    #[error("the issuer's key does not verify the signature")]
    Signature(#[from] SignatureInvalid),
    /// The entries that were streamed are not those that were announced.
    #[error("{announced} octets of entries were announced and {written} written")]
    Length {
        /// Octets announced.
        announced: u64,
        /// Octets written.
        written: u64,
    },
    /// The bytes could not be written.
    #[error("the list could not be written")]
    Write(#[from] io::Error),
}

/// One entry of revokedCertificates: serial, time of recording (Art 15: that moment the
/// certificate lost its effect), reason, and when the key is believed to have been
/// lost, if that is known.
pub fn encode_entry(
    serial: &Serial,
    revoked_at: Timestamp,
    reason: Option<ReasonCode>,
    invalidity_date: Option<Timestamp>,
) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(reason) = reason {
        let value = asn1::tlv(asn1::ENUMERATED, &[&[reason.code()]]);
        extensions.extend_from_slice(&extension(&oid::REASON_CODE, false, &value));
    }
    if let Some(date) = invalidity_date {
        let value = asn1::generalized_time(date);
        extensions.extend_from_slice(&extension(&oid::INVALIDITY_DATE, false, &value));
    }
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        asn1::sequence(&[&extensions])
    };
    asn1::sequence(&[&serial.to_der(), &asn1::time(revoked_at), &extensions])
}

/// A list with a place for its entries: the bytes before and after them.
///
/// `prefix || entries || suffix` is what is signed; nothing else about the list
/// depends on the entries than their total length.
#[derive(Clone, Debug)]
pub struct UnsignedFrame {
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    entries_length: u64,
    algorithm: SignatureAlgorithm,
    signed_length: u64,
}

impl UnsignedFrame {
    /// The frame for entries of this total length, in octets.
    pub fn new(frame: &Frame<'_>, entries_length: u64) -> Result<Self, CrlFault> {
        if frame.this_update.as_second() >= frame.next_update.as_second() {
            return Err(CrlFault::Times);
        }
        if !frame.algorithm.fits(frame.issuer.public_key().kind()) {
            return Err(CrlFault::Algorithm);
        }
        if frame.base.is_some_and(|base| base >= frame.number) {
            return Err(CrlFault::Base);
        }
        let head = [
            &[0x02, 0x01, 0x01][..], // version 2
            &frame.algorithm.identifier_der(),
            frame.issuer.subject().as_der(),
            &asn1::time(frame.this_update),
            &asn1::time(frame.next_update),
        ]
        .concat();
        let suffix = asn1::tlv(asn1::explicit(0), &[&extensions(frame)]);
        let entries = usize::try_from(entries_length).unwrap_or(usize::MAX);
        // revokedCertificates is absent, not empty, when nothing is revoked (§5.1.2.6).
        let mut list_header = Vec::new();
        if entries > 0 {
            asn1::push_header(&mut list_header, asn1::SEQUENCE, entries);
        }
        let inside = head.len() + list_header.len() + entries + suffix.len();
        let mut prefix = Vec::with_capacity(head.len() + 16);
        asn1::push_header(&mut prefix, asn1::SEQUENCE, inside);
        prefix.extend_from_slice(&head);
        prefix.extend_from_slice(&list_header);
        Ok(Self {
            signed_length: (asn1::header_len(inside) + inside) as u64,
            prefix,
            suffix,
            entries_length,
            algorithm: frame.algorithm,
        })
    }

    /// Writes the bytes to sign, the entries from `entries`, in whatever pieces. The writer may
    /// hash, store or both; memory does not grow with the list.
    pub fn write_signed<W: io::Write, E: AsRef<[u8]>>(
        &self,
        out: &mut W,
        entries: impl IntoIterator<Item = E>,
    ) -> Result<(), CrlFault> {
        let mut list = self.begin(out)?;
        for entry in entries {
            list.entries(entry.as_ref())?;
        }
        list.end().map(drop)
    }

    /// Begins to write the bytes to sign: what stands before the entries.
    pub fn begin<W: io::Write>(&self, mut out: W) -> Result<OpenList<'_, W>, CrlFault> {
        out.write_all(&self.prefix)?;
        Ok(OpenList {
            frame: self,
            out,
            written: 0,
        })
    }

    /// Bytes of the CertificateList before the bytes that were signed, for a signature of
    /// that length.
    pub fn outer_prefix(&self, signature: &[u8]) -> Vec<u8> {
        let inside = self.signed_length as usize + self.outer_suffix(signature).len();
        let mut prefix = Vec::with_capacity(6);
        asn1::push_header(&mut prefix, asn1::SEQUENCE, inside);
        prefix
    }

    /// Bytes of the CertificateList after the bytes that were signed.
    pub fn outer_suffix(&self, signature: &[u8]) -> Vec<u8> {
        let mut suffix = self.algorithm.identifier_der();
        suffix.extend_from_slice(&asn1::bit_string(signature));
        suffix
    }

    /// How the issuer signs.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Length of the bytes to sign.
    pub fn signed_length(&self) -> u64 {
        self.signed_length
    }
}

/// Bytes to sign that are being written.
pub struct OpenList<'a, W> {
    frame: &'a UnsignedFrame,
    out: W,
    written: u64,
}

impl<W: io::Write> OpenList<'_, W> {
    /// Encoded entries, in whatever pieces.
    ///
    /// # Errors
    /// More than was announced, or the writer's fault.
    pub fn entries(&mut self, octets: &[u8]) -> Result<(), CrlFault> {
        self.written += octets.len() as u64;
        if self.written > self.frame.entries_length {
            return Err(self.length());
        }
        Ok(self.out.write_all(octets)?)
    }

    /// What stands after the entries. Gives the writer back.
    ///
    /// # Errors
    /// Fewer entries than were announced, or the writer's fault.
    pub fn end(mut self) -> Result<W, CrlFault> {
        if self.written != self.frame.entries_length {
            return Err(self.length());
        }
        self.out.write_all(&self.frame.suffix)?;
        Ok(self.out)
    }

    fn length(&self) -> CrlFault {
        CrlFault::Length {
            announced: self.frame.entries_length,
            written: self.written,
        }
    }
}

fn extensions(frame: &Frame<'_>) -> Vec<u8> {
    let mut list = Vec::new();
    // The key identifier that the issuer's certificate carries as its own, not the one it
    // carries for its issuer: a verifier finds the list's key by it.
    list.extend_from_slice(&extension(
        &oid::AUTHORITY_KEY_IDENTIFIER,
        false,
        &frame.issuer.short_authority_key_id,
    ));
    let number = |number: u64| asn1::integer(&number.to_be_bytes());
    list.extend_from_slice(&extension(&oid::CRL_NUMBER, false, &number(frame.number)));
    if let Some(base) = frame.base {
        list.extend_from_slice(&extension(&oid::DELTA_CRL_INDICATOR, true, &number(base)));
    }
    if let Scope::Partition(point) = frame.scope {
        let only_users = asn1::tlv(asn1::implicit(1), &[&[0xFF]]);
        let value = asn1::sequence(&[&point.name_der(), &only_users]);
        list.extend_from_slice(&extension(&oid::ISSUING_DISTRIBUTION_POINT, true, &value));
    }
    if let Some(point) = frame.freshest {
        let value = point.to_extension();
        list.extend_from_slice(&extension(&oid::FRESHEST_CRL, false, &value));
    }
    asn1::sequence(&[&list])
}

/// A list in memory, to be signed.
#[derive(Debug)]
pub struct UnsignedCrl {
    frame: UnsignedFrame,
    signed: Vec<u8>,
}

/// Builds a list in memory. Long lists are streamed with [`UnsignedFrame`] instead.
pub fn plan<E: AsRef<[u8]>>(frame: &Frame<'_>, entries: &[E]) -> Result<UnsignedCrl, CrlFault> {
    let length = entries.iter().map(|e| e.as_ref().len() as u64).sum();
    let unsigned = UnsignedFrame::new(frame, length)?;
    let mut signed = Vec::with_capacity(unsigned.signed_length as usize);
    unsigned.write_signed(&mut signed, entries)?;
    Ok(UnsignedCrl {
        frame: unsigned,
        signed,
    })
}

impl UnsignedCrl {
    /// What the issuer signs.
    pub fn bytes_to_sign(&self) -> &[u8] {
        &self.signed
    }

    /// How the issuer signs.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.frame.algorithm
    }

    /// Verifies the signature and makes the CertificateList, DER.
    pub fn assemble(self, signature: &[u8], issuer: &Issuer) -> Result<Vec<u8>, CrlFault> {
        issuer
            .public_key()
            .verify(self.frame.algorithm, &self.signed, signature)?;
        Ok([
            self.frame.outer_prefix(signature),
            self.signed,
            self.frame.outer_suffix(signature),
        ]
        .concat())
    }
}
