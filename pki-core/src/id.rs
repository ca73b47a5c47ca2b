//! Identifiers that hold between the parts: 16 random bytes for things, short
//! printed codes for places and people at the window. Each is checked once,
//! where it comes in.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::person::municipality::MunicipalityCode;

/// Why a text is not an identifier. The text itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    /// A random identifier is written as 32 lower-case hexadecimal digits.
    #[error("must be 32 lower-case hexadecimal digits")]
    NotHex32,
    /// A SHA-256 digest is written as 64 lower-case hexadecimal digits.
    #[error("must be 64 lower-case hexadecimal digits")]
    NotHex64,
    /// Terminal and kiosk ids are nine characters of `0-9A-Z`, the municipality code first.
    #[error("must be nine characters of 0-9 and A-Z that begin with a municipality code")]
    NotPlace,
    /// Operator ids are 4 to 16 characters of `0-9A-Z-`.
    #[error("must be 4 to 16 characters of 0-9, A-Z and hyphen")]
    NotOperator,
    /// Register numbers are 1 to 32 characters of `0-9A-Za-z-`.
    #[error("must be 1 to 32 characters of 0-9, A-Z, a-z and hyphen")]
    NotResident,
}

macro_rules! text_serde {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_string())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_serde;

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $length:literal, $fault:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// From its bytes, which the caller drew or computed.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdFault;
            fn from_str(text: &str) -> Result<Self, IdFault> {
                lower_hex(text).map(Self).ok_or($fault)
            }
        }

        text_serde!($name);
    };
}

hex_id! {
    /// One application at the window (電子証明書発行申請), 16 random bytes.
    ApplicationId, 16, IdFault::NotHex32
}
hex_id! {
    /// One trip of one card to one kiosk; the visit keys are derived for it.
    VisitId, 16, IdFault::NotHex32
}
hex_id! {
    /// A card, as its personalisation application names itself.
    CardId, 16, IdFault::NotHex32
}
hex_id! {
    /// Names one wish of a caller, so that a repeated request is answered and not repeated.
    IdempotencyKey, 16, IdFault::NotHex32
}

hex_id! {
    /// One request for a second person's approval (四眼), 16 random bytes.
    ApprovalId, 16, IdFault::NotHex32
}

hex_id! {
    /// A notice (届出) about a card that its holder has: password services, erasure.
    NoticeId, 16, IdFault::NotHex32
}
hex_id! {
    /// A kept paper (保存書類).
    PaperId, 16, IdFault::NotHex32
}

hex_id! {
    /// A SHA-256 digest, named in acts and records.
    Sha256Digest, 32, IdFault::NotHex64
}

impl Sha256Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

macro_rules! place_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 9]);

        impl $name {
            /// The municipality that the first five characters name.
            #[must_use]
            pub fn municipality(&self) -> MunicipalityCode {
                self.as_str()[..5]
                    .parse()
                    .expect("the constructor checked the municipality code")
            }

            /// The nine characters' bytes, ASCII.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 9] {
                &self.0
            }

            /// The nine characters.
            #[must_use]
            pub fn as_str(&self) -> &str {
                str::from_utf8(&self.0).expect("the constructor let only ASCII pass")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdFault;
            fn from_str(text: &str) -> Result<Self, IdFault> {
                place9(text).map(Self).ok_or(IdFault::NotPlace)
            }
        }

        text_serde!($name);
    };
}

place_id! {
    /// 受付窓口識別記号: nine characters, the first five are the municipality (`131010001`).
    /// It closes the subject's common name in each certificate made at that window.
    TerminalId
}
place_id! {
    /// A key-pair machine (鍵ペア生成装置), nine characters like a terminal (`13101K001`).
    KioskId
}

fn place9(text: &str) -> Option<[u8; 9]> {
    let bytes: [u8; 9] = text.as_bytes().try_into().ok()?;
    let plain = bytes
        .iter()
        .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let placed = text.get(..5)?.parse::<MunicipalityCode>().is_ok();
    (plain && placed).then_some(bytes)
}

