//! Four eyes (四眼): a clerk asks, a supervisor approves with card and PIN, at the same
//! terminal or another, and the act that needs it spends the approval.

use jiff::{SignedDuration, Timestamp};
use pki_core::{
    approval::{Approval, ApprovalFault, LIFETIME, Statement, Subject, Verdict},
    id::{ApprovalId, OperatorId},
};
use schema::wire::v1::ra;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    App,
    caller::{BackOffice, Operator, Terminal, certified_key, role_of},
    refusal::{Failure, ItemError, Reason, Refused, parse, refuse},
};
use crate::port::{AuditEntry, Decision, Effect, PartyKind, StoredApproval};

/// Most requests of one municipality that wait at once.
const MOST_WAITING: u32 = 50;
/// Most lines of a list.
const MOST_LISTED: u32 = 100;

/// What the approver sees, as it is sealed.
#[derive(Serialize, Deserialize)]
struct Seen {
    reference: String,
    reason: String,
}

/// The permission of a second person, for one act: it has to be spent in the act's own
/// transaction.
pub struct Approved {
    id: ApprovalId,
    by: OperatorId,
}

impl Approved {
    /// Which approval it is, for a transaction of its own.
    #[must_use]
    pub const fn id(&self) -> ApprovalId {
        self.id
    }

    /// What the act's transaction has to write beside it.
    #[must_use]
    pub fn effect(self) -> Effect {
        Effect::SpendApproval {
            approval: self.id,
            by: self.by,
        }
    }
}

fn context(id: &ApprovalId) -> String {
    format!("approval {id}")
}

fn unknown() -> Failure {
    Refused::new(
        Reason::NotFound,
        "there is no such request for approval in this municipality",
    )
    .into()
}

fn fault(fault: ApprovalFault) -> Failure {
    let reason = match fault {
        ApprovalFault::Unreadable
        | ApprovalFault::OtherMatter
        | ApprovalFault::Signature
        | ApprovalFault::Decided => Reason::ApprovalInvalid,
        ApprovalFault::NotSupervisor => Reason::RoleForbids,
        ApprovalFault::SamePerson => Reason::SamePerson,
        ApprovalFault::Expired
        | ApprovalFault::Waiting
        | ApprovalFault::Rejected
        | ApprovalFault::Spent
        | ApprovalFault::OtherSubject => Reason::ApprovalNeeded,
    };
    Refused::new(reason, fault.to_string()).into()
}

