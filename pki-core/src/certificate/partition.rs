//! The parts into which an issuer's list is cut (分割CRL): one for each municipality, and further
//! ones where a municipality's has grown too long. A certificate names the part that was the newest
//! when it was planned, and that part's list goes on under its name until the last of its
//! certificates has ended.

use std::fmt;
use std::str::FromStr;

use crate::person::municipality::{CodeFault, MunicipalityCode};

/// Octets of a list from which on a further part is due: what a verifier loads in a few seconds
/// over a line of 2003.
pub const LONG: u64 = 10_000_000;

/// Which of a municipality's parts: 1 to 99; 1 is the one that it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionNumber(u8);

impl PartitionNumber {
    /// The part that every municipality begins with.
    pub const FIRST: Self = Self(1);

    /// The part of that number; `None` outside of 1 to 99.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        match number {
            1..=99 => u8::try_from(number).ok().map(Self),
            _ => None,
        }
    }

    /// 1 to 99.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// All parts up to this one, the oldest first.
    pub fn and_before(self) -> impl Iterator<Item = Self> {
        (1..=self.0).map(Self)
    }

    /// `Chiyoda-ku CRLDP`, and from the second part on `Chiyoda-ku CRLDP 2`.
    #[must_use]
    pub fn common_name(self, municipality: &str) -> String {
        match self {
            Self::FIRST => format!("{municipality} CRLDP"),
            Self(number) => format!("{municipality} CRLDP {number}"),
        }
    }

    /// The municipality's name and the part's number in a common name of that form.
    #[must_use]
    pub fn read_common_name(text: &str) -> Option<(&str, Self)> {
        let (municipality, number) = text.split_once(" CRLDP")?;
        let number = match number.strip_prefix(' ') {
            None if number.is_empty() => Self::FIRST,
            Some(number) => further(number)?,
            None => return None,
        };
        Some((municipality, number))
    }
}

impl Default for PartitionNumber {
    fn default() -> Self {
        Self::FIRST
    }
}

/// `2` to `99`, without zeros before them.
fn further(text: &str) -> Option<PartitionNumber> {
    let number = PartitionNumber::new(text.parse().ok()?)?;
    (number > PartitionNumber::FIRST && number.0.to_string() == text).then_some(number)
}

/// One part of an issuer's list. As text, in addresses, file names and the database: `13101`, and
/// from the second part on `13101-2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// Whose certificates it lists.
    pub municipality: MunicipalityCode,
    /// Which of the municipality's parts.
    pub number: PartitionNumber,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            PartitionNumber::FIRST => write!(f, "{}", self.municipality),
            PartitionNumber(number) => write!(f, "{}-{number}", self.municipality),
        }
    }
}

/// Why a text names no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionFault {
    /// What stands before the hyphen is not the five digits of a municipality.
    #[error("the code of the municipality {0}")]
    Municipality(#[from] CodeFault),
    /// What stands behind the hyphen is no number from 2 to 99.
    #[error("the number behind the hyphen must be 2 to 99")]
    Number,
}

impl FromStr for Partition {
    type Err = PartitionFault;

    fn from_str(text: &str) -> Result<Self, PartitionFault> {
        let (code, number) = match text.split_once('-') {
            None => (text, PartitionNumber::FIRST),
            Some((code, number)) => (code, further(number).ok_or(PartitionFault::Number)?),
        };
        if code.len() != 5 {
            return Err(CodeFault::NotDigits.into());
        }
        Ok(Self {
            municipality: code.parse()?,
            number,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_one_text_and_one_common_name() {
        for (text, common_name) in [
            ("13101", "Chiyoda-ku CRLDP"),
            ("13101-2", "Chiyoda-ku CRLDP 2"),
            ("13101-99", "Chiyoda-ku CRLDP 99"),
        ] {
            let partition: Partition = text.parse().unwrap();
            assert_eq!(partition.to_string(), text);
            assert_eq!(partition.number.common_name("Chiyoda-ku"), common_name);
            assert_eq!(
                PartitionNumber::read_common_name(common_name),
                Some(("Chiyoda-ku", partition.number))
            );
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in [
            "",
            "13101-",
            "13101-1",
            "13101-02",
            "13101-100",
            "13101-+2",
            "1310-2",
            "131016",
            "99101",
            "13101-2-3",
            "../13101",
            "13101-２",
        ] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
        for text in [
            "Chiyoda-ku",
            "Chiyoda-ku CRLDP 1",
            "Chiyoda-ku CRLDP2",
            "Chiyoda-ku CRLDP 02",
            "Chiyoda-ku CRLDP 2 ",
            "Chiyoda-ku CRLDP ",
        ] {
            assert_eq!(PartitionNumber::read_common_name(text), None, "{text}");
        }
        assert_eq!(PartitionNumber::new(0), None);
        assert_eq!(PartitionNumber::new(100), None);
    }

    #[test]
    fn all_parts_up_to_one_begin_with_the_first() {
        let third = PartitionNumber::new(3).unwrap();
        let numbers: Vec<u8> = third.and_before().map(PartitionNumber::get).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }
}
