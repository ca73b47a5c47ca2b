//! The loaded module: initialised, token found, logged in; and all of that again.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;

use super::access::Desk;
use super::outcome::{self, Verdict};
use crate::config::TokenName;
use crate::token::error::Refusal;
use crate::token::health::TokenDescription;
use crate::token::wire::{Failure, Hello};

/// Attempts to start before the worker gives up. Several processes that start on one
/// SoftHSM token at once disturb each other (SoftHSMv2 issue 757): about one start
/// in four fails then, never because of the PIN.
const START_ATTEMPTS: u32 = 10;

/// A module and what is open in it. One per process: a second context of the same
/// module would share its C state.
pub(super) struct Module {
    hello: Hello,
    pkcs11: Pkcs11,
    /// Read by each call for as long as it lasts; written to re-initialise, which
    /// therefore waits for all calls (C_Finalize under a running call is unsafe).
    live: RwLock<Live>,
    /// Written while token objects come or go, read while they are looked for. SoftHSM
    /// fails with GENERAL_ERROR when keys are made while other threads search (seen with
    /// one making thread and four searching). Signing with known handles needs no lock.
    objects: RwLock<()>,
    /// Set once the PIN was refused. From then on no login is tried.
    refused: Mutex<Option<Refusal>>,
}

/// What is open now.
pub(super) struct Live {
    /// Rises with each re-initialisation.
    pub(super) generation: u64,
    pub(super) up: Result<Up, String>,
}

/// An initialised module with its token, logged in.
pub(super) struct Up {
    // Dropped in this order: desks close their sessions, then the anchor.
    pub(super) desks: Vec<Mutex<Desk>>,
    /// Open and idle: closing the last session would log out.
    pub(super) anchor: Mutex<Session>,
    pub(super) slot: Slot,
    pub(super) mechanisms: BTreeSet<u64>,
    pub(super) description: TokenDescription,
}

impl Up {
    pub(super) fn offers(&self, mechanism: MechanismType) -> bool {
        self.mechanisms.contains(&*mechanism)
    }
}

impl Module {
    /// Loads the module and starts it, with patience for other processes that start.
    pub(super) fn start(hello: Hello) -> Result<Self, Failure> {
        let path = hello.module.display();
        let pkcs11 = Pkcs11::new(&hello.module).map_err(|fault| {
            Failure::Away(format!("the module {path} cannot be loaded: {fault}"))
        })?;
        let module = Self {
            pkcs11,
            live: RwLock::new(Live {
                generation: 0,
                up: Err("not started".into()),
            }),
            objects: RwLock::new(()),
            refused: Mutex::new(None),
            hello,
        };
        let mut outcome = module.restart(0);
        for attempt in 1..START_ATTEMPTS {
            match outcome {
                Ok(()) => return Ok(module),
                Err(Failure::Away(_)) => {}
                Err(failure) => return Err(failure),
            }
            std::thread::sleep(pause(attempt));
            outcome = module.restart(u64::from(attempt));
        }
        outcome.map(|()| module)
    }

    /// Holds the module for a call.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the token's objects still while they are looked for.
    pub(super) fn objects_still(&self) -> RwLockReadGuard<'_, ()> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds off all who look for objects while some come or go.
    pub(super) fn objects_change(&self) -> RwLockWriteGuard<'_, ()> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether objects come or go just now.
    pub(super) fn is_changing_objects(&self) -> bool {
        matches!(self.objects.try_read(), Err(TryLockError::WouldBlock))
    }

    pub(super) fn pkcs11(&self) -> &Pkcs11 {
        &self.pkcs11
    }

    /// One more than the number of signing sessions: the last desk makes keys.
    pub(super) fn maker_desk(&self) -> usize {
        usize::from(self.hello.sessions)
    }

