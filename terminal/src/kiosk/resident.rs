//! What the resident does on the screens, one act after the other. Each act leaves
//! what has to be told in the [`Entry`]; the next page shows it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pki_core::application::certificate_kind::CertificateKind;
use pki_core::mode::Mode;

use super::app::{Kiosk, lock};
use super::entry::{Entry, Notice, Page, Purpose};
use super::password::Password;
use super::steps::{Phase, State};
use super::visit;
use crate::card::Presence;
use crate::local::{Kind, Problem};

/// Wrong PINs before the attendant's page is shut for [`PIN_PAUSE`].
const PIN_TRIES: u8 = 5;
/// How long it is shut, and how long it stays open.
const PIN_PAUSE: Duration = Duration::from_secs(300);

/// A language of the screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// Japanese with furigana.
    #[default]
    Ja,
    /// やさしい日本語.
    Easy,
    /// English.
    En,
}

/// How a resident wants the screens to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Japanese unless another was chosen.
    pub language: Language,
    /// White on black.
    pub contrast: bool,
    /// Larger letters.
    pub large: bool,
}

/// How the screens are shown, to whom, and what is counted for the attendant.
#[derive(Default)]
pub struct Display {
    /// How it was chosen on any screen; as it was again for the next resident.
    pub look: Look,
    /// Counted since the start: visits begun and how they ended.
    pub counts: BTreeMap<&'static str, u64>,
    attendant_until: Option<Instant>,
    wrong_pins: u8,
    shut_until: Option<Instant>,
}

/// One moment of the kiosk, for one page.
pub struct View {
    /// Where the resident stands.
    pub state: State,
    /// The page of a visit.
    pub page: Page,
    /// Keys whose password can be changed.
    pub keys: Vec<CertificateKind>,
    /// What has to be told.
    pub notice: Option<Notice>,
    /// Why no visit is taken, by its name in the catalogue.
    pub out_of_service: Option<&'static str>,
    /// Whether a card lies in the reader.
    pub card: bool,
    /// How the page is shown.
    pub look: Look,
    /// Changes when the page is out of date.
    pub id: String,
    /// Seconds until the visit ends by itself.
    pub seconds_left: Option<u64>,
}

impl View {
    /// The phase of a generation and its percentage.
    pub fn progress(&self) -> (Phase, u8) {
        match &self.state {
            State::Generating(_, phase, percent, _) => (*phase, *percent),
            _ => (Phase::Authenticating, 0),
        }
    }
}

impl Kiosk {
    /// This moment.
    pub fn view(&self) -> View {
        let card = matches!(self.reader.presence(), Ok(Presence::Card));
        let state = lock(&self.state).clone();
        // Only before a visit: one that has begun goes on to its end.
        let out_of_service = match state {
            State::Idle | State::Ended(..) => self.out_of_service().map(|(name, _)| name),
            _ => None,
        };
        // Locks are taken in this order everywhere: state, entry, display.
        let entry = lock(&self.entry);
        let display = lock(&self.display);
        let id = format!(
            "{}-{}-{card}-{}-{:?}-{}-{}",
            state.name(),
            entry.revision,
            out_of_service.unwrap_or_default(),
            display.look.language,
            display.look.contrast,
            display.look.large
        );
        View {
            page: entry.page,
            keys: entry.keys.clone(),
            notice: entry.notice.clone(),
            out_of_service,
            card,
            look: display.look,
            id,
            seconds_left: state
                .untouched_since()
                .map(|since| self.config.idle.saturating_sub(since.elapsed()).as_secs()),
            state,
        }
    }

    /// The screen was touched.
    pub fn touch(&self) {
        let now = Instant::now();
        lock(&self.state).touch(now);
        lock(&self.entry).touched = now;
    }

    /// Sets the language.
    pub fn speak(&self, language: Language) {
        lock(&self.display).look.language = language;
    }

    /// Switches between the two sets of colours.
    pub fn switch_contrast(&self) {
        let look = &mut lock(&self.display).look;
        look.contrast = !look.contrast;
    }

    /// Switches between the two sizes of letters.
    pub fn switch_size(&self) {
        let look = &mut lock(&self.display).look;
        look.large = !look.large;
    }

