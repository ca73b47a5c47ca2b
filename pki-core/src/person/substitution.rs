//! Substitute characters (代替文字). The register and the card's face keep the true
//! character; the certificate carries one that verifiers can read, chosen by the
//! applicant from the list, or kana when nothing fits, and says where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jntajis::codec::mj_shrink::{MJShrinkScheme, MJShrinkSchemes, mj_shrink_candidates};
use serde::{Deserialize, Serialize};

use super::certificate_items::CertificateItems;
use super::four_items::{FourItems, FourItemsInput, Item, is_selector};
use super::repertoire;

/// Most characters that one kana substitute may have: no kanji reads longer.
pub const KANA_CHARACTERS_MAX: usize = 8;
/// Most characters of a substitute in an extension table.
pub const SUBSTITUTE_CHARACTERS_MAX: usize = 8;
/// Most entries of an extension table.
pub const EXTENSION_ENTRIES_MAX: usize = 20_000;

/// Where a candidate comes from, nearest relation first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The character itself without its variation selector.
    WithoutSelector,
    /// The prefecture's own table.
    Extension,
    /// The standard table of symbols.
    Standard,
    /// JIS包摂規準・UCS統合規則
    JisUnification,
    /// 法務省告示582号別表第四
    MojNotice582,
    /// 戸籍法関連通達・通知
    FamilyRegisterNotice,
    /// 読み・字形による類推
    Analogy,
}

impl Source {
    /// Name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithoutSelector => "without-selector",
            Self::Extension => "extension",
            Self::Standard => "standard",
            Self::JisUnification => "jis-unification",
            Self::MojNotice582 => "moj-notice-582",
            Self::FamilyRegisterNotice => "family-register-notice",
            Self::Analogy => "analogy",
        }
    }

    /// As the clerk's screen names it.
    #[must_use]
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::WithoutSelector => "異体字指定を除いた文字",
            Self::Extension => "都道府県の追加表",
            Self::Standard => "記号の置換表",
            Self::JisUnification => "JIS包摂規準・UCS統合規則",
            Self::MojNotice582 => "法務省告示582号別表第四",
            Self::FamilyRegisterNotice => "戸籍法関連通達・通知",
            Self::Analogy => "読み・字形による類推",
        }
    }
}

/// One character, or a few, that may stand for another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    pub text: String,
    pub source: Source,
}

impl Candidate {
    /// `U+9AD8`, one for each character.
    #[must_use]
    pub fn code_points(&self) -> String {
        code_points(&self.text)
    }
}

/// `U+9AD9`, separated by spaces.
#[must_use]
pub fn code_points(text: &str) -> String {
    let points: Vec<String> = text
        .chars()
        .map(|c| format!("U+{:04X}", c as u32))
        .collect();
    points.join(" ")
}

/// A character that the certificate cannot carry, with what may stand for it.
///
/// Personal data: `Debug` of this, of a [`Candidate`] and of a [`Choice`] shows no character.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding {
    pub item: Item,
    /// Which character of the item, counted from 0, variation selectors not counted.
    pub position: usize,
    /// The character as the register writes it, with its variation selector if it has one.
    pub written: String,
    /// What may stand for it, nearest relation first; may be empty.
    pub candidates: Vec<Candidate>,
    /// Whether kana may stand for it when nothing fits: not where only a selector falls away.
    pub kana_allowed: bool,
}

/// The applicant's choice for one finding.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub item: Item,
    /// As in the finding.
    pub position: usize,
    /// One of the candidates, or kana.
    pub substitute: String,
}

/// Why choices do not settle the characters. Names no character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleFault {
    /// A character needs a substitute and none was chosen.
    #[error("{}: the character at {position} needs a substitute", .item.field())]
    Missing { item: Item, position: usize },
    /// A choice for a character that the certificate can carry as it is.
    #[error("{}: the character at {position} needs no substitute", .item.field())]
    NotAsked { item: Item, position: usize },
    /// Two choices for one character.
    #[error("{}: the character at {position} has two choices", .item.field())]
    Twice { item: Item, position: usize },
    /// Neither a candidate of the list nor kana where kana is allowed.
    #[error("{}: what was chosen for the character at {position} is neither in the list nor kana of at most {KANA_CHARACTERS_MAX} characters", .item.field())]
    NotInList { item: Item, position: usize },
    /// With its substitutes the item has become too long.
    #[error("{}: too long with its substitutes", .item.field())]
    TooLong { item: Item },
}

