//! DER, read and written.
//!
//! Reading goes through the `der` crate's strict reader and keeps the exact
//! bytes of every element, so that names and keys are compared byte for byte
//! (RFC 5280 §7.1 lets an issuer do better than a chain builder must).
//! Writing is appending: each element is built once, from its parts.

use const_oid::ObjectIdentifier;
use der::{Decode, Header, Reader, SliceReader};
use jiff::{Timestamp, civil, tz};

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0A;
pub(crate) const UTF8_STRING: u8 = 0x0C;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Context-specific, primitive.
pub(crate) const fn implicit(number: u8) -> u8 {
    0x80 | number
}

/// Context-specific, constructed.
pub(crate) const fn explicit(number: u8) -> u8 {
    0xA0 | number
}

/// Why bytes are not the DER that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DerFault {
    /// Lengths or tags break DER's rules, or the bytes end early.
    #[error("not DER")]
    Encoding(#[source] der::Error),
    /// Another element stands where one was expected.
    #[error("expected tag {expected:#04x}, found {found:#04x}")]
    Tag {
        /// The tag that was expected.
        expected: u8,
        /// The tag that stands there.
        found: u8,
    },
    /// An element is missing.
    #[error("ends where tag {0:#04x} was expected")]
    Missing(u8),
    /// Something follows where nothing should.
    #[error("bytes follow the last element")]
    Trailing,
    /// The element's content is not allowed.
    #[error("{0}")]
    Value(&'static str),
}

/// One element: its tag byte, its content and its whole encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    pub raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// The one element that `bytes` is.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DerFault> {
        let mut cursor = Cursor::new(bytes)?;
        let element = cursor.next()?;
        cursor.finish()?;
        Ok(element)
    }

    /// The one element that `bytes` is, with this tag.
    pub fn parse_as(bytes: &'a [u8], tag: u8) -> Result<Self, DerFault> {
        Self::parse(bytes)?.expect(tag)
    }

    pub fn expect(self, tag: u8) -> Result<Self, DerFault> {
        if self.tag == tag {
            Ok(self)
        } else {
            Err(DerFault::Tag {
                expected: tag,
                found: self.tag,
            })
        }
    }

    /// Reads the elements inside.
    pub fn inside(&self) -> Result<Cursor<'a>, DerFault> {
        Cursor::new(self.content)
    }

    pub fn oid(&self) -> Result<ObjectIdentifier, DerFault> {
        self.expect(OID)?;
        ObjectIdentifier::from_bytes(self.content)
            .map_err(|_| DerFault::Value("an object identifier that is none"))
    }

    pub fn boolean(&self) -> Result<bool, DerFault> {
        match self.expect(BOOLEAN)?.content {
            [0x00] => Ok(false),
            [0xFF] => Ok(true),
            _ => Err(DerFault::Value("a BOOLEAN that is neither 00 nor FF")),
        }
    }

    /// Content octets of an INTEGER in its one minimal form (X.690 §8.3.2).
    pub fn integer(&self) -> Result<&'a [u8], DerFault> {
        self.expect(INTEGER)?;
        minimal_integer(self.content)
    }

    /// A non-negative INTEGER that fits 64 bits.
    pub fn small_integer(&self) -> Result<u64, DerFault> {
        let content = self.integer()?;
        if content[0] & 0x80 != 0 {
            return Err(DerFault::Value("a negative INTEGER"));
        }
        let digits = if content[0] == 0 {
            &content[1..]
        } else {
            content
        };
        if digits.len() > 8 {
            return Err(DerFault::Value("an INTEGER beyond 64 bits"));
        }
        Ok(digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
    }

    /// Content of a BIT STRING of whole octets.
    pub fn octets_of_bits(&self) -> Result<&'a [u8], DerFault> {
        match self.expect(BIT_STRING)?.content {
            [0, octets @ ..] => Ok(octets),
            _ => Err(DerFault::Value("a BIT STRING that is not whole octets")),
        }
    }

    /// Text of any of the string types that certificates use.
    pub fn text(&self) -> Result<&'a str, DerFault> {
        match self.tag {
            UTF8_STRING => {}
            PRINTABLE_STRING if self.content.iter().all(|b| is_printable(*b)) => {}
            IA5_STRING if self.content.is_ascii() => {}
            PRINTABLE_STRING | IA5_STRING => {
                return Err(DerFault::Value("a character outside its string type"));
            }
            found => {
                return Err(DerFault::Tag {
                    expected: UTF8_STRING,
                    found,
                });
            }
        }
        std::str::from_utf8(self.content).map_err(|_| DerFault::Value("text that is not UTF-8"))
    }

    /// A UTCTime or GeneralizedTime in the forms of RFC 5280 §4.1.2.5.
    pub fn time(&self) -> Result<Timestamp, DerFault> {
        const FORM: DerFault = DerFault::Value("a time outside RFC 5280 §4.1.2.5");
        let digits = match (self.tag, self.content) {
            (UTC_TIME, [digits @ .., b'Z']) if digits.len() == 12 => digits,
            (GENERALIZED_TIME, [digits @ .., b'Z']) if digits.len() == 14 => digits,
            _ => return Err(FORM),
        };
        let pair = |at: usize| -> Result<i8, DerFault> {
            match digits.get(at..at + 2) {
                Some([a @ b'0'..=b'9', b @ b'0'..=b'9']) => {
                    Ok(((a - b'0') * 10 + (b - b'0')) as i8)
                }
                _ => Err(FORM),
            }
        };
        let (year, rest) = if self.tag == UTC_TIME {
            let year = i16::from(pair(0)?);
            (if year < 50 { 2000 + year } else { 1900 + year }, 2)
        } else {
            (i16::from(pair(0)?) * 100 + i16::from(pair(2)?), 4)
        };
        civil::DateTime::new(
            year,
            pair(rest)?,
            pair(rest + 2)?,
            pair(rest + 4)?,
            pair(rest + 6)?,
            pair(rest + 8)?,
            0,
        )
        .and_then(|time| tz::Offset::UTC.to_timestamp(time))
        .map_err(|_| FORM)
    }
}

