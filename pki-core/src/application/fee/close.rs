//! The till's close of day (締め) and the month's remittance to the prefecture (納付).
//! A closed day takes no further entry: what comes later counts in the next open day.

use std::collections::BTreeMap;

use super::{FeeEntry, signed};
use crate::application::cause::ApplicationKind;
use crate::approval::{ApprovedAct, Subject, SubjectFault};
use crate::calendar::{JapaneseDay, Month};

/// Greatest amount of cash that a count may say, either way, in yen.
pub const COUNTED_YEN_MAX: i64 = 100_000_000;
/// Longest reason of a difference, in characters.
pub const REASON_CHARS_MAX: usize = 200;

/// Entries of one kind of application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindTotal {
    /// How many fees were taken.
    pub taken: u32,
    /// Their sum in yen.
    pub taken_yen: i64,
    /// How many counter-entries took one back.
    pub taken_back: u32,
    /// Their sum in yen, positive.
    pub taken_back_yen: i64,
}

/// Sums by kind of application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<ApplicationKind, KindTotal>);

impl Totals {
    /// The sums of some entries.
    #[must_use]
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e FeeEntry>) -> Self {
        let mut totals: BTreeMap<ApplicationKind, KindTotal> = BTreeMap::new();
        for entry in entries {
            let total = totals.entry(entry.kind).or_default();
            let yen = i64::from(entry.amount_yen);
            if entry.counters.is_some() {
                total.taken_back += 1;
                total.taken_back_yen += yen;
            } else {
                total.taken += 1;
                total.taken_yen += yen;
            }
        }
        Self(totals)
    }

    /// By kind, in the order of the table of fees.
    pub fn by_kind(&self) -> impl Iterator<Item = (ApplicationKind, KindTotal)> + '_ {
        self.0.iter().map(|(kind, total)| (*kind, *total))
    }

    /// How many entries there are.
    #[must_use]
    pub fn lines(&self) -> u64 {
        let lines = |total: &KindTotal| u64::from(total.taken) + u64::from(total.taken_back);
        self.0.values().map(lines).sum()
    }

    /// What should be in the till, in yen; below zero where more was given back than taken.
    #[must_use]
    pub fn yen(&self) -> i64 {
        let yen = |total: &KindTotal| total.taken_yen - total.taken_back_yen;
        self.0.values().map(yen).sum()
    }
}

/// How far a municipality's book is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// The last day that was closed.
    pub through: Option<JapaneseDay>,
    /// The first day after it that has entries.
    pub oldest_open: Option<JapaneseDay>,
}

/// The day in whose till an entry of `today` counts: today, or where today is closed
/// already, the first day that is not.
#[must_use]
pub fn booking_day(today: JapaneseDay, closed_through: Option<JapaneseDay>) -> JapaneseDay {
    match closed_through {
        Some(last) if last >= today => last.next(),
        _ => today,
    }
}

/// What the clerk counted.
#[derive(Clone, Copy, Debug)]
pub struct Count<'r> {
    /// Cash beyond the float (釣銭準備金), in yen; below zero where the float was drawn on.
    pub yen: i64,
    /// Why it is not what was booked.
    pub reason: Option<&'r str>,
}

/// A day that can be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayClose {
    /// Which day.
    pub day: JapaneseDay,
    /// How many entries it has.
    pub lines: u64,
    /// What was booked, in yen.
    pub booked_yen: i64,
    /// What was counted, in yen.
    pub counted_yen: i64,
}

impl DayClose {
    /// Counted less booked (過不足), in yen. Where it is not 0 a second person approves.
    #[must_use]
    pub const fn difference_yen(&self) -> i64 {
        self.counted_yen - self.booked_yen
    }

    /// What a second person approves of a difference: day, counted and booked yen, and why.
    ///
    /// # Errors
    /// [`SubjectFault::Reason`]
    pub fn difference_subject(&self, reason: &str) -> Result<Subject, SubjectFault> {
        let reference = format!("{} {} {}", self.day, self.counted_yen, self.booked_yen);
        Subject::new(ApprovedAct::TillDifference, None, &reference, reason)
    }
}