macro_rules! short_text_id {
    ($(#[$doc:meta])* $name:ident, $min:literal ..= $max:literal, $allowed:expr, $fault:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The characters.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdFault;
            fn from_str(text: &str) -> Result<Self, IdFault> {
                let allowed: fn(u8) -> bool = $allowed;
                let fits = ($min..=$max).contains(&text.len()) && text.bytes().all(allowed);
                if fits { Ok(Self(text.to_owned())) } else { Err($fault) }
            }
        }

        text_serde!($name);
    };
}

short_text_id! {
    /// A clerk, as the operator card names itself (`13101-0001`).
    OperatorId, 4..=16,
    |b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'-',
    IdFault::NotOperator
}
short_text_id! {
    /// The resident's number in the municipality's register. Personal data: it is
    /// stored encrypted or as a keyed hash, and its `Debug` does not show it.
    ResidentNumber, 1..=32,
    |b| b.is_ascii_alphanumeric() || b == b'-',
    IdFault::NotResident
}

impl fmt::Debug for OperatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperatorId({self})")
    }
}

impl ResidentNumber {
    /// What a signed act says of the resident: a digest of application, municipality and
    /// number. The application id, which nobody can guess, keeps the number from being
    /// found by trying all of them.
    #[must_use]
    pub fn digest(
        &self,
        application: ApplicationId,
        municipality: MunicipalityCode,
    ) -> Sha256Digest {
        let mut said = b"jitsuin-resident-v1\0".to_vec();
        said.extend_from_slice(application.as_bytes());
        said.extend_from_slice(format!("{municipality}/{self}").as_bytes());
        Sha256Digest::of(&said)
    }
}

impl fmt::Debug for ResidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResidentNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_is_lower_case_hex_of_sixteen_bytes_and_comes_back() {
        let id = VisitId::from_bytes([0xA5; 16]);
        assert_eq!(id.to_string(), "a5".repeat(16));
        assert_eq!(id.to_string().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<VisitId>(&json).unwrap(), id);
    }

    #[test]
    fn other_spellings_of_a_random_id_are_refused() {
        let upper = "A5".repeat(16);
        let long = "a5".repeat(17);
        let short = "a5".repeat(15);
        for text in ["", upper.as_str(), &long, &short, "zz", "０"] {
            assert_eq!(text.parse::<CardId>(), Err(IdFault::NotHex32));
        }
    }

    #[test]
    fn a_resident_is_named_in_an_act_for_one_application_of_one_municipality() {
        let number: ResidentNumber = "R1".parse().unwrap();
        let (one, two) = (
            ApplicationId::from_bytes([1; 16]),
            ApplicationId::from_bytes([2; 16]),
        );
        let (here, there) = ("13101".parse().unwrap(), "13102".parse().unwrap());
        let said = [&b"jitsuin-resident-v1\0"[..], &[1; 16], b"13101/R1"].concat();
        assert_eq!(number.digest(one, here), Sha256Digest::of(&said));
        let other: ResidentNumber = "R2".parse().unwrap();
        for another in [
            number.digest(two, here),
            number.digest(one, there),
            other.digest(one, here),
        ] {
            assert_ne!(another, number.digest(one, here));
        }
    }

    #[test]
    fn a_terminal_id_names_its_municipality() {
        let id: TerminalId = "131010001".parse().unwrap();
        assert_eq!(id.municipality().to_string(), "13101");
        assert_eq!(
            "13101K001".parse::<KioskId>().unwrap().as_str(),
            "13101K001"
        );
        for text in [
            "13101000",
            "1310100011",
            "13101k001",
            "99101K001",
            "A3101K001",
            "13101-001",
        ] {
            assert_eq!(text.parse::<KioskId>(), Err(IdFault::NotPlace), "{text}");
        }
    }

    #[test]
    fn an_operator_id_is_short_plain_text() {
        assert!("13101-0001".parse::<OperatorId>().is_ok());
        for text in ["131", "13101-0001-0001-1", "13101_0001", "１３１０１"] {
            assert_eq!(
                text.parse::<OperatorId>(),
                Err(IdFault::NotOperator),
                "{text}"
            );
        }
    }

    #[test]
    fn a_resident_number_is_not_shown_by_debug() {
        let number: ResidentNumber = "R-0000123".parse().unwrap();
        assert!(!format!("{number:?}").contains("123"));
        assert_eq!("R 1".parse::<ResidentNumber>(), Err(IdFault::NotResident));
    }
}
