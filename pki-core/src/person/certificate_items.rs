//! The four items as the certificate carries them: every character within the
//! repertoire, and beside name and address one digit per character that says
//! where a substitute stands (代替文字使用位置).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::era::{BirthDate, DateFault};
use super::four_items::{Address, FourItems, FourItemsInput, Item, ItemFault, characters};
use super::repertoire;

/// The six values as text, as messages carry them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateItemsText {
    /// 氏名
    pub name: String,
    /// One digit per character of the name: `1` where a substitute stands.
    pub name_substitution: String,
    /// Nine digits, `EYYYYMMDD`.
    pub birth_date: String,
    /// `1` or `2`.
    pub sex: String,
    /// 住所
    pub address: String,
    /// One digit per character of the address.
    pub address_substitution: String,
}

/// Why six values are not the items of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateItemsFault {
    /// An item is not well formed, or not in the one form that certificates use.
    #[error(transparent)]
    Item(#[from] ItemFault),
    /// The birth date is not its nine-digit code.
    #[error("birth_date is not a nine-digit code: {0}")]
    BirthDate(#[source] DateFault),
    /// The text is not in the form that certificates use (full-width, sex as a digit).
    #[error("{} is not in the form of a certificate", .item.field())]
    Form {
        /// The item.
        item: Item,
    },
    /// A character that no certificate carries.
    #[error("{} has a character outside the repertoire at {position}", .item.field())]
    Character {
        /// The item.
        item: Item,
        /// Character, counted from 0.
        position: usize,
    },
    /// The digits do not answer the characters one to one, or are not `0` and `1`.
    #[error("{}_substitution must have one digit 0 or 1 per character", .item.field())]
    Flags {
        /// The item.
        item: Item,
    },
}

/// The four items of a certificate and the places of substitutes.
///
/// Personal data: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CertificateItemsText", into = "CertificateItemsText")]
pub struct CertificateItems {
    items: FourItems,
    name_substitution: String,
    address_substitution: String,
}

impl CertificateItems {
    /// Checks the six values: well formed, in the form of certificates, within the repertoire.
    ///
    /// # Errors
    /// The first fault, named by item and position.
    pub fn parse(text: &CertificateItemsText) -> Result<Self, CertificateItemsFault> {
        let birth_date =
            BirthDate::from_code(&text.birth_date).map_err(CertificateItemsFault::BirthDate)?;
        let items = FourItems::parse(FourItemsInput {
            name: &text.name,
            birth_date: &birth_date.code(),
            sex: &text.sex,
            address: &text.address,
        })
        .map_err(|faults| faults[0])?;
        for (item, read, written) in [
            (Item::Name, items.name().as_str(), text.name.as_str()),
            (Item::Sex, items.sex().code(), &text.sex),
            (Item::Address, items.address().as_str(), &text.address),
        ] {
            if read != written {
                return Err(CertificateItemsFault::Form { item });
            }
        }
        Self::new(
            items,
            text.name_substitution.clone(),
            text.address_substitution.clone(),
        )
    }

    /// Puts items and digits together.
    pub(super) fn new(
        items: FourItems,
        name_substitution: String,
        address_substitution: String,
    ) -> Result<Self, CertificateItemsFault> {
        for (item, text, flags) in [
            (Item::Name, items.name().as_str(), &name_substitution),
            (
                Item::Address,
                items.address().as_str(),
                &address_substitution,
            ),
        ] {
            // Selectors count here: a certificate carries none.
            if let Some(position) = text.chars().position(|c| !repertoire::allows(c)) {
                return Err(CertificateItemsFault::Character { item, position });
            }
            let digits = flags.bytes().all(|b| matches!(b, b'0' | b'1'));
            if !digits || flags.len() != characters(text).count() {
                return Err(CertificateItemsFault::Flags { item });
            }
        }
        Ok(Self {
            items,
            name_substitution,
            address_substitution,
        })
    }

    /// 氏名 (otherName .1)
    #[must_use]
    pub fn name(&self) -> &str {
        self.items.name().as_str()
    }

    /// 氏名の代替文字使用位置 (otherName .2)
    #[must_use]
    pub fn name_substitution(&self) -> &str {
        &self.name_substitution
    }

    /// 男女の別 (otherName .3): `1` or `2`.
    #[must_use]
    pub fn sex(&self) -> &'static str {
        self.items.sex().code()
    }

    /// 生年月日 (otherName .4)
    #[must_use]
    pub const fn birth_date(&self) -> BirthDate {
        self.items.birth_date()
    }

    /// 住所 (otherName .5)
    #[must_use]
    pub fn address(&self) -> &str {
        self.items.address().as_str()
    }

    /// 住所の代替文字使用位置 (otherName .6)
    #[must_use]
    pub fn address_substitution(&self) -> &str {
        &self.address_substitution
    }

    /// The address as its type.
    #[must_use]
    pub const fn address_item(&self) -> &Address {
        self.items.address()
    }

    /// The six values as text.
    #[must_use]
    pub fn to_text(&self) -> CertificateItemsText {
        CertificateItemsText {
            name: self.name().to_owned(),
            name_substitution: self.name_substitution.clone(),
            birth_date: self.birth_date().code(),
            sex: self.sex().to_owned(),
            address: self.address().to_owned(),
            address_substitution: self.address_substitution.clone(),
        }
    }

    /// SHA-256 over `"jitsuin-items-v1\0"` and, for each of name, name substitution, birth
    /// date, sex, address, address substitution: its length in bytes (32 bits, big-endian),
    /// then its UTF-8 bytes. Lengths go before, so that no two sets of values share bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let birth_date = self.birth_date().code();
        let mut hash = Sha256::new();
        hash.update(b"jitsuin-items-v1\0");
        for value in [
            self.name(),
            self.name_substitution(),
            &birth_date,
            self.sex(),
            self.address(),
            self.address_substitution(),
        ] {
            let length =
                u32::try_from(value.len()).expect("items are limited to some hundred characters");
            hash.update(length.to_be_bytes());
            hash.update(value);
        }
        hash.finalize().into()
    }
}