    /// The last rung inside this process: drains all calls, then C_Finalize, C_Initialize,
    /// find the token, log in. `seen` is the generation that failed; when another thread
    /// has re-initialised since, nothing is done.
    pub(super) fn restart(&self, seen: u64) -> Result<(), Failure> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if live.generation != seen {
            return match &live.up {
                Ok(_) => Ok(()),
                Err(reason) => Err(Failure::Away(reason.clone())),
            };
        }
        self.allowed()?;
        live.generation += 1;
        // Sessions are closed before the module is finalised: the handle of a stale one
        // could by then belong to a new session.
        live.up = Err("being re-initialised".into());
        let outcome = self.bring_up();
        let (up, outcome) = match outcome {
            Ok(up) => (Ok(up), Ok(())),
            Err(failure) => (Err(failure.words()), Err(failure)),
        };
        live.up = up;
        outcome
    }

    fn allowed(&self) -> Result<(), Failure> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused
            .clone()
            .map_or(Ok(()), |refusal| Err(Failure::Refused(refusal)))
    }

    fn bring_up(&self) -> Result<Up, Failure> {
        // Fails with CRYPTOKI_NOT_INITIALIZED the first time, which is fine.
        let _ = self.pkcs11.clone().finalize();
        let args = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match self.pkcs11.initialize(args) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(fault) => return Err(Failure::Away(outcome::words(&fault))),
        }
        let (slot, info) = self.find_token()?;
        let anchor = self.pkcs11.open_ro_session(slot).map_err(away)?;
        self.log_in(&anchor)?;
        let mechanisms = self.pkcs11.get_mechanism_list(slot).map_err(away)?;
        let mut names: Vec<String> = mechanisms.iter().map(ToString::to_string).collect();
        names.sort();
        let library = self.pkcs11.get_library_info().map_err(away)?;
        let desks = (0..=self.hello.sessions)
            .map(|number| Mutex::new(Desk::new(number == self.hello.sessions)))
            .collect();
        Ok(Up {
            desks,
            anchor: Mutex::new(anchor),
            slot,
            mechanisms: mechanisms.iter().map(|kind| **kind).collect(),
            description: TokenDescription {
                module: format!(
                    "{} {} {}",
                    library.manufacturer_id(),
                    library.library_description(),
                    library.library_version()
                ),
                label: info.label().to_owned(),
                serial: info.serial_number().to_owned(),
                model: format!(
                    "{} {} {}",
                    info.manufacturer_id(),
                    info.model(),
                    info.firmware_version()
                ),
                mechanisms: names,
                worker_pid: std::process::id(),
                generation: 0,
            },
        })
    }

    /// Finds the token by its name. A slot that cannot be read is passed over: it may
    /// be another token's trouble (opencryptoki's clock, an empty reader).
    fn find_token(&self) -> Result<(Slot, TokenInfo), Failure> {
        let mut found = Vec::new();
        let mut unread = None;
        for slot in self.pkcs11.get_slots_with_token().map_err(away)? {
            match self.pkcs11.get_token_info(slot) {
                Ok(info) if self.is_meant(&info) => found.push((slot, info)),
                Ok(_) => {}
                Err(fault) => unread = Some(fault),
            }
        }
        let name = &self.hello.name;
        match (found.pop(), found.is_empty(), unread) {
            (Some(token), true, _) => Ok(token),
            (Some(_), false, _) => Err(Failure::Away(format!(
                "more than one {name} is there: name it by its serial"
            ))),
            (None, _, None) => Err(Failure::Away(format!("no {name} is there"))),
            (None, _, Some(fault)) => Err(Failure::Away(format!(
                "no {name} is there, and a slot cannot be read: {}",
                outcome::words(&fault)
            ))),
        }
    }

    fn is_meant(&self, info: &TokenInfo) -> bool {
        info.token_initialized()
            && match &self.hello.name {
                TokenName::Label(label) => info.label() == label,
                TokenName::Serial(serial) => info.serial_number() == serial,
            }
    }

    /// Logs in. A refused PIN is remembered and never tried again by this process.
    pub(super) fn log_in(&self, session: &Session) -> Result<(), Failure> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refusal) = &*refused {
            return Err(Failure::Refused(refusal.clone()));
        }
        let pin = AuthPin::new(self.hello.pin.clone().into());
        match session.login(UserType::User, Some(&pin)) {
            // Login counts for the application, not the session.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(fault) => match outcome::judge(&fault, "") {
                Verdict::Final(failure) => {
                    *refused = outcome::pin_refusal(&failure);
                    Err(failure)
                }
                // CKR_USER_PIN_NOT_INITIALIZED comes from another process's start, too.
                Verdict::Trouble(reason) => Err(Failure::Away(reason)),
            },
        }
    }

    /// Whether the token itself answers. Another process's login makes SoftHSM fail
    /// here for a moment, so one failure says nothing.
    pub(super) fn token_answers(&self, up: &Up) -> Result<(), String> {
        let mut last = String::new();
        for attempt in 1..=3 {
            let told = {
                let _still = self.objects_still();
                self.pkcs11.get_token_info(up.slot)
            };
            match told {
                Ok(info) if self.is_meant(&info) => return Ok(()),
                Ok(_) => last = format!("no {} is in its slot any more", self.hello.name),
                Err(fault) => last = outcome::words(&fault),
            }
            std::thread::sleep(Duration::from_millis(10 * attempt));
        }
        Err(last)
    }
}

pub(super) fn away(fault: Error) -> Failure {
    match outcome::judge(&fault, "") {
        Verdict::Final(failure) => failure,
        Verdict::Trouble(reason) => Failure::Away(reason),
    }
}

/// A pause that grows, with a part by process number so that rivals drift apart.
fn pause(attempt: u32) -> Duration {
    let own_part = u64::from(std::process::id() % 17) * 3;
    Duration::from_millis(u64::from(attempt) * 15 + own_part)
}
