//! Step 2: The identity check as a recorded decision (Art 3 ③).

use jiff::Timestamp;
use pki_core::{
    application::{
        Application,
        identity::{
            IdentityCheck, IdentityDecision, IdentityFault, IdentityVerdict, RecordedDecision,
            RegisterMatch, ShownDocument,
        },
        states::{Case, Received},
        transitions::{Identification, StepFault},
    },
    calendar::JapaneseDay,
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::Clerk,
    dossier::{Move, not_due},
    refusal::{Failure, ItemError, Reason, Refused, parse, refuse},
};
use crate::port::{RegisterEntry, RegisterQuery, Residence};

/// Most people of one name and birth date that are looked at.
const NAMESAKES: usize = 50;

impl App {
    /// Compares with the register, item by item, and records the clerk's decision. A person
    /// who is not registered or whose items differ is refused whatever the clerk decided.
    pub fn identify(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::IdentityRequest,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "identify", |_, state, now| {
            let received = match state {
                Application::Received(received) => received,
                // A repeat of the decision that was recorded.
                Application::Identified(ref identified)
                    if repeats(identified.identity.decision(), clerk, request)? =>
                {
                    return Ok(Move::Stay(state));
                }
                Application::Refused(ref refused)
                    if repeats(refused.identity.decision(), clerk, request)? =>
                {
                    return Ok(Move::Stay(state));
                }
                other => return not_due(&other),
            };
            let seen = self.seen(clerk, &received, now)?;
            let decision = IdentityDecision::new(IdentityCheck {
                application: received.case.id,
                terminal: clerk.terminal.id,
                operator: clerk.operator.clone(),
                at: now,
                register: seen.matched(&received.case),
                register_seen_at: seen.at,
                document: shown(&request.document)?,
                face_matches: request.face_matches,
                decision: verdict(request.decision),
                remark: request.remark.clone(),
                inquiry: None,
            })
            .map_err(|fault| Failure::from(wrong("", fault)))?;
            self.identification(
                clerk,
                received,
                decision.record(),
                seen.person.as_ref(),
                now,
            )
        })
    }

    /// Where a recorded decision leads.
    pub(super) fn identification(
        &self,
        clerk: &Clerk,
        received: Received,
        decision: RecordedDecision,
        person: Option<&RegisterEntry>,
        now: Timestamp,
    ) -> Result<Move, Failure> {
        let next = received.identify(decision).map_err(|fault| {
            let reason = match fault {
                StepFault::InquiryDue => Reason::StepNotDue,
                _ => Reason::ItemsInvalid,
            };
            Refused::new(reason, fault.to_string())
        })?;
        Ok(match next {
            Identification::Identified(identified) => {
                if let Some(person) = person {
                    self.still_open(clerk, &identified.received.case, person, now)?;
                }
                Application::Identified(identified)
            }
            Identification::Refused(refused) => Application::Refused(refused),
        }
        .into())
    }

    /// The applicant as the register had them when the form was taken in, where that was in this
    /// visit; else as it has them now.
    pub(super) fn seen(
        &self,
        clerk: &Clerk,
        received: &Received,
        now: Timestamp,
    ) -> Result<Seen, Failure> {
        if let Some(extract) = &received.extract
            && extract.serves(&clerk.at_work(), now)
        {
            return Ok(Seen {
                at: extract.taken_at,
                person: Some(RegisterEntry {
                    resident: extract.resident.clone(),
                    municipality: clerk.municipality(),
                    items: extract.items.clone(),
                    residence: Residence::Resident,
                    formerly: extract.formerly.clone(),
                }),
            });
        }
        Ok(Seen {
            at: now,
            person: self.registered(clerk, &received.case)?,
        })
    }

    /// The applicant in the register, if a resident there: by number, or as the one of that
    /// name and birth date (and address, where there are namesakes).
    pub(super) fn registered(
        &self,
        clerk: &Clerk,
        case: &Case,
    ) -> Result<Option<RegisterEntry>, Failure> {
        let mut query = RegisterQuery {
            resident: case.resident.clone(),
            ..RegisterQuery::default()
        };
        if case.resident.is_none() {
            query.name = Some(case.items.name().clone());
            query.birth_date = Some(case.items.birth_date());
        }
        let mut found = self
            .register
            .look_up(&clerk.municipality(), &query, NAMESAKES)?;
        found.retain(|entry| entry.residence == Residence::Resident);
        if found.len() > 1 {
            found.retain(|entry| entry.items.address() == case.items.address());
        }
        if found.len() > 1 {
            return refuse(
                Reason::ItemsInvalid,
                "several residents have these items; take them over from a register look-up",
            );
        }
        Ok(found.pop())
    }
}

/// What the register said, and when it was asked.
pub(super) struct Seen {
    pub person: Option<RegisterEntry>,
    pub at: Timestamp,
}

impl Seen {
    /// The form beside it, where it has such a person.
    pub fn matched(&self, case: &Case) -> Option<RegisterMatch> {
        self.person.as_ref().map(|person| compared(case, person))
    }
}

/// The form beside the register, item by item.
pub(super) fn compared(case: &Case, person: &RegisterEntry) -> RegisterMatch {
    RegisterMatch {
        items: case.items.compare(&person.items),
        resident: person.resident.clone(),
    }
}

pub(super) const fn verdict(verdict: ra::IdentityVerdict) -> IdentityVerdict {
    match verdict {
        ra::IdentityVerdict::Accepted => IdentityVerdict::Accepted,
        ra::IdentityVerdict::Refused => IdentityVerdict::Refused,
    }
}

/// The document of a message.
pub(super) fn shown(document: &ra::IdentityDocument) -> Result<ShownDocument, Failure> {
    Ok(ShownDocument {
        kind: document.kind.clone(),
        issuer: document.issuer.clone(),
        expires_on: document
            .expires_on
            .as_deref()
            .map(|day| parse::<JapaneseDay>("/document/expires_on", day))
            .transpose()?,
    })
}

fn repeats(
    decision: &IdentityDecision,
    clerk: &Clerk,
    request: &ra::IdentityRequest,
) -> Result<bool, Failure> {
    Ok(decision.terminal == clerk.terminal.id
        && decision.operator == clerk.operator
        && decision.document == shown(&request.document)?
        && decision.face_matches == request.face_matches
        && decision.decision == verdict(request.decision)
        && decision.remark == request.remark)
}

/// Where the clerk has to correct an entry; `before` is the decision's place in the body.
pub(super) fn wrong(before: &str, fault: IdentityFault) -> Refused {
    let pointer = match fault {
        IdentityFault::DocumentUnknown
        | IdentityFault::InquiryMissing
        | IdentityFault::ProxyWithoutPhoto => "/document/kind",
        IdentityFault::ExpiryMissing
        | IdentityFault::ExpiryUnexpected
        | IdentityFault::DocumentExpired => "/document/expires_on",
        IdentityFault::FaceDiffers => "/face_matches",
        IdentityFault::Remark => "/remark",
        IdentityFault::Issuer => "/document/issuer",
        IdentityFault::Unreadable => "",
    };
    Refused::items(vec![ItemError {
        pointer: format!("{before}{pointer}"),
        detail: fault.to_string(),
    }])
}
