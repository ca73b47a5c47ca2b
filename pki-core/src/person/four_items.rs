//! The four items (基本4情報) as the register holds them and the form shows them,
//! and as a certificate carries them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::era::{BirthDate, DateFault};

/// Longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// Longest address, in characters.
pub const ADDRESS_CHARACTERS_MAX: usize = 200;

/// One of the four items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// 氏名
    Name,
    /// 生年月日
    BirthDate,
    /// 男女の別
    Sex,
    /// 住所
    Address,
}

impl Item {
    /// All four, in the order of the form.
    pub const ALL: [Self; 4] = [Self::Name, Self::BirthDate, Self::Sex, Self::Address];

    /// Name as on the form.
    #[must_use]
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::Name => "氏名",
            Self::BirthDate => "生年月日",
            Self::Sex => "男女の別",
            Self::Address => "住所",
        }
    }

    /// Field name in messages.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::BirthDate => "birth_date",
            Self::Sex => "sex",
            Self::Address => "address",
        }
    }
}

/// 男女の別, as the certificate writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// 男
    #[serde(rename = "1")]
    Male,
    /// 女
    #[serde(rename = "2")]
    Female,
}

impl Sex {
    /// `1` or `2`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Male => "1",
            Self::Female => "2",
        }
    }

    fn parse(text: &str) -> Result<Self, FaultReason> {
        match text {
            "男" | "1" | "１" => Ok(Self::Male),
            "女" | "2" | "２" => Ok(Self::Female),
            "" => Err(FaultReason::Missing),
            _ => Err(FaultReason::NotASex),
        }
    }
}

impl fmt::Display for Sex {
    /// 男 or 女, as on the form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Male => "男",
            Self::Female => "女",
        })
    }
}

impl fmt::Debug for Sex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sex(…)")
    }
}

/// Why an item cannot be taken as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultReason {
    /// Nothing was written.
    #[error("is missing")]
    Missing,
    /// More characters than any register entry has.
    #[error("is longer than {max} characters")]
    TooLong {
        /// The limit, in characters.
        max: usize,
    },
    /// A name has two parts or more.
    #[error("has one part: write family and given name with a space between")]
    OnePart,
    /// A space at either end, or two in a row.
    #[error("has a space at its end or two in a row")]
    StraySpace,
    /// An address is one run of characters.
    #[error("has a space: write the address without spaces")]
    SpaceInAddress,
    /// Control characters, line ends, invisible marks.
    #[error("has a control character or an invisible mark")]
    Control,
    /// Half-width katakana; the register writes full-width.
    #[error("has half-width katakana: write full-width")]
    HalfWidthKatakana,
    /// A combining mark, as some systems write が in two characters.
    #[error("has a combining mark: write the letter and its mark as one character")]
    CombiningMark,
    /// A variation selector with nothing before it.
    #[error("has a variation selector that follows no character")]
    LoneSelector,
    /// Neither 男 nor 女.
    #[error("must be 男 or 女")]
    NotASex,
    /// The birth date, with its own reason.
    #[error("{0}")]
    Date(DateFault),
}

/// One fault of one item. It names no character, so that it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {reason}", .item.field())]
pub struct ItemFault {
    /// The item that was refused.
    pub item: Item,
    /// What is wrong with it.
    pub reason: FaultReason,
    /// Character at which it is wrong, counted from 0, where one is to blame.
    pub position: Option<usize>,
}

/// The four items as somebody wrote them.
#[derive(Clone, Copy)]
pub struct FourItemsInput<'a> {
    /// Family and given name, U+3000 or one ASCII space between.
    pub name: &'a str,
    /// Any spelling that [`BirthDate`] reads.
    pub birth_date: &'a str,
    /// 男, 女, `1` or `2`.
    pub sex: &'a str,
    /// Address; ASCII letters, digits and hyphens become full-width.
    pub address: &'a str,
}

