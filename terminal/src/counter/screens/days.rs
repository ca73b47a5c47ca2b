//! Days as the screens show and take them: in era form.

use jiff::Timestamp;
use jiff::civil::Date;
use pki_core::calendar::{JapaneseDay, Month};
use pki_core::person::era::BirthDate;

use crate::counter::image::{day_in_era, moment_in_era};
use crate::local::Problem;

/// Today in Japan.
pub fn today() -> Date {
    JapaneseDay::of(Timestamp::now()).date()
}

/// `令和8年11月22日`
pub fn era(day: Date) -> String {
    day_in_era(day)
}

/// A day of the wire, in era form.
pub fn day(text: &str) -> String {
    text.parse::<JapaneseDay>()
        .map_or_else(|_| text.to_owned(), |day| era(day.date()))
}

/// A month of the wire, in era form: `令和8年11月`.
pub fn month(text: &str) -> String {
    let Ok(month) = text.parse::<Month>() else {
        return text.to_owned();
    };
    let first = era(month.first_day().date());
    match first.rfind('月') {
        Some(end) => first[..end + '月'.len_utf8()].to_owned(),
        None => first,
    }
}

/// A birth date by its code, in era form.
pub fn birth(code: &str) -> String {
    BirthDate::from_code(code).map_or_else(|_| code.to_owned(), |date| date.to_string())
}

/// A moment of the wire, on the Japanese clock, without its seconds.
pub fn moment(text: &str) -> String {
    let Ok(at) = text.parse::<Timestamp>() else {
        return text.to_owned();
    };
    let whole = moment_in_era(at);
    match whole.rfind('分') {
        Some(end) => whole[..end + '分'.len_utf8()].to_owned(),
        None => whole,
    }
}

/// The time of day of a moment, `10:04`, after the day when it is not today.
pub fn short(text: &str) -> String {
    let Ok(at) = text.parse::<Timestamp>() else {
        return text.to_owned();
    };
    let local = jiff::tz::Offset::constant(9).to_datetime(at);
    let time = format!("{:02}:{:02}", local.hour(), local.minute());
    if local.date() == today() {
        time
    } else {
        format!("{} {time}", day_in_era(local.date()))
    }
}

/// A day as it stands on paper: `令和8年11月22日`, `R8.11.22` or `2026-11-22`.
///
/// # Errors
/// At `pointer`, when it is no day.
pub fn read(text: &str, pointer: &str) -> Result<Date, Problem> {
    let western = text.parse::<JapaneseDay>().ok().map(JapaneseDay::date);
    western
        .or_else(|| {
            let day: BirthDate = text.parse().ok()?;
            Date::new(day.year()?, day.month()?, day.day()?).ok()
        })
        .ok_or_else(|| {
            Problem::at(
                pointer,
                "not a day of the calendar",
                "日付は「令和8年11月22日」または「2026-11-22」のように入力してください。",
                "Write the day like 令和8年11月22日 or 2026-11-22.",
            )
        })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_is_taken_in_era_form_and_in_the_western_calendar() {
        for text in ["令和11年2月28日", "R11.2.28", "2029-02-28"] {
            assert_eq!(read(text, "/day").unwrap(), date(2029, 2, 28));
        }
        assert!(read("令和11年2月29日", "/day").is_err());
        assert!(read("soon", "/day").is_err());
    }

    #[test]
    fn a_moment_is_shown_on_the_japanese_clock() {
        assert_eq!(day("2026-11-22"), "令和8年11月22日");
        assert_eq!(month("2027-01"), "令和9年1月");
        assert_eq!(moment("2026-11-21T15:04:05Z"), "令和8年11月22日 00時04分");
    }
}
