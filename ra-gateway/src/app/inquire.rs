//! Between the two visits: the written inquiry goes out, its reply is brought, one operator
//! decides and another confirms (Ordinance Arts 5, 6).

use pki_core::{
    application::{
        Application,
        identity::{IdentityCheck, IdentityDecision, RegisterMatch},
        inquiry::{Inquiry, Replied, ReplyCode, SecondEyes},
        reply::ReplyOutcome,
        states::{Case, InquirySent},
        transitions::StepFault,
    },
    approval::{Subject, Verdict},
    calendar::JapaneseDay,
    id::Sha256Digest,
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::Clerk,
    dossier::{Move, not_due},
    identify::{compared, shown, verdict, wrong},
    refusal::{Failure, Reason, Refused, parse, refuse},
};
use crate::port::RegisterEntry;

impl App {
    /// Notes that the applicant is asked in writing, at the address of the register.
    pub fn send_inquiry(
        &self,
        clerk: &Clerk,
        id: &str,
        _: &ra::InquiryRequest,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "send-inquiry", |_, state, now| {
            let received = match state {
                Application::Received(received) => received,
                Application::InquirySent(_) => return Ok(Move::Stay(state)),
                other => return not_due(&other),
            };
            let register = self.register_match(clerk, &received.case)?.ok_or_else(|| {
                Refused::new(
                    Reason::RegisterDisagrees,
                    "the applicant is not in the register: refuse the application",
                )
            })?;
            let mut random = [0; 5];
            self.entropy.fill(&mut random);
            let inquiry = Inquiry::new(
                ReplyCode::from_random(random),
                now,
                clerk.operator.clone(),
                self.settings.inquiry_days,
            );
            let sent = received
                .send_inquiry(&register, inquiry)
                .map_err(|fault| Refused::new(Reason::RegisterDisagrees, fault.to_string()))?;
            Ok(Application::InquirySent(sent).into())
        })
    }

    /// What the letter says. Each asking is audited.
    pub fn inquiry_letter(
        &self,
        clerk: &Clerk,
        id: &str,
        _: &ra::InquiryLetterRequest,
    ) -> Result<ra::InquiryLetter, Failure> {
        let now = self.clock.now();
        let mut letter = None;
        self.with_dossier(clerk, id, "print-inquiry", now, |dossier| {
            let Application::InquirySent(sent) = &dossier.state else {
                return not_due(&dossier.state);
            };
            let mut entry = clerk.entry("print-inquiry");
            entry.application = Some(dossier.stored.id);
            self.store.audit(&entry, now)?;
            letter = Some(of(sent));
            Ok(())
        })?;
        letter.ok_or_else(|| Failure::Broken("a letter was neither shown nor refused".into()))
    }

    /// Records the decision on the reply. Accepted, it waits for a second pair of eyes.
    pub fn record_reply(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::ReplyRequest,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "record-reply", |_, state, now| {
            let sent = match state {
                Application::InquirySent(sent) => sent,
                other => return not_due(&other),
            };
            let code: ReplyCode = parse("/code", &request.code)?;
            let decision = IdentityDecision::new(IdentityCheck {
                application: sent.case.id,
                terminal: clerk.terminal.id,
                operator: clerk.operator.clone(),
                at: now,
                register: self.register_match(clerk, &sent.case)?,
                register_seen_at: now,
                document: shown(&request.document)?,
                face_matches: request.face_matches,
                decision: verdict(request.decision),
                remark: request.remark.clone(),
                inquiry: Some(Replied {
                    sent_on: JapaneseDay::of(sent.inquiry.sent_at),
                    replied_on: JapaneseDay::of(now),
                    by_proxy: sent.case.proxy.is_some(),
                }),
            })
            .map_err(|fault| Failure::from(wrong("", fault)))?;
            let outcome = sent
                .record_reply(&code, decision.record())
                .map_err(|fault| Refused::new(Reason::ReplyRefused, fault.to_string()))?;
            Ok(match outcome {
                ReplyOutcome::Decided(sent) => Application::InquirySent(sent),
                ReplyOutcome::Refused(refused) => Application::Refused(refused),
            }
            .into())
        })
    }

    /// Carries out what a second operator signed about the decision on the reply: confirmed,
    /// the applicant is identified; refused, the decision goes back to the clerk.
    pub fn confirm_reply(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::IdentityConfirmation,
    ) -> Result<ra::Application, Failure> {
        let act = if request.confirmed {
            "confirm-reply"
        } else {
            "reject-reply"
        };
        self.walk(clerk, id, act, |_, state, now| {
            let seen: Sha256Digest = parse("/identity_sha256", &request.identity_sha256)?;
            let sent = match state {
                Application::InquirySent(sent) => sent,
                // A repeat of what was confirmed.
                Application::Identified(ref identified)
                    if request.confirmed
                        && identified.identity.digest() == seen
                        && identified.confirmed_by.is_some() =>
                {
                    return Ok(Move::Stay(state));
                }
                other => return not_due(&other),
            };
            // 1. Another person's card signed about exactly this decision.
            let subject = Subject::reply(sent.case.id, seen);
            let verdict = if request.confirmed {
                Verdict::Approve
            } else {
                Verdict::Reject
            };
            let (operator, approved) =
                self.second_word(clerk, &request.approval, &subject, verdict, now)?;
            // 2. Whoever that is, it is not who decided.
            let eyes = SecondEyes { operator, at: now };
            let refused = |fault: StepFault| {
                Failure::from(Refused::new(Reason::ConfirmationRefused, fault.to_string()))
            };
            let Some(approved) = approved else {
                let back = sent.reject(&eyes, seen).map_err(refused)?;
                return Ok(Application::InquirySent(back).into());
            };
            let identified = sent.confirm(eyes, seen).map_err(refused)?;
            if let Some(person) = self.by_number(clerk.municipality(), &identified.resident)? {
                self.still_open(clerk, &identified.received.case, &person, now)?;
            }
            // 3. The approval is used up in the same transaction.
            Ok(Move::Go(
                Application::Identified(identified),
                vec![approved.effect()],
            ))
        })
    }

    /// The applicant in the register, compared item by item.
    pub(super) fn register_match(
        &self,
        clerk: &Clerk,
        case: &Case,
    ) -> Result<Option<RegisterMatch>, Failure> {
        let entry = self.registered(clerk, case)?;
        Ok(entry.map(|entry| compared(case, &entry)))
    }

    /// What was open at receipt has to be open still when the applicant goes on.
    pub(super) fn still_open(
        &self,
        clerk: &Clerk,
        case: &Case,
        person: &RegisterEntry,
        now: jiff::Timestamp,
    ) -> Result<(), Failure> {
        let wish = (case.kind, case.evidence);
        let place = clerk.municipality();
        let beside = Some(case.id);
        let opening = self.admitted(place, person, wish, case.certificate_kind, beside, now)?;
        if opening.replaces == case.replaces {
            return Ok(());
        }
        refuse(
            Reason::KindNotOpen,
            "the certificate that was to be replaced is not in effect any more: withdraw this \
             application and take a new one in",
        )
    }
}

fn of(sent: &InquirySent) -> ra::InquiryLetter {
    let items = &sent.case.items;
    ra::InquiryLetter {
        code: sent.inquiry.code.to_string(),
        name: items.name().as_str().to_owned(),
        // It agreed with the register when the inquiry was sent.
        address: items.address().as_str().to_owned(),
        proxy: sent.case.proxy.as_ref().map(|proxy| proxy.name.clone()),
        sent_on: JapaneseDay::of(sent.inquiry.sent_at).to_string(),
        reply_by: sent.inquiry.reply_by.to_string(),
    }
}