/// Reads elements one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a>(SliceReader<'a>);

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, DerFault> {
        SliceReader::new(bytes)
            .map(Self)
            .map_err(DerFault::Encoding)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_finished()
    }

    /// The next element, whatever it is. Tags above 30 do not occur in X.509 and are refused.
    pub fn next(&mut self) -> Result<Element<'a>, DerFault> {
        let raw = self.0.tlv_bytes().map_err(DerFault::Encoding)?;
        let tag = raw[0];
        if tag & 0x1F == 0x1F {
            return Err(DerFault::Value("a tag above 30"));
        }
        let header = SliceReader::new(raw)
            .and_then(|mut reader| Header::decode(&mut reader))
            .map_err(DerFault::Encoding)?;
        let length = usize::try_from(header.length()).map_err(DerFault::Encoding)?;
        Ok(Element {
            tag,
            content: &raw[raw.len() - length..],
            raw,
        })
    }

    pub fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerFault> {
        if self.is_empty() {
            return Err(DerFault::Missing(tag));
        }
        self.next()?.expect(tag)
    }

    /// The next element if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DerFault> {
        if self.peek_tag() == Some(tag) {
            self.next().map(Some)
        } else {
            Ok(None)
        }
    }

    pub fn peek_tag(&self) -> Option<u8> {
        self.0.clone().read_byte().ok()
    }

    /// All elements left.
    pub fn rest(mut self) -> Result<Vec<Element<'a>>, DerFault> {
        let mut elements = Vec::new();
        while !self.is_empty() {
            elements.push(self.next()?);
        }
        Ok(elements)
    }

    pub fn finish(self) -> Result<(), DerFault> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(DerFault::Trailing)
        }
    }
}