/// Why a day is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseFault {
    #[error("the day is not over and has not begun")]
    NotBegun,
    #[error("the day is closed")]
    Closed,
    #[error("an earlier day, {0}, is still open: close it first")]
    EarlierOpen(JapaneseDay),
    #[error("the count is beyond {COUNTED_YEN_MAX} yen")]
    Beyond,
    #[error(
        "the cash counted is not what was booked: say why, in 1 to {REASON_CHARS_MAX} characters"
    )]
    ReasonMissing,
    #[error("the cash counted is what was booked: there is nothing to give a reason for")]
    ReasonIdle,
}

/// Closes a day over these entries, all that were booked on it.
///
/// # Errors
/// [`CloseFault`]; the day stays open.
pub fn close_day(
    day: JapaneseDay,
    today: JapaneseDay,
    closed: Closed,
    totals: &Totals,
    count: Count<'_>,
) -> Result<DayClose, CloseFault> {
    if day > today {
        return Err(CloseFault::NotBegun);
    }
    if closed.through.is_some_and(|last| last >= day) {
        return Err(CloseFault::Closed);
    }
    if let Some(earlier) = closed.oldest_open.filter(|oldest| *oldest < day) {
        return Err(CloseFault::EarlierOpen(earlier));
    }
    if count.yen.abs() > COUNTED_YEN_MAX {
        return Err(CloseFault::Beyond);
    }
    let close = DayClose {
        day,
        lines: totals.lines(),
        booked_yen: totals.yen(),
        counted_yen: count.yen,
    };
    let reason = count.reason.map(str::trim).filter(|text| !text.is_empty());
    match (close.difference_yen(), reason) {
        (0, None) => Ok(close),
        (0, Some(_)) => Err(CloseFault::ReasonIdle),
        (_, Some(text))
            if text.chars().count() <= REASON_CHARS_MAX && !text.chars().any(char::is_control) =>
        {
            Ok(close)
        }
        _ => Err(CloseFault::ReasonMissing),
    }
}

/// Why a month is not remitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemitFault {
    #[error("the month is not over")]
    NotOver,
    #[error("a day of the month, {0}, is still open: close it first")]
    DayOpen(JapaneseDay),
}

/// Whether a month can be remitted, and with that becomes final: it is over, and every day
/// of it that has entries is closed. Later entries count in later days, so nothing can
/// come to it any more.
///
/// # Errors
/// [`RemitFault`]
pub fn may_remit(month: Month, today: JapaneseDay, closed: Closed) -> Result<(), RemitFault> {
    if today <= month.last_day() {
        return Err(RemitFault::NotOver);
    }
    match closed.oldest_open {
        Some(open) if open <= month.last_day() => Err(RemitFault::DayOpen(open)),
        _ => Ok(()),
    }
}

