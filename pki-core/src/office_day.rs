//! Days on which public offices are open (開庁日): not Saturdays and Sundays, the holidays of the
//! Act on National Holidays (国民の祝日に関する法律) as it stands since 2022, and 29 December to
//! 3 January (Local Autonomy Act Art 4-2).
//!
//! A period in which the *office* owes an answer does not become longer because its last day
//! is a holiday: Art 4-2 ④ of that act moves the last day of what citizens hand in, and no
//! article moves Art 30's thirty days. So the last open day before it is the one to work to.

use jiff::civil::{Date, Weekday};

use crate::calendar::JapaneseDay;

/// Whether offices are open.
#[must_use]
pub fn is_open(day: JapaneseDay) -> bool {
    let date = day.date();
    let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    let turn_of_year = match date.month() {
        12 => date.day() >= 29,
        1 => date.day() <= 3,
        _ => false,
    };
    !weekend && !turn_of_year && !is_holiday(date)
}

/// The last open day that is not after `day`.
#[must_use]
pub fn last_open(day: JapaneseDay) -> JapaneseDay {
    let mut date = day.date();
    loop {
        if let Some(day) = JapaneseDay::new(date.year(), date.month(), date.day())
            && is_open(day)
        {
            return day;
        }
        match date.yesterday() {
            Ok(before) => date = before,
            // Nothing lies before the first day of the calendar.
            Err(_) => return day,
        }
    }
}

/// A holiday of the act: named (Art 2), in place of one on a Sunday (Art 3 ②), or between
/// two (Art 3 ③).
fn is_holiday(date: Date) -> bool {
    if named(date) {
        return true;
    }
    // Art 3 ②: the first day after the holiday on a Sunday that is not itself a holiday.
    let mut before = date;
    while let Ok(day) = before.yesterday() {
        if !named(day) {
            break;
        }
        if day.weekday() == Weekday::Sunday {
            return true;
        }
        before = day;
    }
    let around = (date.yesterday(), date.tomorrow());
    matches!(around, (Ok(before), Ok(after)) if named(before) && named(after))
}

fn named(date: Date) -> bool {
    let monday =
        |number: i8| date.weekday() == Weekday::Monday && (date.day() - 1) / 7 + 1 == number;
    match date.month() {
        1 => date.day() == 1 || monday(2),
        2 => matches!(date.day(), 11 | 23),
        3 => date.day() == equinox(date.year(), 20.8431),
        4 => date.day() == 29,
        5 => matches!(date.day(), 3..=5),
        7 => monday(3),
        8 => date.day() == 11,
        9 => monday(3) || date.day() == equinox(date.year(), 23.2488),
        10 => monday(2),
        11 => matches!(date.day(), 3 | 23),
        _ => false,
    }
}

/// The day of an equinox, by the formula that the almanac's announcements have followed
/// from 1980 on and that holds until 2099.
fn equinox(year: i16, in_1980: f64) -> i8 {
    let years = f64::from(year - 1980);
    let day = in_1980 + 0.242_194 * years - (years / 4.0).floor();
    // A day of the month: 19 to 24.
    day as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> JapaneseDay {
        text.parse().unwrap()
    }

    #[test]
    fn the_holidays_of_2026_are_those_that_were_announced() {
        let mut found = Vec::new();
        let mut date = day("2026-01-01").date();
        while date.year() == 2026 {
            if is_holiday(date) {
                found.push(date.to_string()[5..].to_owned());
            }
            date = date.tomorrow().unwrap();
        }
        // 内閣府, 令和8年の国民の祝日・休日: 6 May in place of the 3rd, 22 September between two.
        assert_eq!(
            found,
            [
                "01-01", "01-12", "02-11", "02-23", "03-20", "04-29", "05-03", "05-04", "05-05",
                "05-06", "07-20", "08-11", "09-21", "09-22", "09-23", "10-12", "11-03", "11-23"
            ]
        );
    }

    #[test]
    fn equinoxes_fall_as_announced() {
        for (year, spring, autumn) in [
            (2003, 21, 23),
            (2012, 20, 22),
            (2024, 20, 22),
            (2025, 20, 23),
            (2027, 21, 23),
        ] {
            assert_eq!(equinox(year, 20.8431), spring, "{year}");
            assert_eq!(equinox(year, 23.2488), autumn, "{year}");
        }
    }

    #[test]
    fn offices_close_at_the_weekend_on_holidays_and_around_new_year() {
        for closed in [
            "2026-11-21",
            "2026-11-22",
            "2026-11-23",
            "2026-12-29",
            "2026-12-31",
            "2027-01-01",
            "2027-01-02",
            "2027-01-03",
            // No Sunday, as the 3rd of 2027 is.
            "2028-01-03",
        ] {
            assert!(!is_open(day(closed)), "{closed}");
        }
        for open in ["2026-11-20", "2026-11-24", "2026-12-28", "2027-01-04"] {
            assert!(is_open(day(open)), "{open}");
        }
    }

    #[test]
    fn the_last_open_day_lies_before_the_days_that_are_closed() {
        assert_eq!(last_open(day("2027-01-03")), day("2026-12-28"));
        assert_eq!(last_open(day("2026-11-23")), day("2026-11-20"));
        assert_eq!(last_open(day("2026-11-24")), day("2026-11-24"));
    }
}
