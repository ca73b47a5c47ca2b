//! What the register said of the applicant as the form was taken in. For the rest of that visit
//! the identity check rests on it and the register is not asked again; what happens in the register
//! from the moment of asking on counts as having come after the identification.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::JapaneseDay;
use crate::id::{OperatorId, ResidentNumber, Sha256Digest, TerminalId};
use crate::person::four_items::FourItems;
use crate::person::municipality::MunicipalityCode;

/// How long an extract serves, in minutes: a visit's first steps, and no longer, because until
/// the identity check nothing tells of what the register has recorded meanwhile.
pub const EXTRACT_MINUTES: i64 = 20;

/// Who is at work where: what makes two requests one visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtWork {
    pub terminal: TerminalId,
    pub operator: OperatorId,
    /// SHA-256 of the session's secret.
    pub session: Sha256Digest,
}

/// A resident's entry of the register, with the moment at which it was asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterExtract {
    pub resident: ResidentNumber,
    /// In the register's own characters.
    pub items: FourItems,
    /// Municipality and number before a merger, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formerly: Option<(MunicipalityCode, ResidentNumber)>,
    pub taken_at: Timestamp,
    pub taken_by: AtWork,
}

impl RegisterExtract {
    /// Whether an identity check at `now` may rest on it: in the same session, on the same day in
    /// Japan, within [`EXTRACT_MINUTES`].
    #[must_use]
    pub fn serves(&self, at_work: &AtWork, now: Timestamp) -> bool {
        let age = now.duration_since(self.taken_at);
        self.taken_by == *at_work
            && JapaneseDay::of(self.taken_at) == JapaneseDay::of(now)
            && age >= SignedDuration::ZERO
            && age <= SignedDuration::from_mins(EXTRACT_MINUTES)
    }
}

impl fmt::Debug for RegisterExtract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegisterExtract({})", self.taken_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::four_items::FourItemsInput;

    fn at_work() -> AtWork {
        AtWork {
            terminal: "131010001".parse().unwrap(),
            operator: "13101-0001".parse().unwrap(),
            session: Sha256Digest::of(b"session"),
        }
    }

    fn taken_at(time: &str) -> RegisterExtract {
        RegisterExtract {
            resident: "R1".parse().unwrap(),
            items: FourItems::parse(FourItemsInput {
                name: "総務　太郎",
                birth_date: "319500401",
                sex: "1",
                address: "東京都千代田区霞が関２丁目１番２号",
            })
            .unwrap(),
            formerly: None,
            taken_at: time.parse().unwrap(),
            taken_by: at_work(),
        }
    }

    fn serves(taken: &str, now: &str) -> bool {
        taken_at(taken).serves(&at_work(), now.parse().unwrap())
    }

    #[test]
    fn it_serves_twenty_minutes_and_not_a_second_longer() {
        assert!(serves("2026-11-22T05:00:00Z", "2026-11-22T05:00:00Z"));
        assert!(serves("2026-11-22T05:00:00Z", "2026-11-22T05:20:00Z"));
        assert!(!serves("2026-11-22T05:00:00Z", "2026-11-22T05:20:01Z"));
        assert!(
            !serves("2026-11-22T05:00:00Z", "2026-11-22T04:59:59Z"),
            "a clock that was put back makes nothing young"
        );
    }

    #[test]
    fn it_ends_with_the_day_in_japan() {
        assert!(serves("2026-11-22T14:55:00Z", "2026-11-22T14:59:59Z"));
        assert!(!serves("2026-11-22T14:55:00Z", "2026-11-22T15:00:00Z"));
    }

    #[test]
    fn another_window_operator_or_session_asks_again() {
        let extract = taken_at("2026-11-22T05:00:00Z");
        let now = extract.taken_at;
        assert!(extract.serves(&at_work(), now));
        for other in [
            AtWork {
                terminal: "131010002".parse().unwrap(),
                ..at_work()
            },
            AtWork {
                operator: "13101-0002".parse().unwrap(),
                ..at_work()
            },
            AtWork {
                session: Sha256Digest::of(b"the next session"),
                ..at_work()
            },
        ] {
            assert!(!extract.serves(&other, now));
        }
    }
}
