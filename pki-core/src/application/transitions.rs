//! The steps of the window, in walking order. Each consumes the state in which it is
//! due, checks what is due there and nothing else, and gives the next state.

use jiff::Timestamp;

use super::cause::EndCause;
use super::identity::RecordedDecision;
use super::image::{ImageVerdict, Judgement};
use super::states::{
    Cancelled, CardPrepared, Case, CharactersSettled, Confirmed, HandedOver, Identified,
    IssueIntent, Issued, IssuedCertificate, KeyRead, Paid, Payment, ReadKey, Received, Refused,
    Revocation, Revoked, Visit, Written,
};
use crate::act::{Act, Deed, ReplacementCause, Replaces, SignedAct};
use crate::calendar::JapaneseDay;
use crate::certificate::key_fitness::KeyUnfit;
use crate::certificate::public_key::SignatureAlgorithm;
use crate::certificate::request::{RequestFault, parse_card_request};
use crate::id::Sha256Digest;

/// Shortest and longest message of a trial signature, in bytes.
pub const TRIAL_BYTES: std::ops::RangeInclusive<usize> = 16..=4096;
/// Longest request and longest kiosk record, in bytes.
pub const CARD_DOCUMENT_BYTES_MAX: usize = 8192;

/// Why a step is not taken. The application stands where it stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepFault {
    #[error("the date on the form lies after the day of receipt")]
    AppliedInFuture,
    #[error("the birth date lies after the day of receipt")]
    BornInFuture,
    #[error("the register look-up and the identity check name different residents")]
    OtherResident,
    #[error("the decision was recorded for another application")]
    OtherApplication,
    #[error(
        "the register does not agree with the form, so nobody is asked: refuse the application"
    )]
    RegisterDisagrees,
    #[error("who comes for the applicant is identified with the applicant's written reply")]
    InquiryDue,
    #[error("the inquiry was answered and decided on: a second operator confirms it")]
    AlreadyDecided,
    #[error("the decision rests on no reply to this inquiry")]
    NoReply,
    #[error("the reply was due by {0}: withdraw the application and take a new one in")]
    ReplyLate(JapaneseDay),
    #[error("the code is not the one on the inquiry: see that the reply is to this letter")]
    OtherReply,
    #[error("nothing was decided yet")]
    NothingDecided,
    #[error("what was confirmed is not the decision that was recorded: read the application again")]
    OtherDecision,
    #[error("who decided cannot confirm it too: another operator has to see it")]
    SameOperator,
    #[error("the kiosk belongs to another municipality")]
    KioskElsewhere,
    #[error("the card's request or record is longer than {CARD_DOCUMENT_BYTES_MAX} bytes")]
    TooLarge,
    /// The request cannot be read, or does not prove its key.
    #[error(transparent)]
    Request(RequestFault),
    /// The key is proven and not good enough: too small, weak, of another kind.
    #[error("the card's public key cannot be certified: {0}")]
    UnfitKey(KeyUnfit),
    #[error("the request was made in another visit: send the card to the kiosk again")]
    OtherVisit,
    #[error("the request was made by another card")]
    OtherCard,
    #[error("the act does not ask for an issue")]
    NotAnIssue,
    #[error("the act's {0} is not that of the application")]
    ActDiffers(&'static str),
    #[error("an issue was asked for and may have happened: ask again under its idempotency key")]
    IssuePending,
    #[error("no issue was asked for")]
    NoIssuePending,
    #[error("what was seen or read back is not the certificate of this application")]
    OtherCertificate,
    #[error("the image was already judged otherwise")]
    AlreadyJudged,
    #[error("the trial message has to have 16 to 4096 bytes")]
    TrialLength,
    #[error("the card's trial signature does not verify: do not hand the card over")]
    TrialSignature,
    #[error("the amount is not the fee that is due, {due_yen} yen")]
    WrongAmount { due_yen: u32 },
}

impl From<RequestFault> for StepFault {
    fn from(fault: RequestFault) -> Self {
        match fault {
            RequestFault::Unfit(unfit) => Self::UnfitKey(unfit),
            other => Self::Request(other),
        }
    }
}

impl Received {
    /// Takes in a form.
    ///
    /// # Errors
    /// When it is dated, or the applicant born, after the day of receipt.
    pub fn new(case: Case) -> Result<Self, StepFault> {
        let today = JapaneseDay::of(case.received_at);
        if case.applied_on > today {
            return Err(StepFault::AppliedInFuture);
        }
        if case.items.birth_date().is_after(today) {
            return Err(StepFault::BornInFuture);
        }
        Ok(Self {
            case,
            extract: None,
        })
    }

