//! Where the resident stands at the kiosk, as a state machine without IO: each event
//! gives the next state or says that it is not due.

use std::time::Instant;

use pki_core::application::certificate_kind::CertificateKind;
use serde::Serialize;

use crate::local::problem::Say;
use crate::local::{Kind, Problem};

/// One card in one visit to this kiosk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Card id.
    pub card: [u8; 16],
    /// Visit id.
    pub visit: [u8; 16],
    /// Which of the card's keys is made.
    pub kind: CertificateKind,
}

/// What is being done while the key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Card and kiosk show each other their keys.
    Authenticating,
    /// The password goes to the card.
    SettingPassword,
    /// The pair is made and tried.
    MakingKey,
    /// The wrapped key goes to the card.
    StoringKey,
    /// The card signs its request.
    MakingRequest,
    /// The kiosk's record goes to the card.
    Recording,
    /// The visit keys are erased.
    Finishing,
}

impl Phase {
    /// How far the whole is, in percent, when this phase is `part` of `whole` done.
    pub fn percent(self, part: usize, whole: usize) -> u8 {
        let (from, to): (usize, usize) = match self {
            Self::Authenticating => (0, 8),
            Self::SettingPassword => (8, 14),
            Self::MakingKey => (14, 45),
            Self::StoringKey => (45, 75),
            Self::MakingRequest => (75, 86),
            Self::Recording => (86, 95),
            Self::Finishing => (95, 99),
        };
        (from + (to - from) * part / whole.max(1)) as u8
    }

    fn say(self) -> Say {
        match self {
            Self::Authenticating => Say::new(
                "カードを確認しています。カードを動かさないでください。",
                "Checking the card. Do not move it.",
            ),
            Self::SettingPassword => Say::new(
                "パスワードをカードに設定しています。カードを動かさないでください。",
                "Setting the password. Do not move the card.",
            ),
            Self::MakingKey => Say::new(
                "鍵を作っています。しばらくお待ちください。",
                "Making the key. Please wait.",
            ),
            Self::StoringKey => Say::new(
                "鍵をカードに書き込んでいます。カードを動かさないでください。",
                "Writing the key to the card. Do not move it.",
            ),
            Self::MakingRequest | Self::Recording | Self::Finishing => Say::new(
                "まもなく終わります。カードを動かさないでください。",
                "Almost done. Do not move the card.",
            ),
        }
    }
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The key is on the card.
    Done,
    /// The resident cancelled.
    Cancelled,
    /// Nobody touched the screen, or the generation took too long.
    TimedOut,
    /// The card was taken out.
    CardPulled,
    /// Something failed; nothing of the visit's key is on the card.
    Failed,
    /// The kiosk was switched off.
    SwitchedOff,
}

impl Ending {
    /// What the resident is told.
    pub fn say(self) -> Say {
        match self {
            Self::Done => Say::new(
                "終わりました。カードを取って、窓口にお戻りください。",
                "Done. Take the card and go back to the window.",
            ),
            Self::Cancelled => Say::new(
                "取り消しました。カードを取って、窓口にお戻りください。窓口で「カード準備」をもう一度行います。",
                "Cancelled. Take the card and go back to the window, where the card is prepared again.",
            ),
            Self::TimedOut => Say::new(
                "時間切れになりました。カードを取って、窓口にお戻りください。窓口で「カード準備」をもう一度行います。",
                "The time ran out. Take the card and go back to the window, where the card is prepared again.",
            ),
            Self::CardPulled => Say::new(
                "カードが抜かれたため中止しました。カードを置き直すと、はじめからやり直せます。",
                "Stopped because the card was taken out. Place it again to start over.",
            ),
            Self::Failed => Say::new(
                "処理できませんでした。もう一度はじめからお試しください。直らないときは窓口にお知らせください。",
                "It did not work. Try again from the start; if it fails again, tell the window.",
            ),
            Self::SwitchedOff => Say::new(
                "この機械を停止しています。カードを取って、窓口にお戻りください。",
                "This machine is being switched off. Take the card and go back to the window.",
            ),
        }
    }
}

/// Where the resident stands.
#[derive(Clone, Debug)]
pub enum State {
    /// Place the card.
    Idle,
    /// The card is known; choose what to do. Since when nobody touched the screen.
    Menu(Visit, Instant),
    /// The card has a key and no visit for this kiosk: its password can be changed. Which of the
    /// card's keys was chosen; since when nobody touched the screen.
    Holder(CertificateKind, Instant),
    /// The key is being made. Since when.
    Generating(Visit, Phase, u8, Instant),
    /// The key is on the card; take it.
    Stored(Visit),
    /// The visit ended; the screen says how until the card is gone.
    Ended(Ending, Option<Say>),
}

