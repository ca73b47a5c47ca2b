//! The name in a user-authentication certificate (利用者証明用電子証明書): it says which window
//! made the request and nothing of the person.
//!
//! Form as on real JPKI cards (`997794E9AGCIEG13221003A`): 14 opaque characters and the window.

use sha2::{Digest, Sha256};

use super::serial::Serial;
use crate::id::TerminalId;

/// Opaque characters before the window's nine.
pub const OPAQUE_CHARACTERS: usize = 14;

/// Base32hex (RFC 4648 §7): 14 characters carry 70 bits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";

/// The opaque characters of the certificate with that serial number. They follow from its random
/// bits alone, so that nobody, the CA included, can put anything of the person there; and two
/// certificates of one person share nothing.
pub(crate) fn opaque(serial: &Serial) -> String {
    let digest = Sha256::new()
        .chain_update(b"jitsuin-user-name-v1\0")
        .chain_update(serial.as_octets())
        .finalize();
    let (bits, _) = digest
        .split_first_chunk::<16>()
        .expect("a SHA-256 digest has 32 octets");
    let bits = u128::from_be_bytes(*bits);
    (0..OPAQUE_CHARACTERS)
        .map(|at| char::from(ALPHABET[(bits >> (123 - 5 * at) & 0x1F) as usize]))
        .collect()
}

/// Common name of 23 characters.
pub(crate) fn common_name(serial: &Serial, window: &TerminalId) -> String {
    format!("{}{window}", opaque(serial))
}

/// A common name of 23 characters, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName {
    /// 14 of 0–9 and A–Z.
    pub opaque: String,
    /// 受付窓口識別記号, 9 characters, the first five the municipality's code.
    pub window: TerminalId,
}

impl UserName {
    /// Takes a common name apart; `None` when it has another form.
    pub fn parse(common_name: &str) -> Option<Self> {
        let (opaque, window) = common_name.split_at_checked(OPAQUE_CHARACTERS)?;
        let plain = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
        if !opaque.bytes().all(plain) {
            return None;
        }
        Some(Self {
            opaque: opaque.to_owned(),
            window: window.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_of_a_real_card_is_taken_apart() {
        let name = UserName::parse("997794E9AGCIEG13221003A").unwrap();
        assert_eq!(
            (&name.opaque[..], name.window.as_str()),
            ("997794E9AGCIEG", "13221003A")
        );
        for text in [
            "997794E9AGCIE13221003A",
            "997794e9AGCIEG13221003A",
            "997794E9AGCIEG13221003",
            "202510161726000013413221003A",
            "総務太郎",
            "",
        ] {
            assert_eq!(UserName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_opaque_part_follows_from_the_serial_number_and_spreads() {
        let window: TerminalId = "131010001".parse().unwrap();
        let names: std::collections::BTreeSet<String> = (0..=255)
            .map(|byte| common_name(&Serial::from_random([byte; 16]), &window))
            .collect();
        assert_eq!(names.len(), 256);
        for name in &names {
            assert_eq!(UserName::parse(name).unwrap().window, window, "{name}");
        }
        let used: std::collections::BTreeSet<char> =
            names.iter().flat_map(|name| name[..14].chars()).collect();
        assert_eq!(used.len(), 32);
    }
}
