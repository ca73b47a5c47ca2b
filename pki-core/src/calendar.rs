//! Japanese days. The law's periods are counted in days of Japan (UTC+9 the
//! whole year, since 1951 without summer time), whatever clock the servers keep.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, time};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use crate::id::text_serde;

const JST: Offset = Offset::constant(9);

/// Renewal is taken from three months before the end.
pub const RENEWAL_MONTHS: u16 = 3;

/// A calendar day as it is counted in Japan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JapaneseDay(Date);

impl JapaneseDay {
    /// The day on which `instant` falls in Japan.
    #[must_use]
    pub fn of(instant: Timestamp) -> Self {
        Self(JST.to_datetime(instant).date())
    }

    /// A given day of the Gregorian calendar; `None` when there is no such day.
    #[must_use]
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().map(Self)
    }

    /// The civil date.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }

    /// 00:00:00 of this day in Japan.
    ///
    /// # Panics
    /// Outside the years 1 to 9998.
    #[must_use]
    pub fn first_second(self) -> Timestamp {
        self.at(time(0, 0, 0, 0))
    }

    /// 23:59:59 of this day in Japan: the last second in which a certificate is in effect.
    ///
    /// # Panics
    /// Outside the years 1 to 9998.
    #[must_use]
    pub fn last_second(self) -> Timestamp {
        self.at(time(23, 59, 59, 0))
    }

    fn at(self, clock: jiff::civil::Time) -> Timestamp {
        JST.to_timestamp(self.0.to_datetime(clock))
            .expect("a day of the years 1 to 9998 is within the range of timestamps")
    }

    /// Last day of a period of `years` that begins with this day, this day counted
    /// (Civil Code Art 143 ②): the day before the day of the same date, and where the
    /// last year has no such date (29 February) the last day of the month.
    ///
    /// # Panics
    /// When the end lies past the year 9999.
    #[must_use]
    pub fn last_day_of_years(self, years: u16) -> Self {
        let same_date = self.later(i32::from(years).years());
        if same_date.0.day() == self.0.day() {
            same_date.later((-1).days())
        } else {
            // jiff has already gone back to the last day of the month.
            same_date
        }
    }

    /// Last day of a period of `days` that begins with this day, this day counted.
    ///
    /// # Panics
    /// When `days` is 0 or the end lies past the year 9999.
    #[must_use]
    pub fn last_day_of_days(self, days: u16) -> Self {
        assert!(days > 0, "a period has at least one day");
        self.later((i32::from(days) - 1).days())
    }

    /// The day after this one.
    ///
    /// # Panics
    /// On the last day of the year 9999.
    #[must_use]
    pub fn next(self) -> Self {
        self.later(1.day())
    }

    /// The Japanese fiscal year (年度) that it lies in: April to March.
    #[must_use]
    pub fn fiscal_year(self) -> i16 {
        if self.0.month() >= 4 {
            self.0.year()
        } else {
            self.0.year() - 1
        }
    }

    /// First day of the last `months` of a period that ends with this day.
    ///
    /// # Panics
    /// When the result lies before the year −9999.
    #[must_use]
    pub fn first_day_of_last_months(self, months: u16) -> Self {
        self.later(1.day()).later((-i32::from(months)).months())
    }

    /// Days from this day to another, negative when that lies before.
    #[must_use]
    pub fn days_until(self, other: Self) -> i32 {
        let days = other.0.duration_since(self.0).as_hours() / 24;
        // The calendar has some seven million days.
        i32::try_from(days).unwrap_or(i32::MAX)
    }

    fn later(self, span: jiff::Span) -> Self {
        Self(
            self.0
                .checked_add(span)
                .expect("periods of the law stay within the calendar"),
        )
    }
}

impl fmt::Display for JapaneseDay {
    /// `2026-11-22`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A month of the Gregorian calendar in Japan, written like `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(Date);

impl Month {
    /// The month of a day.
    #[must_use]
    pub fn of(day: JapaneseDay) -> Self {
        Self(day.0.first_of_month())
    }

    /// Its first day.
    #[must_use]
    pub const fn first_day(self) -> JapaneseDay {
        JapaneseDay(self.0)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> JapaneseDay {
        JapaneseDay(self.0.last_of_month())
    }

    /// The month before it.
    ///
    /// # Panics
    /// In January of the year −9999.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.first_day().later((-1).months()).0)
    }

