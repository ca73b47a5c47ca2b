//! Birth dates as forms, registers and certificates write them: 昭和25年4月1日,
//! S25.4.1, 319500401. Month and day may be unknown, as some old entries are.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, date};

use crate::calendar::JapaneseDay;
use crate::id::text_serde;

/// An era of the Japanese calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Era {
    /// 明治
    Meiji,
    /// 大正
    Taisho,
    /// 昭和
    Showa,
    /// 平成
    Heisei,
    /// 令和
    Reiwa,
}

/// What is known of one era.
#[derive(Debug)]
pub struct EraData {
    pub era: Era,
    /// Digit that stands for it in the certificate's birth date.
    pub code: char,
    /// Name on forms.
    pub name: &'static str,
    /// Short forms that are understood, the letter first.
    pub short: [char; 2],
    /// First day.
    pub first: Date,
    /// Last day; `None` while the era lasts.
    ///
    /// 明治 and 大正 ended in the course of a day with which the next era already
    /// began, and registers hold both spellings of those two days.
    pub last: Option<Date>,
}

/// The eras in order. 明治 counts from the proclamation (明治元年9月8日, 23 October 1868);
/// dates before 1873 were written in the lunar calendar and are taken as they stand.
pub static ERAS: [EraData; 5] = [
    EraData {
        era: Era::Meiji,
        code: '1',
        name: "明治",
        short: ['M', '明'],
        first: date(1868, 10, 23),
        last: Some(date(1912, 7, 30)),
    },
    EraData {
        era: Era::Taisho,
        code: '2',
        name: "大正",
        short: ['T', '大'],
        first: date(1912, 7, 30),
        last: Some(date(1926, 12, 25)),
    },
    EraData {
        era: Era::Showa,
        code: '3',
        name: "昭和",
        short: ['S', '昭'],
        first: date(1926, 12, 25),
        last: Some(date(1989, 1, 7)),
    },
    EraData {
        era: Era::Heisei,
        code: '4',
        name: "平成",
        short: ['H', '平'],
        first: date(1989, 1, 8),
        last: Some(date(2019, 4, 30)),
    },
    EraData {
        era: Era::Reiwa,
        code: '5',
        name: "令和",
        short: ['R', '令'],
        first: date(2019, 5, 1),
        last: None,
    },
];

impl Era {
    /// What is known of this era.
    #[must_use]
    pub fn data(self) -> &'static EraData {
        &ERAS[self as usize]
    }

    /// The era in which a day falls, the later one where two share it; `None` before 明治.
    #[must_use]
    pub fn of(day: Date) -> Option<Self> {
        ERAS.iter().rev().find(|e| e.first <= day).map(|e| e.era)
    }

    /// Gregorian year of year 1 (元年).
    #[must_use]
    pub fn first_year(self) -> i16 {
        self.data().first.year()
    }
}

/// A day in era form: `令和8年11月22日`, `令和元年5月1日`.
#[must_use]
pub fn day_in_era(day: Date) -> String {
    let Some(era) = Era::of(day) else {
        return format!("{}年{}月{}日", day.year(), day.month(), day.day());
    };
    let year = day.year() - era.first_year() + 1;
    let year = if year == 1 {
        "元".to_owned()
    } else {
        year.to_string()
    };
    format!(
        "{}{year}年{}月{}日",
        era.data().name,
        day.month(),
        day.day()
    )
}

/// A moment on the Japanese clock: `令和8年11月22日 15時04分05秒`.
#[must_use]
pub fn moment_in_era(at: jiff::Timestamp) -> String {
    let local = jiff::tz::Offset::constant(9).to_datetime(at);
    format!(
        "{} {:02}時{:02}分{:02}秒",
        day_in_era(local.date()),
        local.hour(),
        local.minute(),
        local.second()
    )
}

