//! Step 2 for the other certificate of the card: the identification of this visit serves it too
//! (`pki_core::application::same_visit`).

use jiff::Timestamp;
use pki_core::{
    application::{
        Application,
        identity::{IdentityCheck, IdentityDecision, IdentityVerdict, RecordedDecision},
        same_visit::{AtWindow, OfVisit, serves},
        states::Received,
    },
    id::{ApplicationId, Sha256Digest},
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::{Clerk, Operator},
    dossier::{Dossier, Move, not_due},
    identify::wrong,
    opening::kind_told,
    refusal::{Failure, Reason, parse, refuse},
};

/// Most applications of one resident that are looked at, newest first: more than a visit has.
const LOOKED_AT: u32 = 10;

impl App {
    /// What the application of this id may rest on, for the clerk to see.
    pub fn identity_of_visit(
        &self,
        operator: &Operator,
        id: &str,
    ) -> Result<ra::IdentityOfVisit, Failure> {
        let now = self.clock.now();
        let mut found = None;
        self.with_dossier(operator, id, "identity-of-visit", now, |dossier| {
            let Application::Received(received) = &dossier.state else {
                return not_due(&dossier.state);
            };
            found = self.of_this_visit(operator, received, now)?;
            Ok(())
        })?;
        Ok(ra::IdentityOfVisit {
            found: found.map(|(earlier, recorded)| told(&earlier, &recorded)),
        })
    }

    /// Records that the same person is before the clerk, who saw that decision. Form and register are
    /// compared as at every identification.
    pub fn reuse_identity(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::IdentityOfVisitRequest,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "reuse-identity", |_, state, now| {
            let wanted: Sha256Digest = parse("/identity_sha256", &request.identity_sha256)?;
            let received = match state {
                Application::Received(received) => received,
                // A repeat of what was recorded.
                Application::Identified(ref identified)
                    if identified
                        .identity
                        .decision()
                        .of_visit
                        .as_ref()
                        .is_some_and(|earlier| earlier.identity_sha256 == wanted) =>
                {
                    return Ok(Move::Stay(state));
                }
                other => return not_due(&other),
            };
            let Some((_, recorded)) = self
                .of_this_visit(clerk, &received, now)?
                .filter(|(_, recorded)| recorded.digest() == wanted)
            else {
                return refuse(
                    Reason::NotIdentified,
                    "this visit has no such identification any more: let the applicant show the \
                     document",
                );
            };
            let earlier = recorded.decision();
            let seen = self.seen(clerk, &received, now)?;
            let decision = IdentityDecision::new(IdentityCheck {
                application: received.case.id,
                terminal: clerk.terminal.id,
                operator: clerk.operator.clone(),
                at: now,
                register: seen.matched(&received.case),
                register_seen_at: seen.at,
                document: earlier.document.clone(),
                face_matches: earlier.face_matches,
                decision: IdentityVerdict::Accepted,
                remark: None,
                inquiry: None,
            })
            .map_err(|fault| Failure::from(wrong("", fault)))?
            .resting_on(OfVisit::of(&recorded));
            self.identification(
                clerk,
                received,
                decision.record(),
                seen.person.as_ref(),
                now,
            )
        })
    }

    /// The newest identification of this visit that serves the application, with its own.
    fn of_this_visit(
        &self,
        operator: &Operator,
        received: &Received,
        now: Timestamp,
    ) -> Result<Option<(Dossier, RecordedDecision)>, Failure> {
        let Some(resident) = &received.case.resident else {
            return Ok(None);
        };
        let hash = self
            .vault
            .keyed_hash("resident", resident.as_str().as_bytes())?;
        let window = AtWindow {
            terminal: operator.terminal.id,
            operator: operator.operator.clone(),
            now,
        };
        let others =
            self.store
                .applications_of_resident(&operator.municipality(), &hash, LOOKED_AT)?;
        for stored in others {
            if stored.id == received.case.id {
                continue;
            }
            let dossier = self.opened(stored)?;
            if let Ok(recorded) = serves(received, &dossier.state, &window) {
                let recorded = recorded.clone();
                return Ok(Some((dossier, recorded)));
            }
        }
        Ok(None)
    }
}

fn told(earlier: &Dossier, recorded: &RecordedDecision) -> ra::EarlierIdentity {
    let decision = recorded.decision();
    let application: ApplicationId = earlier.stored.id;
    ra::EarlierIdentity {
        application: application.to_string(),
        certificate_kind: kind_told(earlier.state.case().certificate_kind),
        document: ra::IdentityDocument {
            kind: decision.document.kind.clone(),
            issuer: decision.document.issuer.clone(),
            expires_on: decision.document.expires_on.map(|day| day.to_string()),
        },
        decided_by: decision.operator.to_string(),
        decided_at: decision.at.to_string(),
        identity_sha256: recorded.digest().to_string(),
    }
}
