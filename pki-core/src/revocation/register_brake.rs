//! 歯止め, the brake on the register feed: a fault of a register system must not take a
//! municipality's certificates out of effect before a person has looked. What a batch would do
//! is foreseen without doing it, and a batch that would end more than a set share is held whole.
//!
//! Art 12 asks for revocation when the register changes, and knows no brake: a batch that is
//! held is therefore told at once, and waits for two officers, not for a day.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::register_event::{Effect, EventOutcome, RegisterEventKind};

/// One whole, in the parts in which a share is counted.
pub const WHOLE: u32 = 1_000_000;

/// How many certificates of a municipality its register may end in one Japanese day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Share of the municipality's certificates, in millionths.
    pub share: u32,
    /// So many are always let through: in a village one family's move is a large share.
    pub least: u64,
}

impl Default for Brake {
    /// One in a hundred, and twenty: removals, deaths and changes of name together reach a tenth
    /// of that on an ordinary day.
    fn default() -> Self {
        Self {
            share: WHOLE / 100,
            least: 20,
        }
    }
}

/// A municipality's certificates as a batch finds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegisterStanding {
    /// In effect, and not run out.
    pub in_effect: u64,
    /// Ended by the register since midnight in Japan, without what officers released.
    pub ended_today: u64,
}

impl RegisterStanding {
    /// After so many more were ended.
    #[must_use]
    pub const fn after(self, ended: u64) -> Self {
        Self {
            in_effect: self.in_effect.saturating_sub(ended),
            ended_today: self.ended_today + ended,
        }
    }
}

/// What is done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be applied.
    Goes,
    /// It is held whole: with it more than `allowed` would be ended on this day.
    Held {
        /// The most that may be ended on this day.
        allowed: u64,
    },
}

impl Brake {
    /// The most that may be ended on this day: the share of what was in effect as it began.
    #[must_use]
    pub fn allowed(self, standing: RegisterStanding) -> u64 {
        let whole = u128::from(standing.in_effect) + u128::from(standing.ended_today);
        let share = whole * u128::from(self.share) / u128::from(WHOLE);
        u64::try_from(share).unwrap_or(u64::MAX).max(self.least)
    }

    /// Whether a batch that would end `ends` certificates may be applied. One that ends none
    /// always may.
    #[must_use]
    pub fn decide(self, standing: RegisterStanding, ends: u64) -> Verdict {
        let allowed = self.allowed(standing);
        if ends == 0 || standing.ended_today.saturating_add(ends) <= allowed {
            Verdict::Goes
        } else {
            Verdict::Held { allowed }
        }
    }
}

/// A certificate that an event may meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// Name of its issuer.
    pub issuer: String,
    /// Whose it is, by keyed hash.
    pub resident: [u8; 32],
    /// When its holder was compared with the register.
    pub identified_at: Timestamp,
}

/// An event as it bears on certificates; residents by keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearing {
    pub kind: RegisterEventKind,
    pub resident: [u8; 32],
    /// From before a merger.
    pub former: Option<[u8; 32]>,
    pub recorded_at: Timestamp,
}

impl Bearing {
    /// Whose certificates have to be known.
    pub fn residents(&self) -> impl Iterator<Item = [u8; 32]> + use<> {
        [Some(self.resident), self.former].into_iter().flatten()
    }
}

/// What events would do, one after the other, without doing it. It says what the store says
/// when it applies them; a test holds the two together.
#[derive(Debug)]
pub struct Forecast {
    /// The issuers of residents' certificates, each with what is in effect.
    in_effect: Vec<(String, HashMap<[u8; 32], Met>)>,
    known: HashSet<[u8; 32]>,
}

impl Forecast {
    /// Nothing is known yet about the certificates of these issuers.
    #[must_use]
    pub fn new(issuers: impl IntoIterator<Item = String>) -> Self {
        Self {
            in_effect: issuers
                .into_iter()
                .map(|issuer| (issuer, HashMap::new()))
                .collect(),
            known: HashSet::new(),
        }
    }

    /// Those of the residents whose certificates were not told yet, each once.
    #[must_use]
    pub fn unknown(&self, events: &[Bearing]) -> Vec<[u8; 32]> {
        let mut seen = HashSet::new();
        events
            .iter()
            .flat_map(Bearing::residents)
            .filter(|resident| !self.known.contains(resident) && seen.insert(*resident))
            .collect()
    }

    /// Tell which of the residents have which certificate in effect; the others have none.
    pub fn tell(&mut self, residents: &[[u8; 32]], in_effect: impl IntoIterator<Item = Met>) {
        self.known.extend(residents);
        for met in in_effect {
            let of = self.in_effect.iter_mut();
            if let Some((_, of)) = of.into_iter().find(|(issuer, _)| *issuer == met.issuer) {
                of.insert(met.resident, met);
            }
        }
    }

    /// What the event would do, after those before it: an outcome for each certificate that it
    /// meets, in the issuers' order, and one if it meets none.
    pub fn apply(&mut self, event: &Bearing) -> Vec<EventOutcome> {
        let mut outcomes: Vec<EventOutcome> = self
            .in_effect
            .iter_mut()
            .filter_map(|(_, in_effect)| apply(in_effect, event))
            .collect();
        if outcomes.is_empty() {
            outcomes.push(EventOutcome::Nothing);
        }
        outcomes
    }
}

