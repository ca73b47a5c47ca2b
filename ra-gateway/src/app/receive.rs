//! Step 1: The application form is taken in.

use pki_core::{
    application::{
        Application,
        cause::ApplicationKind,
        states::{Case, Received as ReceivedState},
        transitions::StepFault,
    },
    calendar::JapaneseDay,
    id::ApplicationId,
    person::four_items::{FourItems, FourItemsInput},
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::{Clerk, Operator},
    dossier::Dossier,
    look_up::item_errors,
    refusal::{Failure, ItemError, Reason, Refused, parse, refuse},
    view,
};
use crate::port::{Received, StoredApplication};

/// Most applications in one list.
const MOST: u32 = 200;

impl App {
    /// Takes an application in. A repeat with the same idempotency key answers with the
    /// first one, if it asks for the same.
    pub fn receive(
        &self,
        clerk: &Clerk,
        request: &ra::ReceiveRequest,
    ) -> Result<ra::Application, Failure> {
        let now = self.clock.now();
        let entry = clerk.entry("receive");
        let outcome = (|| {
            let items = FourItems::parse(FourItemsInput {
                name: &request.items.name,
                birth_date: &request.items.birth_date,
                sex: &request.items.sex,
                address: &request.items.address,
            })
            .map_err(|faults| Refused::items(item_errors("/items", &faults)))?;
            let case = Case {
                id: ApplicationId::from_bytes(self.entropy.id()),
                kind: match request.kind {
                    ra::ApplicationKind::First => ApplicationKind::First,
                },
                terminal: clerk.terminal.id,
                operator: clerk.operator.clone(),
                idempotency_key: parse("/idempotency_key", &request.idempotency_key)?,
                resident: request
                    .resident
                    .as_deref()
                    .map(|resident| parse("/resident", resident))
                    .transpose()?,
                items,
                applied_on: parse::<JapaneseDay>("/applied_on", &request.applied_on)?,
                received_at: now,
            };
            let state = Application::Received(ReceivedState::new(case).map_err(|fault| {
                Refused::items(vec![ItemError {
                    pointer: match fault {
                        StepFault::BornInFuture => "/items/birth_date",
                        _ => "/applied_on",
                    }
                    .to_owned(),
                    detail: fault.to_string(),
                }])
            })?);
            self.store_new(clerk, state)
        })();
        self.audited(&entry, now, outcome)
    }

    fn store_new(&self, clerk: &Clerk, state: Application) -> Result<ra::Application, Failure> {
        let case = state.case().clone();
        let stored = StoredApplication {
            id: case.id,
            municipality: clerk.municipality(),
            receive_key: case.idempotency_key,
            step: state.step().as_str().to_owned(),
            open: true,
            version: 1,
            terminal: case.terminal,
            operator: case.operator.clone(),
            received_at: case.received_at,
            changed_at: case.received_at,
            index: self.index(&state)?,
            sealed: self.sealed(&state)?,
        };
        let mut entry = clerk.entry("receive");
        entry.application = Some(stored.id);
        let dossier = match self.store.receive(&stored, &entry)? {
            Received::New => Dossier { stored, state },
            Received::Known(known) => {
                if known.municipality != clerk.municipality() {
                    return key_reused();
                }
                let known = self.opened(*known)?;
                let first = known.state.case();
                let same = first.terminal == case.terminal
                    && first.kind == case.kind
                    && first.resident == case.resident
                    && first.items == case.items
                    && first.applied_on == case.applied_on;
                if !same {
                    return key_reused();
                }
                known
            }
        };
        Ok(self.view(&dossier))
    }

    /// One application.
    pub fn application(&self, operator: &Operator, id: &str) -> Result<ra::Application, Failure> {
        let now = self.clock.now();
        self.with_dossier(operator, id, "read", now, |_| Ok(()))
    }

    /// Applications of the operator's municipality, newest first.
    pub fn applications(
        &self,
        operator: &Operator,
        open_only: bool,
    ) -> Result<ra::ApplicationList, Failure> {
        let stored = self
            .store
            .applications(&operator.municipality(), open_only, MOST)?;
        let applications = stored
            .into_iter()
            .map(|stored| {
                let dossier = self.opened(stored)?;
                Ok(view::line(&dossier.stored, &dossier.state))
            })
            .collect::<Result<_, Failure>>()?;
        Ok(ra::ApplicationList { applications })
    }
}

fn key_reused<T>() -> Result<T, Failure> {
    refuse(
        Reason::KeyReused,
        "the idempotency key was used for another application; draw a new one",
    )
}
