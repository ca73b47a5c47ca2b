//! Where and when a window works: place × terminal × operator × profile, and opening
//! hours (開庁時間), as one file that the prefecture reviews.

use std::collections::BTreeSet;

use jiff::civil::{Time, Weekday};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::calendar::JapaneseDay;
use crate::id::{OperatorId, TerminalId};
use crate::person::municipality::MunicipalityCode;

/// How many days ahead the next opening is looked for.
const LOOK_AHEAD_DAYS: u32 = 31;
/// Most places of one file.
const PLACES_MAX: usize = 2_000;

/// Every place of a prefecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    version: String,
    places: Vec<Place>,
}

/// One place with its windows, people and hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name that people know it by; unique in the file.
    pub name: String,
    /// Its municipality.
    pub municipality: MunicipalityCode,
    /// The terminals that stand there.
    pub terminals: BTreeSet<TerminalId>,
    /// The operators who may work there.
    pub operators: BTreeSet<OperatorId>,
    /// The certificate profiles that are applied for there.
    pub profiles: BTreeSet<String>,
    openings: Vec<Opening>,
    holidays: BTreeSet<JapaneseDay>,
}

/// From when until when it is open on some days of the week, on the Japanese clock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Opening {
    days: Vec<Weekday>,
    from: Time,
    until: Time,
}

