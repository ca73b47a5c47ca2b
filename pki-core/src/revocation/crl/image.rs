//! Lists read back: for checks before publishing, and for their succession.

use std::io;
use std::ops::{Deref, Range};

use jiff::Timestamp;

use super::outline::CrlOutline;
use crate::certificate::asn1::{self, Cursor, DerFault, Element};
use crate::certificate::image::ImageFault;
use crate::certificate::oid;
use crate::certificate::public_key::{PublicKey, SignatureInvalid};
use crate::certificate::serial::{Serial, SerialFault};
use crate::certificate::tbs::read_extensions;

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
    /// Its octets could not be read.
    #[error("the list could not be read ({0})")]
    Read(io::ErrorKind),
}

impl From<io::Error> for CrlReadFault {
    fn from(error: io::Error) -> Self {
        Self::Read(error.kind())
    }
}

/// A list in memory as read back. Entries stay where they are and are read one by one. For
/// lists that are too long for memory, see [`CrlOutline`] and [`RawEntries`](super::RawEntries).
#[derive(Clone, Debug)]
pub struct CrlImage<'a> {
    outline: CrlOutline,
    signed: &'a [u8],
    entries: &'a [u8],
}

impl Deref for CrlImage<'_> {
    type Target = CrlOutline;

    fn deref(&self) -> &CrlOutline {
        &self.outline
    }
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
        let outline = CrlOutline::of(der)?;
        // The outline was read from these very octets: its ranges lie within them.
        let within = |range: &Range<u64>| &der[range.start as usize..range.end as usize];
        Ok(Self {
            signed: within(&outline.signed),
            entries: within(&outline.entries),
            outline,
        })
    }

    /// Verifies the signature with the issuer's key.
    pub fn verify_signature(&self, issuer: &PublicKey) -> Result<(), SignatureInvalid> {
        self.outline.verify(issuer, self.signed)
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
}

impl CrlEntry {
    /// Reads one entry of `revokedCertificates`.
    ///
    /// # Errors
    /// What is no entry in DER, or carries an unknown critical extension.
    pub fn decode(der: &[u8]) -> Result<Self, CrlReadFault> {
        read_entry(Element::parse_as(der, asn1::SEQUENCE)?)
    }
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
