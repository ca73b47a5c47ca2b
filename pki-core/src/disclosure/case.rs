//! A request and what became of it: the clock of Art 30 and the decisions that are open.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::request::{RequestContent, Wish, text};
use super::{DAYS, ENTRY_DAYS_MAX, EXTENSION_DAYS_MAX};
use crate::calendar::JapaneseDay;
use crate::certificate::serial::Serial;
use crate::id::{ApplicationId, OperatorId, Sha256Digest, TerminalId};
use crate::person::municipality::MunicipalityCode;

/// Who decides and whose name stands at the head of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressee {
    /// 都道府県知事
    Governor(String),
    /// 指定認証機関, to which the prefecture has delegated (Art 34).
    DesignatedBody(String),
}

impl Addressee {
    /// The name on papers.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Governor(name) | Self::DesignatedBody(name) => name,
        }
    }
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The answer is owed.
    Open,
    /// Decided; the answer is on paper and has to be handed over or sent.
    Answered,
    /// The answer is with the person.
    Delivered,
}

impl Step {
    /// Name in tables and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Delivered => "delivered",
        }
    }
}

/// 延長 (Art 30 ②): told in writing within the first thirty days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    pub reason: String,
    /// The day on which the disclosure can be had.
    pub until: JapaneseDay,
}

/// What is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// What is recorded is disclosed.
    Disclose,
    /// Nothing is recorded: that is told, and is a disclosure too (Art 29).
    NoRecord,
    /// 訂正等をする旨: what was done (Art 31).
    Correct {
        what: String,
        /// A certificate that was recorded with an error: it is revoked under Art 13.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revoke: Option<Serial>,
    },
    /// The request is refused, with the reason.
    Refuse { reason: String },
}

impl Decision {
    /// Name in audit rows.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Disclose => "disclose",
            Self::NoRecord => "no-record",
            Self::Correct { .. } => "correct",
            Self::Refuse { .. } => "refuse",
        }
    }

    /// Whether a second officer has to agree: what takes a certificate's effect away, and
    /// what denies somebody a right, one officer does not decide alone.
    #[must_use]
    pub const fn needs_second(&self) -> bool {
        matches!(self, Self::Correct { .. } | Self::Refuse { .. })
    }
}

/// What happened to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// Taken in at the window.
    Received,
    /// Forwarded to who decides (Art 29; Arts 34, 53).
    Forwarded {
        to: Addressee,
    },
    /// Handed over to another who decides: the delegation began or ended.
    HandedOver {
        from: Addressee,
        to: Addressee,
    },
    Extended(Extension),
    Decided(Decision),
    /// The answer was handed over, or sent.
    Delivered,
    /// The paper was printed again.
    PrintedAgain,
}

/// One entry of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub at: Timestamp,
    /// Who: `terminal:… operator:…`, `officer:…`.
    pub by: String,
    pub what: Happening,
}

/// The window's part of taking a request in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub id: ApplicationId,
    pub municipality: MunicipalityCode,
    pub terminal: TerminalId,
    pub operator: OperatorId,
    pub at: Timestamp,
    pub identity_sha256: Sha256Digest,
}

/// Why something may not be done with a request. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the day of the request lies in the future")]
    Future,
    #[error("the request is more than {ENTRY_DAYS_MAX} days old: ask the prefecture")]
    TooOld,
    #[error("this decision does not answer this kind of request")]
    OtherWish,
    #[error("the request was answered already")]
    Answered,
    #[error("there is no answer yet")]
    NotAnswered,
    #[error("the answer was put off once already")]
    ExtendedAlready,
    #[error("the thirty days are over: an extension had to be told within them")]
    ExtensionLate,
    #[error(
        "the new date must lie after the first one and at most {EXTENSION_DAYS_MAX} days later"
    )]
    ExtensionDate,
    #[error("a correction is made without delay and has no date to put off")]
    NoTerm,
    #[error("a correction is asked by who had the disclosure, after it")]
    NoDisclosure,
    #[error("the request is with the one who decides")]
    NothingToHandOver,
    #[error("the text must not be empty or too long")]
    Text,
}

impl Refusal {
    /// Kebab-case name, as in audit rows.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Future => "requested-in-future",
            Self::TooOld => "requested-too-long-ago",
            Self::OtherWish => "other-wish",
            Self::Answered => "answered-already",
            Self::NotAnswered => "not-answered",
            Self::ExtendedAlready => "extended-already",
            Self::ExtensionLate => "extension-late",
            Self::ExtensionDate => "extension-date",
            Self::NoTerm => "no-term",
            Self::NoDisclosure => "no-disclosure",
            Self::NothingToHandOver => "nothing-to-hand-over",
            Self::Text => "text",
        }
    }
}

/// How much of the time is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Last day on which the answer is in time, and days left, today counted.
    Days { due: JapaneseDay, left: i32 },
    /// Art 31: without delay; days since the request.
    WithoutDelay { waiting: i32 },
}

/// A request with its history.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub receipt: Receipt,
    pub request: RequestContent,
    pub addressee: Addressee,
    pub step: Step,
    pub extension: Option<Extension>,
    pub decision: Option<Decision>,
    pub history: Vec<Event>,
}

