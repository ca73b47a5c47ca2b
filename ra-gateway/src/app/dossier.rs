//! An application out of the database and back into it: read, decided on, changed once.

use jiff::Timestamp;
use pki_core::{
    application::{Application, certificate_kind::CertificateKind, statistics::Event},
    id::{ApplicationId, ResidentNumber},
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::{Clerk, Operator},
    refusal::{Failure, Reason, Refused, refuse},
    view,
};
use crate::port::{AdvanceError, Change, Effect, Index, StoredApplication};

/// An application as read.
pub(super) struct Dossier {
    /// What the database says of it.
    pub stored: StoredApplication,
    /// Where it stands.
    pub state: Application,
}

/// What a use-case decided.
pub(super) enum Move {
    /// The step was taken before: nothing changes.
    Stay(Application),
    /// The application comes to this state.
    Go(Application, Vec<Effect>),
}

impl From<Application> for Move {
    fn from(state: Application) -> Self {
        Self::Go(state, Vec::new())
    }
}

/// The refusal where another step is due.
pub(super) fn not_due<T>(state: &Application) -> Result<T, Failure> {
    refuse(
        Reason::StepNotDue,
        format!("the application stands at `{}`", state.step()),
    )
}

/// The row's name, which sealed bytes are bound to.
fn context(id: &ApplicationId) -> String {
    format!("application {id}")
}

impl App {
    /// An application of the operator's municipality. Another's is not there.
    pub(super) fn dossier(
        &self,
        operator: &Operator,
        id: &ApplicationId,
    ) -> Result<Dossier, Failure> {
        let stored = self
            .store
            .application(id, &operator.municipality())?
            .ok_or_else(not_found)?;
        self.opened(stored)
    }

    /// A stored application with its seal opened.
    pub(super) fn opened(&self, stored: StoredApplication) -> Result<Dossier, Failure> {
        let json = self.vault.open(&context(&stored.id), &stored.sealed)?;
        let state =
            Application::from_stored(&json).map_err(|fault| Failure::Broken(Box::new(fault)))?;
        Ok(Dossier { stored, state })
    }

    /// Seals a state for its row.
    pub(super) fn sealed(&self, state: &Application) -> Result<Vec<u8>, Failure> {
        let json = zeroize::Zeroizing::new(state.to_stored());
        Ok(self.vault.seal(&context(&state.case().id), &json)?)
    }

    /// What a state can be found by.
    pub(super) fn index(&self, state: &Application) -> Result<Index, Failure> {
        Ok(Index {
            resident_hash: resident(state)
                .map(|number| {
                    self.vault
                        .keyed_hash("resident", number.as_str().as_bytes())
                })
                .transpose()?,
            visit: state.card_prepared().map(|prepared| prepared.visit.visit),
            spki_sha256: state
                .key_read()
                .map(|read| *read.key.spki_sha256.as_bytes()),
            issue_key: state
                .characters_settled()
                .and_then(|settled| settled.intent.as_ref())
                .map(|intent| intent.idempotency_key),
            serial: state
                .issued()
                .map(|issued| issued.certificate.serial.to_string()),
        })
    }

    /// The change that brings a dossier to another state.
    pub(super) fn change(
        &self,
        dossier: &StoredApplication,
        state: &Application,
        effects: Vec<Effect>,
        now: Timestamp,
    ) -> Result<Change, Failure> {
        Ok(Change {
            id: dossier.id,
            municipality: dossier.municipality,
            expected: dossier.version,
            step: state.step().as_str().to_owned(),
            open: state.step().is_open(),
            now,
            index: self.index(state)?,
            sealed: self.sealed(state)?,
            effects,
        })
    }

    /// Writes a change under the clerk's name; the dossier stands at the new state after it.
    pub(super) fn advance(
        &self,
        clerk: &Clerk,
        act: &'static str,
        dossier: &mut Dossier,
        state: Application,
        effects: Vec<Effect>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let mut effects = effects;
        effects.extend(Event::of(&dossier.state, &state, now).map(Effect::Count));
        let change = self.change(&dossier.stored, &state, effects, now)?;
        let mut entry = clerk.entry(act);
        entry.application = Some(dossier.stored.id);
        entry.reference = change
            .index
            .serial
            .clone()
            .or(change.index.visit.map(|visit| visit.to_string()));
        self.store
            .advance(&change, &entry)
            .map_err(|error| match error {
                AdvanceError::Taken => taken(act).into(),
                other => Failure::from(other),
            })?;
        metrics::counter!("ra_steps_total", "act" => act).increment(1);
        dossier.stored.version += 1;
        dossier.stored.step = change.step;
        dossier.stored.open = change.open;
        dossier.stored.index = change.index;
        dossier.state = state;
        Ok(())
    }

