//! The recovery ladder, climbed by each call that meets trouble:
//!
//! 1. find the key again (a logout elsewhere kills all handles for good);
//! 2. open the session again and log in;
//! 3. wait for all other calls, then C_Finalize and C_Initialize
//!    (token files that were put back, a network HSM that was restarted);
//! 4. the keeper goes on with 3, and after a while ends the process for a new one.

use std::sync::PoisonError;

use cryptoki::error::Error;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;

use super::access::Desk;
use super::module::{Module, Up};
use super::outcome::{self, Verdict};
use crate::token::error::Refusal;
use crate::token::key::KeyClass;
use crate::token::wire::Failure;

/// Why a climb stopped.
enum Stop {
    Final(Failure),
    Trouble(String),
}

/// Does something with a key, at a desk. `act` may be called several times and must
/// be safe to repeat.
pub(super) fn with_key<T>(
    module: &Module,
    desk: usize,
    label: &str,
    class: KeyClass,
    act: impl Fn(&Up, &Session, ObjectHandle) -> Result<T, Error>,
) -> Result<T, Failure> {
    climb(module, desk, |up, desk| {
        let mut trouble = String::new();
        for rung in 0..3 {
            if rung == 2 {
                desk.close();
            }
            let found = match desk.key(module, up, label, class) {
                Ok(found) => found,
                Err(Failure::Away(reason)) => {
                    trouble = reason;
                    desk.close();
                    continue;
                }
                Err(failure) => return Err(Stop::Final(failure)),
            };
            let Some((session, handle)) = found else {
                if rung < 2 {
                    continue;
                }
                // Also a token that has vanished lists no keys. Only when the token
                // itself answers is the key really not there.
                return Err(match module.token_answers(up) {
                    Ok(()) => Stop::Final(Failure::Refused(Refusal::NoSuchKey(label.to_owned()))),
                    Err(reason) => Stop::Trouble(reason),
                });
            };
            let fault = match act(up, session, handle) {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            match outcome::judge(&fault, label) {
                // A stale handle may by now be another object's: believe it on the second rung.
                Verdict::Final(failure) if rung > 0 => return Err(Stop::Final(failure)),
                Verdict::Final(failure) => trouble = failure.words(),
                Verdict::Trouble(reason) => trouble = reason,
            }
            desk.forget(label, class);
        }
        Err(Stop::Trouble(trouble))
    })
}

/// Does something with a session, at a desk. `act` may be called several times.
pub(super) fn with_session<T>(
    module: &Module,
    desk: usize,
    act: impl Fn(&Up, &Session) -> Result<T, Error>,
) -> Result<T, Failure> {
    climb(module, desk, |up, desk| {
        let mut trouble = String::new();
        for _rung in 0..2 {
            match desk.session(module, up) {
                Ok(session) => match act(up, session) {
                    Ok(value) => return Ok(value),
                    Err(fault) => match outcome::judge(&fault, "") {
                        Verdict::Final(failure) => return Err(Stop::Final(failure)),
                        Verdict::Trouble(reason) => trouble = reason,
                    },
                },
                Err(Failure::Away(reason)) => trouble = reason,
                Err(failure) => return Err(Stop::Final(failure)),
            }
            desk.close();
        }
        Err(Stop::Trouble(trouble))
    })
}

/// The upper rungs: try, re-initialise once, try again.
fn climb<T>(
    module: &Module,
    desk: usize,
    attempt: impl Fn(&Up, &mut Desk) -> Result<T, Stop>,
) -> Result<T, Failure> {
    let mut restarted = false;
    loop {
        let live = module.read();
        let seen = live.generation;
        let up = match &live.up {
            Ok(up) => up,
            Err(reason) => return Err(Failure::Away(reason.clone())),
        };
        let outcome = {
            let mut desk = up.desks[desk]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            attempt(up, &mut desk)
        };
        drop(live);
        let trouble = match outcome {
            Ok(value) => return Ok(value),
            Err(Stop::Final(failure)) => return Err(failure),
            Err(Stop::Trouble(trouble)) => trouble,
        };
        if restarted {
            return Err(Failure::Away(trouble));
        }
        tracing::warn!(trouble, "re-initialising the module");
        module.restart(seen)?;
        restarted = true;
    }
}
