//! Prefectures and municipalities: their codes (全国地方公共団体コード, JIS X 0401/0402)
//! and their names in Japanese and as distinguished names write them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

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

/// A prefecture, whose governor issues the certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefecture {
    pub code: PrefectureCode,
    /// 東京都
    pub name: String,
    /// トウキョウト
    pub kana: String,
    /// `Tokyo-to`, as the first L of a subject writes it.
    pub roman: String,
}

/// A municipality, whose mayor receives the applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Municipality {
    pub code: MunicipalityCode,
    /// 千代田区
    pub name: String,
    /// チヨダク
    pub kana: String,
    /// `Chiyoda-ku`, as the second L of a subject writes it; unlike any other of its prefecture.
    pub roman: String,
}

static PREFECTURES: LazyLock<BTreeMap<PrefectureCode, Prefecture>> = LazyLock::new(|| {
    rows(include_str!("../../data/prefectures.csv"))
        .map(|[code, name, kana, roman]| {
            let code = code.parse().expect("the table was checked by test");
            (
                code,
                Prefecture {
                    code,
                    name,
                    kana,
                    roman,
                },
            )
        })
        .collect()
});

static MUNICIPALITIES: LazyLock<BTreeMap<MunicipalityCode, Municipality>> = LazyLock::new(|| {
    rows(include_str!("../../data/municipalities.csv"))
        .map(|[code, name, kana, roman]| {
            let code = code.parse().expect("the table was checked by test");
            (
                code,
                Municipality {
                    code,
                    name,
                    kana,
                    roman,
                },
            )
        })
        .collect()
});

fn rows(table: &'static str) -> impl Iterator<Item = [String; 4]> {
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| {
            let fields: Vec<String> = line.split(',').map(str::to_owned).collect();
            fields
                .try_into()
                .expect("each row of the table has four fields")
        })
}

impl Prefecture {
    /// The prefecture of a code; every [`PrefectureCode`] has one.
    #[must_use]
    pub fn of(code: PrefectureCode) -> &'static Self {
        PREFECTURES.get(&code).expect("the table holds 01 to 47")
    }

    /// All 47, by code.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        PREFECTURES.values()
    }

    /// Its issuer's name in Japanese: 東京都知事.
    #[must_use]
    pub fn governor(&self) -> String {
        format!("{}知事", self.name)
    }

    /// Its issuer's name in a distinguished name: `Governor of Tokyo-to`.
    #[must_use]
    pub fn governor_roman(&self) -> String {
        format!("Governor of {}", self.roman)
    }
}

