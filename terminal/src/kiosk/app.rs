//! The kiosk as a whole: the state that the screens see, the one thread that works
//! with the card, and the watch that ends visits by itself.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pki_core::application::certificate_kind::CertificateKind;
use pki_core::id::Sha256Digest;
use schema::wire::v1::ra::KioskHealthRequest;
use serde_json::{Value, json};

use super::config::KioskConfig;
use super::entry::{Entry, Notice, Page};
use super::hygiene::{Hygiene, scrub_stack};
use super::link::Link;
use super::master::SealedMaster;
use super::password::{self, Password};
use super::resident::Display;
use super::self_test::{self, SelfTest, Surroundings};
use super::steps::{Ending, Phase, State, Visit};
use super::visit::{self, Progress, Tools, VisitFault};
use crate::card::personalise::CardState;
use crate::card::{CardFault, Presence, Reader};
use crate::gateway::Gateway;
use crate::local::serve::Machine;
use crate::local::{Kind, Problem};
use crate::party::PartyKey;

/// How often the watch looks at the card and the clock.
const WATCH: Duration = Duration::from_millis(200);

/// The kiosk. Shared by the server's threads, the watch and the worker.
pub struct Kiosk {
    pub(super) config: KioskConfig,
    pub(super) reader: Box<dyn Reader>,
    master: SealedMaster,
    key: PartyKey,
    pub(super) link: Link,
    hygiene: Hygiene,
    software_sha256: Sha256Digest,
    pub(super) state: Mutex<State>,
    pub(super) self_test: Mutex<SelfTest>,
    /// Held while the card is worked with outside a generation.
    card_work: Mutex<()>,
    /// Why a running generation has to stop: 0 = it has not.
    stop: AtomicU8,
    worker: Mutex<Option<JoinHandle<()>>>,
    switched_off: AtomicBool,
    /// What the resident is at on the screens.
    pub(super) entry: Mutex<Entry>,
    /// How the screens are shown, and to the attendant.
    pub(super) display: Mutex<Display>,
}

/// What a kiosk is made of.
pub struct Parts {
    /// Checked configuration.
    pub config: KioskConfig,
    /// The card reader.
    pub reader: Box<dyn Reader>,
    /// The link to the gateway.
    pub gateway: Box<dyn Gateway>,
    /// The enrolled key.
    pub key: PartyKey,
    /// What was locked and forbidden at start.
    pub hygiene: Hygiene,
    /// SHA-256 of the running program.
    pub software_sha256: Sha256Digest,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kiosk {
    /// Puts a kiosk together and runs its self-test.
    ///
    /// # Errors
    /// When its state folder cannot be made.
    pub fn new(parts: Parts) -> std::io::Result<Arc<Self>> {
        let link = Link::new(parts.gateway, &parts.config.state, parts.config.link_away)?;
        let master = SealedMaster::new(&parts.config.master);
        let kiosk = Self {
            master,
            link,
            config: parts.config,
            reader: parts.reader,
            key: parts.key,
            hygiene: parts.hygiene,
            software_sha256: parts.software_sha256,
            state: Mutex::new(State::Idle),
            self_test: Mutex::new(SelfTest {
                result: "failed",
                items: Vec::new(),
            }),
            card_work: Mutex::new(()),
            stop: AtomicU8::new(0),
            worker: Mutex::new(None),
            switched_off: AtomicBool::new(false),
            entry: Mutex::default(),
            display: Mutex::default(),
        };
        kiosk.test_self();
        Ok(Arc::new(kiosk))
    }

    pub(super) fn tools(&self) -> Tools<'_> {
        Tools {
            reader: self.reader.as_ref(),
            kiosk: self.config.kiosk,
            master: &self.master,
            key: &self.key,
            software_sha256: self.software_sha256,
        }
    }

    fn test_self(&self) -> SelfTest {
        let test = self_test::run(&Surroundings {
            hygiene: self.hygiene,
            require_locked_memory: self.config.require_locked_memory,
            master_readable: self.master.is_readable(),
            now: Timestamp::now(),
            not_before: self.link.contact().last,
        });
        *lock(&self.self_test) = test.clone();
        test
    }

