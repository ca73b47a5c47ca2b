//! Keeps one worker alive: starts it, reads its answers, replaces it when it is lost.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::error::Refusal;
use super::health::{Health, TokenDescription};
use super::link::Link;
use super::wire::{BY_ITSELF, Failure, Frame, FrameReader, Reply};
use crate::config::TokenConfig;
use crate::pin::Pin;

/// Longest pause between two attempts to start a worker.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Shortest such pause.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// A worker that lived this long was well.
const HEALTHY_LIFE: Duration = Duration::from_secs(2);
/// How often the reader looks around when no frame comes.
const LOOK_AROUND: Duration = Duration::from_millis(250);
/// A module may take this long to load and log in.
const START_TIME: Duration = Duration::from_secs(20);
/// Beyond a call's time limit, a silent worker gets this much more.
const SILENCE: Duration = Duration::from_secs(2);

/// What the facade and the supervisor share.
pub(super) struct Shared {
    pub(super) config: TokenConfig,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    link: Option<Arc<Link>>,
    health: Health,
    closing: bool,
    generation: u64,
}

/// How the worker's life ended.
enum Ending {
    /// The program closes the token.
    Closed,
    /// The PIN was refused: not to be tried again.
    PinRefused(Refusal),
    /// It never got to work.
    NotStarted(String),
    /// It worked and was lost.
    Lost(String),
}