    /// The resident has gone with the card: the next one finds the screens as they are for everybody.
    pub(super) fn forget_look(&self) {
        lock(&self.display).look = Look::default();
    }

    /// Something is to be done at the menu.
    ///
    /// # Errors
    /// [`Kind::NotDue`] without a visit; a new key needs the window's visit.
    pub fn choose(&self, purpose: Purpose) -> Result<(), Problem> {
        let kind = self.kind();
        self.choose_key(purpose, kind)
    }

    /// The same for one of the card's keys.
    ///
    /// # Errors
    /// As [`choose`](Self::choose); a key that the visit is not for, or without a password.
    pub fn choose_key(&self, purpose: Purpose, key: CertificateKind) -> Result<(), Problem> {
        let mut state = lock(&self.state);
        let mut entry = lock(&self.entry);
        let due = match purpose {
            Purpose::Generate => matches!(*state, State::Menu(..)),
            Purpose::Change => state.untouched_since().is_some() && entry.keys.contains(&key),
        };
        if !due {
            return Err(not_due());
        }
        state.choose(key);
        entry.wipe();
        entry.go(Page::Rules(purpose));
        Ok(())
    }

    /// The resident is at one of the card's keys.
    ///
    /// # Errors
    /// [`Kind::NotDue`] for a key without a password, or that the visit is not for.
    pub fn at_key(&self, key: CertificateKind) -> Result<(), Problem> {
        let mut state = lock(&self.state);
        if !lock(&self.entry).keys.contains(&key) {
            return Err(not_due());
        }
        state.choose(key);
        Ok(())
    }

    /// The rules were read.
    ///
    /// # Errors
    /// [`Kind::NotDue`].
    pub fn rules_read(&self) -> Result<(), Problem> {
        let mut entry = self.entry_in_visit()?;
        let Page::Rules(purpose) = entry.page else {
            return Err(not_due());
        };
        let next = entry.first_question(purpose);
        entry.go(next);
        Ok(())
    }

    /// One page back; what was typed is erased.
    ///
    /// # Errors
    /// [`Kind::NotDue`].
    pub fn back(&self) -> Result<(), Problem> {
        let mut entry = self.entry_in_visit()?;
        let to = match entry.page {
            Page::Menu | Page::Rules(_) | Page::Changed => Page::Menu,
            Page::Present(purpose) | Page::New(purpose) => Page::Rules(purpose),
            Page::Again(purpose) => Page::New(purpose),
        };
        if !matches!(to, Page::New(_)) {
            entry.present = None;
        }
        entry.new = None;
        entry.go(to);
        Ok(())
    }

    /// A password was typed on the page that asks for it.
    ///
    /// # Errors
    /// [`Kind::NotDue`]; what is wrong with the password or the card, which the same
    /// page tells.
    pub fn typed(self: &std::sync::Arc<Self>, password: Password) -> Result<(), Problem> {
        self.touch();
        let page = self.entry_in_visit()?.page;
        let kind = self.kind();
        if let Err(problem) = password.check("password", kind) {
            lock(&self.entry).tell(Notice::of(match kind {
                CertificateKind::Signature => "rules",
                CertificateKind::UserAuthentication => "rules-pin",
            }));
            return Err(problem);
        }
        match page {
            Page::Present(purpose) => {
                let _work = self.card_work()?;
                visit::check_password(&self.tools(), kind, &password).map_err(|f| self.note(f))?;
                let mut entry = self.entry_in_visit()?;
                entry.present = Some(password);
                entry.go(Page::New(purpose));
                Ok(())
            }
            Page::New(purpose) => {
                let mut entry = self.entry_in_visit()?;
                entry.new = Some(password);
                entry.go(Page::Again(purpose));
                Ok(())
            }
            Page::Again(purpose) => self.typed_again(purpose, password),
            _ => Err(not_due()),
        }
    }

    fn typed_again(
        self: &std::sync::Arc<Self>,
        purpose: Purpose,
        again: Password,
    ) -> Result<(), Problem> {
        let (new, present) = {
            let mut entry = self.entry_in_visit()?;
            (entry.new.take(), entry.present.take())
        };
        let new = new.ok_or_else(not_due)?;
        if let Err(problem) = new.check_again(&again) {
            let mut entry = lock(&self.entry);
            entry.present = present;
            entry.go(Page::New(purpose));
            entry.tell(Notice::of("differ"));
            return Err(problem);
        }
        match purpose {
            Purpose::Generate => {
                lock(&self.entry).go(Page::Menu);
                self.generate(new, &again, present).map(drop)
            }
            Purpose::Change => {
                let present = present.ok_or_else(not_due)?;
                lock(&self.entry).go(Page::Menu);
                self.change_password(&present, &new)?;
                lock(&self.entry).go(Page::Changed);
                Ok(())
            }
        }
    }

