//! The resident's part of a certificate: the six otherNames and the common name.
//!
//! Forms and order are those that real JPKI cards carry.

use const_oid::ObjectIdentifier;
use jiff::{Timestamp, tz};

use super::asn1::{self, DerFault, Element};
use super::oid;
use crate::id::TerminalId;
use crate::person::certificate_items::{CertificateItems, CertificateItemsText};

/// Order in which the card carries the items.
pub(crate) const ORDER: [ObjectIdentifier; 6] = [
    oid::JPKI_NAME,
    oid::JPKI_BIRTH_DATE,
    oid::JPKI_SEX,
    oid::JPKI_ADDRESS,
    oid::JPKI_NAME_SUBSTITUTION,
    oid::JPKI_ADDRESS_SUBSTITUTION,
];

/// GeneralNames of a resident: each item `[0] { OID, [0] UTF8String }`.
pub(crate) fn general_names(items: &CertificateItems) -> Vec<u8> {
    let birth_date = items.birth_date().code();
    let texts = [
        items.name(),
        &birth_date,
        items.sex(),
        items.address(),
        items.name_substitution(),
        items.address_substitution(),
    ];
    let mut names = Vec::with_capacity(512);
    for (name, text) in ORDER.iter().zip(texts) {
        let value = asn1::tlv(asn1::explicit(0), &[&asn1::utf8(text)]);
        names.extend_from_slice(&asn1::tlv(asn1::explicit(0), &[&asn1::oid(name), &value]));
    }
    asn1::sequence(&[&names])
}

/// The six items from the otherNames of a subjectAltName, in whatever order.
/// `None` when one of them is missing.
pub(crate) fn personal_data(names: &[(ObjectIdentifier, &str)]) -> Option<CertificateItemsText> {
    let text = |wanted| {
        names
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, text)| (*text).to_owned())
    };
    Some(CertificateItemsText {
        name: text(oid::JPKI_NAME)?,
        name_substitution: text(oid::JPKI_NAME_SUBSTITUTION)?,
        birth_date: text(oid::JPKI_BIRTH_DATE)?,
        sex: text(oid::JPKI_SEX)?,
        address: text(oid::JPKI_ADDRESS)?,
        address_substitution: text(oid::JPKI_ADDRESS_SUBSTITUTION)?,
    })
}

/// The otherNames with a UTF8String among `names`; other general names are left out.
pub(crate) fn other_names(general_names: &[u8]) -> Result<Vec<(ObjectIdentifier, &str)>, DerFault> {
    let mut found = Vec::with_capacity(6);
    let mut names = Element::parse_as(general_names, asn1::SEQUENCE)?.inside()?;
    while !names.is_empty() {
        let name = names.next()?;
        if name.tag != asn1::explicit(0) {
            continue;
        }
        let mut fields = name.inside()?;
        let kind = fields.next()?.oid()?;
        let value = fields.expect(asn1::explicit(0))?;
        fields.finish()?;
        let text = Element::parse_as(value.content, asn1::UTF8_STRING)?.text()?;
        found.push((kind, text));
    }
    Ok(found)
}

/// Common name of 28 characters: time of the request in Japan (14 digits), number
/// (5 digits), window (受付窓口識別記号, 9 characters).
pub(crate) fn common_name(requested_at: Timestamp, sequence: u32, window: &TerminalId) -> String {
    let at = tz::Offset::constant(9).to_datetime(requested_at);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{:05}{window}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        sequence % 100_000,
    )
}

/// A common name of 28 characters, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberNumber {
    /// When the request was made.
    pub requested_at: Timestamp,
    /// Number within that second.
    pub sequence: u32,
    /// 受付窓口識別記号, 9 characters, the first five the municipality's code.
    pub window: TerminalId,
}

impl SubscriberNumber {
    /// Takes a common name apart; `None` when it has another form.
    pub fn parse(common_name: &str) -> Option<Self> {
        if common_name.len() != 28 || !common_name.is_ascii() {
            return None;
        }
        let (digits, window) = common_name.split_at(19);
        let number = |from: usize, to: usize| digits[from..to].parse::<u32>().ok();
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let at = jiff::civil::DateTime::new(
            number(0, 4)? as i16,
            number(4, 6)? as i8,
            number(6, 8)? as i8,
            number(8, 10)? as i8,
            number(10, 12)? as i8,
            number(12, 14)? as i8,
            0,
        )
        .ok()?;
        Some(Self {
            requested_at: tz::Offset::constant(9).to_timestamp(at).ok()?,
            sequence: number(14, 19)?,
            window: window.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_of_a_real_card_is_taken_apart_and_put_together() {
        let text = "202510161726000013413221003A";
        let number = SubscriberNumber::parse(text).unwrap();
        assert_eq!(number.requested_at.to_string(), "2025-10-16T08:26:00Z");
        assert_eq!(
            (number.sequence, number.window.as_str()),
            (134, "13221003A")
        );
        assert_eq!(
            common_name(number.requested_at, number.sequence, &number.window),
            text
        );
    }

    #[test]
    fn a_common_name_of_another_form_is_none() {
        for text in [
            "20251016172600001341322100",
            "202513161726000013413221003A",
            "202510161726000013413221003a",
            "2025101617260000134A3221003A",
            "997794E9AGCIEG13221003A",
        ] {
            assert_eq!(SubscriberNumber::parse(text), None, "{text}");
        }
    }
}
