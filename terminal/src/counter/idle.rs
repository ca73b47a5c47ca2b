//! The lock of a screen that nobody works at: after some minutes without a key the session
//! ends, here and at the gateway. And what took a session away, for the page that says so.

use std::time::{Duration, Instant};

use pki_core::id::OperatorId;

use super::app::{Counter, lock};
use crate::gateway::{GatewayFault, Method};

/// How often the gateway is asked whether the operator at work may go on.
pub(super) const ASK: Duration = Duration::from_secs(5);

/// Why nobody is at work any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody pressed the lock.
    Pressed,
    /// Nobody pressed a key for the configured time.
    Idle,
    /// The gateway does not let this operator, or this terminal, go on.
    Suspended,
}

/// A session that was taken from the screen.
#[derive(Clone, Debug)]
pub struct Locked {
    pub reason: Reason,
    pub operator: OperatorId,
    /// The operator's name as it was in the head.
    pub label: String,
}

impl Counter {
    /// Why the screen is locked, and whose work it is.
    pub fn locked(&self) -> Option<Locked> {
        lock(&self.locked).clone()
    }

    /// Who comes after a lock: whether it is another operator than before, who then takes
    /// the window over (交代).
    pub(super) fn unlocked(&self, operator: &OperatorId) -> bool {
        let before = lock(&self.locked).take();
        before.is_some_and(|before| before.operator != *operator)
    }

    /// A key was pressed, or a page asked for.
    pub fn awake(&self) {
        *lock(&self.used) = Instant::now();
    }

    /// For how long nobody has pressed a key.
    pub fn idle_for(&self) -> Duration {
        lock(&self.used).elapsed()
    }

    /// Whether nobody has pressed a key for too long.
    pub(super) fn idle(&self) -> bool {
        self.idle_for() >= self.config.idle_lock
    }

    /// Ends the session and notes why.
    pub fn lock_screen(&self, reason: Reason) {
        *lock(&self.paper) = None;
        let Some(session) = lock(&self.session).take() else {
            return;
        };
        self.note_lock(reason, &session);
        self.end_session(&session);
        tracing::info!(operator = %session.operator, ?reason, "locked");
    }

    pub(super) fn note_lock(&self, reason: Reason, session: &super::sign_in::Session) {
        *lock(&self.locked) = Some(Locked {
            reason,
            operator: session.operator.clone(),
            label: session.label().to_owned(),
        });
    }

    /// Locks when it is time. A step that is under way has the session; it is looked at again.
    pub(super) fn watch_idle(&self) {
        let at_work = (self.session.try_lock()).is_ok_and(|place| place.is_some());
        if at_work && self.idle() {
            self.lock_screen(Reason::Idle);
        }
    }

    /// Asks the gateway whether the operator at work may go on: who was suspended is told at
    /// once and not at the next press.
    pub(super) fn watch_standing(&self) {
        let token = match self.session.try_lock() {
            Ok(place) => place.as_ref().map(|session| session.token().to_owned()),
            Err(_) => None,
        };
        let Some(token) = token else { return };
        let answer = self
            .gateway()
            .call(Method::Get, "/v1/place", Some(&token), None);
        if let Err(fault) = answer {
            self.heed_standing(&fault, Some(&token));
        }
    }

    /// Takes the session away when the answer says that operator or terminal is suspended:
    /// that of the token which was asked with, for another may have signed in meanwhile.
    pub(super) fn heed_standing(&self, fault: &GatewayFault, token: Option<&str>) {
        if fault.problem_type() != Some("party-suspended") {
            return;
        }
        let mut place = lock(&self.session);
        let taken = place.take_if(|session| token.is_none_or(|token| session.token() == token));
        if let Some(session) = taken {
            self.note_lock(Reason::Suspended, &session);
            tracing::info!(operator = %session.operator, "suspended");
        }
    }
}