    /// Records the identity decision.
    ///
    /// # Errors
    /// When it is another application's, or its register match another resident's.
    pub fn identify(mut self, identity: RecordedDecision) -> Result<Identification, StepFault> {
        let decision = identity.decision();
        if decision.application != self.case.id {
            return Err(StepFault::OtherApplication);
        }
        let found = decision
            .register
            .as_ref()
            .map(|found| found.resident.clone());
        let differs = |looked_up| found.as_ref().is_some_and(|found| found != looked_up);
        if self.case.resident.as_ref().is_some_and(differs) {
            return Err(StepFault::OtherResident);
        }
        let accepted = decision.end().is_none();
        if accepted && self.case.proxy.is_some() && decision.inquiry.is_none() {
            return Err(StepFault::InquiryDue);
        }
        // From here on the decision stands for it.
        self.extract = None;
        Ok(match (decision.end(), found) {
            (None, Some(resident)) => Identification::Identified(Identified {
                received: self,
                identity,
                resident,
                confirmed_by: None,
            }),
            (end, _) => {
                let cause = end.unwrap_or(EndCause::NotRegistered);
                Identification::Refused(Refused {
                    received: self,
                    identity,
                    cause,
                })
            }
        })
    }

    /// The applicant withdraws.
    #[must_use]
    pub fn cancel(mut self, at: Timestamp) -> Cancelled {
        self.extract = None;
        Cancelled {
            received: self,
            cause: EndCause::Withdrawn,
            at,
        }
    }
}

/// Where the identity check leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identification {
    Identified(Identified),
    Refused(Refused),
}

impl Identified {
    /// Notes that the visit keys are on the card.
    ///
    /// # Errors
    /// When the kiosk is another municipality's.
    pub fn prepare_card(self, visit: Visit) -> Result<CardPrepared, StepFault> {
        if visit.kiosk.municipality() != self.case.terminal.municipality() {
            return Err(StepFault::KioskElsewhere);
        }
        Ok(CardPrepared {
            identified: self,
            visit,
        })
    }

    /// The applicant withdraws.
    #[must_use]
    pub fn cancel(self, at: Timestamp) -> Cancelled {
        self.received.cancel(at)
    }
}

impl CardPrepared {
    /// Reads the public key with its proof of possession: the card signed the request,
    /// in this visit.
    ///
    /// # Errors
    /// When the proof does not hold, the key is not good enough, or the request is another
    /// visit's or card's. Whether the key was ever certified the certificate authority knows.
    pub fn read_key(
        self,
        request: Vec<u8>,
        kiosk_record: Vec<u8>,
        read_at: Timestamp,
    ) -> Result<KeyRead, StepFault> {
        if request.len().max(kiosk_record.len()) > CARD_DOCUMENT_BYTES_MAX {
            return Err(StepFault::TooLarge);
        }
        let proven = parse_card_request(&request)?;
        if proven.card != *self.visit.card.as_bytes() {
            return Err(StepFault::OtherCard);
        }
        if proven.visit != *self.visit.visit.as_bytes() {
            return Err(StepFault::OtherVisit);
        }
        let spki_sha256 = Sha256Digest::from_bytes(proven.public_key.sha256());
        let key = ReadKey {
            spki_sha256,
            request,
            kiosk_record,
            read_at,
        };
        Ok(KeyRead {
            prepared: self,
            key,
        })
    }

    /// Gives the visit up: the card or the relay failed, or the key was not taken.
    /// A new visit follows.
    #[must_use]
    pub fn back_to_window(self) -> Identified {
        self.identified
    }

    /// The applicant withdraws.
    #[must_use]
    pub fn cancel(self, at: Timestamp) -> Cancelled {
        self.identified.cancel(at)
    }
}

impl KeyRead {
    /// Gives the key up: a new visit follows.
    #[must_use]
    pub fn back_to_window(self) -> Identified {
        self.prepared.identified
    }

    /// The applicant withdraws.
    #[must_use]
    pub fn cancel(self, at: Timestamp) -> Cancelled {
        self.prepared.cancel(at)
    }
}

