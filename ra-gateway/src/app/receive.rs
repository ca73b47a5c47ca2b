//! Step 1: The application form is taken in.

use jiff::Timestamp;
use pki_core::{
    application::{
        Application,
        cause::ApplicationKind,
        extract::RegisterExtract,
        inquiry::{Proxy, ProxyFault},
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
    dossier::{Dossier, not_due},
    look_up::item_errors,
    opening::{evidence, kind, kind_of},
    refusal::{Failure, ItemError, Reason, Refused, parse, refuse},
    view,
};
use crate::port::{Received, RegisterEntry, Residence, StoredApplication};

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
                kind: kind(request.kind),
                certificate_kind: kind_of(request.certificate_kind),
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
                replaces: None,
                evidence: request.evidence.map(evidence),
                proxy: request
                    .proxy
                    .as_ref()
                    .map(|message| proxy(message, now))
                    .transpose()?,
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
            let state = self.admit(clerk, state, now)?;
            self.store_new(clerk, state)
        })();
        self.audited(&entry, now, outcome)
    }

    /// Tells early whether the application is open to the resident (Art 6), and what its
    /// certificate replaces. Who is not found in the register is refused at the identity
    /// check, with a record.
    fn admit(
        &self,
        clerk: &Clerk,
        state: Application,
        now: Timestamp,
    ) -> Result<Application, Failure> {
        let Application::Received(mut received) = state else {
            return not_due(&state);
        };
        let case = &mut received.case;
        if self.known(clerk, case)? {
            // A repeat: answered as the first time, whatever happened since.
            return Ok(received.into());
        }
        self.profile_here(clerk, case.certificate_kind)?;
        let place = clerk.municipality();
        let person = match &case.resident {
            Some(number) => self
                .by_number(place, number)?
                .filter(|person| person.residence == Residence::Resident),
            None => None,
        };
        match person {
            Some(person) => {
                let wish = (case.kind, case.evidence);
                case.replaces = self
                    .admitted(place, &person, wish, case.certificate_kind, None, now)?
                    .replaces;
                received.extract = Some(extract(person, clerk, now));
            }
            None if case.kind != ApplicationKind::First => {
                return refuse(
                    Reason::KindNotOpen,
                    "only a resident who was found in the register can renew or have a \
                     certificate issued again",
                );
            }
            None => {}
        }
        Ok(received.into())
    }

    fn known(&self, clerk: &Clerk, case: &Case) -> Result<bool, Failure> {
        let found = self
            .store
            .application_by_receive_key(&case.idempotency_key)?;
        Ok(found.is_some_and(|found| found.municipality == clerk.municipality()))
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
                    && first.certificate_kind == case.certificate_kind
                    && first.resident == case.resident
                    && first.items == case.items
                    && first.applied_on == case.applied_on
                    && first.evidence == case.evidence
                    && first.proxy == case.proxy;
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

/// What the register said, kept sealed with the application until the identity check.
fn extract(person: RegisterEntry, clerk: &Clerk, now: Timestamp) -> RegisterExtract {
    RegisterExtract {
        resident: person.resident,
        items: person.items,
        formerly: person.formerly,
        taken_at: now,
        taken_by: clerk.at_work(),
    }
}

/// The proxy of a message, with each fault at its place.
fn proxy(message: &ra::ProxyMessage, now: Timestamp) -> Result<Proxy, Failure> {
    let proxy = Proxy {
        name: message.name.clone(),
        power_of_attorney_on: parse("/proxy/power_of_attorney_on", &message.power_of_attorney_on)?,
        seal_certificate_on: parse("/proxy/seal_certificate_on", &message.seal_certificate_on)?,
    };
    proxy.check(JapaneseDay::of(now)).map_err(|faults| {
        let error = |fault: ProxyFault| ItemError {
            pointer: match fault {
                ProxyFault::Name => "/proxy/name",
                ProxyFault::PowerOfAttorney => "/proxy/power_of_attorney_on",
                ProxyFault::SealCertificate => "/proxy/seal_certificate_on",
            }
            .to_owned(),
            detail: fault.to_string(),
        };
        Refused::items(faults.into_iter().map(error).collect())
    })?;
    Ok(proxy)
}

fn key_reused<T>() -> Result<T, Failure> {
    refuse(
        Reason::KeyReused,
        "the idempotency key was used for another application; draw a new one",
    )
}