/// The sum of some entries in yen, counter-entries taken off.
#[must_use]
pub fn sum<'e>(entries: impl IntoIterator<Item = &'e FeeEntry>) -> i64 {
    entries.into_iter().map(signed).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ApplicationId, IdempotencyKey};

    fn day(day: i8) -> JapaneseDay {
        JapaneseDay::new(2026, 11, day).unwrap()
    }

    fn entry(number: u8, kind: ApplicationKind, yen: u32, counters: Option<&str>) -> FeeEntry {
        FeeEntry {
            number: format!("13101-2026-{number:06}"),
            application: ApplicationId::from_bytes([number; 16]),
            kind,
            idempotency_key: IdempotencyKey::from_bytes([number; 16]),
            amount_yen: yen,
            operator: "13101-0001".parse().unwrap(),
            at: day(20).first_second(),
            booked_on: day(20),
            counters: counters.map(str::to_owned),
        }
    }

    fn entries() -> Vec<FeeEntry> {
        use ApplicationKind::{First, ReissueCardFailure, ReissueSubstitute};
        vec![
            entry(1, First, 500, None),
            entry(2, First, 500, None),
            entry(3, ReissueSubstitute, 1_000, None),
            entry(4, ReissueCardFailure, 0, None),
            entry(5, First, 500, Some("13101-2026-000001")),
        ]
    }

    fn close(closed: Closed, yen: i64, reason: Option<&str>) -> Result<DayClose, CloseFault> {
        let totals = Totals::of(&entries());
        close_day(day(20), day(20), closed, &totals, Count { yen, reason })
    }

    #[test]
    fn the_sums_of_a_day_are_told_by_kind_with_what_was_taken_back() {
        let totals = Totals::of(&entries());
        assert_eq!((totals.lines(), totals.yen()), (5, 1_500));
        assert_eq!(sum(&entries()), totals.yen(), "one truth");
        let first = totals.by_kind().next().unwrap();
        assert_eq!(first.0, ApplicationKind::First);
        assert_eq!(
            first.1,
            KindTotal {
                taken: 2,
                taken_yen: 1_000,
                taken_back: 1,
                taken_back_yen: 500
            }
        );
        assert_eq!(totals.by_kind().count(), 3);
    }

    #[test]
    fn a_closed_day_takes_nothing_and_what_comes_later_counts_in_the_next() {
        assert_eq!(booking_day(day(20), None), day(20));
        assert_eq!(booking_day(day(20), Some(day(19))), day(20));
        assert_eq!(
            booking_day(day(20), Some(day(17))),
            day(20),
            "days without entries between"
        );
        assert_eq!(booking_day(day(20), Some(day(20))), day(21));
        let last = JapaneseDay::new(2027, 3, 31).unwrap();
        assert_eq!(
            booking_day(last, Some(last)).to_string(),
            "2027-04-01",
            "in the next fiscal year"
        );
    }

    #[test]
    fn a_day_is_closed_once_in_order_and_with_a_reason_for_each_difference() {
        let open = Closed::default();
        assert_eq!(close(open, 1_500, None).unwrap().difference_yen(), 0);
        assert_eq!(close(open, 1_400, None), Err(CloseFault::ReasonMissing));
        assert_eq!(
            close(open, 1_400, Some("  ")),
            Err(CloseFault::ReasonMissing)
        );
        assert_eq!(
            close(open, 1_400, Some(&"あ".repeat(201))),
            Err(CloseFault::ReasonMissing)
        );
        assert_eq!(
            close(open, 1_400, Some("釣銭\n渡し誤り")),
            Err(CloseFault::ReasonMissing)
        );
        assert!(close(open, 1_400, Some(&"あ".repeat(200))).is_ok());
        assert!(close(open, COUNTED_YEN_MAX, Some("x")).is_ok());
        let short = close(open, 1_400, Some("釣銭の渡し誤り")).unwrap();
        assert_eq!(short.difference_yen(), -100);
        let subject = short.difference_subject("釣銭の渡し誤り").unwrap();
        assert_eq!(subject.reference(), "2026-11-20 1400 1500");
        assert_eq!(
            close(open, 1_500, Some("釣銭")),
            Err(CloseFault::ReasonIdle)
        );
        assert_eq!(
            close(open, COUNTED_YEN_MAX + 1, Some("x")),
            Err(CloseFault::Beyond)
        );
        let closed = Closed {
            through: Some(day(20)),
            oldest_open: None,
        };
        assert_eq!(close(closed, 1_500, None), Err(CloseFault::Closed));
        let earlier = Closed {
            through: Some(day(18)),
            oldest_open: Some(day(19)),
        };
        assert_eq!(
            close(earlier, 1_500, None),
            Err(CloseFault::EarlierOpen(day(19)))
        );
        for oldest in [20, 21] {
            let due = Closed {
                oldest_open: Some(day(oldest)),
                ..earlier
            };
            assert!(close(due, 1_500, None).is_ok(), "nothing before it is open");
        }
        let tomorrow = close_day(
            day(21),
            day(20),
            open,
            &Totals::default(),
            Count {
                yen: 0,
                reason: None,
            },
        );
        assert_eq!(tomorrow, Err(CloseFault::NotBegun));
    }

    #[test]
    fn a_month_is_remitted_when_it_is_over_and_all_its_days_are_closed() {
        let month: Month = "2026-11".parse().unwrap();
        let first = JapaneseDay::new(2026, 12, 1).unwrap();
        let open = |day| Closed {
            through: None,
            oldest_open: Some(day),
        };
        assert_eq!(
            may_remit(month, day(30), Closed::default()),
            Err(RemitFault::NotOver)
        );
        assert_eq!(may_remit(month, first, Closed::default()), Ok(()));
        assert_eq!(
            may_remit(month, first, open(day(30))),
            Err(RemitFault::DayOpen(day(30)))
        );
        assert_eq!(may_remit(month, first, open(first)), Ok(()));
    }
}