/// The button that is due, with its label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// Address to post to, or `place-card`, `take-card`, `wait`.
    pub action: &'static str,
    /// Label.
    pub say: Say,
}

impl State {
    /// `idle`, `menu`, `generating`, `stored`, or how it ended.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "place-card",
            Self::Menu(..) => "menu",
            Self::Holder(..) => "holder",
            Self::Generating(..) => "generating",
            Self::Stored(_) => "stored",
            Self::Ended(Ending::Done, _) => "done",
            Self::Ended(Ending::Cancelled, _) => "cancelled",
            Self::Ended(Ending::TimedOut, _) => "timed-out",
            Self::Ended(Ending::CardPulled, _) => "card-pulled",
            Self::Ended(Ending::Failed, _) => "failed",
            Self::Ended(Ending::SwitchedOff, _) => "switched-off",
        }
    }

    /// The visit at work.
    pub fn visit(&self) -> Option<&Visit> {
        match self {
            Self::Menu(visit, _) | Self::Generating(visit, ..) | Self::Stored(visit) => Some(visit),
            Self::Idle | Self::Holder(..) | Self::Ended(..) => None,
        }
    }

    /// Which of the card's keys this is about: the visit's, the chosen one, or the one for signatures.
    pub fn kind(&self) -> CertificateKind {
        match self {
            Self::Holder(kind, _) => *kind,
            other => other
                .visit()
                .map_or(CertificateKind::Signature, |visit| visit.kind),
        }
    }

    /// The holder chose one of the card's keys. Nothing in a visit, which is for one key.
    pub fn choose(&mut self, key: CertificateKind) {
        if let Self::Holder(kind, _) = self {
            *kind = key;
        }
    }

    /// How far the generation is, in percent.
    pub fn percent(&self) -> u8 {
        match self {
            Self::Generating(_, _, percent, _) => *percent,
            Self::Stored(_) | Self::Ended(Ending::Done, _) => 100,
            _ => 0,
        }
    }

    /// What the screen says.
    pub fn message(&self) -> Say {
        match self {
            Self::Idle => Say::new(
                "カードを置いて「はじめる」を押してください。",
                "Place your card and press Begin.",
            ),
            Self::Menu(..) => Say::new(
                "パスワードを決めて「鍵を作る」を押してください。",
                "Choose a password and press Make the key.",
            ),
            Self::Holder(..) => Say::new(
                "このカードには鍵が入っています。パスワードを変えられます。",
                "This card has a key. Its password can be changed.",
            ),
            Self::Generating(_, phase, ..) => phase.say(),
            Self::Stored(_) => Ending::Done.say(),
            Self::Ended(ending, say) => say.clone().unwrap_or_else(|| ending.say()),
        }
    }

    /// What is due.
    pub fn next(&self) -> Vec<Next> {
        let next = |action, ja, en| Next {
            action,
            say: Say::new(ja, en),
        };
        match self {
            Self::Idle => vec![next("begin", "はじめる", "Begin")],
            Self::Menu(..) => vec![
                next("generate", "鍵を作る", "Make the key"),
                next(
                    "change-password",
                    "パスワードを変える",
                    "Change the password",
                ),
                next("cancel", "取り消す", "Cancel"),
            ],
            Self::Holder(..) => vec![
                next(
                    "change-password",
                    "パスワードを変える",
                    "Change the password",
                ),
                next("cancel", "取り消す", "Cancel"),
            ],
            Self::Generating(..) => vec![next("cancel", "取り消す", "Cancel")],
            Self::Stored(_) => vec![next("finish", "終わる", "Finish")],
            Self::Ended(..) => vec![next("take-card", "カードを取る", "Take the card")],
        }
    }

    /// Whether a card may be read for a visit: in every state without a visit at work.
    ///
    /// # Errors
    /// [`Kind::NotDue`] while a visit is at work.
    pub fn may_begin(&self) -> Result<(), Problem> {
        match self {
            Self::Idle | Self::Menu(..) | Self::Holder(..) | Self::Ended(..) => Ok(()),
            Self::Generating(..) | Self::Stored(_) => Err(not_due(self, "begin")),
        }
    }

    /// A card for this kiosk was read.
    ///
    /// # Errors
    /// As [`State::may_begin`].
    pub fn begin(&self, visit: Visit, now: Instant) -> Result<Self, Problem> {
        self.may_begin()?;
        Ok(Self::Menu(visit, now))
    }

    /// The resident gave a password.
    ///
    /// # Errors
    /// [`Kind::NotDue`] but from the menu.
    pub fn generate(&self, now: Instant) -> Result<(Visit, Self), Problem> {
        match self {
            Self::Menu(visit, _) => Ok((
                visit.clone(),
                Self::Generating(visit.clone(), Phase::Authenticating, 0, now),
            )),
            _ => Err(not_due(self, "generate")),
        }
    }

    /// The generation came further. Nothing where none is running.
    pub fn advance(&mut self, to: Phase, percent: u8) {
        if let Self::Generating(_, phase, now, _) = self {
            *phase = to;
            *now = percent;
        }
    }

    /// The resident confirmed the end.
    ///
    /// # Errors
    /// [`Kind::NotDue`] before the key is stored.
    pub fn finish(&self) -> Result<Self, Problem> {
        match self {
            Self::Stored(_) => Ok(Self::Ended(Ending::Done, None)),
            _ => Err(not_due(self, "finish")),
        }
    }

    /// The resident touched the screen.
    pub fn touch(&mut self, now: Instant) {
        if let Self::Menu(_, since) | Self::Holder(_, since) = self {
            *since = now;
        }
    }

    /// Since when nobody touched the screen, where that ends the visit.
    pub fn untouched_since(&self) -> Option<Instant> {
        match self {
            Self::Menu(_, since) | Self::Holder(_, since) => Some(*since),
            _ => None,
        }
    }

    /// The card is no longer in the reader.
    pub fn card_gone(&self) -> Option<Self> {
        match self {
            Self::Menu(..) | Self::Holder(..) => Some(Self::Ended(Ending::CardPulled, None)),
            Self::Stored(_)
            | Self::Ended(Ending::Done | Ending::Cancelled | Ending::TimedOut, _) => {
                Some(Self::Idle)
            }
            // The other endings stay on the screen until the next card.
            Self::Idle | Self::Generating(..) | Self::Ended(..) => None,
        }
    }
}