/// Why a text is not a birth date. Positions count characters from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateFault {
    /// Nothing was written.
    #[error("is missing")]
    Missing,
    /// No spelling of a date is that long.
    #[error("is longer than a date can be")]
    TooLong,
    /// The first character begins no era and no year.
    #[error("names no era: write 明治, 大正, 昭和, 平成 or 令和")]
    NoEra,
    /// The spelling breaks off or holds something else at this character.
    #[error("cannot be read from character {position} on: write it like 昭和25年4月1日")]
    Unreadable {
        /// Character at which reading stopped.
        position: usize,
    },
    /// Year 0 is not counted; the first year is 1 (元年).
    #[error("counts years from 0: the first year of an era is 1 (元年)")]
    YearZero,
    /// A day cannot be known when its month is not, nor a month when its year is not.
    #[error("names a day of an unknown month or a month of an unknown year")]
    PartWithoutWhole,
    /// The calendar has no such month or day.
    #[error("does not exist in the calendar")]
    NotInCalendar,
    /// The day exists but not in the era that was written.
    #[error("lies outside the era {}, which lasts from {} {}", .era.data().name, .era.data().first, end_of(*.era))]
    OutsideEra {
        /// The era that was written.
        era: Era,
    },
}

fn end_of(era: Era) -> String {
    era.data()
        .last
        .map_or("until today".to_owned(), |d| format!("to {d}"))
}

/// 生年月日. Era and year as registered, month and day where known.
///
/// Without an era the year is written in the Western calendar (code `0`), as the register
/// does for foreign residents. Personal data: `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BirthDate {
    era: Option<Era>,
    /// Gregorian; 0 is unknown.
    year: i16,
    /// 0 is unknown.
    month: i8,
    /// 0 is unknown.
    day: i8,
}

impl BirthDate {
    /// Checks era, Gregorian year, month and day against each other; 0 means unknown.
    ///
    /// # Errors
    /// [`DateFault`] when there is no such day, or not in that era.
    pub fn new(era: Option<Era>, year: i16, month: i8, day: i8) -> Result<Self, DateFault> {
        if day != 0 && month == 0 || month != 0 && year == 0 {
            return Err(DateFault::PartWithoutWhole);
        }
        let date = Self {
            era,
            year,
            month,
            day,
        };
        if year == 0 {
            return Ok(date);
        }
        if !(1868..=9998).contains(&year) {
            return Err(
                era.map_or(DateFault::NotInCalendar, |era| DateFault::OutsideEra {
                    era,
                }),
            );
        }
        let (first, last) = date.bounds().ok_or(DateFault::NotInCalendar)?;
        if let Some(era) = era {
            let data = era.data();
            if last < data.first || data.last.is_some_and(|end| first > end) {
                return Err(DateFault::OutsideEra { era });
            }
        }
        Ok(date)
    }

    /// First and last day that this date can mean. The year is known.
    fn bounds(self) -> Option<(Date, Date)> {
        match (self.month, self.day) {
            (0, _) => Some((
                Date::new(self.year, 1, 1).ok()?,
                Date::new(self.year, 12, 31).ok()?,
            )),
            (month, 0) => {
                let first = Date::new(self.year, month, 1).ok()?;
                Some((first, first.last_of_month()))
            }
            (month, day) => {
                let only = Date::new(self.year, month, day).ok()?;
                Some((only, only))
            }
        }
    }

    /// The era as written; `None` for the Western calendar.
    #[must_use]
    pub const fn era(self) -> Option<Era> {
        self.era
    }

    /// Gregorian year, where known.
    #[must_use]
    pub fn year(self) -> Option<i16> {
        (self.year != 0).then_some(self.year)
    }

    /// Month 1–12, where known.
    #[must_use]
    pub fn month(self) -> Option<i8> {
        (self.month != 0).then_some(self.month)
    }

    /// Day of the month, where known.
    #[must_use]
    pub fn day(self) -> Option<i8> {
        (self.day != 0).then_some(self.day)
    }

    /// Whether the person cannot yet have been born on `today`, however the unknown parts read.
    #[must_use]
    pub fn is_after(self, today: JapaneseDay) -> bool {
        self.year != 0 && self.bounds().is_some_and(|(first, _)| first > today.date())
    }

