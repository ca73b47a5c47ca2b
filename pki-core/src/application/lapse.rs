//! Lapsing: an application that nobody goes on with ends by rule, as long as no certificate
//! can exist for it. One that was asked for does not lapse: somebody has to look at it.

use jiff::Timestamp;

use super::cause::EndCause;
use super::states::{Cancelled, InquirySent};
use super::{Application, Step};
use crate::calendar::JapaneseDay;

/// Days for which an application stays open at one step, that of the step counted, unless
/// the prefecture settles otherwise.
pub const OPEN_DAYS: u16 = 90;

impl Step {
    /// The steps at which an application can lapse.
    pub const LAPSING: [Self; 6] = [
        Self::Received,
        Self::InquirySent,
        Self::Identified,
        Self::CardPrepared,
        Self::KeyRead,
        Self::CharactersSettled,
    ];
}

impl Application {
    /// Last day on which somebody can go on with it, where there is one: the day by which
    /// the reply to an inquiry was to come, else `open_days` from the last step.
    ///
    /// # Panics
    /// When `open_days` is 0.
    #[must_use]
    pub fn open_until(&self, open_days: u16) -> Option<JapaneseDay> {
        let since = match self {
            Self::InquirySent(InquirySent {
                inquiry,
                decided: None,
                ..
            }) => return Some(inquiry.reply_by),
            Self::InquirySent(InquirySent {
                decided: Some(decided),
                ..
            }) => decided.decision().at,
            Self::Received(s) => s.case.received_at,
            Self::Identified(s) => s
                .confirmed_by
                .as_ref()
                .map_or_else(|| s.identity.decision().at, |eyes| eyes.at),
            Self::CardPrepared(s) => s.visit.prepared_at,
            Self::KeyRead(s) => s.key.read_at,
            Self::CharactersSettled(s) if s.intent.is_none() => s.settled_at,
            _ => return None,
        };
        Some(JapaneseDay::of(since).last_day_of_days(open_days))
    }

    /// Ends it, if its time is over at `now`.
    #[must_use]
    pub fn lapse(self, open_days: u16, now: Timestamp) -> Option<Cancelled> {
        let last = self.open_until(open_days)?;
        if JapaneseDay::of(now) <= last {
            return None;
        }
        let ended = self.cancel(now).ok()?;
        Some(Cancelled {
            cause: EndCause::Lapsed,
            ..ended
        })
    }
}