    /// One step: read, decide, change once; what is refused is audited.
    pub(super) fn walk(
        &self,
        clerk: &Clerk,
        id: &str,
        act: &'static str,
        decide: impl FnOnce(&StoredApplication, Application, Timestamp) -> Result<Move, Failure>,
    ) -> Result<ra::Application, Failure> {
        let now = self.clock.now();
        self.with_dossier(clerk, id, act, now, |dossier| {
            match decide(&dossier.stored, dossier.state.clone(), now)? {
                Move::Stay(state) => dossier.state = state,
                Move::Go(state, effects) => {
                    self.advance(clerk, act, dossier, state, effects, now)?;
                }
            }
            Ok(())
        })
    }

    /// Several changes in one request, each of its own; what is refused is audited.
    pub(super) fn with_dossier(
        &self,
        operator: &Operator,
        id: &str,
        act: &'static str,
        now: Timestamp,
        work: impl FnOnce(&mut Dossier) -> Result<(), Failure>,
    ) -> Result<ra::Application, Failure> {
        let mut entry = operator.entry(act);
        let outcome = (|| {
            let id: ApplicationId = id.parse().map_err(|_| not_found())?;
            entry.application = Some(id);
            let mut dossier = self.dossier(operator, &id)?;
            work(&mut dossier)?;
            Ok(self.view(&dossier))
        })();
        self.audited(&entry, now, outcome)
    }

    /// The application as its terminal sees it.
    pub(super) fn view(&self, dossier: &Dossier) -> ra::Application {
        view::application(
            &dossier.stored,
            &dossier.state,
            self.settings
                .of(dossier.state.case().certificate_kind)
                .map_or("", |(profile, _)| profile),
            CertificateKind::ALL.into_iter().find(|kind| {
                *kind != dossier.state.case().certificate_kind && self.settings.of(*kind).is_some()
            }),
            self.settings.fees.yen(dossier.state.case().kind),
            self.settings.open_days,
        )
    }
}

fn not_found() -> Failure {
    Refused::new(
        Reason::NotFound,
        "there is no such application in this municipality",
    )
    .into()
}

/// What was unique and is not.
fn taken(act: &str) -> Refused {
    match act {
        "read-public-key" => Refused::new(
            Reason::PublicKeyReused,
            "this key was used in another application; send the card to the kiosk again",
        ),
        "prepare-card" => Refused::new(
            Reason::VisitForeign,
            "this visit was opened before; start again",
        ),
        _ => Refused::new(
            Reason::KeyReused,
            "the idempotency key was used in another application; draw a new one",
        ),
    }
}

/// The step in a message.
pub(super) const fn step(state: &Application) -> ra::Step {
    match state {
        Application::Received(_) => ra::Step::Received,
        Application::InquirySent(_) => ra::Step::InquirySent,
        Application::Identified(_) => ra::Step::Identified,
        Application::CardPrepared(_) => ra::Step::CardPrepared,
        Application::KeyRead(_) => ra::Step::KeyRead,
        Application::CharactersSettled(_) => ra::Step::CharactersSettled,
        Application::Issued(_) => ra::Step::Issued,
        Application::Confirmed(_) => ra::Step::Confirmed,
        Application::Written(_) => ra::Step::Written,
        Application::Paid(_) => ra::Step::Paid,
        Application::HandedOver(_) => ra::Step::HandedOver,
        Application::Refused(_) => ra::Step::Refused,
        Application::Cancelled(_) => ra::Step::Cancelled,
        Application::Revoked(_) => ra::Step::Revoked,
    }
}

/// The resident's number: from the register once identified, from the form before.
pub(super) fn resident(state: &Application) -> Option<&ResidentNumber> {
    match state {
        Application::Identified(identified) => Some(&identified.resident),
        other => other
            .card_prepared()
            .map(|prepared| &prepared.resident)
            .or(other.case().resident.as_ref()),
    }
}