    /// The month after it.
    ///
    /// # Panics
    /// In December of the year 9999.
    #[must_use]
    pub fn after(self) -> Self {
        Self(self.first_day().later(1.month()).0)
    }
}

impl fmt::Display for Month {
    /// `2026-11`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// A text that is no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a month, written like 2026-11")]
pub struct NotAMonth;

impl FromStr for Month {
    type Err = NotAMonth;
    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let day: JapaneseDay = format!("{text}-01").parse().map_err(|_| NotAMonth)?;
        Ok(Self::of(day))
    }
}

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day of the calendar, written like 2026-11-22")]
pub struct NotADay;

impl FromStr for JapaneseDay {
    type Err = NotADay;
    fn from_str(text: &str) -> Result<Self, NotADay> {
        let plain = |(at, b): (usize, u8)| {
            if at == 4 || at == 7 {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        };
        if text.len() != 10 || !text.bytes().enumerate().all(plain) {
            return Err(NotADay);
        }
        text.parse().map(Self).map_err(|_| NotADay)
    }
}

text_serde!(JapaneseDay);

/// First day on which a certificate that ends at `not_after` may be renewed.
#[must_use]
pub fn renewal_opens(not_after: Timestamp) -> JapaneseDay {
    JapaneseDay::of(not_after).first_day_of_last_months(RENEWAL_MONTHS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn end(text: &str) -> String {
        JapaneseDay::of(instant(text))
            .last_day_of_years(3)
            .last_second()
            .to_string()
    }

    #[test]
    fn three_years_count_the_day_of_issue_and_end_a_second_before_midnight_in_japan() {
        assert_eq!(end("2004-04-01T01:00:00Z"), "2007-03-31T14:59:59Z");
        assert_eq!(end("2026-11-22T06:00:00Z"), "2029-11-21T14:59:59Z");
        assert_eq!(end("2026-01-01T00:00:00Z"), "2028-12-31T14:59:59Z");
    }

    #[test]
    fn midnight_in_japan_begins_the_next_day_of_issue() {
        assert_eq!(end("2026-11-22T14:59:59Z"), "2029-11-21T14:59:59Z");
        assert_eq!(end("2026-11-22T15:00:00Z"), "2029-11-22T14:59:59Z");
    }

    #[test]
    fn the_29th_of_february_ends_with_the_28th() {
        assert_eq!(end("2028-02-29T03:00:00Z"), "2031-02-28T14:59:59Z");
        let leap = JapaneseDay::new(2028, 2, 29).unwrap();
        assert_eq!(leap.last_day_of_years(4).to_string(), "2032-02-28");
    }

    #[test]
    fn the_first_of_march_ends_with_the_last_day_of_february() {
        assert_eq!(end("2025-03-01T03:00:00Z"), "2028-02-29T14:59:59Z");
        assert_eq!(end("2026-03-01T03:00:00Z"), "2029-02-28T14:59:59Z");
        assert_eq!(end("2025-02-28T03:00:00Z"), "2028-02-27T14:59:59Z");
    }

    #[test]
    fn every_day_of_eight_years_ends_on_the_eve_of_its_date() {
        let mut day = JapaneseDay::new(2024, 1, 1).unwrap();
        for _ in 0..8 * 366 {
            let last = day.last_day_of_years(3);
            let next = last.date().tomorrow().unwrap();
            let date = day.date();
            let eve_of_date = (next.month(), next.day()) == (date.month(), date.day());
            let leap_day = (date.month(), date.day()) == (2, 29);
            assert!(
                eve_of_date || leap_day && (last.date().month(), last.date().day()) == (2, 28),
                "{day}"
            );
            assert_eq!(
                last.last_second()
                    .duration_since(day.first_second())
                    .as_secs()
                    % 86_400,
                86_399
            );
            day = JapaneseDay(day.date().tomorrow().unwrap());
        }
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        let day = JapaneseDay::new(2026, 11, 22).unwrap();
        assert_eq!("2026-11-22".parse(), Ok(day));
        assert_eq!(serde_json::to_string(&day).unwrap(), "\"2026-11-22\"");
        for text in [
            "2026-11-31",
            "2026-1-22",
            "20261122",
            "2026-11-22T00:00",
            "-026-11-22",
            "2026/11/22",
            "",
        ] {
            assert_eq!(text.parse::<JapaneseDay>(), Err(NotADay), "{text}");
        }
    }

    #[test]
    fn days_between_days_are_counted_both_ways() {
        let day = |text: &str| text.parse::<JapaneseDay>().unwrap();
        assert_eq!(day("2027-02-28").days_until(day("2027-03-01")), 1);
        assert_eq!(day("2028-02-28").days_until(day("2028-03-01")), 2);
        assert_eq!(day("2027-01-01").days_until(day("2026-12-30")), -2);
        assert_eq!(day("2027-01-01").days_until(day("2027-01-01")), 0);
    }

    #[test]
    fn thirty_days_count_the_day_of_the_request() {
        let day = JapaneseDay::new(2026, 11, 22).unwrap();
        assert_eq!(day.last_day_of_days(30).to_string(), "2026-12-21");
        assert_eq!(day.last_day_of_days(1), day);
    }

    #[test]
    fn the_fiscal_year_begins_on_the_first_of_april_in_japan() {
        let year = |text: &str| JapaneseDay::of(instant(text)).fiscal_year();
        assert_eq!(year("2027-03-31T14:59:59Z"), 2026);
        assert_eq!(year("2027-03-31T15:00:00Z"), 2027);
        assert_eq!(year("2027-01-01T00:00:00Z"), 2026);
    }

    #[test]
    fn a_month_knows_its_days_and_neighbours() {
        let month: Month = "2028-02".parse().unwrap();
        assert_eq!(month.to_string(), "2028-02");
        assert_eq!(month.first_day().to_string(), "2028-02-01");
        assert_eq!(month.last_day().to_string(), "2028-02-29");
        assert_eq!(Month::of(month.last_day()), month);
        let january: Month = "2028-01".parse().unwrap();
        assert_eq!((month.before(), january.after()), (january, month));
        assert_eq!(january.before().to_string(), "2027-12");
        for text in ["2028-13", "2028-2", "2028", "2028-02-01", ""] {
            assert_eq!(text.parse::<Month>(), Err(NotAMonth), "{text}");
        }
    }

    #[test]
    fn renewal_opens_three_months_before_the_end() {
        assert_eq!(
            renewal_opens(instant("2029-11-21T14:59:59Z")).to_string(),
            "2029-08-22"
        );
        assert_eq!(
            renewal_opens(instant("2029-02-28T14:59:59Z")).to_string(),
            "2028-12-01"
        );
        assert_eq!(
            renewal_opens(instant("2027-05-30T14:59:59Z")).to_string(),
            "2027-02-28"
        );
    }
}
