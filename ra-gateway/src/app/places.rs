//! Where and when a window works. Without a file of places every registered operator works
//! at every terminal of the municipality, at any hour.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use pki_core::{
    application::certificate_kind::CertificateKind,
    calendar::JapaneseDay,
    id::{OperatorId, TerminalId},
    places::{Place, Places},
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::{Operator, Supervisor, Terminal},
    refusal::{Failure, ItemError, Reason, Refused, refuse},
};
use crate::port::Extension;

/// Longest reason of an extension, in characters.
const REASON_CHARS_MAX: usize = 200;

/// The file of places as it was last read from the database.
#[derive(Default)]
pub struct KnownPlaces(Mutex<Option<Arc<Places>>>);

fn foreign<T>() -> Result<T, Failure> {
    refuse(
        Reason::PlaceForbids,
        "this terminal is not in the prefecture's file of places, or you do not work there",
    )
}

/// A moment as people read it at the window: the Japanese clock.
fn clock(at: Timestamp) -> String {
    let local = jiff::tz::Offset::constant(9).to_datetime(at);
    format!("{} {:02}:{:02}", local.date(), local.hour(), local.minute())
}

impl App {
    /// The file that counts now; parsed again only when another was loaded.
    fn known_places(&self) -> Result<Option<Arc<Places>>, Failure> {
        let Some(version) = self.store.places_version()? else {
            return Ok(None);
        };
        let mut known = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known
            .as_ref()
            .is_none_or(|known| known.version() != version)
        {
            let Some(loaded) = self.store.places()? else {
                return Ok(None);
            };
            let read = Places::from_toml(&loaded.file)
                .map_err(|fault| Failure::Broken(Box::new(fault)))?;
            *known = Some(Arc::new(read));
        }
        Ok(known.clone())
    }

    /// Whether the operator works at the place where the terminal stands.
    pub(super) fn employed(
        &self,
        terminal: &Terminal,
        operator: &OperatorId,
    ) -> Result<(), Failure> {
        match self.known_places()? {
            Some(places) if !places.of(terminal.id).is_some_and(|p| p.employs(operator)) => {
                foreign()
            }
            _ => Ok(()),
        }
    }

    /// The profile of a kind of certificate, where it is issued and applied for at the operator's
    /// place.
    pub(super) fn profile_here(
        &self,
        operator: &Operator,
        kind: CertificateKind,
    ) -> Result<&str, Failure> {
        let Some((profile, _)) = self.settings.of(kind) else {
            return refuse(
                Reason::PlaceForbids,
                "certificates of this kind are not issued in this prefecture",
            );
        };
        if let Some(places) = self.known_places()? {
            match places.of(operator.terminal.id) {
                Some(place) => applied_for(place, profile)?,
                None => return foreign(),
            }
        }
        Ok(profile)
    }

    /// Whether applicants are served at the operator's terminal now.
    pub(super) fn window_open(&self, operator: &Operator, now: Timestamp) -> Result<(), Failure> {
        let Some(places) = self.known_places()? else {
            return Ok(());
        };
        let Some(place) = places.of(operator.terminal.id) else {
            return foreign();
        };
        applied_for(place, &self.settings.profile)?;
        let extended =
            self.store
                .extended(&place.municipality, &place.name, JapaneseDay::of(now))?;
        place.open(now, extended).or_else(|closed| {
            refuse(
                Reason::WindowClosed,
                match closed.opens {
                    Some(opens) => format!("the window is closed and opens {}", clock(opens)),
                    None => "the window is closed for more than a month".to_owned(),
                },
            )
        })
    }

    /// The operator's place and its shift, for the office page.
    pub fn place(&self, operator: &Operator) -> Result<ra::PlaceView, Failure> {
        let now = self.clock.now();
        let closed = match self.window_open(operator, now) {
            Ok(()) => None,
            Err(Failure::Refused(refused)) => Some(refused.detail),
            Err(other) => return Err(other),
        };
        let (name, version, extended) = match self.known_places()? {
            None => (None, None, None),
            Some(places) => {
                let place = places.of(operator.terminal.id);
                let day = JapaneseDay::of(now);
                let extended = place
                    .map(|place| self.store.extended(&place.municipality, &place.name, day))
                    .transpose()?
                    .flatten();
                let name = place.map(|place| place.name.clone());
                (name, Some(places.version().to_owned()), extended)
            }
        };
        Ok(ra::PlaceView {
            name,
            version,
            closed,
            extended_until: extended.map(|until| until.to_string()),
            shift: self.shift_shown(operator.terminal.id)?,
        })
    }

    fn shift_shown(&self, terminal: TerminalId) -> Result<Option<ra::ShiftMessage>, Failure> {
        Ok(self.store.shift(&terminal)?.map(super::shift::shown))
    }

    /// Keeps the supervisor's place open longer, today.
    pub fn extend_opening(
        &self,
        supervisor: &Supervisor,
        request: &ra::OpeningRequest,
    ) -> Result<ra::PlaceView, Failure> {
        let now = self.clock.now();
        let mut entry = supervisor.entry("extend-opening");
        let outcome = (|| {
            let item = |pointer: &str, detail: &str| -> Failure {
                Refused::items(vec![ItemError {
                    pointer: pointer.to_owned(),
                    detail: detail.to_owned(),
                }])
                .into()
            };
            let until: Timestamp = request
                .until
                .parse()
                .map_err(|_| item("/until", "must be a time like 2026-11-24T19:00:00+09:00"))?;
            let today = JapaneseDay::of(now);
            if until <= now || JapaneseDay::of(until) != today {
                return Err(item("/until", "must lie ahead, and today"));
            }
            let reason = request.reason.trim();
            let length = reason.chars().count();
            if !(1..=REASON_CHARS_MAX).contains(&length) || reason.chars().any(char::is_control) {
                return Err(item("/reason", "must be 1 to 200 characters"));
            }
            let places = self.known_places()?;
            let Some(place) = places
                .as_ref()
                .and_then(|places| places.of(supervisor.terminal.id))
            else {
                return refuse(
                    Reason::PlaceForbids,
                    "there is no file of places: this window has no hours to extend",
                );
            };
            let id = hex::encode(self.entropy.id());
            entry.reference = Some(format!("until {}", clock(until)));
            let extension = Extension {
                sealed: self
                    .vault
                    .seal(&format!("opening-extension {id}"), reason.as_bytes())?,
                id,
                municipality: place.municipality,
                place: place.name.clone(),
                day: today,
                until,
                operator: supervisor.operator.clone(),
                at: now,
            };
            Ok(self.store.extend(&extension, &entry)?)
        })();
        self.audited(&entry, now, outcome)?;
        self.place(supervisor)
    }
}

fn applied_for(place: &Place, profile: &str) -> Result<(), Failure> {
    if place.profiles.iter().any(|known| known == profile) {
        return Ok(());
    }
    refuse(
        Reason::PlaceForbids,
        "certificates of this kind are not applied for at this place",
    )
}
