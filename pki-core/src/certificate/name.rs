//! Distinguished names (RFC 5280 §4.1.2.4), kept as their DER.

use std::fmt;

use const_oid::ObjectIdentifier;
use serde::{Deserialize, Deserializer};

use super::asn1::{self, DerFault, Element};
use super::oid;

/// Attribute types that names of this CA use: key, type, longest value in characters
/// (upper bounds of RFC 5280 appendix A.1).
const TYPES: [(&str, ObjectIdentifier, usize); 5] = [
    ("C", oid::COUNTRY, 2),
    ("O", oid::ORGANIZATION, 64),
    ("OU", oid::ORGANIZATIONAL_UNIT, 64),
    ("L", oid::LOCALITY, 128),
    ("CN", oid::COMMON_NAME, 64),
];

/// A distinguished name. Two names are equal when their encodings are: this CA
/// writes every name that it compares itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Vec<u8>);

/// One attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `C`, `O`, `OU`, `L`, `CN`, or the dotted identifier of another type.
    pub key: String,
    /// Its text.
    pub value: String,
    /// Tag of its string type.
    pub(crate) tag: u8,
}

/// Why text or bytes are no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// The encoding is no RDNSequence.
    #[error("not a distinguished name")]
    Encoding(#[from] DerFault),
    /// A written attribute is not `KEY=value` with a known key.
    #[error("`{0}` is not C=, O=, OU=, L= or CN= and a value")]
    Attribute(String),
    /// A value is empty, too long or has a character that its type does not allow.
    #[error("{key} has a value of the wrong length or repertoire")]
    Value {
        /// The attribute's key.
        key: &'static str,
    },
}

impl Name {
    /// The name of these attributes in this order, each in an RDN of its own.
    /// C is a PrintableString, all others are UTF8String.
    pub fn new<'a>(
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, NameFault> {
        let mut rdns = Vec::new();
        for (key, value) in attributes {
            rdns.extend_from_slice(&relative(key, value)?);
        }
        Ok(Self(asn1::sequence(&[&rdns])))
    }

    /// A name written as `["C=JP", "O=JPKI-TEST", …]`, in encoding order.
    pub fn parse<S: AsRef<str>>(attributes: &[S]) -> Result<Self, NameFault> {
        let mut pairs = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            let text = attribute.as_ref();
            pairs.push(
                text.split_once('=')
                    .ok_or_else(|| NameFault::Attribute(text.to_owned()))?,
            );
        }
        Self::new(pairs)
    }

    /// This name with one more RDN at its end.
    pub fn with(&self, key: &str, value: &str) -> Result<Self, NameFault> {
        let inside = Element::parse(&self.0)?.content;
        Ok(Self(asn1::sequence(&[inside, &relative(key, value)?])))
    }

    /// Reads an RDNSequence.
    pub fn from_der(der: &[u8]) -> Result<Self, NameFault> {
        let name = Self(der.to_vec());
        name.read()?;
        Ok(name)
    }

    /// DER of the RDNSequence.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// True for the name without any RDN.
    pub fn is_empty(&self) -> bool {
        self.0 == [asn1::SEQUENCE, 0]
    }

    /// Its attributes in encoding order.
    pub fn attributes(&self) -> Vec<Attribute> {
        self.read()
            .expect("the encoding was read once when the name was made")
    }

    /// Value of the last attribute of that key.
    pub fn last(&self, key: &str) -> Option<String> {
        self.attributes()
            .into_iter()
            .rev()
            .find(|attribute| attribute.key == key)
            .map(|attribute| attribute.value)
    }

    fn read(&self) -> Result<Vec<Attribute>, DerFault> {
        let mut attributes = Vec::new();
        let mut rdns = Element::parse_as(&self.0, asn1::SEQUENCE)?.inside()?;
        while !rdns.is_empty() {
            let mut set = rdns.expect(asn1::SET)?.inside()?;
            loop {
                let mut fields = set.expect(asn1::SEQUENCE)?.inside()?;
                let name = fields.next()?.oid()?;
                let value = fields.next()?;
                fields.finish()?;
                let key = TYPES
                    .iter()
                    .find(|(_, known, _)| *known == name)
                    .map_or_else(|| name.to_string(), |(key, _, _)| (*key).to_owned());
                attributes.push(Attribute {
                    key,
                    value: value.text()?.to_owned(),
                    tag: value.tag,
                });
                if set.is_empty() {
                    break;
                }
            }
        }
        Ok(attributes)
    }
}

fn relative(key: &str, value: &str) -> Result<Vec<u8>, NameFault> {
    let (key, name, longest) = TYPES
        .iter()
        .find(|(known, _, _)| *known == key)
        .ok_or_else(|| NameFault::Attribute(format!("{key}={value}")))?;
    let length = value.chars().count();
    let fits = if *key == "C" {
        length == 2 && value.bytes().all(|b| b.is_ascii_uppercase())
    } else {
        (1..=*longest).contains(&length) && !value.chars().any(char::is_control)
    };
    if !fits {
        return Err(NameFault::Value { key });
    }
    let tag = if *key == "C" {
        asn1::PRINTABLE_STRING
    } else {
        asn1::UTF8_STRING
    };
    let pair = asn1::sequence(&[&asn1::oid(name), &asn1::tlv(tag, &[value.as_bytes()])]);
    Ok(asn1::tlv(asn1::SET, &[&pair]))
}

/// `C=JP, O=JPKI-TEST, …` in encoding order. For people; not a canonical form.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, attribute) in self.attributes().iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}={}", attribute.key, attribute.value)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// Written in configuration as a list of `KEY=value`.
impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attributes = Vec::<String>::deserialize(deserializer)?;
        Self::parse(&attributes).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn country_is_printable_and_the_rest_is_utf8_in_the_order_written() {
        let name = Name::parse(&["C=JP", "O=公的個人認証サービス", "CN=a"]).unwrap();
        let tags: Vec<u8> = name.attributes().iter().map(|a| a.tag).collect();
        assert_eq!(
            tags,
            [asn1::PRINTABLE_STRING, asn1::UTF8_STRING, asn1::UTF8_STRING]
        );
        assert_eq!(name.to_string(), "C=JP, O=公的個人認証サービス, CN=a");
        assert_eq!(Name::from_der(name.as_der()), Ok(name));
    }

    #[test]
    fn values_outside_their_bounds_are_refused() {
        let long = "x".repeat(65);
        for (key, value) in [
            ("C", "JPN"),
            ("C", "jp"),
            ("CN", ""),
            ("CN", &long),
            ("O", "a\u{0}"),
        ] {
            assert!(
                matches!(Name::new([(key, value)]), Err(NameFault::Value { .. })),
                "{key}={value}"
            );
        }
        assert!(matches!(
            Name::parse(&["X=1"]),
            Err(NameFault::Attribute(_))
        ));
    }
}
