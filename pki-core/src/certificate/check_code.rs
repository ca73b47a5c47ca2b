//! The check code (証明書確認コード) of the printed copy: by it a later revocation finds the
//! certificate without anyone's name.

use std::{fmt, str::FromStr};

/// Characters of a code, in groups of four.
const LENGTH: usize = 16;
/// Crockford's base 32: no letters that are taken for others.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The first 80 bits of a certificate's SHA-256, written `XXXX-XXXX-XXXX-XXXX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckCode([u8; 10]);

/// Why a text is no check code. The text itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a check code has sixteen digits and letters, in groups of four")]
pub struct CheckCodeFault;

impl CheckCode {
    /// Of the certificate with this SHA-256.
    #[must_use]
    pub fn of(certificate_sha256: &[u8; 32]) -> Self {
        Self(std::array::from_fn(|place| certificate_sha256[place]))
    }
}

impl fmt::Display for CheckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self
            .0
            .iter()
            .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        for place in 0..LENGTH {
            if place > 0 && place % 4 == 0 {
                f.write_str("-")?;
            }
            let digit = bits >> (5 * (LENGTH - 1 - place)) & 31;
            write!(f, "{}", char::from(ALPHABET[digit as usize]))?;
        }
        Ok(())
    }
}

/// As people type it: small letters, spaces or no hyphens, `O` for `0`, `I` and `L` for `1`,
/// full-width forms.
impl FromStr for CheckCode {
    type Err = CheckCodeFault;

    fn from_str(text: &str) -> Result<Self, CheckCodeFault> {
        let (mut bits, mut digits) = (0_u128, 0);
        for typed in text.chars() {
            let half_width = match typed {
                '\u{FF01}'..='\u{FF5E}' => {
                    char::from_u32(typed as u32 - 0xFEE0).ok_or(CheckCodeFault)?
                }
                other => other,
            };
            let digit = match half_width.to_ascii_uppercase() {
                '-' | ' ' | '\u{3000}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー' => continue,
                'O' => b'0',
                'I' | 'L' => b'1',
                other => u8::try_from(other).map_err(|_| CheckCodeFault)?,
            };
            let value = ALPHABET
                .iter()
                .position(|known| *known == digit)
                .ok_or(CheckCodeFault)?;
            digits += 1;
            if digits > LENGTH {
                return Err(CheckCodeFault);
            }
            bits = bits << 5 | value as u128;
        }
        if digits != LENGTH {
            return Err(CheckCodeFault);
        }
        let bytes = bits.to_be_bytes();
        Ok(Self(std::array::from_fn(|place| bytes[6 + place])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_code_is_eighty_bits_in_letters_that_are_not_mistaken() {
        assert_eq!(
            CheckCode::of(&[0xFF; 32]).to_string(),
            "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
        );
        let mut one = [0; 32];
        one[9] = 1;
        assert_eq!(CheckCode::of(&one).to_string(), "0000-0000-0000-0001");
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let sha256: [u8; 32] = std::array::from_fn(|i| (i * 37 + 11) as u8);
        let code = CheckCode::of(&sha256);
        let text = code.to_string();
        let typed = [
            text.clone(),
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', "　"),
            text.replace('0', "o").replace('1', "l"),
            text.chars()
                .map(|c| char::from_u32(c as u32 + 0xFEE0).unwrap())
                .collect(),
        ];
        for typed in typed {
            assert_eq!(typed.parse(), Ok(code), "{typed}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for wrong in [
            "",
            "ZZZZ-ZZZZ-ZZZZ-ZZZ",
            "ZZZZ-ZZZZ-ZZZZ-ZZZZ-Z",
            "UUUU-UUUU-UUUU-UUUU",
            "総務",
        ] {
            assert_eq!(wrong.parse::<CheckCode>(), Err(CheckCodeFault));
        }
    }
}
