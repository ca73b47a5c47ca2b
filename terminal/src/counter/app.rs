//! The window PC as a whole.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::config::CounterConfig;
use super::disclosure::Paper;
use super::idle::{ASK, Locked, Reason};
use super::pending::PendingActs;
use super::sign_in::Session;
use crate::card::operator::read_operator;
use crate::card::personalise::Personalisation;
use crate::card::reader::with_card;
use crate::card::{CardFault, Presence, Reader};
use crate::gateway::{Gateway, GatewayFault, Method};
use crate::local::serve::Machine;
use crate::local::{Kind, Problem};
use crate::party::PartyKey;

/// How long what was read of a card is shown before it is read again.
const CARD_SHOWN: Duration = Duration::from_secs(2);
/// Pause between two looks for the gateway.
const LOOK: Duration = Duration::from_secs(10);

/// The window PC. Shared by the server's threads.
pub struct Counter {
    pub(super) config: CounterConfig,
    gateway: Box<dyn Gateway>,
    pub(super) resident_reader: Box<dyn Reader>,
    pub(super) operator_reader: Box<dyn Reader>,
    pub(super) key: PartyKey,
    pub(super) session: Mutex<Option<Session>>,
    pub(super) pending: PendingActs,
    /// Certificates as read back from the card, by application.
    pub(super) read_back: Mutex<HashMap<String, Vec<u8>>>,
    pub(super) font: Arc<Vec<u8>>,
    /// Held by the one step that works with the resident's card.
    card_work: Mutex<()>,
    /// Held by whoever talks to that card: such a step, or the short look for the screen's head.
    card_talk: Mutex<()>,
    /// The answer to a request for disclosure that was fetched last.
    pub(super) paper: Mutex<Option<Paper>>,
    seen: Mutex<Option<(Instant, Value)>>,
    /// When a key was pressed last.
    pub(super) used: Mutex<Instant>,
    /// What took the last session away.
    pub(super) locked: Mutex<Option<Locked>>,
    gateway_up: AtomicBool,
    switched_off: AtomicBool,
}