impl SettleFault {
    /// The fault of a choice that nothing asks for.
    #[must_use]
    pub const fn not_asked(choice: &Choice) -> Self {
        Self::NotAsked {
            item: choice.item,
            position: choice.position,
        }
    }
}

/// A table of substitutes that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListFault {
    /// Not the TOML of a table.
    #[error("the table of substitutes cannot be read")]
    Unreadable(#[source] Box<toml::de::Error>),
    /// The version is written with 1 to 32 characters of `0-9A-Za-z.-`.
    #[error(
        "the table's version must be 1 to 32 characters of 0-9, A-Z, a-z, full stop and hyphen"
    )]
    Version,
    /// More entries than any prefecture needs.
    #[error("the table has more than {EXTENSION_ENTRIES_MAX} entries")]
    TooMany,
    /// A key that is not one character outside the repertoire.
    #[error("{code_points} is not one character that certificates cannot carry")]
    Key { code_points: String },
    /// A substitute that certificates cannot carry, or none, or too long.
    #[error(
        "{code_points} has no substitute, or one that is too long or that certificates cannot carry"
    )]
    Substitute { code_points: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: String,
    substitutes: BTreeMap<String, Vec<String>>,
}

type Entries = BTreeMap<char, Vec<String>>;

/// The list of substitutes: the standard symbols, the MJ shrink map, and a prefecture's
/// own table. Its version goes into the record of the choice.
#[derive(Clone)]
pub struct SubstitutionList {
    version: String,
    standard: Entries,
    extension: Entries,
}

/// Version of the MJ shrink map behind the list.
const MJ_VERSION: &str = "mj-1.2.0";

impl SubstitutionList {
    /// The list without a prefecture's table.
    #[must_use]
    pub fn standard() -> Self {
        let (version, standard) = read_table(include_str!("../../data/substitutes.toml"))
            .expect("the table was checked by test");
        Self {
            version: format!("{MJ_VERSION}+{version}"),
            standard,
            extension: Entries::new(),
        }
    }

    /// The list with a prefecture's own table, whose candidates come first.
    ///
    /// # Errors
    /// [`ListFault`] names the entry that cannot be used.
    pub fn with_extension(toml: &str) -> Result<Self, ListFault> {
        let mut list = Self::standard();
        let (version, extension) = read_table(toml)?;
        list.version = format!("{}+{version}", list.version);
        list.extension = extension;
        Ok(list)
    }

    /// Version of all its parts, as in `mj-1.2.0+standard-1+tokyo-3`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What may stand for a character, each within the repertoire, nearest relation first.
    #[must_use]
    pub fn candidates(&self, c: char) -> Vec<Candidate> {
        let tables = [
            (Source::Extension, &self.extension),
            (Source::Standard, &self.standard),
        ];
        let own = tables.into_iter().flat_map(|(source, entries)| {
            let texts = entries.get(&c).into_iter().flatten();
            texts.map(move |text| Candidate {
                text: text.clone(),
                source,
            })
        });
        let mut found: Vec<Candidate> = Vec::new();
        for candidate in own.chain(mj_candidates(c)) {
            if !found.iter().any(|earlier| earlier.text == candidate.text) {
                found.push(candidate);
            }
        }
        found
    }
}

