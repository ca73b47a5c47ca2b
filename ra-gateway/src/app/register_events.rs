//! What the register did to certificates (異動等失効, Art 12), as the authority tells it: the
//! resident at the window is told, and the next application follows from it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use pki_core::{
    application::cause::ApplicationKind, person::municipality::MunicipalityCode,
    revocation::register_event::RegisterEventKind,
};

use super::{App, refusal::Failure};

/// Most lists that are asked for in one request; the rest follows with the next one.
const LISTS: usize = 40;

/// What was told so far: nothing of it is personal, and it is asked for anew after a restart.
#[derive(Default)]
pub struct RegisterEvents(Mutex<BTreeMap<MunicipalityCode, Told>>);

#[derive(Clone, Default)]
struct Told {
    up_to: u64,
    by_serial: HashMap<String, RegisterEventKind>,
}

/// The event that revoked a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub kind: RegisterEventKind,
    /// What the resident may apply for because of it.
    pub next: Option<ApplicationKind>,
}

impl App {
    /// The register event that revoked this certificate of a municipality, if the authority
    /// has told it.
    pub(super) fn register_event(
        &self,
        municipality: MunicipalityCode,
        serial: &str,
    ) -> Result<Option<Event>, Failure> {
        let mut told = self
            .events
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&municipality)
            .cloned()
            .unwrap_or_default();
        let known = |told: &Told| {
            told.by_serial.get(serial).map(|kind| Event {
                kind: *kind,
                next: kind.next_application(),
            })
        };
        for _ in 0..LISTS {
            if let Some(event) = known(&told) {
                return Ok(Some(event));
            }
            let list = self
                .authority
                .register_revocations(&municipality.to_string(), told.up_to)?;
            if list.told <= told.up_to {
                break;
            }
            told.up_to = list.told;
            for one in list.revocations {
                if let Ok(kind) = one.kind.parse() {
                    told.by_serial.insert(one.serial, kind);
                }
            }
            let mut kept = self.events.0.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = kept.entry(municipality).or_default();
            if kept.up_to < told.up_to {
                kept.clone_from(&told);
            }
        }
        Ok(known(&told))
    }
}