    /// Why the kiosk takes no visit now, if so: a short name, and what is told.
    pub(super) fn out_of_service(&self) -> Option<(&'static str, Problem)> {
        let (name, detail, ja, en) = if self.switched_off.load(Ordering::SeqCst) {
            (
                "switched-off",
                "the kiosk is being switched off",
                "この機械を停止しています。",
                "This machine is being switched off.",
            )
        } else if !self.test_self().passed() {
            (
                "self-test",
                "the self-test failed",
                "この機械は点検が必要です。窓口にお知らせください。",
                "This machine needs attention. Tell the window.",
            )
        } else if self.link.contact().suspended {
            (
                "suspended",
                "the gateway has suspended this kiosk",
                "この機械は使用を停止されています。窓口にお知らせください。",
                "This machine has been suspended. Tell the window.",
            )
        } else if self.link.too_long_away(Timestamp::now()) {
            (
                "away",
                "the kiosk has been without the gateway for too long",
                "受付サーバとの連絡が途絶えています。窓口にお知らせください。",
                "This machine has been without its server for too long. Tell the window.",
            )
        } else {
            return None;
        };
        Some((name, Problem::new(Kind::OutOfService, detail, ja, en)))
    }

    /// What the screen needs to know.
    pub fn status(&self) -> Value {
        let presence = self.reader.presence();
        let out_of_service = self.out_of_service().map(|(_, problem)| problem.document());
        let state = lock(&self.state).clone();
        let test = lock(&self.self_test).clone();
        let contact = self.link.contact();
        let card = match (&presence, state.visit()) {
            (_, Some(visit)) => json!({"id": hex::encode(visit.card)}),
            (Ok(Presence::Card), None) => json!({}),
            _ => Value::Null,
        };
        json!({
            "kiosk": self.config.id(),
            "card": card,
            "visit": state.visit().map(|v| hex::encode(v.visit)),
            "step": state.name(),
            "message": state.message(),
            "next": state.next(),
            "self_test": test.result,
            "self_test_items": test.items,
            "out_of_service": out_of_service,
            "reader": match presence {
                Ok(_) => "ready".to_owned(),
                Err(fault) => fault.to_string(),
            },
            "password_rules": password::rules(state.kind()).told(),
            "gateway": {"last_contact": contact.last, "suspended": contact.suspended},
            "software_sha256": self.software_sha256,
        })
    }

    /// Step, percent, message: small, for a screen that asks often.
    pub fn progress(&self) -> Value {
        let state = lock(&self.state).clone();
        json!({
            "step": state.name(),
            "percent": state.percent(),
            "message": state.message(),
            "next": state.next(),
        })
    }

    /// Begins a visit with the card in the reader.
    ///
    /// # Errors
    /// Out of service, not due, or what is wrong with the card.
    pub fn begin(&self) -> Result<Value, Problem> {
        let _work = self.card_work()?;
        if let Some((_, problem)) = self.out_of_service() {
            return Err(problem);
        }
        // Asked before the card is touched: is a visit due at all?
        lock(&self.state).may_begin()?;
        let mut next = match visit::open(&self.tools()) {
            Ok(visit) => State::Idle.begin(visit, Instant::now())?,
            // No visit, but a key: its password can be changed here.
            Err(VisitFault::NotPrepared(CardState::KeyStored | CardState::Certified)) => {
                State::Holder(CertificateKind::Signature, Instant::now())
            }
            Err(fault) => return Err(self.note(fault)),
        };
        // A visit is for one key; without one each key of the card is offered that has tries left.
        let asked: &[CertificateKind] = match &next {
            State::Holder(..) => &CertificateKind::ALL,
            other => &[other.kind()],
        };
        let mut keys = Vec::new();
        for kind in asked {
            if visit::has_password(self.reader.as_ref(), *kind).map_err(|f| self.note(f))? {
                keys.push(*kind);
            }
        }
        if matches!(next, State::Holder(..)) {
            let Some(first) = keys.first() else {
                return Err(self.note(VisitFault::from(CardFault::Blocked)));
            };
            next.choose(*first);
        }
        self.open_entry(keys);
        *lock(&self.state) = next;
        Ok(self.status())
    }