fn not_due(state: &State, what: &str) -> Problem {
    let message = state.message();
    Problem::new(
        Kind::NotDue,
        format!("{what} is not due at {}", state.name()),
        &message.ja,
        &message.en,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit() -> Visit {
        Visit {
            card: [1; 16],
            visit: [2; 16],
            kind: CertificateKind::Signature,
        }
    }

    #[test]
    fn a_visit_goes_from_card_to_card() {
        let now = Instant::now();
        let menu = State::Idle.begin(visit(), now).unwrap();
        let (_, mut generating) = menu.generate(now).unwrap();
        generating.advance(Phase::StoringKey, 60);
        assert_eq!(generating.percent(), 60);
        let stored = State::Stored(visit());
        assert_eq!(stored.percent(), 100);
        let done = stored.finish().unwrap();
        assert_eq!(done.name(), "done");
        assert_eq!(done.card_gone().unwrap().name(), "place-card");
    }

    #[test]
    fn no_step_is_taken_out_of_its_order() {
        let now = Instant::now();
        assert!(State::Idle.generate(now).is_err());
        assert!(State::Idle.finish().is_err());
        assert!(State::Stored(visit()).begin(visit(), now).is_err());
        assert!(State::Stored(visit()).generate(now).is_err());
        let running = State::Generating(visit(), Phase::MakingKey, 20, now);
        assert!(running.begin(visit(), now).is_err());
        assert_eq!(running.may_begin().unwrap_err().kind(), Kind::NotDue);
        assert!(State::Ended(Ending::Done, None).may_begin().is_ok());
        assert!(running.generate(now).is_err());
    }

    #[test]
    fn a_card_pulled_at_the_menu_ends_the_visit() {
        let menu = State::Menu(visit(), Instant::now());
        assert_eq!(menu.card_gone().unwrap().name(), "card-pulled");
        assert!(State::Idle.card_gone().is_none());
    }

    #[test]
    fn percentages_only_rise_over_the_phases() {
        let phases = [
            Phase::Authenticating,
            Phase::SettingPassword,
            Phase::MakingKey,
            Phase::StoringKey,
            Phase::MakingRequest,
            Phase::Recording,
            Phase::Finishing,
        ];
        let all: Vec<u8> = phases
            .iter()
            .flat_map(|p| [p.percent(0, 4), p.percent(2, 4), p.percent(4, 4)])
            .collect();
        assert!(all.windows(2).all(|w| w[0] <= w[1]), "{all:?}");
    }
}