impl Shared {
    pub(super) fn new(config: TokenConfig) -> Self {
        Self {
            config,
            state: Mutex::new(State {
                link: None,
                health: Health::Probing,
                closing: false,
                generation: 0,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn health(&self) -> Health {
        self.lock().health.clone()
    }

    /// The pid of the worker, when there is one.
    pub(super) fn worker_pid(&self) -> Option<u32> {
        self.lock().link.as_ref().map(|link| link.pid())
    }

    /// Waits until the token is usable or not, or the deadline has passed.
    pub(super) fn wait(&self, deadline: Instant, enough: impl Fn(&Health) -> bool) -> Health {
        let mut state = self.lock();
        while !enough(&state.health) && !state.closing {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.health.clone()
    }

    /// The worker's link when calls can be made now, or else the health that says why not.
    pub(super) fn usable_link(&self) -> Result<Arc<Link>, Health> {
        let state = self.lock();
        match (&state.link, &state.health) {
            (Some(link), Health::Usable(_)) => Ok(Arc::clone(link)),
            (_, health) => Err(health.clone()),
        }
    }

    /// Takes a link out of use at once, so that the next call waits for its successor.
    pub(super) fn retire(&self, link: &Arc<Link>) {
        let mut state = self.lock();
        if state
            .link
            .as_ref()
            .is_some_and(|now| Arc::ptr_eq(now, link))
        {
            state.link = None;
            if state.health.is_usable() {
                state.health = Health::Probing;
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        let link = state.link.take();
        drop(state);
        self.changed.notify_all();
        if let Some(link) = link {
            link.end();
        }
    }

    fn is_closing(&self) -> bool {
        self.lock().closing
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_usable(&self, mut description: TokenDescription, link: &Arc<Link>) {
        let mut state = self.lock();
        if state.closing {
            return;
        }
        description.worker_pid = link.pid();
        description.generation = state.generation;
        tracing::info!(
            token = %self.config.name, worker = link.pid(), generation = state.generation,
            "token usable"
        );
        state.link = Some(Arc::clone(link));
        state.health = Health::Usable(Arc::new(description));
        drop(state);
        self.changed.notify_all();
    }

    fn set_unusable(&self, reason: String, refusal: Option<Refusal>) {
        let mut state = self.lock();
        let since = match &state.health {
            Health::Unusable { since, .. } => *since,
            _ => {
                tracing::warn!(token = %self.config.name, reason, "token unusable");
                SystemTime::now()
            }
        };
        state.health = Health::Unusable {
            reason,
            since,
            refusal,
        };
        drop(state);
        self.changed.notify_all();
    }

    /// The supervisor: runs on a thread of its own until the token is closed.
    pub(super) fn run(self: &Arc<Self>) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let begun = Instant::now();
            let ending = match self.config.pin.read() {
                Ok(pin) => match self.one_life(&pin) {
                    Ending::PinRefused(refusal) => {
                        self.set_unusable(refusal.to_string(), Some(refusal));
                        self.wait_for_another_pin(&pin);
                        pause = SHORTEST_PAUSE;
                        continue;
                    }
                    ending => ending,
                },
                Err(fault) => Ending::NotStarted(fault.to_string()),
            };
            match ending {
                Ending::Closed | Ending::PinRefused(_) => return,
                Ending::NotStarted(reason) => {
                    self.set_unusable(reason, None);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Ending::Lost(reason) => {
                    tracing::warn!(token = %self.config.name, reason, "worker lost; starting another");
                    // One that breaks down again and again is not started again and again.
                    pause = if begun.elapsed() > HEALTHY_LIFE {
                        SHORTEST_PAUSE
                    } else {
                        (pause * 2).min(LONGEST_PAUSE)
                    };
                }
            }
            let state = self.lock();
            let _ = self
                .changed
                .wait_timeout_while(state, pause, |state| !state.closing);
            if self.is_closing() {
                return;
            }
        }
    }

    /// A wrong PIN is tried once. Only another PIN at the source is a reason to try again.
    fn wait_for_another_pin(&self, refused: &Pin) {
        loop {
            let state = self.lock();
            let _ = self
                .changed
                .wait_timeout_while(state, LONGEST_PAUSE, |state| !state.closing);
            if self.is_closing() {
                return;
            }
            if self
                .config
                .pin
                .read()
                .is_ok_and(|pin| !pin.same_as(refused))
            {
                return;
            }
        }
    }

    /// Starts a worker and reads what it says until its end.
    fn one_life(self: &Arc<Self>, pin: &Pin) -> Ending {
        {
            let mut state = self.lock();
            if state.closing {
                return Ending::Closed;
            }
            state.generation += 1;
        }
        let (link, mut reader) = match Link::start(&self.config, pin) {
            Ok((link, reader)) => (Arc::new(link), reader),
            Err(fault) => {
                let worker = self.config.worker.display();
                return Ending::NotStarted(format!(
                    "the worker {worker} cannot be started: {fault}"
                ));
            }
        };
        let ending = self.listen(&link, &mut reader);
        self.retire(&link);
        link.end();
        if self.is_closing() {
            Ending::Closed
        } else {
            ending
        }
    }

    fn listen(&self, link: &Arc<Link>, reader: &mut FrameReader) -> Ending {
        if let Err(fault) = link.set_reader_pause(LOOK_AROUND) {
            return Ending::Lost(fault.to_string());
        }
        let mut frame = Frame::default();
        let mut heard = Instant::now();
        let mut started = false;
        loop {
            // Asked before each frame: a worker that says every now and then that it
            // is alive leaves no pause in which to ask, and one that was not usable
            // yet when the token was closed is told to end by nobody else.
            if self.is_closing() {
                return Ending::Closed;
            }
            match reader.next(&mut frame) {
                Ok(true) => heard = Instant::now(),
                Ok(false) if started => return Ending::Lost("the worker ended".into()),
                Ok(false) => return Ending::NotStarted("the worker ended while starting".into()),
                Err(fault) if is_pause(&fault) => {
                    if let Some(reason) = self.is_stuck(link, heard, started) {
                        link.kill();
                        return if started {
                            Ending::Lost(reason)
                        } else {
                            Ending::NotStarted(reason)
                        };
                    }
                    continue;
                }
                Err(fault) => return Ending::Lost(fault.to_string()),
            }
            let Ok(reply) = frame.body::<Reply>() else {
                link.kill();
                return Ending::Lost("the worker sent a malformed frame".into());
            };
            if frame.call != BY_ITSELF {
                link.deliver(frame.call, reply);
                continue;
            }
            match reply {
                Reply::Usable(description) => {
                    started = true;
                    self.set_usable(description, link);
                }
                Reply::Gone(reason) => self.set_unusable(reason, None),
                Reply::Alive => {
                    if link.has_hung_call() {
                        link.kill();
                        return Ending::Lost("a call hung in the token".into());
                    }
                }
                Reply::NotStarted(Failure::Refused(
                    refusal @ (Refusal::WrongPin | Refusal::PinLocked),
                )) => return Ending::PinRefused(refusal),
                Reply::NotStarted(failure) => return Ending::NotStarted(failure.words()),
                Reply::Bytes(_)
                | Reply::Keys(_)
                | Reply::Done
                | Reply::Measured(_)
                | Reply::Failed(_) => {
                    link.kill();
                    return Ending::Lost("the worker answered what nobody asked".into());
                }
            }
        }
    }

    fn is_stuck(&self, link: &Link, heard: Instant, started: bool) -> Option<String> {
        let silent = heard.elapsed();
        if !started {
            return (silent > START_TIME.max(self.config.call_timeout))
                .then(|| "the module did not start in time".into());
        }
        if link.has_hung_call() {
            return Some("a call hung in the token".into());
        }
        let silent_too_long = silent > self.config.call_timeout + SILENCE;
        (silent_too_long && !link.is_changing_objects())
            .then(|| "the worker has gone silent".into())
    }
}

impl Failure {
    /// In words, for health pages.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Away(reason) | Self::Unknown(reason) => reason.clone(),
            Self::Refused(refusal) => refusal.to_string(),
            Self::Unsupported(what) => format!("the token does not support {what}"),
        }
    }
}

fn is_pause(fault: &io::Error) -> bool {
    matches!(
        fault.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