impl Case {
    /// Takes a request in and forwards it. For a correction `disclosure` is the case that it
    /// speaks of, as far as it is known.
    ///
    /// # Errors
    /// [`Refusal`] of its day, or of a correction without a disclosure of the same person.
    pub fn receive(
        receipt: Receipt,
        request: RequestContent,
        addressee: Addressee,
        disclosure: Option<&Self>,
    ) -> Result<Self, Refusal> {
        let today = JapaneseDay::of(receipt.at);
        if request.requested_on > today {
            return Err(Refusal::Future);
        }
        if request.requested_on.last_day_of_days(ENTRY_DAYS_MAX + 1) < today {
            return Err(Refusal::TooOld);
        }
        if let Wish::Correction(correction) = &request.wish {
            let shown = disclosure.is_some_and(|case| {
                case.receipt.id == correction.disclosure
                    && case.receipt.municipality == receipt.municipality
                    && case.request.wish == Wish::Disclosure
                    && case.step == Step::Delivered
                    && case.request.person.is(&request.person)
            });
            if !shown {
                return Err(Refusal::NoDisclosure);
            }
        }
        let by = format!(
            "terminal:{} operator:{}",
            receipt.terminal, receipt.operator
        );
        let at = receipt.at;
        let mut case = Self {
            receipt,
            request,
            addressee: addressee.clone(),
            step: Step::Open,
            extension: None,
            decision: None,
            history: Vec::new(),
        };
        case.note(at, &by, Happening::Received);
        case.note(at, &by, Happening::Forwarded { to: addressee });
        Ok(case)
    }

    fn note(&mut self, at: Timestamp, by: &str, what: Happening) {
        self.history.push(Event {
            at,
            by: by.to_owned(),
            what,
        });
    }

    /// Last of the thirty days (Art 30 ①), the day of the request counted; `None` for a
    /// correction, which is made without delay (Art 31).
    #[must_use]
    pub fn first_due(&self) -> Option<JapaneseDay> {
        match self.request.wish {
            Wish::Disclosure => Some(self.request.requested_on.last_day_of_days(DAYS)),
            Wish::Correction(_) => None,
        }
    }

    /// Last day on which the answer is in time.
    #[must_use]
    pub fn due(&self) -> Option<JapaneseDay> {
        self.extension
            .as_ref()
            .map(|extension| extension.until)
            .or_else(|| self.first_due())
    }

    /// What is left at this moment.
    #[must_use]
    pub fn term(&self, now: Timestamp) -> Term {
        let today = JapaneseDay::of(now);
        match self.due() {
            Some(due) => Term::Days {
                due,
                left: today.days_until(due) + 1,
            },
            None => Term::WithoutDelay {
                waiting: self.request.requested_on.days_until(today),
            },
        }
    }

    /// Puts the answer off (Art 30 ②).
    ///
    /// # Errors
    /// [`Refusal`]: once, within the thirty days, to a later date.
    pub fn extend(
        mut self,
        extension: Extension,
        by: &str,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        self.undecided()?;
        let due = self.first_due().ok_or(Refusal::NoTerm)?;
        if self.extension.is_some() {
            return Err(Refusal::ExtendedAlready);
        }
        if JapaneseDay::of(now) > due {
            return Err(Refusal::ExtensionLate);
        }
        if extension.until <= due || due.days_until(extension.until) > i32::from(EXTENSION_DAYS_MAX)
        {
            return Err(Refusal::ExtensionDate);
        }
        text("reason", &extension.reason, 1000).map_err(|_| Refusal::Text)?;
        self.note(now, by, Happening::Extended(extension.clone()));
        self.extension = Some(extension);
        Ok(self)
    }

    /// Decides. A decision after its day is late, and better than none.
    ///
    /// # Errors
    /// [`Refusal`]: once, and of the kind that was asked.
    pub fn decide(mut self, decision: Decision, by: &str, now: Timestamp) -> Result<Self, Refusal> {
        self.undecided()?;
        let correction = matches!(self.request.wish, Wish::Correction(_));
        match &decision {
            Decision::Disclose | Decision::NoRecord if correction => {
                return Err(Refusal::OtherWish);
            }
            Decision::Correct { .. } if !correction => return Err(Refusal::OtherWish),
            Decision::Correct { what: said, .. } | Decision::Refuse { reason: said } => {
                text("text", said, 1000).map_err(|_| Refusal::Text)?;
            }
            Decision::Disclose | Decision::NoRecord => {}
        }
        self.note(now, by, Happening::Decided(decision.clone()));
        self.decision = Some(decision);
        self.step = Step::Answered;
        Ok(self)
    }

    /// The answer is handed over or sent. A second time it was printed again.
    ///
    /// # Errors
    /// [`Refusal::NotAnswered`].
    pub fn deliver(mut self, by: &str, now: Timestamp) -> Result<Self, Refusal> {
        let what = match self.step {
            Step::Open => return Err(Refusal::NotAnswered),
            Step::Answered => Happening::Delivered,
            Step::Delivered => Happening::PrintedAgain,
        };
        self.step = Step::Delivered;
        self.note(now, by, what);
        Ok(self)
    }

    /// Gives a request that is not answered to another who decides (Arts 34, 50, 51): the
    /// clock runs on.
    ///
    /// # Errors
    /// [`Refusal`]: answered, or with that one already.
    pub fn hand_over(mut self, to: Addressee, by: &str, now: Timestamp) -> Result<Self, Refusal> {
        self.undecided()?;
        if self.addressee == to {
            return Err(Refusal::NothingToHandOver);
        }
        let from = std::mem::replace(&mut self.addressee, to.clone());
        self.note(now, by, Happening::HandedOver { from, to });
        Ok(self)
    }

    fn undecided(&self) -> Result<(), Refusal> {
        match self.step {
            Step::Open => Ok(()),
            Step::Answered | Step::Delivered => Err(Refusal::Answered),
        }
    }

    /// The case as it is kept, to be sealed.
    ///
    /// # Panics
    /// Never: a case holds nothing that JSON cannot.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a case is texts, days, times and bytes in hex")
    }

    /// What [`Case::to_bytes`] made.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}
