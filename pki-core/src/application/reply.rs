//! The steps between the two visits: the inquiry goes out, the reply is brought, one
//! operator decides on it and another confirms (Ordinance Arts 5, 6).

use jiff::Timestamp;

use super::identity::{RecordedDecision, RegisterMatch};
use super::inquiry::{Inquiry, Replied, ReplyCode, SecondEyes};
use super::states::{Cancelled, Identified, InquirySent, Received, Refused};
use super::transitions::{Identification, StepFault};
use crate::calendar::JapaneseDay;
use crate::id::Sha256Digest;

impl Received {
    /// Notes that the applicant was asked in writing, at the address of the register: so
    /// form and register have to agree.
    ///
    /// # Errors
    /// When they do not, or the register's match is another resident's.
    pub fn send_inquiry(
        mut self,
        register: &RegisterMatch,
        inquiry: Inquiry,
    ) -> Result<InquirySent, StepFault> {
        if self
            .case
            .resident
            .as_ref()
            .is_some_and(|looked_up| *looked_up != register.resident)
        {
            return Err(StepFault::OtherResident);
        }
        if !register.items.agrees() {
            return Err(StepFault::RegisterDisagrees);
        }
        self.extract = None;
        Ok(InquirySent {
            received: self,
            inquiry,
            decided: None,
        })
    }
}

/// Where the reply to an inquiry leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyOutcome {
    /// Accepted by one; another has to confirm it.
    Decided(InquirySent),
    Refused(Refused),
}

impl InquirySent {
    /// Records the decision on the reply that was brought.
    ///
    /// # Errors
    /// When it is late, answers another letter, or was decided on before.
    pub fn record_reply(
        mut self,
        code: &ReplyCode,
        identity: RecordedDecision,
    ) -> Result<ReplyOutcome, StepFault> {
        if self.decided.is_some() {
            return Err(StepFault::AlreadyDecided);
        }
        let decision = identity.decision();
        if JapaneseDay::of(decision.at) > self.inquiry.reply_by {
            return Err(StepFault::ReplyLate(self.inquiry.reply_by));
        }
        let replied = Replied {
            sent_on: JapaneseDay::of(self.inquiry.sent_at),
            replied_on: JapaneseDay::of(decision.at),
            by_proxy: self.case.proxy.is_some(),
        };
        if decision.inquiry != Some(replied) {
            return Err(StepFault::NoReply);
        }
        if *code != self.inquiry.code {
            return Err(StepFault::OtherReply);
        }
        match self.received.clone().identify(identity.clone())? {
            Identification::Refused(refused) => Ok(ReplyOutcome::Refused(refused)),
            Identification::Identified(_) => {
                self.decided = Some(identity);
                Ok(ReplyOutcome::Decided(self))
            }
        }
    }

    /// A second operator has seen the decision, as it was recorded, and confirms it.
    ///
    /// # Errors
    /// When it is the same operator, another decision, or there is none.
    pub fn confirm(self, eyes: SecondEyes, seen: Sha256Digest) -> Result<Identified, StepFault> {
        let decided = self.decided.ok_or(StepFault::NothingDecided)?;
        if decided.digest() != seen {
            return Err(StepFault::OtherDecision);
        }
        if decided.decision().operator == eyes.operator {
            return Err(StepFault::SameOperator);
        }
        match self.received.identify(decided)? {
            Identification::Identified(identified) => Ok(Identified {
                confirmed_by: Some(eyes),
                ..identified
            }),
            // Only accepted decisions wait here.
            Identification::Refused(_) => Err(StepFault::NothingDecided),
        }
    }

    /// A second operator does not confirm the decision: the clerk decides anew.
    ///
    /// # Errors
    /// As [`InquirySent::confirm`].
    pub fn reject(mut self, eyes: &SecondEyes, seen: Sha256Digest) -> Result<Self, StepFault> {
        self.clone().confirm(eyes.clone(), seen)?;
        self.decided = None;
        Ok(self)
    }

    /// The applicant withdraws.
    #[must_use]
    pub fn cancel(self, at: Timestamp) -> Cancelled {
        self.received.cancel(at)
    }
}