impl App {
    /// Puts something up for a second person's approval.
    pub fn request_approval(
        &self,
        clerk: &BackOffice,
        request: &ra::ApprovalRequest,
    ) -> Result<ra::ApprovalMessage, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("request-approval");
        let outcome = (|| {
            let subject = subject(request)?;
            entry.application = subject.application();
            if let Some(application) = subject.application() {
                // One of this municipality, or none.
                self.dossier(clerk, &application)?;
            }
            let id = ApprovalId::from_bytes(self.entropy.id());
            let approval = Approval::request(
                id,
                clerk.municipality(),
                &subject,
                clerk.operator.clone(),
                now,
            );
            let seen = Seen {
                reference: subject.reference().to_owned(),
                reason: subject.reason().to_owned(),
            };
            let json = Zeroizing::new(
                serde_json::to_vec(&seen).map_err(|error| Failure::Broken(Box::new(error)))?,
            );
            let stored = StoredApproval {
                sealed: self.vault.seal(&context(&id), &json)?,
                approval,
            };
            entry.reference = Some(id.to_string());
            Ok((stored, entry.clone()))
        })();
        let (stored, done) = self.audited(&entry, now, outcome)?;
        if !self.store.request_approval(&stored, MOST_WAITING, &done)? {
            return refuse(
                Reason::ApprovalsFull,
                "too many requests wait for a supervisor; decide on those first",
            );
        }
        self.approval_shown(stored)
    }

    /// Requests of the operator's municipality that can still matter, newest first.
    pub fn approvals(&self, operator: &Operator) -> Result<ra::ApprovalList, Failure> {
        let since = self.clock.now() - LIFETIME - SignedDuration::from_secs(1);
        let stored = self
            .store
            .approvals(&operator.municipality(), since, MOST_LISTED)?;
        Ok(ra::ApprovalList {
            approvals: stored
                .into_iter()
                .map(|stored| self.approval_shown(stored))
                .collect::<Result<_, _>>()?,
        })
    }

    /// One request.
    pub fn approval(&self, operator: &Operator, id: &str) -> Result<ra::ApprovalMessage, Failure> {
        let id: ApprovalId = id.parse().map_err(|_| unknown())?;
        let stored = self
            .store
            .approval(&id, &operator.municipality())?
            .ok_or_else(unknown)?;
        self.approval_shown(stored)
    }

    /// Takes a second person's statement, signed by their card at this terminal. Nobody has
    /// to sign in for it: the statement says who decides, and the card proves it.
    pub fn decide_approval(
        &self,
        terminal: &Terminal,
        id: &str,
        request: &ra::ApprovalDecision,
    ) -> Result<ra::ApprovalMessage, Failure> {
        let now = self.clock.now();
        let mut entry = terminal.entry("decide-approval");
        let outcome = self.decided(terminal, id, request, now, &mut entry);
        let (stored, decision) = self.audited(&entry, now, outcome)?;
        if !self.store.decide_approval(&decision, &entry)? {
            return Err(fault(ApprovalFault::Decided));
        }
        metrics::counter!("ra_approvals_total", "act" => decision.approval.act.as_str())
            .increment(1);
        self.approval_shown(StoredApproval {
            approval: decision.approval,
            ..stored
        })
    }

    fn decided(
        &self,
        terminal: &Terminal,
        id: &str,
        request: &ra::ApprovalDecision,
        now: Timestamp,
        entry: &mut AuditEntry,
    ) -> Result<(StoredApproval, Decision), Failure> {
        let id: ApprovalId = id.parse().map_err(|_| unknown())?;
        entry.reference = Some(id.to_string());
        let stored = self
            .store
            .approval(&id, &terminal.municipality)?
            .ok_or_else(unknown)?;
        entry.application = stored.approval.application;
        let said = Statement::read(&request.statement.0).map_err(fault)?;
        // Until the signature holds, the name is only a claim; who is not an operator of
        // this place is answered as a wrong signature is.
        let invalid = || fault(ApprovalFault::Signature);
        let party = self
            .store
            .party(PartyKind::Operator, said.approver.as_str())?
            .filter(|party| party.municipality == terminal.municipality)
            .ok_or_else(invalid)?;
        if party.suspended {
            return refuse(Reason::PartySuspended, "this operator is suspended");
        }
        let approval = stored
            .approval
            .decide(
                &request.statement.0,
                &request.signature.0,
                terminal.id,
                &certified_key(&party, now)?,
                role_of(&party)?,
                now,
            )
            .map_err(fault)?;
        entry.operator = Some(said.approver.clone());
        let decision = Decision {
            approval,
            by: said.approver,
            at: now,
            statement: request.statement.0.clone(),
            signature: request.signature.0.clone(),
        };
        Ok((stored, decision))
    }

    /// The permission of a second person for exactly this, to be spent in the act's own
    /// transaction. `id` is what the clerk's request names; without one, approval is needed.
    pub fn approved(
        &self,
        clerk: &BackOffice,
        id: Option<&str>,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Approved, Failure> {
        let Some(id) = id else {
            return refuse(
                Reason::ApprovalNeeded,
                "a second person has to approve this: ask for it first",
            );
        };
        let id: ApprovalId = parse("/approval", id)?;
        let stored = self
            .store
            .approval(&id, &clerk.municipality())?
            .ok_or_else(unknown)?;
        stored
            .approval
            .allows(subject, &clerk.operator, now)
            .map_err(fault)?;
        Ok(Approved {
            id,
            by: clerk.operator.clone(),
        })
    }

    /// What a second person signed about exactly this: who it was, and the permission where
    /// the verdict is to approve.
    pub(super) fn second_word(
        &self,
        clerk: &BackOffice,
        id: &str,
        subject: &Subject,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(OperatorId, Option<Approved>), Failure> {
        let approved = match verdict {
            Verdict::Approve => Some(self.approved(clerk, Some(id), subject, now)?),
            Verdict::Reject => None,
        };
        let id: ApprovalId = parse("/approval", id)?;
        let approval = self
            .store
            .approval(&id, &clerk.municipality())?
            .ok_or_else(unknown)?
            .approval;
        if verdict == Verdict::Reject {
            approval.refuses(subject, &clerk.operator).map_err(fault)?;
        }
        let by = approval.decided_by.ok_or_else(unknown)?;
        Ok((by, approved))
    }

    fn approval_shown(&self, stored: StoredApproval) -> Result<ra::ApprovalMessage, Failure> {
        let approval = stored.approval;
        let json = self.vault.open(&context(&approval.id), &stored.sealed)?;
        let seen: Seen =
            serde_json::from_slice(&json).map_err(|error| Failure::Broken(Box::new(error)))?;
        Ok(ra::ApprovalMessage {
            id: approval.id.to_string(),
            act: approval.act.to_string(),
            application: approval.application.map(|id| id.to_string()),
            reference: seen.reference,
            reason: seen.reason,
            subject_sha256: approval.subject_sha256.to_string(),
            requested_by: approval.requested_by.to_string(),
            requested_at: approval.requested_at.to_string(),
            expires_at: approval.expires_at.to_string(),
            standing: approval.standing.as_str().to_owned(),
            decided_by: approval.decided_by.map(|id| id.to_string()),
        })
    }
}

fn subject(request: &ra::ApprovalRequest) -> Result<Subject, Failure> {
    use pki_core::approval::SubjectFault;

    let application = request
        .application
        .as_deref()
        .map(|id| parse("/application", id))
        .transpose()?;
    Subject::new(
        parse("/act", &request.act)?,
        application,
        &request.reference,
        &request.reason,
    )
    .map_err(|fault| {
        let pointer = match fault {
            SubjectFault::Reference => "/reference",
            SubjectFault::Reason => "/reason",
        };
        Refused::items(vec![ItemError {
            pointer: pointer.to_owned(),
            detail: fault.to_string(),
        }])
        .into()
    })
}