impl Municipality {
    /// A municipality of today's table; `None` for one that was merged away.
    #[must_use]
    pub fn find(code: MunicipalityCode) -> Option<&'static Self> {
        MUNICIPALITIES.get(&code)
    }

    /// All municipalities, by code.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        MUNICIPALITIES.values()
    }

    /// The municipalities of one prefecture, by code.
    pub fn of_prefecture(code: PrefectureCode) -> impl Iterator<Item = &'static Self> {
        Self::all().filter(move |m| m.code.prefecture() == code)
    }

    /// Its prefecture.
    #[must_use]
    pub fn prefecture(&self) -> &'static Prefecture {
        Prefecture::of(self.code.prefecture())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn municipality(code: &str) -> &'static Municipality {
        Municipality::find(code.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_table_holds_all_prefectures_and_municipalities() {
        assert_eq!(Prefecture::all().count(), 47);
        assert_eq!(Municipality::all().count(), 1_741);
        for (prefecture, count) in [("01", 179), ("20", 77), ("11", 63), ("13", 62), ("16", 15)] {
            let code = prefecture.parse().unwrap();
            assert_eq!(
                Municipality::of_prefecture(code).count(),
                count,
                "{prefecture}"
            );
        }
    }

    #[test]
    fn every_check_digit_of_the_table_follows_from_its_code() {
        let table = include_str!("../../data/municipalities.csv");
        let mut checked = 0;
        for [code, ..] in rows(table) {
            assert_eq!(code.len(), 6);
            let parsed: MunicipalityCode = code.parse().unwrap();
            assert_eq!(parsed.with_check_digit(), code);
            checked += 1;
        }
        assert_eq!(checked, 1_741);
    }

    #[test]
    fn each_wrong_check_digit_is_refused_with_the_right_one() {
        for digit in 0..=9 {
            let parsed = format!("13101{digit}").parse::<MunicipalityCode>();
            assert_eq!(parsed.is_ok(), digit == 6, "{digit}");
        }
        assert_eq!(
            "131017".parse::<MunicipalityCode>(),
            Err(CodeFault::CheckDigit { expected: 6 })
        );
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "",
            "1310",
            "1310166",
            "1310a",
            "１３１０１",
            "-1310",
            "+1310",
        ] {
            assert_eq!(
                text.parse::<MunicipalityCode>(),
                Err(CodeFault::NotDigits),
                "{text}"
            );
        }
        for text in ["00101", "48101", "99999"] {
            assert_eq!(
                text.parse::<MunicipalityCode>(),
                Err(CodeFault::NoPrefecture),
                "{text}"
            );
        }
        for text in ["", "0", "00", "48", "1", "013", "+1"] {
            assert_eq!(
                text.parse::<PrefectureCode>(),
                Err(CodeFault::NoPrefecture),
                "{text}"
            );
        }
    }

    #[test]
    fn names_are_those_of_real_certificates() {
        for (code, name, roman, prefecture) in [
            ("13101", "千代田区", "Chiyoda-ku", "Tokyo-to"),
            ("13221", "清瀬市", "Kiyose-shi", "Tokyo-to"),
            ("13102", "中央区", "Chuo-ku", "Tokyo-to"),
            ("27100", "大阪市", "Osaka-shi", "Osaka-fu"),
            ("12218", "勝浦市", "Katsuura-shi", "Chiba-ken"),
            ("28209", "豊岡市", "Toyooka-shi", "Hyogo-ken"),
            ("33208", "総社市", "Soja-shi", "Okayama-ken"),
            ("01100", "札幌市", "Sapporo-shi", "Hokkaido"),
            ("01400", "倶知安町", "Kutchan-cho", "Hokkaido"),
            ("47326", "北谷町", "Chatan-cho", "Okinawa-ken"),
        ] {
            let found = municipality(code);
            assert_eq!((found.name.as_str(), found.roman.as_str()), (name, roman));
            assert_eq!(found.prefecture().roman, prefecture);
        }
        let tokyo = Prefecture::of("13".parse().unwrap());
        assert_eq!(tokyo.governor(), "東京都知事");
        assert_eq!(tokyo.governor_roman(), "Governor of Tokyo-to");
    }

    #[test]
    fn no_two_municipalities_of_a_prefecture_share_a_distinguished_name() {
        let names: BTreeSet<_> = Municipality::all()
            .map(|m| (m.code.prefecture(), &m.roman))
            .collect();
        assert_eq!(names.len(), 1_741);
        assert_eq!(municipality("01361").roman, "Hiyama-gun Esashi-cho");
        assert_eq!(municipality("01514").roman, "Esashi-gun Esashi-cho");
    }

    #[test]
    fn romanised_names_end_as_the_kind_of_municipality_reads() {
        for m in Municipality::all() {
            let endings: &[(&str, &str)] = match m.name.chars().last() {
                Some('市') => &[("-shi", "シ")],
                Some('区') => &[("-ku", "ク")],
                Some('町') => &[("-machi", "マチ"), ("-cho", "チョウ")],
                Some('村') => &[("-mura", "ムラ"), ("-son", "ソン")],
                _ => panic!("{}", m.name),
            };
            let fits = endings
                .iter()
                .any(|(r, k)| m.roman.ends_with(r) && m.kana.ends_with(k));
            assert!(fits, "{} {} {}", m.name, m.kana, m.roman);
            let letters = m
                .roman
                .chars()
                .all(|c| c.is_ascii_alphabetic() || c == '-' || c == ' ');
            assert!(
                letters && m.roman.starts_with(|c: char| c.is_ascii_uppercase()),
                "{}",
                m.roman
            );
            let katakana = m
                .kana
                .chars()
                .all(|c| ('\u{30A1}'..='\u{30FA}').contains(&c));
            assert!(katakana, "{}", m.kana);
        }
    }
}
