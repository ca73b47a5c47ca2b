//! Four eyes (四眼): what one operator asks for, a second one approves, with card and PIN.
//! An approval is for one thing, for a short while, and is spent by the act that needs it.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::certificate::public_key::{PublicKey, SignatureAlgorithm};
use crate::id::{ApplicationId, ApprovalId, OperatorId, Sha256Digest, TerminalId};
use crate::operator::Role;
use crate::person::municipality::MunicipalityCode;

/// How long an approval can be given and used, from its request.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// Longest reference, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 80;
/// Longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 200;
/// Largest statement, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 2048;
/// The reason under which every decision on a reply is put up: it is the same each time.
pub const REPLY_REASON: &str = "文書照会の回答による本人確認の確認";
/// Stands before what the approver's card signs.
pub const CONTEXT: &[u8] = b"jitsuin-approval-v1\0";

/// What needs a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovedAct {
    /// An identity accepted on a written inquiry's reply (照会書回答, Rule 6).
    IdentityInquiry,
    /// A fee taken back by a counter-entry (反対仕訳).
    FeeCorrection,
    /// A till that does not agree with the book, closed with its difference (過不足).
    TillDifference,
    /// A kept paper held beyond its day (保全).
    PaperHold,
    /// A held paper given back to its day (保全解除).
    PaperRelease,
}

/// A name that is no act's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an act that needs approval")]
pub struct UnknownAct;

impl ApprovedAct {
    /// Every act.
    pub const ALL: [Self; 5] = [
        Self::IdentityInquiry,
        Self::FeeCorrection,
        Self::TillDifference,
        Self::PaperHold,
        Self::PaperRelease,
    ];

    /// Name in messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdentityInquiry => "identity-inquiry",
            Self::FeeCorrection => "fee-correction",
            Self::TillDifference => "till-difference",
            Self::PaperHold => "paper-hold",
            Self::PaperRelease => "paper-release",
        }
    }
}

impl fmt::Display for ApprovedAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ApprovedAct {
    type Err = UnknownAct;

    fn from_str(text: &str) -> Result<Self, UnknownAct> {
        Self::ALL
            .into_iter()
            .find(|act| act.as_str() == text)
            .ok_or(UnknownAct)
    }
}

/// What is approved: everything that the approver sees and the act must repeat.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    act: ApprovedAct,
    application: Option<ApplicationId>,
    reference: String,
    reason: String,
}

/// Why something cannot be put up for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectFault {
    /// A receipt number, a day, a digest: names the thing, holds no personal data.
    #[error("the reference must be 1 to {REFERENCE_BYTES_MAX} printable ASCII characters")]
    Reference,
    /// Nobody approves what has no reason.
    #[error("the reason must be 1 to {REASON_CHARS_MAX} characters without control characters")]
    Reason,
}

impl Subject {
    /// Checked: the reference names what is acted on, the reason says why.
    ///
    /// # Errors
    /// [`SubjectFault`]
    pub fn new(
        act: ApprovedAct,
        application: Option<ApplicationId>,
        reference: &str,
        reason: &str,
    ) -> Result<Self, SubjectFault> {
        let printable = reference.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !(1..=REFERENCE_BYTES_MAX).contains(&reference.len()) || !printable {
            return Err(SubjectFault::Reference);
        }
        let reason = reason.trim();
        let length = reason.chars().count();
        if !(1..=REASON_CHARS_MAX).contains(&length) || reason.chars().any(char::is_control) {
            return Err(SubjectFault::Reason);
        }
        Ok(Self {
            act,
            application,
            reference: reference.to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// The decision on the reply of a written inquiry (Rule 6), named by its digest.
    #[must_use]
    pub fn reply(application: ApplicationId, identity: Sha256Digest) -> Self {
        Self {
            act: ApprovedAct::IdentityInquiry,
            application: Some(application),
            reference: identity.to_string(),
            reason: REPLY_REASON.to_owned(),
        }
    }

    /// Which act.
    #[must_use]
    pub const fn act(&self) -> ApprovedAct {
        self.act
    }

    /// For which application, if for one.
    #[must_use]
    pub const fn application(&self) -> Option<ApplicationId> {
        self.application
    }

    /// What the act works on.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// SHA-256 of act, application, reference and reason: what the approver signs for and
    /// what the act must be again.
    ///
    /// # Panics
    /// Never: plain texts always become JSON.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        let said = serde_json::to_vec(&(
            "jitsuin-approval-subject-v1",
            self.act,
            self.application,
            &self.reference,
            &self.reason,
        ))
        .expect("texts and identifiers always become JSON");
        Sha256Digest::of(&said)
    }
}