/// What it would do to the certificate of one issuer, if there is one that it bears on.
fn apply(in_effect: &mut HashMap<[u8; 32], Met>, event: &Bearing) -> Option<EventOutcome> {
    match (event.kind.effect(), event.former) {
        (Effect::Revoke(_), _) => {
            let met = in_effect.get(&event.resident)?;
            if met.identified_at > event.recorded_at {
                return None;
            }
            in_effect.remove(&event.resident);
            Some(EventOutcome::Revoked)
        }
        (Effect::Relink, Some(former)) => {
            let met = in_effect.remove(&former)?;
            if in_effect.contains_key(&event.resident) {
                return Some(EventOutcome::Superseded);
            }
            in_effect.insert(event.resident, met);
            Some(EventOutcome::Relinked)
        }
        (Effect::Relink, None) | (Effect::None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRAKE: Brake = Brake {
        share: WHOLE / 100,
        least: 20,
    };

    fn standing(in_effect: u64, ended_today: u64) -> RegisterStanding {
        RegisterStanding {
            in_effect,
            ended_today,
        }
    }

    #[test]
    fn a_batch_is_held_from_the_first_certificate_beyond_the_share() {
        let here = standing(10_000, 0);
        assert_eq!(BRAKE.decide(here, 100), Verdict::Goes);
        assert_eq!(BRAKE.decide(here, 101), Verdict::Held { allowed: 100 });
        // In a village the least number holds.
        assert_eq!(BRAKE.decide(standing(30, 0), 20), Verdict::Goes);
        assert_eq!(
            BRAKE.decide(standing(30, 0), 21),
            Verdict::Held { allowed: 20 }
        );
        let all = Brake {
            share: WHOLE,
            least: 0,
        };
        assert_eq!(all.decide(standing(7, 0), 7), Verdict::Goes);
    }

    #[test]
    fn many_small_batches_on_one_day_are_one_large_one() {
        let morning = standing(10_000, 0);
        let noon = morning.after(60);
        assert_eq!(noon, standing(9_940, 60));
        assert_eq!(BRAKE.decide(noon, 40), Verdict::Goes);
        assert_eq!(BRAKE.decide(noon, 41), Verdict::Held { allowed: 100 });
        // What ends nothing is never held, whatever the day was.
        assert_eq!(BRAKE.decide(standing(0, 5_000), 0), Verdict::Goes);
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn event(kind: RegisterEventKind, resident: u8, former: Option<u8>) -> Bearing {
        Bearing {
            kind,
            resident: [resident; 32],
            former: former.map(|former| [former; 32]),
            recorded_at: at(10),
        }
    }

    fn known(of: &[(u8, i64)]) -> Forecast {
        let mut forecast = Forecast::new(["sign".to_owned(), "user".to_owned()]);
        let residents: Vec<_> = (0..10).map(|number| [number; 32]).collect();
        let certificates = of.iter().map(|(resident, identified_at)| Met {
            issuer: "sign".to_owned(),
            resident: [*resident; 32],
            identified_at: at(*identified_at),
        });
        forecast.tell(&residents, certificates);
        forecast
    }

    #[test]
    fn a_certificate_ends_once_and_only_if_it_rests_on_the_register_from_before() {
        use RegisterEventKind::{Death, MinorCorrection, MovedOut};
        let mut forecast = known(&[(1, 10), (2, 11)]);
        let says = [
            (event(MinorCorrection, 1, None), EventOutcome::Nothing),
            (event(MovedOut, 1, None), EventOutcome::Revoked),
            (event(Death, 1, None), EventOutcome::Nothing),
            (event(Death, 2, None), EventOutcome::Nothing),
            (event(Death, 3, None), EventOutcome::Nothing),
        ];
        for (event, outcome) in says {
            assert_eq!(forecast.apply(&event), [outcome], "{event:?}");
        }
    }

    #[test]
    fn a_merger_carries_the_certificate_to_the_new_number_for_the_next_event() {
        use RegisterEventKind::{Death, Merger};
        let mut forecast = known(&[(1, 5), (2, 5), (3, 5)]);
        let says = [
            (event(Merger, 4, Some(1)), EventOutcome::Relinked),
            (event(Death, 4, None), EventOutcome::Revoked),
            (event(Merger, 3, Some(2)), EventOutcome::Superseded),
            (event(Death, 3, None), EventOutcome::Revoked),
            (event(Merger, 5, Some(6)), EventOutcome::Nothing),
        ];
        for (event, outcome) in says {
            assert_eq!(forecast.apply(&event), [outcome], "{event:?}");
        }
    }

    #[test]
    fn an_event_ends_the_certificate_of_each_issuer() {
        use RegisterEventKind::{Death, Merger};
        let mut forecast = known(&[(1, 5), (2, 5)]);
        let second = |resident: u8| Met {
            issuer: "user".to_owned(),
            resident: [resident; 32],
            identified_at: at(5),
        };
        forecast.tell(&[], [second(1), second(3)]);
        use EventOutcome::{Nothing, Relinked, Revoked};
        assert_eq!(forecast.apply(&event(Death, 1, None)), [Revoked, Revoked]);
        assert_eq!(forecast.apply(&event(Merger, 2, Some(3))), [Relinked]);
        assert_eq!(forecast.apply(&event(Death, 2, None)), [Revoked, Revoked]);
        assert_eq!(forecast.apply(&event(Death, 2, None)), [Nothing]);
    }

    #[test]
    fn each_resident_is_asked_for_once() {
        use RegisterEventKind::{Death, Merger};
        let forecast = known(&[]);
        let events = [
            event(Merger, 20, Some(21)),
            event(Death, 20, None),
            event(Death, 1, None),
        ];
        assert_eq!(forecast.unknown(&events), [[20; 32], [21; 32]]);
    }
}