/// Candidates of the MJ shrink map. Its targets are of JIS X 0213 and include the
/// character itself, so the repertoire decides.
fn mj_candidates(c: char) -> impl Iterator<Item = Candidate> {
    const RELATIONS: [(Source, MJShrinkScheme); 4] = [
        (
            Source::JisUnification,
            MJShrinkScheme::JISIncorporationUCSUnificationRule,
        ),
        (Source::MojNotice582, MJShrinkScheme::MOJNotice582),
        (
            Source::FamilyRegisterNotice,
            MJShrinkScheme::MOJFamilyRegisterActRelatedNotice,
        ),
        (Source::Analogy, MJShrinkScheme::InferenceByReadingAndGlyph),
    ];
    RELATIONS.into_iter().flat_map(move |(source, scheme)| {
        let mut texts: Vec<String> = mj_shrink_candidates(
            c.encode_utf8(&mut [0; 4]),
            MJShrinkSchemes::NONE.with(scheme),
        )
        .map(|text| {
            text.chars()
                .filter(|c| !is_selector(*c))
                .collect::<String>()
        })
        .filter(|text| {
            let mut characters = text.chars();
            let only = characters.next().filter(|_| characters.next().is_none());
            only.is_some_and(|only| only != c && repertoire::allows(only))
        })
        .collect();
        texts.sort();
        texts
            .into_iter()
            .map(move |text| Candidate { text, source })
    })
}

fn read_table(toml: &str) -> Result<(String, Entries), ListFault> {
    let table: Table =
        toml::from_str(toml).map_err(|fault| ListFault::Unreadable(Box::new(fault)))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if !(1..=32).contains(&table.version.len()) || !table.version.bytes().all(plain) {
        return Err(ListFault::Version);
    }
    if table.substitutes.len() > EXTENSION_ENTRIES_MAX {
        return Err(ListFault::TooMany);
    }
    let mut entries = Entries::new();
    for (key, substitutes) in table.substitutes {
        let points = code_points(&key);
        let mut characters = key.chars();
        let (Some(c), None) = (characters.next(), characters.next()) else {
            return Err(ListFault::Key {
                code_points: points,
            });
        };
        if repertoire::allows(c) || is_selector(c) {
            return Err(ListFault::Key {
                code_points: points,
            });
        }
        let usable = |text: &String| {
            let length = text.chars().count();
            (1..=SUBSTITUTE_CHARACTERS_MAX).contains(&length)
                && text.chars().all(repertoire::allows)
        };
        if substitutes.is_empty() || !substitutes.iter().all(usable) {
            return Err(ListFault::Substitute {
                code_points: points,
            });
        }
        entries.insert(c, substitutes);
    }
    Ok((table.version, entries))
}

/// A character with the selector that may follow it.
struct Written {
    character: char,
    selector: Option<char>,
}

impl Written {
    fn needs_substitute(&self) -> bool {
        self.selector.is_some() || !repertoire::allows(self.character)
    }

