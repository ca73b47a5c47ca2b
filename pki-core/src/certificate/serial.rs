//! Serial numbers (RFC 5280 §4.1.2.2).

use std::fmt;

use super::asn1;

/// Longest serial number, in DER content octets.
pub const MAX_OCTETS: usize = 20;

/// A certificate's serial number, kept as the content octets of its DER INTEGER.
///
/// RFC 5280 §4.1.2.2: "CAs MUST force the serialNumber to be a non-negative
/// integer … Conforming CAs MUST NOT use serialNumber values longer than 20
/// octets." A `Serial` is positive, minimal and at most 20 octets long. Its text
/// form is the lower-case hex of the content octets, leading zeros kept.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(Vec<u8>);

/// Why octets or text are no serial number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SerialFault {
    /// Not lower-case hex of whole octets.
    #[error("a serial number is written in lower-case hex")]
    Text,
    /// Zero or negative.
    #[error("a serial number is positive")]
    NotPositive,
    /// Longer than 20 octets.
    #[error("a serial number has at most {MAX_OCTETS} octets")]
    TooLong,
    /// A shorter encoding of the same number exists.
    #[error("a serial number is encoded in its shortest form")]
    NotMinimal,
}

impl Serial {
    /// A new serial number from 16 random octets.
    ///
    /// The leading octet `01` keeps every serial 17 octets long and positive, so
    /// all 128 random bits survive the encoding.
    pub fn from_random(random: [u8; 16]) -> Self {
        let mut octets = Vec::with_capacity(17);
        octets.push(0x01);
        octets.extend_from_slice(&random);
        Self(octets)
    }

    /// A serial number from DER content octets.
    pub fn from_octets(octets: &[u8]) -> Result<Self, SerialFault> {
        let minimal = asn1::minimal_integer(octets).map_err(|_| SerialFault::NotMinimal)?;
        if minimal[0] & 0x80 != 0 || minimal == [0] {
            return Err(SerialFault::NotPositive);
        }
        if minimal.len() > MAX_OCTETS {
            return Err(SerialFault::TooLong);
        }
        Ok(Self(minimal.to_vec()))
    }

    /// DER content octets.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }

    /// The whole INTEGER.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        asn1::tlv(asn1::INTEGER, &[&self.0])
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl std::str::FromStr for Serial {
    type Err = SerialFault;

    fn from_str(text: &str) -> Result<Self, SerialFault> {
        if text.bytes().any(|b| b.is_ascii_uppercase()) || text.len() > 2 * MAX_OCTETS {
            return Err(SerialFault::Text);
        }
        Self::from_octets(&hex::decode(text).map_err(|_| SerialFault::Text)?)
    }
}

impl serde::Serialize for Serial {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Serial {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_random_bits_survive_whatever_they_are() {
        for random in [[0u8; 16], [0xFF; 16], [0x80; 16]] {
            let serial = Serial::from_random(random);
            assert_eq!(&serial.as_octets()[1..], random);
            assert_eq!(serial.to_string().parse(), Ok(serial.clone()));
            assert_eq!(
                Serial::from_octets(serial.as_octets()),
                Ok(serial),
                "canonical"
            );
        }
    }

    #[test]
    fn octets_that_are_no_serial_number_are_refused() {
        assert_eq!(Serial::from_octets(&[0]), Err(SerialFault::NotPositive));
        assert_eq!(Serial::from_octets(&[0x80]), Err(SerialFault::NotPositive));
        assert_eq!(Serial::from_octets(&[0, 1]), Err(SerialFault::NotMinimal));
        assert_eq!(Serial::from_octets(&[]), Err(SerialFault::NotMinimal));
        assert_eq!(Serial::from_octets(&[1; 21]), Err(SerialFault::TooLong));
        assert_eq!("0G".parse::<Serial>(), Err(SerialFault::Text));
        assert_eq!("0A".parse::<Serial>(), Err(SerialFault::Text));
        assert_eq!("00ff".parse::<Serial>().unwrap().to_string(), "00ff");
    }
}