impl fmt::Debug for Subject {
    // A reason is free text and may name somebody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({}, {}, …)", self.act, self.reference)
    }
}

/// What the second person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may be done.
    Approve,
    /// It may not.
    Reject,
}

/// Where an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// For the second person.
    Waiting,
    /// It can be used, once.
    Approved,
    /// It cannot.
    Rejected,
    /// It was used.
    Spent,
}

impl Standing {
    /// Name in messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Spent => "spent",
        }
    }

    /// The reverse of [`Standing::as_str`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Approved, Self::Rejected, Self::Spent]
            .into_iter()
            .find(|standing| standing.as_str() == name)
    }
}

/// A request for approval and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Names it.
    pub id: ApprovalId,
    /// The municipality whose supervisors may decide.
    pub municipality: MunicipalityCode,
    /// Which act.
    pub act: ApprovedAct,
    /// For which application, if for one.
    pub application: Option<ApplicationId>,
    /// [`Subject::digest`].
    pub subject_sha256: Sha256Digest,
    /// Who asked.
    pub requested_by: OperatorId,
    /// When.
    pub requested_at: Timestamp,
    /// From then on it can be neither given nor used.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub standing: Standing,
    /// Who decided.
    pub decided_by: Option<OperatorId>,
}

/// What the approver's card signs, after [`CONTEXT`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// 1.
    pub version: u8,
    /// The approval that is decided on.
    pub approval: ApprovalId,
    /// Its act.
    pub act: ApprovedAct,
    /// Its subject's digest.
    pub subject_sha256: Sha256Digest,
    /// Who asked.
    pub requested_by: OperatorId,
    /// Where the approver stands.
    pub terminal: TerminalId,
    /// Who approves.
    pub approver: OperatorId,
    /// What they say.
    pub verdict: Verdict,
}

/// Why an approval is not given or cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalFault {
    /// Not the JSON of a statement.
    #[error("the statement cannot be read")]
    Unreadable,
    /// About another approval, terminal or operator.
    #[error("the statement is about something else")]
    OtherMatter,
    /// The card's signature.
    #[error("the approver's signature does not verify")]
    Signature,
    /// By role.
    #[error("only a supervisor approves")]
    NotSupervisor,
    /// Two persons are two persons.
    #[error("who asks or acts cannot be the one who approves")]
    SamePerson,
    /// Decided before.
    #[error("it was decided before")]
    Decided,
    /// Too late.
    #[error("its time is over: ask again")]
    Expired,
    /// Nobody approved it yet.
    #[error("it waits for a second person")]
    Waiting,
    /// Somebody said no.
    #[error("it was rejected")]
    Rejected,
    /// Once is once.
    #[error("it was used before")]
    Spent,
    /// Approved was something else.
    #[error("what was approved is not what is to be done")]
    OtherSubject,
}

impl Statement {
    /// What this approver at this terminal says of an approval.
    #[must_use]
    pub fn of(
        approval: &Approval,
        terminal: TerminalId,
        approver: OperatorId,
        verdict: Verdict,
    ) -> Self {
        Self {
            version: 1,
            approval: approval.id,
            act: approval.act,
            subject_sha256: approval.subject_sha256,
            requested_by: approval.requested_by.clone(),
            terminal,
            approver,
            verdict,
        }
    }