    fn text(&self) -> String {
        [Some(self.character), self.selector]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn written(text: &str) -> Vec<Written> {
    let mut read: Vec<Written> = Vec::new();
    for c in text.chars() {
        match read.last_mut() {
            Some(last) if is_selector(c) => last.selector = Some(c),
            _ => read.push(Written {
                character: c,
                selector: None,
            }),
        }
    }
    read
}

fn texts(items: &FourItems) -> [(Item, &str); 2] {
    [
        (Item::Name, items.name().as_str()),
        (Item::Address, items.address().as_str()),
    ]
}

/// Every character of name and address that a certificate cannot carry, in order.
#[must_use]
pub fn findings(items: &FourItems, list: &SubstitutionList) -> Vec<Finding> {
    let mut found = Vec::new();
    for (item, text) in texts(items) {
        for (position, written) in written(text).into_iter().enumerate() {
            if !written.needs_substitute() {
                continue;
            }
            let base_fits = repertoire::allows(written.character);
            let base = base_fits.then(|| Candidate {
                text: written.character.to_string(),
                source: Source::WithoutSelector,
            });
            found.push(Finding {
                item,
                position,
                written: written.text(),
                candidates: base
                    .into_iter()
                    .chain(list.candidates(written.character))
                    .collect(),
                kana_allowed: !base_fits,
            });
        }
    }
    found
}

impl Finding {
    fn allows(&self, substitute: &str) -> bool {
        let in_list = self
            .candidates
            .iter()
            .any(|candidate| candidate.text == substitute);
        in_list || self.kana_allowed && is_kana(substitute)
    }
}

fn is_kana(text: &str) -> bool {
    let length = text.chars().count();
    let hiragana = |c| matches!(c, 'ぁ'..='ん' | 'ー');
    let katakana = |c| matches!(c, 'ァ'..='ヶ' | 'ー');
    (1..=KANA_CHARACTERS_MAX).contains(&length)
        && (text.chars().all(hiragana) || text.chars().all(katakana))
}

/// Puts the chosen substitutes in their places. Every finding has one choice and nothing
/// else has any; each character of a substitute is flagged `1`.
///
/// # Errors
/// Every fault, in the order of the items.
pub fn settle(
    items: &FourItems,
    choices: &[Choice],
    list: &SubstitutionList,
) -> Result<CertificateItems, Vec<SettleFault>> {
    let findings = findings(items, list);
    let mut faults = Vec::new();
    let mut chosen: BTreeMap<(Item, usize), &str> = BTreeMap::new();
    for choice in choices {
        let (item, position) = (choice.item, choice.position);
        match findings
            .iter()
            .find(|f| (f.item, f.position) == (item, position))
        {
            None => faults.push(SettleFault::NotAsked { item, position }),
            Some(finding) if !finding.allows(&choice.substitute) => {
                faults.push(SettleFault::NotInList { item, position });
            }
            Some(_) => {}
        }
        if chosen
            .insert((item, position), &choice.substitute)
            .is_some()
        {
            faults.push(SettleFault::Twice { item, position });
        }
    }
    let unanswered = findings
        .iter()
        .filter(|f| !chosen.contains_key(&(f.item, f.position)));
    faults.extend(unanswered.map(|f| SettleFault::Missing {
        item: f.item,
        position: f.position,
    }));
    if !faults.is_empty() {
        return Err(faults);
    }
    let [name, address] = texts(items).map(|(item, text)| substituted(item, text, &chosen));
    let settled = FourItems::parse(FourItemsInput {
        name: &name.0,
        birth_date: &items.birth_date().code(),
        sex: items.sex().code(),
        address: &address.0,
    })
    .map_err(|faults| {
        // Substitutes are well-formed characters, so only the length can have gone wrong.
        let long: BTreeSet<Item> = faults.iter().map(|fault| fault.item).collect();
        long.into_iter()
            .map(|item| SettleFault::TooLong { item })
            .collect::<Vec<_>>()
    })?;
    Ok(CertificateItems::new(settled, name.1, address.1)
        .expect("every finding was replaced by characters of the repertoire, one digit for each"))
}

/// Stands where the register has a character that nobody chose a substitute for, because the
/// certificate carries no item ([`unchosen`]).
pub const UNCHOSEN: char = '＊';

/// The items for an authority whose certificate carries none of them: what is outside the
/// repertoire is marked, flagged `1`, and nobody is asked. The person is named by the number in the
/// register.
#[must_use]
pub fn unchosen(items: &FourItems) -> CertificateItems {
    let mark = UNCHOSEN.to_string();
    let [name, address] = texts(items).map(|(item, text)| {
        let marked = written(text)
            .into_iter()
            .enumerate()
            .filter(|(_, written)| written.needs_substitute())
            .map(|(position, _)| ((item, position), mark.as_str()));
        substituted(item, text, &marked.collect())
    });
    let settled = FourItems::parse(FourItemsInput {
        name: &name.0,
        birth_date: &items.birth_date().code(),
        sex: items.sex().code(),
        address: &address.0,
    })
    .expect("one well-formed character for another leaves well-formed items of the same length");
    CertificateItems::new(settled, name.1, address.1)
        .expect("every finding was replaced by a character of the repertoire, one digit for each")
}

/// Text and digits of one item.
fn substituted(item: Item, text: &str, chosen: &BTreeMap<(Item, usize), &str>) -> (String, String) {
    let (mut settled, mut flags) = (String::new(), String::new());
    for (position, written) in written(text).into_iter().enumerate() {
        match chosen.get(&(item, position)) {
            Some(substitute) => {
                settled.push_str(substitute);
                flags.extend(substitute.chars().map(|_| '1'));
            }
            None => {
                settled.push(written.character);
                flags.push('0');
            }
        }
    }
    (settled, flags)
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({})", self.source.as_str())
    }
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Finding({} {})", self.item.field(), self.position)
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Choice({} {})", self.item.field(), self.position)
    }
}

#[cfg(test)]
mod tests;