/// Why a file of places cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlacesFault {
    #[error("the file of places cannot be read")]
    Unreadable(#[source] Box<toml::de::Error>),
    #[error("the version must be 1 to 32 characters")]
    Version,
    #[error("there must be 1 to {PLACES_MAX} places")]
    Count,
    #[error("place {0:?}: {1}")]
    Place(String, &'static str),
    #[error("terminal {0} stands in two places")]
    TerminalTwice(TerminalId),
}

/// A window that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedUntil {
    /// When it opens next; `None` where that is more than a month away.
    pub opens: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    #[serde(rename = "place")]
    places: Vec<PlaceSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceSpec {
    name: String,
    municipality: MunicipalityCode,
    terminals: BTreeSet<TerminalId>,
    operators: BTreeSet<OperatorId>,
    profiles: BTreeSet<String>,
    #[serde(rename = "opening")]
    openings: Vec<OpeningSpec>,
    #[serde(default)]
    holidays: BTreeSet<JapaneseDay>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpeningSpec {
    days: Vec<Day>,
    from: String,
    until: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<Day> for Weekday {
    fn from(day: Day) -> Self {
        match day {
            Day::Mon => Self::Monday,
            Day::Tue => Self::Tuesday,
            Day::Wed => Self::Wednesday,
            Day::Thu => Self::Thursday,
            Day::Fri => Self::Friday,
            Day::Sat => Self::Saturday,
            Day::Sun => Self::Sunday,
        }
    }
}

/// `08:30`
fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| -> Option<i8> {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

impl PlaceSpec {
    fn check(self) -> Result<Place, PlacesFault> {
        let wrong = |what| Err(PlacesFault::Place(self.name.clone(), what));
        if !(1..=60).contains(&self.name.chars().count()) {
            return wrong("the name must be 1 to 60 characters");
        }
        if self.terminals.is_empty() || self.operators.is_empty() || self.profiles.is_empty() {
            return wrong("needs a terminal, an operator and a profile");
        }
        if self
            .terminals
            .iter()
            .any(|terminal| terminal.municipality() != self.municipality)
        {
            return wrong("a terminal is of another municipality");
        }
        let mut openings = Vec::new();
        for opening in &self.openings {
            let (Some(from), Some(until)) = (clock(&opening.from), clock(&opening.until)) else {
                return wrong("hours are written like 08:30");
            };
            if from >= until || opening.days.is_empty() {
                return wrong("an opening names its days and ends after it begins");
            }
            openings.push(Opening {
                days: opening.days.iter().copied().map(Weekday::from).collect(),
                from,
                until,
            });
        }
        if openings.is_empty() {
            return wrong("needs an opening");
        }
        Ok(Place {
            name: self.name,
            municipality: self.municipality,
            terminals: self.terminals,
            operators: self.operators,
            profiles: self.profiles,
            openings,
            holidays: self.holidays,
        })
    }
}

impl Places {
    /// Reads a prefecture's file.
    ///
    /// # Errors
    /// [`PlacesFault`] names the place that cannot stand.
    pub fn from_toml(toml: &str) -> Result<Self, PlacesFault> {
        let File { version, places } =
            toml::from_str(toml).map_err(|fault| PlacesFault::Unreadable(Box::new(fault)))?;
        if !(1..=32).contains(&version.chars().count()) {
            return Err(PlacesFault::Version);
        }
        if !(1..=PLACES_MAX).contains(&places.len()) {
            return Err(PlacesFault::Count);
        }
        let mut names = BTreeSet::new();
        let mut terminals = BTreeSet::new();
        let mut checked = Vec::with_capacity(places.len());
        for place in places {
            let place = place.check()?;
            if !names.insert(place.name.clone()) {
                return Err(PlacesFault::Place(place.name, "there are two of that name"));
            }
            for terminal in &place.terminals {
                if !terminals.insert(*terminal) {
                    return Err(PlacesFault::TerminalTwice(*terminal));
                }
            }
            checked.push(place);
        }
        Ok(Self {
            version,
            places: checked,
        })
    }

    /// Version of the file.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The place where a terminal stands.
    #[must_use]
    pub fn of(&self, terminal: TerminalId) -> Option<&Place> {
        self.places
            .iter()
            .find(|place| place.terminals.contains(&terminal))
    }
}

impl Place {
    /// Whether this operator may work here.
    #[must_use]
    pub fn employs(&self, operator: &OperatorId) -> bool {
        self.operators.contains(operator)
    }

    /// Whether it is open now, `extended` being the moment up to which a supervisor keeps
    /// it open today.
    ///
    /// # Errors
    /// [`ClosedUntil`] says when it opens.
    pub fn open(&self, now: Timestamp, extended: Option<Timestamp>) -> Result<(), ClosedUntil> {
        let today = JapaneseDay::of(now);
        let mut day = today;
        let mut opens = None;
        for _ in 0..LOOK_AHEAD_DAYS {
            for (from, until) in self.hours(day) {
                if (from..until).contains(&now) {
                    return Ok(());
                }
                if from > now && opens.is_none_or(|earlier| from < earlier) {
                    opens = Some(from);
                }
            }
            if opens.is_some() {
                break;
            }
            day = day.next();
        }
        match extended {
            Some(until) if now < until && JapaneseDay::of(until) == today => Ok(()),
            _ => Err(ClosedUntil { opens }),
        }
    }

    /// From when until when it is open on a day.
    fn hours(&self, day: JapaneseDay) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let open = !self.holidays.contains(&day);
        let weekday = day.date().weekday();
        self.openings
            .iter()
            .filter(move |opening| open && opening.days.contains(&weekday))
            .map(move |opening| {
                let at = |time: Time| {
                    let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
                    day.first_second() + SignedDuration::from_mins(minutes)
                };
                (at(opening.from), at(opening.until))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
version = "2026-11"
[[place]]
name = "千代田区役所"
municipality = "13101"
terminals = ["131010001", "131010002"]
operators = ["13101-0001", "13101-0009"]
profiles = ["signature"]
holidays = ["2026-11-23"]
[[place.opening]]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "08:30"
until = "17:15"
[[place.opening]]
days = ["sun"]
from = "10:00"
until = "12:00"
"#;

    fn at(text: &str) -> Timestamp {
        format!("{text}:00+09:00").parse().unwrap()
    }

    fn open(now: &str, extended: Option<&str>) -> Result<(), Option<Timestamp>> {
        let places = Places::from_toml(FILE).unwrap();
        let place = places.of("131010001".parse().unwrap()).unwrap();
        place
            .open(at(now), extended.map(at))
            .map_err(|closed| closed.opens)
    }

    #[test]
    fn a_window_is_open_in_its_hours_and_says_when_it_opens() {
        let opens = |text| Err(Some(at(text)));
        assert_eq!(open("2026-11-24T08:30", None), Ok(()));
        assert_eq!(open("2026-11-24T17:14", None), Ok(()));
        assert_eq!(open("2026-11-24T08:29", None), opens("2026-11-24T08:30"));
        assert_eq!(open("2026-11-24T17:15", None), opens("2026-11-25T08:30"));
        // Sunday morning, then a holiday on Monday.
        assert_eq!(open("2026-11-22T11:59", None), Ok(()));
        assert_eq!(open("2026-11-22T12:00", None), opens("2026-11-24T08:30"));
        assert_eq!(open("2026-11-23T10:00", None), opens("2026-11-24T08:30"));
    }

    #[test]
    fn a_supervisor_keeps_it_open_longer_for_that_day_alone() {
        let until = Some("2026-11-24T19:00");
        assert_eq!(open("2026-11-24T18:59", until), Ok(()));
        assert_eq!(
            open("2026-11-24T19:00", until),
            Err(Some(at("2026-11-25T08:30")))
        );
        assert!(open("2026-11-23T18:00", until).is_err(), "another day");
    }

    #[test]
    fn a_place_names_who_works_where_for_what() {
        let places = Places::from_toml(FILE).unwrap();
        assert_eq!(places.version(), "2026-11");
        let place = places.of("131010002".parse().unwrap()).unwrap();
        assert!(place.employs(&"13101-0009".parse().unwrap()));
        assert!(!place.employs(&"13101-0002".parse().unwrap()));
        assert!(place.profiles.contains("signature"));
        assert!(places.of("131010003".parse().unwrap()).is_none());
    }

    #[test]
    fn a_file_that_cannot_stand_says_where() {
        let fault = |from: &str, to: &str| {
            Places::from_toml(&FILE.replace(from, to))
                .unwrap_err()
                .to_string()
        };
        assert!(fault("\"17:15\"", "\"24:15\"").contains("08:30"));
        assert!(fault("\"17:15\"", "\"08:30\"").contains("ends after it begins"));
        assert!(fault("\"131010002\"", "\"131020002\"").contains("another municipality"));
        assert!(
            fault(
                "operators = [\"13101-0001\", \"13101-0009\"]",
                "operators = []"
            )
            .contains("an operator")
        );
        assert!(fault("2026-11\"", "\"").contains("version"));
        assert!(matches!(
            Places::from_toml(&format!("{FILE}\ncolour = \"red\"")),
            Err(PlacesFault::Unreadable(_))
        ));
        let second = FILE
            .split_once("[[place]]")
            .unwrap()
            .1
            .replace("千代田区役所", "麹町出張所");
        let twice = Places::from_toml(&format!("{FILE}\n[[place]]{second}"));
        assert!(matches!(twice, Err(PlacesFault::TerminalTwice(_))));
    }
}