    /// What was told has been read.
    pub fn notice_read(&self) {
        let mut entry = lock(&self.entry);
        entry.notice = None;
        entry.revision += 1;
    }

    fn entry_in_visit(&self) -> Result<std::sync::MutexGuard<'_, Entry>, Problem> {
        if lock(&self.state).untouched_since().is_none() {
            return Err(not_due());
        }
        Ok(lock(&self.entry))
    }

    /// A visit's pages begin.
    pub(super) fn open_entry(&self, keys: Vec<CertificateKind>) {
        self.count("begun");
        let mut entry = lock(&self.entry);
        entry.wipe();
        entry.keys = keys;
        entry.go(Page::Menu);
        entry.touched = Instant::now();
    }

    /// A visit has come to an end.
    pub(super) fn close(&self, ended: State) {
        self.count(ended.name());
        let mut entry = lock(&self.entry);
        entry.wipe();
        entry.page = Page::Menu;
        entry.revision += 1;
        drop(entry);
        *lock(&self.state) = ended;
    }

    /// Looked after by the watch: nothing typed outlives its visit, and what one
    /// resident left on the screen is gone for the next.
    pub(super) fn tidy(&self, card_gone: bool) {
        let mut state = lock(&self.state);
        let mut entry = lock(&self.entry);
        if state.untouched_since().is_none() {
            entry.wipe();
        }
        if !card_gone {
            return;
        }
        let ended = matches!(*state, State::Ended(..));
        if matches!(*state, State::Idle) && entry.notice.is_some() {
            entry.go(Page::Menu);
        }
        if entry.touched.elapsed() > self.config.idle && (ended || matches!(*state, State::Idle)) {
            if ended {
                *state = State::Idle;
            }
            lock(&self.display).look = Look::default();
        }
    }

    /// Counts for the attendant.
    pub(super) fn count(&self, what: &'static str) {
        *lock(&self.display).counts.entry(what).or_default() += 1;
    }

    /// What was counted since the start.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        (lock(&self.display).counts.iter())
            .map(|(name, count)| (*name, *count))
            .collect()
    }

    /// This kiosk's id.
    pub fn id(&self) -> &str {
        self.config.id()
    }

    /// Whether it is for training.
    pub fn mode(&self) -> Mode {
        self.config.mode
    }

    /// Opens the attendant's page for five minutes. After five wrong PINs it is shut
    /// for five minutes.
    ///
    /// # Errors
    /// The name of the message: `closed` (no PIN configured), `shut`, `wrong`.
    pub fn attend(&self, pin: &[u8]) -> Result<(), &'static str> {
        let Some(right) = &self.config.attendant_pin else {
            return Err("closed");
        };
        let mut display = lock(&self.display);
        let now = Instant::now();
        if display.shut_until.is_some_and(|until| now < until) {
            return Err("shut");
        }
        if right.is(pin) {
            display.wrong_pins = 0;
            display.attendant_until = Some(now + PIN_PAUSE);
            return Ok(());
        }
        display.wrong_pins += 1;
        let wrong = display.wrong_pins;
        tracing::warn!(wrong, "wrong attendant PIN");
        if display.wrong_pins >= PIN_TRIES {
            display.wrong_pins = 0;
            display.shut_until = Some(now + PIN_PAUSE);
            return Err("shut");
        }
        Err("wrong")
    }

    /// Whether the attendant's page is open.
    pub fn is_attended(&self) -> bool {
        let until = lock(&self.display).attendant_until;
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Shuts the attendant's page.
    pub fn attendant_left(&self) {
        lock(&self.display).attendant_until = None;
    }
}

fn not_due() -> Problem {
    Problem::new(
        Kind::NotDue,
        "this page is not due",
        "画面を読み込み直してください。",
        "Load the page again.",
    )
}
