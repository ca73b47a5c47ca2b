//! Where an element lies, from its header alone.

use std::ops::Range;

use crate::certificate::asn1::DerFault;

/// An element whose content need not be there: lists are longer than what is held of them.
pub(super) struct Extent {
    pub tag: u8,
    /// Octets of the content, counted as the header's position was.
    pub content: Range<u64>,
}

impl Extent {
    /// Reads the header that stands `at` octets into `octets`. Lengths of up to four octets, in
    /// their shortest form (X.690 §10.1).
    pub fn read(octets: &[u8], at: u64) -> Result<Self, DerFault> {
        let header = usize::try_from(at)
            .ok()
            .and_then(|at| octets.get(at..))
            .ok_or(DerFault::Missing(0))?;
        let (tag, first) = match header {
            [tag, first, ..] => (*tag, *first),
            _ => return Err(DerFault::Missing(0)),
        };
        let more = match first {
            ..=0x7F => 0,
            0x81..=0x84 => usize::from(first & 0x7F),
            _ => return Err(DerFault::Value("a length of more than four octets")),
        };
        let mut length = if more == 0 { u64::from(first) } else { 0 };
        for octet in header.get(2..2 + more).ok_or(DerFault::Missing(tag))? {
            length = length << 8 | u64::from(*octet);
        }
        let shortest = match more {
            0 => true,
            1 => length >= 0x80,
            more => length >> (8 * (more - 1)) != 0,
        };
        if !shortest {
            return Err(DerFault::Value("a length that has a shorter form"));
        }
        let start = at + 2 + more as u64;
        Ok(Self {
            tag,
            content: start..start + length,
        })
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
}