    /// Nine digits as in the certificate: era, Gregorian year, month, day; zeros where unknown.
    #[must_use]
    pub fn code(self) -> String {
        let era = self.era.map_or('0', |era| era.data().code);
        format!("{era}{:04}{:02}{:02}", self.year, self.month, self.day)
    }

    /// Reads the nine digits of [`BirthDate::code`].
    ///
    /// # Errors
    /// [`DateFault`] as [`BirthDate::new`], and when it is not nine digits.
    pub fn from_code(code: &str) -> Result<Self, DateFault> {
        let wrong = |position| DateFault::Unreadable { position };
        if let Some(position) = code.chars().position(|c| !c.is_ascii_digit()) {
            return Err(wrong(position));
        }
        if code.len() != 9 {
            return Err(wrong(code.len().min(9)));
        }
        let era = match &code[..1] {
            "0" => None,
            digit => Some(
                ERAS.iter()
                    .find(|e| digit.starts_with(e.code))
                    .ok_or(DateFault::NoEra)?
                    .era,
            ),
        };
        let number = |from: usize, to: usize| {
            code[from..to]
                .parse::<i16>()
                .expect("four ASCII digits at most")
        };
        let small = |from, to| i8::try_from(number(from, to)).expect("two ASCII digits");
        Self::new(era, number(1, 5), small(5, 7), small(7, 9))
    }
}

impl fmt::Display for BirthDate {
    /// As on the form: 昭和25年4月1日, 昭和元年12月26日, 昭和25年月日不詳.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.era {
            Some(era) => {
                f.write_str(era.data().name)?;
                match self.year {
                    0 => {}
                    year if year == era.first_year() => f.write_str("元")?,
                    year => write!(f, "{}", year - era.first_year() + 1)?,
                }
            }
            None if self.year == 0 => {}
            None => write!(f, "西暦{}", self.year)?,
        }
        match (self.month, self.day) {
            (0, _) => f.write_str("年月日不詳"),
            (month, 0) => write!(f, "年{month}月日不詳"),
            (month, day) => write!(f, "年{month}月{day}日"),
        }
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(…)")
    }
}

impl FromStr for BirthDate {
    type Err = DateFault;

    /// Reads 昭和25年4月1日, 昭和25年04月01日, 昭和元年…, 昭和25年月日不詳, S25.4.1
    /// (also with `/` or `-`), 西暦1950年4月1日 and the nine-digit code; digits may be full-width.
    fn from_str(text: &str) -> Result<Self, DateFault> {
        if text.is_empty() {
            return Err(DateFault::Missing);
        }
        let characters: Vec<char> = text.chars().take(LENGTH_MAX + 1).map(half_width).collect();
        if characters.len() > LENGTH_MAX {
            return Err(DateFault::TooLong);
        }
        if characters.iter().all(char::is_ascii_digit) {
            return Self::from_code(&characters.iter().collect::<String>());
        }
        Reader {
            characters: &characters,
            position: 0,
        }
        .date()
    }
}

text_serde!(CodedBirthDate);

/// Serialised form: the nine digits.
struct CodedBirthDate(BirthDate);

impl fmt::Display for CodedBirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.code())
    }
}

impl FromStr for CodedBirthDate {
    type Err = DateFault;
    fn from_str(text: &str) -> Result<Self, DateFault> {
        BirthDate::from_code(text).map(Self)
    }
}

impl serde::Serialize for BirthDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CodedBirthDate(*self).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for BirthDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        CodedBirthDate::deserialize(deserializer).map(|coded| coded.0)
    }
}

/// 西暦 + four digits + 年12月31日 is the longest spelling of a date.
const LENGTH_MAX: usize = 16;

fn half_width(c: char) -> char {
    match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '．' | '／' | '－' => {
            char::from_u32(c as u32 - 0xFEE0).expect("full-width forms mirror ASCII")
        }
        _ => c,
    }
}

/// Reads one spelling from left to right.
struct Reader<'a> {
    characters: &'a [char],
    position: usize,
}