impl CharactersSettled {
    /// The applicant chooses again.
    ///
    /// # Errors
    /// When an issue was asked for.
    pub fn unsettle(self) -> Result<KeyRead, StepFault> {
        self.nothing_pending()?;
        Ok(self.read)
    }

    /// Gives the key up: a new visit follows.
    ///
    /// # Errors
    /// When an issue was asked for.
    pub fn back_to_window(self) -> Result<Identified, StepFault> {
        self.unsettle().map(KeyRead::back_to_window)
    }

    /// The applicant withdraws.
    ///
    /// # Errors
    /// When an issue was asked for: a certificate may exist, and is then revoked.
    pub fn cancel(self, at: Timestamp) -> Result<Cancelled, StepFault> {
        self.unsettle().map(|read| read.cancel(at))
    }

    /// What the new certificate replaces, as an act says it.
    #[must_use]
    pub fn replaces(&self) -> Option<Replaces> {
        let serial = self.case.replaces.clone()?;
        let cause = ReplacementCause::of_application(self.case.kind)?;
        Some(Replaces { serial, cause })
    }

    fn nothing_pending(&self) -> Result<(), StepFault> {
        if self.intent.is_some() {
            Err(StepFault::IssuePending)
        } else {
            Ok(())
        }
    }

    /// Notes, before the certificate authority is called, that an issue is being asked for.
    /// A repeat carries the same idempotency key, in the same act or a newer one.
    ///
    /// # Errors
    /// When the act asks for anything but the issue of this application.
    pub fn ask(mut self, signed: &SignedAct, act: &Act, at: Timestamp) -> Result<Self, StepFault> {
        let Deed::Issue(issue) = &act.deed else {
            return Err(StepFault::NotAnIssue);
        };
        let items_sha256 = Sha256Digest::from_bytes(self.certificate_items.digest());
        for (field, same) in [
            ("application", act.application == self.case.id),
            (
                "municipality",
                act.municipality == self.case.terminal.municipality(),
            ),
            ("visit", issue.visit == self.visit.visit),
            ("card", issue.card == self.visit.card),
            (
                "resident",
                issue.resident_sha256
                    == self
                        .resident
                        .digest(self.case.id, self.case.terminal.municipality()),
            ),
            ("items", issue.items_sha256 == items_sha256),
            ("public key", issue.spki_sha256 == self.key.spki_sha256),
            (
                "identity decision",
                issue.identity_sha256 == self.identity.digest(),
            ),
            (
                "time of the register look-up",
                issue.identified_at == self.identity.decision().register_seen_at(),
            ),
            (
                "certificate to be replaced",
                issue.replaces == self.replaces(),
            ),
        ] {
            if !same {
                return Err(StepFault::ActDiffers(field));
            }
        }
        if self
            .intent
            .as_ref()
            .is_some_and(|intent| intent.idempotency_key != act.idempotency_key)
        {
            return Err(StepFault::IssuePending);
        }
        self.intent = Some(IssueIntent {
            idempotency_key: act.idempotency_key,
            act_sha256: Sha256Digest::of(&signed.payload),
            at,
        });
        Ok(self)
    }

    /// The certificate authority answered for certain that it has issued nothing and will
    /// not under this key. Never called for a lost or unclear answer.
    #[must_use]
    pub fn declined(mut self) -> Self {
        self.intent = None;
        self
    }

    /// Takes in the certificate.
    ///
    /// # Errors
    /// When none was asked for.
    pub fn issued(self, certificate: IssuedCertificate) -> Result<Issued, StepFault> {
        if self.intent.is_none() {
            return Err(StepFault::NoIssuePending);
        }
        Ok(Issued {
            settled: self,
            certificate,
            judgement: None,
        })
    }
}

/// Where the verdict on the image leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageOutcome {
    /// It was right.
    Confirmed(Confirmed),
    /// It was not: the certificate is to be revoked, and nothing is written.
    Rejected(Issued),
}

impl Issued {
    /// Records what clerk and applicant said of the image of this very certificate.
    /// A verdict against it stands.
    ///
    /// # Errors
    /// When the image was another certificate's, or was judged otherwise before.
    pub fn judge(
        mut self,
        verdict: ImageVerdict,
        seen: Sha256Digest,
        at: Timestamp,
    ) -> Result<ImageOutcome, StepFault> {
        if seen != self.certificate.sha256() {
            return Err(StepFault::OtherCertificate);
        }
        match self.judgement {
            Some(earlier) if earlier.verdict != verdict => return Err(StepFault::AlreadyJudged),
            Some(_) => return Ok(ImageOutcome::Rejected(self)),
            None => {}
        }
        if verdict == ImageVerdict::Right {
            return Ok(ImageOutcome::Confirmed(Confirmed {
                issued: self,
                confirmed_at: at,
            }));
        }
        self.judgement = Some(Judgement { verdict, at });
        Ok(ImageOutcome::Rejected(self))
    }