/// Refuses INTEGER contents that have a shorter form (X.690 §8.3.2).
pub(crate) fn minimal_integer(content: &[u8]) -> Result<&[u8], DerFault> {
    match content {
        [] => Err(DerFault::Value("an empty INTEGER")),
        [0x00, next, ..] if next & 0x80 == 0 => Err(DerFault::Value("an INTEGER with padding")),
        [0xFF, next, ..] if next & 0x80 != 0 => Err(DerFault::Value("an INTEGER with padding")),
        _ => Ok(content),
    }
}

/// PrintableString's repertoire (X.680 §41.4).
pub(crate) fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

/// Appends tag and length.
pub(crate) fn push_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let octets = length.to_be_bytes();
        let skip = octets.iter().take_while(|octet| **octet == 0).count();
        out.push(0x80 | (octets.len() - skip) as u8);
        out.extend_from_slice(&octets[skip..]);
    }
}

/// Octets that [`push_header`] appends.
pub(crate) fn header_len(length: usize) -> usize {
    if length < 0x80 {
        2
    } else {
        2 + (usize::BITS as usize - length.leading_zeros() as usize).div_ceil(8)
    }
}

/// One element made of its parts.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(header_len(length) + length);
    push_header(&mut out, tag, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

pub(crate) fn oid(oid: &ObjectIdentifier) -> Vec<u8> {
    tlv(OID, &[oid.as_bytes()])
}

pub(crate) fn null() -> Vec<u8> {
    tlv(NULL, &[])
}

pub(crate) fn boolean(value: bool) -> Vec<u8> {
    tlv(BOOLEAN, &[&[if value { 0xFF } else { 0x00 }]])
}

/// A non-negative INTEGER from its big-endian magnitude.
pub(crate) fn integer(magnitude: &[u8]) -> Vec<u8> {
    tlv(INTEGER, &[&integer_content(magnitude)])
}

/// Content octets of a non-negative INTEGER.
pub(crate) fn integer_content(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|octet| **octet == 0).count();
    let digits = &magnitude[zeros..];
    let mut content = Vec::with_capacity(digits.len() + 1);
    if digits.first().is_none_or(|first| first & 0x80 != 0) {
        content.push(0);
    }
    content.extend_from_slice(digits);
    content
}

pub(crate) fn octet_string(content: &[u8]) -> Vec<u8> {
    tlv(OCTET_STRING, &[content])
}

/// A BIT STRING of whole octets.
pub(crate) fn bit_string(content: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], content])
}

/// A BIT STRING of named bits, bit 0 first, without trailing zeros (X.690 §11.2.2).
pub(crate) fn named_bits(bits: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut octets = Vec::new();
    for bit in bits {
        let at = usize::from(bit / 8);
        if octets.len() <= at {
            octets.resize(at + 1, 0u8);
        }
        octets[at] |= 0x80 >> (bit % 8);
    }
    let unused = octets.last().map_or(0, |last| last.trailing_zeros() as u8);
    tlv(BIT_STRING, &[&[unused], &octets])
}

pub(crate) fn utf8(text: &str) -> Vec<u8> {
    tlv(UTF8_STRING, &[text.as_bytes()])
}

/// UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5). Fractions are cut off.
pub(crate) fn time(at: Timestamp) -> Vec<u8> {
    let civil = tz::Offset::UTC.to_datetime(at);
    if (1950..2050).contains(&civil.year()) {
        let mut text = [0u8; 13];
        put_digits(&mut text[..2], (civil.year() % 100) as u32);
        put_clock(&mut text[2..], civil);
        tlv(UTC_TIME, &[&text])
    } else {
        generalized_time(at)
    }
}

/// GeneralizedTime with seconds and without fractions. Years are those of four digits.
pub(crate) fn generalized_time(at: Timestamp) -> Vec<u8> {
    let civil = tz::Offset::UTC.to_datetime(at);
    let mut text = [0u8; 15];
    put_digits(&mut text[..4], civil.year().unsigned_abs().into());
    put_clock(&mut text[4..], civil);
    tlv(GENERALIZED_TIME, &[&text])
}

