//! Codes of prefectures and municipalities (全国地方公共団体コード, JIS X 0401/0402).

use std::fmt;
use std::str::FromStr;

use crate::id::text_serde;

/// Why a text is not the code of a prefecture or municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeFault {
    /// A municipality code has five digits, or six with its check digit.
    #[error("must be five digits, or six with the check digit")]
    NotDigits,
    /// Prefectures are numbered 01 to 47.
    #[error("begins with no prefecture: they are numbered 01 to 47")]
    NoPrefecture,
    /// The sixth digit does not follow from the five.
    #[error("has a wrong check digit: {expected} was expected")]
    CheckDigit {
        /// The digit that the first five give.
        expected: u8,
    },
}

/// Number of a prefecture, 01 to 47 (JIS X 0401).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefectureCode(u8);

/// Code of a municipality, five digits, the first two its prefecture (JIS X 0402).
///
/// A code need not be in today's table: certificates outlive mergers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MunicipalityCode(u32);

impl MunicipalityCode {
    /// The prefecture of the municipality.
    #[must_use]
    pub fn prefecture(self) -> PrefectureCode {
        PrefectureCode(u8::try_from(self.0 / 1000).expect("the constructor checked 01 to 47"))
    }

    /// Sixth digit, with which the code is written on forms.
    #[must_use]
    pub fn check_digit(self) -> u8 {
        check_digit(self.0)
    }

    /// All six digits, as on forms.
    #[must_use]
    pub fn with_check_digit(self) -> String {
        format!("{self}{}", self.check_digit())
    }
}

/// Weights 6 to 2 on the five digits; what is missing to a multiple of 11, its last digit.
fn check_digit(code: u32) -> u8 {
    let sum: u32 = (0..5u32).map(|i| code / 10u32.pow(i) % 10 * (i + 2)).sum();
    let digit = if sum < 11 {
        11 - sum
    } else {
        (11 - sum % 11) % 10
    };
    u8::try_from(digit % 10).expect("a last digit")
}

impl FromStr for PrefectureCode {
    type Err = CodeFault;
    fn from_str(text: &str) -> Result<Self, CodeFault> {
        let two = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number @ 1..=47) if two => Ok(Self(number)),
            _ => Err(CodeFault::NoPrefecture),
        }
    }
}

impl FromStr for MunicipalityCode {
    type Err = CodeFault;
    fn from_str(text: &str) -> Result<Self, CodeFault> {
        if !(5..=6).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CodeFault::NotDigits);
        }
        text[..2].parse::<PrefectureCode>()?;
        let code = Self(text[..5].parse().expect("five ASCII digits"));
        let expected = code.check_digit();
        match text.as_bytes().get(5) {
            Some(&digit) if digit != b'0' + expected => Err(CodeFault::CheckDigit { expected }),
            _ => Ok(code),
        }
    }
}

impl fmt::Display for PrefectureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

impl fmt::Display for MunicipalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}", self.0)
    }
}

impl fmt::Debug for PrefectureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrefectureCode({self})")
    }
}

impl fmt::Debug for MunicipalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MunicipalityCode({self})")
    }
}

text_serde!(PrefectureCode);
text_serde!(MunicipalityCode);