/// What a window PC is made of.
pub struct Parts {
    /// Checked configuration.
    pub config: CounterConfig,
    /// The link to the gateway.
    pub gateway: Box<dyn Gateway>,
    /// The reader of the resident's card.
    pub resident_reader: Box<dyn Reader>,
    /// The reader of the operator's card.
    pub operator_reader: Box<dyn Reader>,
    /// The enrolled key.
    pub key: PartyKey,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counter {
    /// Puts a window PC together.
    ///
    /// # Errors
    /// When the state folder cannot be made or the font cannot be read.
    pub fn new(parts: Parts) -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            pending: PendingActs::new(&parts.config.state)?,
            font: Arc::new(std::fs::read(&parts.config.print.font)?),
            config: parts.config,
            gateway: parts.gateway,
            resident_reader: parts.resident_reader,
            operator_reader: parts.operator_reader,
            key: parts.key,
            session: Mutex::new(None),
            read_back: Mutex::new(HashMap::new()),
            card_work: Mutex::new(()),
            card_talk: Mutex::new(()),
            paper: Mutex::new(None),
            seen: Mutex::new(None),
            used: Mutex::new(Instant::now()),
            locked: Mutex::new(None),
            gateway_up: AtomicBool::new(false),
            switched_off: AtomicBool::new(false),
        }))
    }

    /// The link to the gateway.
    pub fn gateway(&self) -> &dyn Gateway {
        self.gateway.as_ref()
    }

    /// Takes the resident's card for one step. A look of the screen's head is waited for: it is short, and
    /// nobody pressed it.
    ///
    /// # Errors
    /// [`Kind::Running`] while another step has it.
    pub fn card_work(&self) -> Result<[MutexGuard<'_, ()>; 2], Problem> {
        let work = self.card_work.try_lock().map_err(|_| {
            Problem::new(
                Kind::Running,
                "another step is working with the card",
                "カードを処理中です。終わるまでお待ちください。",
                "The card is being worked with. Wait until it is done.",
            )
        })?;
        let talk = lock(&self.card_talk);
        *lock(&self.seen) = None;
        Ok([work, talk])
    }

    /// What the screen's head needs to know.
    pub fn status(&self) -> Value {
        json!({
            "terminal": self.config.terminal.to_string(),
            "readers": {
                "resident": self.resident_status(),
                "operator": self.operator_status(),
            },
            "operator": self.operator_at_work(),
            "locked": self.locked().map(|locked| match locked.reason {
                Reason::Pressed => "pressed",
                Reason::Idle => "idle",
                Reason::Suspended => "suspended",
            }),
            "gateway": if self.gateway_up.load(Ordering::Relaxed) { "up" } else { "down" },
            "pending": self.pending.all().iter().map(|p| p.application.to_string()).collect::<Vec<_>>(),
        })
    }

    /// Id of the clerk at work.
    pub fn operator(&self) -> Option<String> {
        let place = lock(&self.session);
        place.as_ref().map(|session| session.operator.to_string())
    }

    fn operator_at_work(&self) -> Value {
        // A step may hold the session for as long as it takes.
        let Ok(mut place) = self.session.try_lock() else {
            return json!({"busy": true});
        };
        if let Some(session) = place.as_mut()
            && session.card.check().is_err()
        {
            *place = None;
        }
        place.as_ref().map_or(Value::Null, Session::shown)
    }

    fn operator_status(&self) -> Value {
        let name = self.operator_reader.name();
        match self.operator_reader.presence() {
            Err(fault) => json!({"name": name, "card": null, "fault": fault.to_string()}),
            Ok(Presence::Empty) => json!({"name": name, "card": null}),
            Ok(Presence::Card) => {
                let id = match self.session.try_lock() {
                    Ok(place) => match place.as_ref() {
                        Some(session) => Some(session.operator.to_string()),
                        None => read_operator(self.operator_reader.as_ref()).ok().flatten(),
                    },
                    Err(_) => None,
                };
                json!({"name": name, "card": {"id": id}})
            }
        }
    }

    fn resident_status(&self) -> Value {
        let name = self.resident_reader.name();
        match self.resident_reader.presence() {
            Err(fault) => {
                *lock(&self.seen) = None;
                json!({"name": name, "card": null, "fault": fault.to_string()})
            }
            Ok(Presence::Empty) => {
                *lock(&self.seen) = None;
                json!({"name": name, "card": null})
            }
            Ok(Presence::Card) => json!({"name": name, "card": self.card_seen()}),
        }
    }

    fn card_seen(&self) -> Value {
        if let Some((at, card)) = &*lock(&self.seen)
            && at.elapsed() < CARD_SHOWN
        {
            return card.clone();
        }
        let Ok(_talk) = self.card_talk.try_lock() else {
            return json!({"busy": true});
        };
        let read = with_card(self.resident_reader.as_ref(), |card| {
            Personalisation::select(card)?.card_record()
        });
        let card = match read {
            Ok(record) => json!({"id": hex::encode(record.card), "state": record.state}),
            Err(fault) => {
                let foreign = fault == CardFault::Foreign;
                json!({"foreign": foreign, "fault": fault.to_string()})
            }
        };
        *lock(&self.seen) = Some((Instant::now(), card.clone()));
        card
    }

    /// Looks for the gateway and after the screen until switched off. Runs on a thread of its
    /// own.
    pub fn watch(self: Arc<Self>) {
        let mut looked: Option<Instant> = None;
        let mut asked = Instant::now();
        while !self.switched_off.load(Ordering::SeqCst) {
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                let answer = self.gateway.call(Method::Get, "/openapi.json", None, None);
                let up = !matches!(answer, Err(GatewayFault::Away(_)));
                if self.gateway_up.swap(up, Ordering::Relaxed) != up {
                    tracing::info!(up, "gateway");
                }
                looked = Some(Instant::now());
            }
            self.watch_idle();
            if asked.elapsed() >= ASK {
                self.watch_standing();
                asked = Instant::now();
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Signs the operator out and ends the watch.
    pub fn switch_off(&self) {
        self.switched_off.store(true, Ordering::SeqCst);
        self.sign_out();
    }
}

impl Machine for Counter {
    fn watch(self: Arc<Self>) {
        Self::watch(self);
    }

    fn switch_off(&self) {
        Self::switch_off(self);
    }
}