    /// The certificate authority has recorded the revocation.
    ///
    /// # Errors
    /// When it is another certificate's.
    pub fn revoke(self, revocation: Revocation) -> Result<Revoked, StepFault> {
        revoke(self, revocation, None, None)
    }
}

impl Confirmed {
    /// Notes that the certificate is on the card: what was read back is the certificate that
    /// was issued, and the card's signature over a message verifies with its key.
    ///
    /// # Errors
    /// When one of the two does not hold; the card is not handed over then.
    pub fn written(
        self,
        read_back: Sha256Digest,
        trial_message: &[u8],
        trial_signature: &[u8],
        at: Timestamp,
    ) -> Result<Written, StepFault> {
        if read_back != self.certificate.sha256() {
            return Err(StepFault::OtherCertificate);
        }
        if !TRIAL_BYTES.contains(&trial_message.len()) {
            return Err(StepFault::TrialLength);
        }
        // The issuer certified the key of the request, so this is the certificate's key.
        let proven = parse_card_request(&self.key.request)?;
        let key = proven.public_key;
        key.verify(
            SignatureAlgorithm::usual_for(key.kind()),
            trial_message,
            trial_signature,
        )
        .map_err(|_| StepFault::TrialSignature)?;
        Ok(Written {
            confirmed: self,
            written_at: at,
            fee_taken_back: None,
        })
    }

    /// As [`Issued::revoke`].
    ///
    /// # Errors
    /// As there.
    pub fn revoke(self, revocation: Revocation) -> Result<Revoked, StepFault> {
        revoke(self.issued, revocation, None, None)
    }
}

impl Written {
    /// Takes the fee. Nothing is taken where nothing is due, and it is recorded all the same.
    ///
    /// # Errors
    /// When the amount is not what is due.
    pub fn pay(self, payment: Payment, due_yen: u32) -> Result<Paid, StepFault> {
        if payment.amount_yen != due_yen {
            return Err(StepFault::WrongAmount { due_yen });
        }
        Ok(Paid {
            written: self,
            payment,
        })
    }

    /// As [`Issued::revoke`].
    ///
    /// # Errors
    /// As there.
    pub fn revoke(self, revocation: Revocation) -> Result<Revoked, StepFault> {
        self.confirmed.revoke(revocation)
    }
}

impl Paid {
    /// The applicant takes the card, the guide and the printed copy.
    #[must_use]
    pub fn hand_over(self, at: Timestamp) -> HandedOver {
        HandedOver {
            paid: self,
            handed_over_at: at,
        }
    }

    /// As [`Issued::revoke`]; the payment stays in the record.
    ///
    /// # Errors
    /// As there.
    pub fn revoke(self, revocation: Revocation) -> Result<Revoked, StepFault> {
        revoke(
            self.written.confirmed.issued,
            revocation,
            Some(self.payment),
            None,
        )
    }
}

impl HandedOver {
    /// As [`Issued::revoke`].
    ///
    /// # Errors
    /// As there.
    pub fn revoke(self, revocation: Revocation) -> Result<Revoked, StepFault> {
        let Paid { written, payment } = self.paid;
        revoke(
            written.confirmed.issued,
            revocation,
            Some(payment),
            Some(self.handed_over_at),
        )
    }
}

fn revoke(
    issued: Issued,
    revocation: Revocation,
    payment: Option<Payment>,
    handed_over_at: Option<Timestamp>,
) -> Result<Revoked, StepFault> {
    if revocation.serial != issued.certificate.serial {
        return Err(StepFault::OtherCertificate);
    }
    let cause = match issued
        .judgement
        .and_then(|judgement| judgement.verdict.exit())
    {
        Some(exit) if exit.ground == revocation.ground => exit.cause,
        // The register or the holder was quicker than the verdict's own revocation.
        _ => EndCause::CertificateRevoked,
    };
    Ok(Revoked {
        issued,
        revocation,
        cause,
        payment,
        handed_over_at,
    })
}
