//! Keeps watch over the token, so that its absence is known before a call meets it.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use cryptoki::session::SessionState;

use super::Worker;
use super::module::Up;
use super::outcome;
use crate::token::wire::{BY_ITSELF, Failure, Reply};

/// How often the token is looked at.
const WATCH: Duration = Duration::from_millis(250);
/// How often it is sought while it is gone.
const SEEK: Duration = Duration::from_millis(200);
/// How long this process seeks before it makes place for a new one.
const PATIENCE: Duration = Duration::from_secs(10);

impl Worker {
    /// Tells the other end how the token is, until the worker ends.
    pub(super) fn keep(&self) {
        let mut told_usable = false;
        let mut gone_since: Option<Instant> = None;
        loop {
            let (generation, state) = self.look();
            let news = match state {
                Ok(description) => {
                    gone_since = None;
                    if told_usable {
                        Reply::Alive
                    } else {
                        told_usable = true;
                        Reply::Usable(description)
                    }
                }
                Err(reason) => {
                    let since = *gone_since.get_or_insert_with(Instant::now);
                    match self.module.restart(generation) {
                        Ok(()) => continue,
                        Err(Failure::Away(_)) if since.elapsed() < PATIENCE => {}
                        Err(failure) => {
                            // A fresh process, or an operator who corrects the PIN.
                            let _ = self
                                .writer
                                .send(BY_ITSELF, &Reply::NotStarted(failure), false);
                            return;
                        }
                    }
                    told_usable = false;
                    Reply::Gone(reason)
                }
            };
            if self.writer.send(BY_ITSELF, &news, false).is_err() {
                return;
            }
            std::thread::sleep(if told_usable { WATCH } else { SEEK });
        }
    }

    /// Looks at token and anchor.
    fn look(&self) -> (u64, Result<crate::token::health::TokenDescription, String>) {
        let live = self.module.read();
        let state = match &live.up {
            Err(reason) => Err(reason.clone()),
            // Making a key may take long; a word that we are alive must not wait for it.
            Ok(up) if self.module.is_changing_objects() => Ok(up.description.clone()),
            Ok(up) => self
                .module
                .token_answers(up)
                .and_then(|()| self.anchor_holds(up))
                .map(|()| up.description.clone()),
        };
        (live.generation, state)
    }

    /// The anchor session must still be open and logged in; a logout is mended here.
    fn anchor_holds(&self, up: &Up) -> Result<(), String> {
        let anchor = up.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let info = anchor
            .get_session_info()
            .map_err(|fault| outcome::words(&fault))?;
        match info.session_state() {
            SessionState::RoUser | SessionState::RwUser => Ok(()),
            _ => self
                .module
                .log_in(&anchor)
                .map_err(|failure| failure.words()),
        }
    }
}