    /// Which of the card's keys the resident is at.
    pub(super) fn kind(&self) -> CertificateKind {
        lock(&self.state).kind()
    }

    /// Keeps for the screens what went wrong.
    pub(super) fn note(&self, fault: VisitFault) -> Problem {
        lock(&self.entry).tell(Notice::from(&fault));
        fault.into()
    }

    /// Starts the generation; its progress is asked for elsewhere.
    ///
    /// # Errors
    /// Password outside the rules, not due, out of service.
    pub fn generate(
        self: &Arc<Self>,
        password: Password,
        again: &Password,
        old: Option<Password>,
    ) -> Result<Value, Problem> {
        password.check("password", self.kind())?;
        password.check_again(again)?;
        if let Some((_, problem)) = self.out_of_service() {
            return Err(problem);
        }
        let _work = self.card_work()?;
        let visit = {
            let mut state = lock(&self.state);
            let (visit, generating) = state.generate(Instant::now())?;
            *state = generating;
            visit
        };
        self.stop.store(0, Ordering::SeqCst);
        let kiosk = Arc::clone(self);
        let worker = std::thread::Builder::new()
            .name("generation".to_owned())
            .spawn(move || {
                kiosk.run(&visit, password, old);
                scrub_stack();
            });
        match worker {
            Ok(worker) => *lock(&self.worker) = Some(worker),
            Err(error) => {
                *lock(&self.state) = State::Ended(Ending::Failed, None);
                return Err(Problem::internal(&error));
            }
        }
        Ok(self.progress())
    }

    fn run(&self, visit: &Visit, password: Password, old: Option<Password>) {
        let made = visit::generate(&self.tools(), visit, password, old, self, Timestamp::now());
        let ended = match made {
            Ok(record) => {
                if let Err(error) = self.link.keep_record(&visit.visit, &record) {
                    // The card carries the same record.
                    tracing::error!(%error, "the record cannot be kept");
                }
                tracing::info!(visit = hex::encode(visit.visit), "key stored on the card");
                State::Stored(visit.clone())
            }
            Err(VisitFault::Stopped(ending)) => {
                tracing::info!(?ending, "generation stopped");
                State::Ended(ending, None)
            }
            Err(fault) => {
                let problem = self.note(fault);
                tracing::warn!(%problem, "generation failed");
                let removed = matches!(problem.kind(), Kind::CardRemoved | Kind::CardMissing);
                if removed {
                    State::Ended(Ending::CardPulled, None)
                } else {
                    State::Ended(Ending::Failed, Some(problem.say().clone()))
                }
            }
        };
        self.close(ended);
    }

    /// The resident has read that it is done.
    ///
    /// # Errors
    /// Not due.
    pub fn finish(&self) -> Result<Value, Problem> {
        let mut state = lock(&self.state);
        *state = state.finish()?;
        drop(state);
        Ok(self.progress())
    }

    /// Ends the visit by the resident's wish.
    ///
    /// # Errors
    /// None that matters: where nothing is at work there is nothing to cancel.
    pub fn cancel(&self) -> Result<Value, Problem> {
        self.end(Ending::Cancelled);
        Ok(self.progress())
    }

    /// Changes the password of the key that the resident is at.
    ///
    /// # Errors
    /// Password outside the rules, a wrong old one, card errors.
    pub fn change_password(&self, old: &Password, new: &Password) -> Result<Value, Problem> {
        let kind = self.kind();
        new.check("new", kind)?;
        let _work = self.card_work()?;
        visit::change_password(&self.tools(), kind, old, new).map_err(|f| self.note(f))?;
        self.count("password-changed");
        Ok(json!({
            "step": lock(&self.state).name(),
            "message": {
                "ja": "パスワードを変えました。",
                "en": "The password has been changed.",
            },
        }))
    }

