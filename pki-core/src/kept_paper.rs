//! Kept papers (各種申請書の保存): scanned forms and documents, what they may be, and how
//! long they are kept. What a scan may contain is in [`content`], what holds it in [`order`].

pub mod content;
mod jpeg;
pub mod order;
mod pdf;
mod png;

use std::sync::LazyLock;

use serde::Deserialize;

use crate::calendar::JapaneseDay;

/// From which day the years are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountedFrom {
    /// The day after the certificate's last day; after receipt where there is none.
    Expiry,
    /// The day after receipt.
    Receipt,
}

/// How long one kind of paper is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// Name of the kind in messages and tables.
    pub kind: String,
    /// Name on the clerk's screen.
    pub japanese: String,
    pub english: String,
    pub years: u16,
    pub from: CountedFrom,
    /// The provision that says so.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    version: String,
    rule: Vec<RetentionRule>,
    record: Vec<RetentionRule>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/retention.toml")).expect("the list was checked by test")
});

impl RetentionRule {
    /// All rules, in the order of the list.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &RULES.rule
    }

    /// Version of the list.
    #[must_use]
    pub fn list_version() -> &'static str {
        &RULES.version
    }

    /// The rule of this kind of paper.
    #[must_use]
    pub fn find(kind: &str) -> Option<&'static Self> {
        Self::all().iter().find(|rule| rule.kind == kind)
    }

    /// The rule of this kind of record of the authority: no paper, and on no clerk's list.
    #[must_use]
    pub fn of_record(kind: &str) -> Option<&'static Self> {
        RULES.record.iter().find(|rule| rule.kind == kind)
    }

    /// The rule in one line, for the record of a deletion.
    #[must_use]
    pub fn named(&self) -> String {
        format!(
            "{} {} years, {}",
            self.source,
            self.years,
            Self::list_version()
        )
    }

    /// The first day on which the paper is no longer kept. `expires_on` is the last day of
    /// the certificate that the application led to.
    ///
    /// The first day is not counted (民法140条), so 10 years after 2007-03-31 end with
    /// 2017-03-31; where the year has no such day, with the month (民法143条).
    #[must_use]
    pub fn due_on(&self, received_on: JapaneseDay, expires_on: Option<JapaneseDay>) -> JapaneseDay {
        let base = match (self.from, expires_on) {
            (CountedFrom::Expiry, Some(expiry)) => expiry,
            _ => received_on,
        };
        base.next().last_day_of_years(self.years).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> JapaneseDay {
        text.parse().unwrap()
    }

    #[test]
    fn issue_papers_are_kept_ten_years_from_the_day_after_the_expiry() {
        let rule = RetentionRule::find("issue-application").unwrap();
        let due = rule.due_on(day("2004-04-01"), Some(day("2007-03-31")));
        assert_eq!(due, day("2017-04-01"), "kept through 2017-03-31");
        // No certificate came of it.
        assert_eq!(rule.due_on(day("2004-04-01"), None), day("2014-04-02"));
    }

    #[test]
    fn other_papers_are_kept_ten_years_from_their_receipt() {
        for kind in ["revocation-application", "password-notice", "other"] {
            let rule = RetentionRule::find(kind).unwrap();
            let due = rule.due_on(day("2026-11-22"), Some(day("2029-11-21")));
            assert_eq!(due, day("2036-11-23"), "{kind}");
        }
    }

    #[test]
    fn ends_of_months_and_leap_days_lose_no_day() {
        let rule = RetentionRule::find("other").unwrap();
        for (received, due) in [
            ("2028-02-28", "2038-03-01"),
            ("2028-02-29", "2038-03-01"),
            ("2026-02-28", "2036-03-01"),
            ("2026-12-31", "2037-01-01"),
            ("2027-04-30", "2037-05-01"),
        ] {
            assert_eq!(rule.due_on(day(received), None), day(due), "{received}");
        }
    }

    #[test]
    fn the_list_has_each_kind_once_and_ten_years_for_each() {
        let mut kinds: Vec<&str> = RetentionRule::all()
            .iter()
            .map(|rule| rule.kind.as_str())
            .collect();
        let count = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), count);
        assert!(RetentionRule::all().iter().all(|rule| rule.years == 10));
        assert!(RetentionRule::find("shopping-list").is_none());
        // The authority's records are no papers that a clerk could take in.
        for kind in ["disclosure-request", "officer-act", "gateway-stop"] {
            assert!(RetentionRule::find(kind).is_none());
            assert_eq!(RetentionRule::of_record(kind).unwrap().years, 10);
        }
    }
}