/// 氏名: parts separated by U+3000, ASCII turned full-width.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// 住所 in full-width form: digits U+FF10–FF19, hyphen U+FF0D.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

impl Name {
    /// # Errors
    /// Every fault of the text with its position.
    pub fn parse(text: &str) -> Result<Self, Vec<ItemFault>> {
        let (text, mut faults) = read(Item::Name, text, NAME_CHARACTERS_MAX);
        let parts: Vec<&str> = text.split(SEPARATOR).collect();
        if !text.is_empty() && parts.len() == 1 {
            faults.push(ItemFault::whole(Item::Name, FaultReason::OnePart));
        }
        let mut position = 0;
        for part in &parts {
            if part.is_empty() && parts.len() > 1 {
                let at = position.min(characters(&text).count().saturating_sub(1));
                faults.push(ItemFault::at(Item::Name, FaultReason::StraySpace, at));
            }
            position += characters(part).count() + 1;
        }
        if faults.is_empty() {
            Ok(Self(text))
        } else {
            Err(faults)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Address {
    /// # Errors
    /// Every fault of the text with its position.
    pub fn parse(text: &str) -> Result<Self, Vec<ItemFault>> {
        let (text, mut faults) = read(Item::Address, text, ADDRESS_CHARACTERS_MAX);
        for (position, c) in characters(&text).enumerate() {
            if c == SEPARATOR {
                faults.push(ItemFault::at(
                    Item::Address,
                    FaultReason::SpaceInAddress,
                    position,
                ));
            }
        }
        if faults.is_empty() {
            Ok(Self(text))
        } else {
            Err(faults)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The four items, each well formed. Characters that a certificate cannot carry are
/// still in them: those are settled with the applicant ([`super::substitution`]).
///
/// Personal data: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FourItems {
    name: Name,
    birth_date: BirthDate,
    sex: Sex,
    address: Address,
}

impl FourItems {
    /// Reads all four items and collects every fault.
    ///
    /// # Errors
    /// All faults, in the order of the form.
    pub fn parse(input: FourItemsInput<'_>) -> Result<Self, Vec<ItemFault>> {
        let mut faults = Vec::new();
        let mut keep = |found: Vec<ItemFault>| faults.extend(found);
        let name = Name::parse(input.name).map_err(&mut keep).ok();
        let birth_date = input
            .birth_date
            .parse::<BirthDate>()
            .map_err(|fault| keep(vec![ItemFault::of_date(fault)]))
            .ok();
        let sex = Sex::parse(input.sex)
            .map_err(|reason| keep(vec![ItemFault::whole(Item::Sex, reason)]))
            .ok();
        let address = Address::parse(input.address).map_err(&mut keep).ok();
        match (name, birth_date, sex, address) {
            (Some(name), Some(birth_date), Some(sex), Some(address)) => Ok(Self {
                name,
                birth_date,
                sex,
                address,
            }),
            _ => Err(faults),
        }
    }

    /// 氏名
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// 生年月日
    #[must_use]
    pub const fn birth_date(&self) -> BirthDate {
        self.birth_date
    }

    /// 男女の別
    #[must_use]
    pub const fn sex(&self) -> Sex {
        self.sex
    }

    /// 住所
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Compares with another writing of the four items, item by item.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Comparison {
        Comparison {
            name: self.name == other.name,
            birth_date: self.birth_date == other.birth_date,
            sex: self.sex == other.sex,
            address: self.address == other.address,
        }
    }
}

/// Which items two writings agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    pub name: bool,
    pub birth_date: bool,
    pub sex: bool,
    pub address: bool,
}

impl Comparison {
    /// Whether all four items agree.
    #[must_use]
    pub const fn agrees(self) -> bool {
        self.name && self.birth_date && self.sex && self.address
    }

    /// The items that differ, in the order of the form.
    #[must_use]
    pub fn differing(self) -> Vec<Item> {
        let agree = [self.name, self.birth_date, self.sex, self.address];
        Item::ALL
            .into_iter()
            .zip(agree)
            .filter(|(_, same)| !same)
            .map(|(item, _)| item)
            .collect()
    }
}

impl ItemFault {
    const fn whole(item: Item, reason: FaultReason) -> Self {
        Self {
            item,
            reason,
            position: None,
        }
    }

    const fn at(item: Item, reason: FaultReason, position: usize) -> Self {
        Self {
            item,
            reason,
            position: Some(position),
        }
    }

    fn of_date(fault: DateFault) -> Self {
        let reason = match fault {
            DateFault::Missing => FaultReason::Missing,
            other => FaultReason::Date(other),
        };
        let position = match fault {
            DateFault::Unreadable { position } => Some(position),
            _ => None,
        };
        Self {
            item: Item::BirthDate,
            reason,
            position,
        }
    }
}

/// Separator between the parts of a name.
pub const SEPARATOR: char = '\u{3000}';

/// Characters as they are counted: variation selectors belong to the character before.
pub fn characters(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !is_selector(*c))
}

/// Whether a character only selects the form of the one before it.
#[must_use]
pub const fn is_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Brings a text to full-width form and finds what no item may hold.
fn read(item: Item, text: &str, max: usize) -> (String, Vec<ItemFault>) {
    if text.is_empty() {
        return (
            String::new(),
            vec![ItemFault::whole(item, FaultReason::Missing)],
        );
    }
    // A selector may follow each character; more is not even looked at.
    if text.chars().nth(2 * max).is_some() || characters(text).nth(max).is_some() {
        return (
            String::new(),
            vec![ItemFault::whole(item, FaultReason::TooLong { max })],
        );
    }
    let mut faults = Vec::new();
    let mut position = 0_usize;
    let mut after_character = false;
    let mut full_width = String::with_capacity(text.len());
    for c in text.chars() {
        if is_selector(c) {
            if !after_character {
                let at = position.saturating_sub(1);
                faults.push(ItemFault::at(item, FaultReason::LoneSelector, at));
            }
            after_character = false;
        } else {
            if let Some(reason) = forbidden(c) {
                faults.push(ItemFault::at(item, reason, position));
            }
            position += 1;
            after_character = true;
        }
        full_width.push(to_full_width(item, c));
    }
    (full_width, faults)
}

fn forbidden(c: char) -> Option<FaultReason> {
    match c {
        '\u{FF61}'..='\u{FF9F}' => Some(FaultReason::HalfWidthKatakana),
        '\u{0300}'..='\u{036F}' | '\u{3099}' | '\u{309A}' => Some(FaultReason::CombiningMark),
        '\u{00A0}'
        | '\u{00AD}'
        | '\u{2000}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFD}'
        | '\u{E0000}'..='\u{E007F}' => Some(FaultReason::Control),
        c if c.is_control() => Some(FaultReason::Control),
        _ => None,
    }
}

/// One writing for characters that systems write differently: ASCII becomes full-width,
/// a space U+3000, and the wave dash and its kin what the card itself carries
/// ([`super::repertoire::settled`]). Hyphens of all kinds in an address become U+FF0D.
fn to_full_width(item: Item, c: char) -> char {
    match c {
        ' ' => SEPARATOR,
        '!'..='~' => char::from_u32(c as u32 + 0xFEE0).expect("full-width forms mirror ASCII"),
        '\u{2010}'..='\u{2013}' if item == Item::Address => '\u{FF0D}',
        _ => super::repertoire::settled(c),
    }
}

macro_rules! personal_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}(…)", stringify!($name))
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = ItemFault;
            fn try_from(text: String) -> Result<Self, ItemFault> {
                Self::parse(&text).map_err(|faults| faults[0])
            }
        }
    };
}

personal_text!(Name);
personal_text!(Address);

impl fmt::Debug for FourItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FourItems(…)")
    }
}

#[cfg(test)]
mod tests;