    /// The bytes to be signed after [`CONTEXT`], and carried.
    ///
    /// # Panics
    /// Never: a statement holds nothing that JSON cannot.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement is plain text and numbers")
    }

    /// Reads a payload whose signature is still to be checked: it names whose key is needed.
    ///
    /// # Errors
    /// [`ApprovalFault::Unreadable`]
    pub fn read(payload: &[u8]) -> Result<Self, ApprovalFault> {
        if payload.len() > STATEMENT_BYTES_MAX {
            return Err(ApprovalFault::Unreadable);
        }
        let read: Self = serde_json::from_slice(payload).map_err(|_| ApprovalFault::Unreadable)?;
        if read.version != 1 {
            return Err(ApprovalFault::Unreadable);
        }
        Ok(read)
    }
}

impl Approval {
    /// A request that waits for a second person.
    #[must_use]
    pub fn request(
        id: ApprovalId,
        municipality: MunicipalityCode,
        subject: &Subject,
        by: OperatorId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            municipality,
            act: subject.act,
            application: subject.application,
            subject_sha256: subject.digest(),
            requested_by: by,
            requested_at: now,
            expires_at: now + LIFETIME,
            standing: Standing::Waiting,
            decided_by: None,
        }
    }

    /// The approval after a second person's signed statement.
    ///
    /// `key` and `role` are those of the operator whom the statement names.
    ///
    /// # Errors
    /// [`ApprovalFault`]; the approval stands as before.
    pub fn decide(
        &self,
        payload: &[u8],
        signature: &[u8],
        terminal: TerminalId,
        key: &PublicKey,
        role: Role,
        now: Timestamp,
    ) -> Result<Self, ApprovalFault> {
        let said = Statement::read(payload)?;
        let expected = Statement::of(self, terminal, said.approver.clone(), said.verdict);
        if said != expected {
            return Err(ApprovalFault::OtherMatter);
        }
        let message = [CONTEXT, payload].concat();
        key.verify(SignatureAlgorithm::EcdsaP256Sha256, &message, signature)
            .map_err(|_| ApprovalFault::Signature)?;
        if !role.may_approve() {
            return Err(ApprovalFault::NotSupervisor);
        }
        if said.approver == self.requested_by {
            return Err(ApprovalFault::SamePerson);
        }
        if self.standing != Standing::Waiting {
            return Err(ApprovalFault::Decided);
        }
        if now >= self.expires_at {
            return Err(ApprovalFault::Expired);
        }
        Ok(Self {
            standing: match said.verdict {
                Verdict::Approve => Standing::Approved,
                Verdict::Reject => Standing::Rejected,
            },
            decided_by: Some(said.approver),
            ..self.clone()
        })
    }

    /// Whether a second person, not this operator, refused exactly this: then the work goes
    /// back. A refusal grants nothing, so it neither expires nor is used up.
    ///
    /// # Errors
    /// [`ApprovalFault`] says why not.
    pub fn refuses(&self, subject: &Subject, operator: &OperatorId) -> Result<(), ApprovalFault> {
        match self.standing {
            Standing::Rejected => {}
            Standing::Waiting => return Err(ApprovalFault::Waiting),
            Standing::Approved | Standing::Spent => return Err(ApprovalFault::Decided),
        }
        if self.decided_by.as_ref() == Some(operator) {
            return Err(ApprovalFault::SamePerson);
        }
        if self.subject_sha256 != subject.digest() {
            return Err(ApprovalFault::OtherSubject);
        }
        Ok(())
    }

    /// Whether this operator may do this now on the strength of it.
    ///
    /// # Errors
    /// [`ApprovalFault`] says why not.
    pub fn allows(
        &self,
        subject: &Subject,
        operator: &OperatorId,
        now: Timestamp,
    ) -> Result<(), ApprovalFault> {
        match self.standing {
            Standing::Waiting => return Err(ApprovalFault::Waiting),
            Standing::Rejected => return Err(ApprovalFault::Rejected),
            Standing::Spent => return Err(ApprovalFault::Spent),
            Standing::Approved => {}
        }
        if now >= self.expires_at {
            return Err(ApprovalFault::Expired);
        }
        if self.decided_by.as_ref() == Some(operator) {
            return Err(ApprovalFault::SamePerson);
        }
        if self.subject_sha256 != subject.digest() {
            return Err(ApprovalFault::OtherSubject);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