impl Reader<'_> {
    fn date(mut self) -> Result<BirthDate, DateFault> {
        let era = self.era()?;
        let year = self.year(era)?;
        let separator = self.separator()?;
        let (month, day) = if separator == '年' {
            self.month_and_day_in_kanji()?
        } else {
            let month = self.part()?;
            self.expect(separator)?;
            (month, self.part()?)
        };
        if self.position < self.characters.len() {
            return Err(self.unreadable());
        }
        let small = |n| i8::try_from(n).expect("two digits");
        BirthDate::new(era, year, small(month), small(day))
    }

    /// A month or day that somebody wrote: 0 is no way to write "unknown" (that is 不詳).
    fn part(&mut self) -> Result<i16, DateFault> {
        match self.number(2)? {
            0 => Err(DateFault::NotInCalendar),
            part => Ok(part),
        }
    }

    fn era(&mut self) -> Result<Option<Era>, DateFault> {
        if self.take("西暦") {
            return Ok(None);
        }
        for data in &ERAS {
            let [letter, kanji] = data.short;
            let small = letter.to_ascii_lowercase();
            if self.take(data.name) || self.take_any(&[letter, small, kanji]) {
                return Ok(Some(data.era));
            }
        }
        if self.peek().is_some_and(|c| c.is_ascii_digit() || c == '年') {
            // A bare Western year (1950年4月1日), or nothing known at all (年月日不詳).
            return Ok(None);
        }
        Err(DateFault::NoEra)
    }

    /// Gregorian year; 0 when the spelling leaves it out (昭和年月日不詳).
    fn year(&mut self, era: Option<Era>) -> Result<i16, DateFault> {
        if self.peek() == Some('年') {
            return Ok(0);
        }
        let Some(era) = era else {
            let year = self.number(4)?;
            return if year == 0 {
                Err(DateFault::YearZero)
            } else {
                Ok(year)
            };
        };
        let count = if self.take("元") { 1 } else { self.number(3)? };
        if count == 0 {
            return Err(DateFault::YearZero);
        }
        Ok(era.first_year() + count - 1)
    }

    fn separator(&mut self) -> Result<char, DateFault> {
        match self.peek() {
            Some(c @ ('年' | '.' | '/' | '-')) => {
                self.position += 1;
                Ok(c)
            }
            _ => Err(self.unreadable()),
        }
    }

    fn month_and_day_in_kanji(&mut self) -> Result<(i16, i16), DateFault> {
        if self.take("月日不詳") || self.take("不詳") {
            return Ok((0, 0));
        }
        let month = self.part()?;
        self.expect('月')?;
        if self.take("日不詳") || self.take("不詳") {
            return Ok((month, 0));
        }
        let day = self.part()?;
        self.expect('日')?;
        Ok((month, day))
    }

    fn number(&mut self, digits_max: usize) -> Result<i16, DateFault> {
        let rest = &self.characters[self.position..];
        let length = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        if length == 0 || length > digits_max {
            self.position += length.min(digits_max);
            return Err(self.unreadable());
        }
        self.position += length;
        let digits: String = rest[..length].iter().collect();
        Ok(digits.parse().expect("four ASCII digits at most"))
    }

    fn expect(&mut self, wanted: char) -> Result<(), DateFault> {
        if self.take_any(&[wanted]) {
            Ok(())
        } else {
            Err(self.unreadable())
        }
    }

    fn take_any(&mut self, wanted: &[char]) -> bool {
        let found = self.peek().is_some_and(|c| wanted.contains(&c));
        self.position += usize::from(found);
        found
    }

    fn take(&mut self, wanted: &str) -> bool {
        let wanted: Vec<char> = wanted.chars().collect();
        let found = self.characters[self.position..].starts_with(&wanted);
        if found {
            self.position += wanted.len();
        }
        found
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    const fn unreadable(&self) -> DateFault {
        DateFault::Unreadable {
            position: self.position,
        }
    }
}

#[cfg(test)]
mod tests;