impl fmt::Debug for CertificateItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateItems(…)")
    }
}

impl fmt::Debug for CertificateItemsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateItemsText(…)")
    }
}

impl TryFrom<CertificateItemsText> for CertificateItems {
    type Error = CertificateItemsFault;
    fn try_from(text: CertificateItemsText) -> Result<Self, CertificateItemsFault> {
        Self::parse(&text)
    }
}

impl From<CertificateItems> for CertificateItemsText {
    fn from(items: CertificateItems) -> Self {
        items.to_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> CertificateItemsText {
        CertificateItemsText {
            name: "総務　太郎".to_owned(),
            name_substitution: "00000".to_owned(),
            birth_date: "319500401".to_owned(),
            sex: "1".to_owned(),
            address: "東京都千代田区霞が関２丁目１番２号".to_owned(),
            address_substitution: "0".repeat(17),
        }
    }

    fn fault(change: impl FnOnce(&mut CertificateItemsText)) -> CertificateItemsFault {
        let mut text = text();
        change(&mut text);
        CertificateItems::parse(&text).unwrap_err()
    }

    #[test]
    fn six_values_become_items_and_come_back() {
        let items = CertificateItems::parse(&text()).unwrap();
        assert!(items.to_text() == text());
        let json = serde_json::to_string(&items).unwrap();
        assert!(serde_json::from_str::<CertificateItems>(&json).unwrap() == items);
    }

    #[test]
    fn the_digest_is_fixed() {
        // Computed apart with Python's hashlib and struct.
        let digest = CertificateItems::parse(&text()).unwrap().digest();
        assert_eq!(
            hex::encode(digest),
            "dbc58a5fd086e73e38ad99dc672abfdae99bd49b1ee621409c7a9c2be177e3ab"
        );
    }

    #[test]
    fn each_value_changes_the_digest() {
        let golden = CertificateItems::parse(&text()).unwrap().digest();
        let changes: [fn(&mut CertificateItemsText); 6] = [
            |t| t.name = "総務　次郎".to_owned(),
            |t| t.name_substitution = "10000".to_owned(),
            |t| t.birth_date = "319500400".to_owned(),
            |t| t.sex = "2".to_owned(),
            |t| t.address = "東京都千代田区霞が関２丁目１番３号".to_owned(),
            |t| t.address_substitution = format!("1{}", "0".repeat(16)),
        ];
        for change in changes {
            let mut changed = text();
            change(&mut changed);
            assert_ne!(CertificateItems::parse(&changed).unwrap().digest(), golden);
        }
    }

    #[test]
    fn each_fault_names_its_item() {
        use CertificateItemsFault::{BirthDate, Character, Flags, Form};
        assert_eq!(
            fault(|t| t.name = "髙務　太郎".to_owned()),
            Character {
                item: Item::Name,
                position: 0
            }
        );
        assert_eq!(
            fault(|t| t.address = "辻\u{E0100}町".to_owned()),
            Character {
                item: Item::Address,
                position: 1
            }
        );
        assert_eq!(
            fault(|t| t.name = "総務 太郎".to_owned()),
            Form { item: Item::Name }
        );
        assert_eq!(
            fault(|t| t.address = "千代田区1－1".to_owned()),
            Form {
                item: Item::Address
            }
        );
        assert_eq!(fault(|t| t.sex = "男".to_owned()), Form { item: Item::Sex });
        assert_eq!(
            fault(|t| t.name_substitution = "0000".to_owned()),
            Flags { item: Item::Name }
        );
        assert_eq!(
            fault(|t| t.name_substitution = "00002".to_owned()),
            Flags { item: Item::Name }
        );
        assert_eq!(
            fault(|t| t.address_substitution.push('0')),
            Flags {
                item: Item::Address
            }
        );
        assert!(matches!(
            fault(|t| t.birth_date = "S25.4.1".to_owned()),
            BirthDate(_)
        ));
        assert!(matches!(
            fault(|t| t.name.clear()),
            CertificateItemsFault::Item(_)
        ));
    }

    #[test]
    fn debug_shows_nothing_of_the_person() {
        let items = CertificateItems::parse(&text()).unwrap();
        assert_eq!(
            format!("{items:?}{:?}", text()),
            "CertificateItems(…)CertificateItemsText(…)"
        );
    }
}