fn put_clock(text: &mut [u8], civil: civil::DateTime) {
    let parts = [
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second(),
    ];
    for (at, part) in parts.into_iter().enumerate() {
        put_digits(&mut text[at * 2..at * 2 + 2], part.unsigned_abs().into());
    }
    text[10] = b'Z';
}

fn put_digits(text: &mut [u8], mut number: u32) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Checks that `bytes` is one element in DER all the way down (X.690 §10, §11).
///
/// `OCTET STRING`s are leaves: what an extension holds is checked by whoever reads it.
pub(crate) fn check_canonical(bytes: &[u8]) -> Result<(), DerFault> {
    fn element(found: Element<'_>, depth: u8) -> Result<(), DerFault> {
        const DEPTH: u8 = 16;
        if depth > DEPTH {
            return Err(DerFault::Value("nested too deep"));
        }
        match found.tag {
            BOOLEAN => found.boolean().map(drop),
            INTEGER | ENUMERATED => minimal_integer(found.content).map(drop),
            OID => found.oid().map(drop),
            NULL if !found.content.is_empty() => Err(DerFault::Value("a NULL with content")),
            UTF8_STRING | PRINTABLE_STRING | IA5_STRING => found.text().map(drop),
            UTC_TIME | GENERALIZED_TIME => found.time().map(drop),
            BIT_STRING => match found.content {
                [0] => Ok(()),
                [unused @ 0..=7, octets @ ..] if !octets.is_empty() => {
                    let last = octets[octets.len() - 1];
                    if last & ((1u16 << unused) - 1) as u8 == 0 {
                        Ok(())
                    } else {
                        Err(DerFault::Value("a BIT STRING with unused bits set"))
                    }
                }
                _ => Err(DerFault::Value("a BIT STRING with a wrong count of bits")),
            },
            tag if tag & 0x20 != 0 => {
                let mut previous: Option<&[u8]> = None;
                let mut inside = found.inside()?;
                while !inside.is_empty() {
                    let child = inside.next()?;
                    if tag == SET && previous.is_some_and(|previous| previous > child.raw) {
                        return Err(DerFault::Value("a SET OF out of order"));
                    }
                    previous = Some(child.raw);
                    element(child, depth + 1)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
    element(Element::parse(bytes)?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_minimal_and_positive() {
        assert_eq!(integer(&[0, 0, 0x7F]), [2, 1, 0x7F]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[]), [2, 1, 0]);
    }

    #[test]
    fn long_lengths_take_the_shortest_form() {
        for length in [0usize, 127, 128, 255, 256, 65535, 65536] {
            let made = octet_string(&vec![0; length]);
            assert_eq!(made.len(), header_len(length) + length);
            assert_eq!(Element::parse(&made).unwrap().content.len(), length);
        }
    }

    #[test]
    fn times_change_form_in_2050() {
        let last: Timestamp = "2049-12-31T23:59:59Z".parse().unwrap();
        let first: Timestamp = "2050-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(&time(last)[2..], b"491231235959Z");
        assert_eq!(&time(first)[2..], b"20500101000000Z");
        for at in [last, first] {
            assert_eq!(Element::parse(&time(at)).unwrap().time().unwrap(), at);
        }
    }

    #[test]
    fn named_bits_drop_trailing_zeros() {
        assert_eq!(named_bits([0, 1]), [3, 2, 6, 0xC0]);
        assert_eq!(named_bits([5, 6]), [3, 2, 1, 0x06]);
    }

    #[test]
    fn bytes_that_are_not_canonical_are_told() {
        for wrong in [
            &[0x02, 0x02, 0x00, 0x01][..],
            &[0x01, 0x01, 0x01],
            &[0x03, 0x02, 0x01, 0x01],
            &[0x30, 0x81, 0x00],
            &[0x31, 0x06, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01],
            &[0x05, 0x00, 0x00],
        ] {
            assert!(check_canonical(wrong).is_err(), "{wrong:02x?}");
        }
    }
}