    /// Ends what is at work: a generation is stopped at its next command, a menu's
    /// visit is given up on the card.
    fn end(&self, ending: Ending) {
        lock(&self.entry).wipe();
        let state = lock(&self.state).clone();
        match state {
            State::Generating(..) => self.stop.store(ending as u8 + 1, Ordering::SeqCst),
            State::Menu(visit, _) => {
                let Ok(_work) = self.card_work() else { return };
                self.close(State::Ended(ending, None));
                if let Err(error) = visit::abandon(&self.tools(), &visit) {
                    tracing::info!(%error, "the visit could not be given up on the card");
                }
            }
            State::Holder(..) => self.close(State::Ended(ending, None)),
            State::Idle | State::Stored(_) | State::Ended(..) => {}
        }
    }

    pub(super) fn card_work(&self) -> Result<MutexGuard<'_, ()>, Problem> {
        self.card_work.try_lock().map_err(|_| {
            Problem::new(
                Kind::Running,
                "the card is being worked with",
                "処理中です。そのままお待ちください。",
                "Still working. Please wait.",
            )
        })
    }

    /// Looks after the visit until the kiosk is switched off: card gone, time run out,
    /// health reports. Runs on a thread of its own.
    pub fn watch(self: Arc<Self>) {
        let mut reported: Option<Instant> = None;
        while !self.switched_off.load(Ordering::SeqCst) {
            self.look();
            // A kiosk that was never told that it may work asks more often.
            let pause = match self.link.contact().last {
                Some(_) => self.config.health,
                None => self.config.health.min(Duration::from_secs(2)),
            };
            if reported.is_none_or(|at| at.elapsed() >= pause) {
                self.report();
                reported = Some(Instant::now());
            }
            std::thread::sleep(WATCH);
        }
    }

    fn look(&self) {
        let state = lock(&self.state).clone();
        match &state {
            State::Menu(_, since) | State::Holder(_, since)
                if since.elapsed() > self.config.idle =>
            {
                self.end(Ending::TimedOut);
            }
            State::Generating(_, _, _, since) if since.elapsed() > self.config.generate => {
                self.end(Ending::TimedOut);
            }
            _ => {}
        }
        // While the worker holds the card, it finds out by itself and first.
        let gone = matches!(
            self.reader.presence(),
            Ok(Presence::Empty) | Err(CardFault::NoCard)
        );
        if gone {
            let mut state = lock(&self.state);
            if let Some(mut next) = state.card_gone() {
                // Whoever has changed the password was told to take the card.
                if lock(&self.entry).page == Page::Changed {
                    next = State::Idle;
                }
                self.count(next.name());
                if matches!(next, State::Idle) {
                    self.forget_look();
                }
                *state = next;
            }
        }
        self.tidy(gone);
    }

    fn report(&self) {
        let state = match &*lock(&self.state) {
            State::Idle | State::Ended(..) => "idle",
            State::Menu(..) | State::Holder(..) | State::Generating(..) | State::Stored(_) => {
                "visit"
            }
        };
        let now = Timestamp::now();
        let health = KioskHealthRequest {
            self_test: self.test_self().result.to_owned(),
            software_sha256: self.software_sha256.to_string(),
            state: state.to_owned(),
            time: now.to_string(),
        };
        self.link.report(&health, now);
    }

    /// Ends what is at work and waits for it: on SIGTERM and SIGINT.
    pub fn switch_off(&self) {
        self.switched_off.store(true, Ordering::SeqCst);
        self.end(Ending::SwitchedOff);
        let worker = lock(&self.worker).take();
        if let Some(worker) = worker {
            // The worker ends at its next command to the card.
            let _ = worker.join();
        }
    }
}

impl Progress for Kiosk {
    fn reached(&self, phase: Phase, part: usize, whole: usize) -> Result<(), Ending> {
        lock(&self.state).advance(phase, phase.percent(part, whole));
        match self.stop.load(Ordering::SeqCst) {
            0 => Ok(()),
            code => Err([
                Ending::Done,
                Ending::Cancelled,
                Ending::TimedOut,
                Ending::CardPulled,
                Ending::Failed,
                Ending::SwitchedOff,
            ]
            .into_iter()
            .find(|ending| *ending as u8 + 1 == code)
            .unwrap_or(Ending::Failed)),
        }
    }
}

impl Machine for Kiosk {
    fn watch(self: Arc<Self>) {
        Self::watch(self);
    }

    fn switch_off(&self) {
        Self::switch_off(self);
    }
}
