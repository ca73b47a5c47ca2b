//! An application at whatever step, as it is stored between two requests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cause::EndCause;
use super::identity::RecordedDecision;
use super::states::{
    Cancelled, CardPrepared, Case, CharactersSettled, Confirmed, HandedOver, Identified,
    InquirySent, Issued, KeyRead, Paid, Payment, Received, Refused, Revocation, Revoked, Written,
};
use super::transitions::StepFault;
use crate::revocation::ground::Ground;

/// The steps in walking order; the last three are ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Received,
    InquirySent,
    Identified,
    CardPrepared,
    KeyRead,
    CharactersSettled,
    Issued,
    Confirmed,
    Written,
    Paid,
    HandedOver,
    Refused,
    Cancelled,
    Revoked,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 14] = [
        Self::Received,
        Self::InquirySent,
        Self::Identified,
        Self::CardPrepared,
        Self::KeyRead,
        Self::CharactersSettled,
        Self::Issued,
        Self::Confirmed,
        Self::Written,
        Self::Paid,
        Self::HandedOver,
        Self::Refused,
        Self::Cancelled,
        Self::Revoked,
    ];

    /// Name in messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::InquirySent => "inquiry-sent",
            Self::Identified => "identified",
            Self::CardPrepared => "card-prepared",
            Self::KeyRead => "key-read",
            Self::CharactersSettled => "characters-settled",
            Self::Issued => "issued",
            Self::Confirmed => "confirmed",
            Self::Written => "written",
            Self::Paid => "paid",
            Self::HandedOver => "handed-over",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Revoked => "revoked",
        }
    }

    /// Whether somebody still has to do something at the window.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(
            self,
            Self::HandedOver | Self::Refused | Self::Cancelled | Self::Revoked
        )
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The one thing to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// 照会書の送付: the applicant is asked in writing.
    SendInquiry,
    /// 回答書の受付: the reply is brought and decided on.
    RecordReply,
    /// 本人確認の承認, by a second operator.
    ConfirmReply,
    /// 本人確認
    Identify,
    /// カードの準備: the visit keys are set.
    PrepareCard,
    /// 鍵ペアの生成 at the kiosk, then 公開鍵読込.
    ReadKey,
    /// 代替文字の確認
    SettleCharacters,
    /// 発行要求
    RequestIssue,
    /// 発行要求, once more under the same key: its answer was lost.
    RepeatIssue,
    /// 証明書内容の確認
    JudgeImage,
    /// 失効, on the ground that the verdict on the image has.
    Revoke(Ground),
    /// カードへの書込み
    WriteCard,
    /// 手数料
    TakeFee,
    /// 交付
    HandOver,
    /// Nothing: the application is at its end.
    Nothing,
}

impl Due {
    /// As the clerk's screen says it.
    #[must_use]
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::SendInquiry => "申請者に照会書を送ってください",
            Self::RecordReply => "回答書の持参を待っています",
            Self::ConfirmReply => "責任者が本人確認を承認してください",
            Self::Identify => "本人確認をしてください",
            Self::PrepareCard => "カードを準備してください",
            Self::ReadKey => "鍵ペア生成装置での操作の後、公開鍵を読み込んでください",
            Self::SettleCharacters => "代替文字を確認してください",
            Self::RequestIssue => "発行を要求してください",
            Self::RepeatIssue => "発行要求の結果を確認してください",
            Self::JudgeImage => "証明書の内容を申請者と確認してください",
            Self::Revoke(_) => "証明書を失効させてください",
            Self::WriteCard => "証明書をカードに書き込んでください",
            Self::TakeFee => "手数料を収納してください",
            Self::HandOver => "カードと写しを交付してください",
            Self::Nothing => "手続は終わりました",
        }
    }

    /// The same in English.
    #[must_use]
    pub const fn english(self) -> &'static str {
        match self {
            Self::SendInquiry => "Send the written inquiry to the applicant",
            Self::RecordReply => "Wait for the reply to the inquiry",
            Self::ConfirmReply => "A supervisor confirms the identity decision",
            Self::Identify => "Identify the applicant",
            Self::PrepareCard => "Prepare the card",
            Self::ReadKey => "After the kiosk, read the public key",
            Self::SettleCharacters => "Settle the substitute characters",
            Self::RequestIssue => "Request the certificate",
            Self::RepeatIssue => "Ask for the answer to the request",
            Self::JudgeImage => "Check the certificate with the applicant",
            Self::Revoke(_) => "Revoke the certificate",
            Self::WriteCard => "Write the certificate to the card",
            Self::TakeFee => "Take the fee",
            Self::HandOver => "Hand over the card and the copy",
            Self::Nothing => "The procedure is at its end",
        }
    }
}

/// An application at one of its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", content = "state", rename_all = "kebab-case")]
pub enum Application {
    Received(Received),
    InquirySent(InquirySent),
    Identified(Identified),
    CardPrepared(CardPrepared),
    KeyRead(KeyRead),
    CharactersSettled(CharactersSettled),
    Issued(Issued),
    Confirmed(Confirmed),
    Written(Written),
    Paid(Paid),
    HandedOver(HandedOver),
    Refused(Refused),
    Cancelled(Cancelled),
    Revoked(Revoked),
}

/// A step that was asked for while another was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the application stands at {found}, and what was asked for is done at {wanted}")]
pub struct WrongStep {
    /// Where the application stands.
    pub found: Step,
    /// Where it would have to stand.
    pub wanted: Step,
}

/// A refusal of a step that may be asked for at several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    WrongStep(#[from] WrongStep),
    #[error(transparent)]
    Step(#[from] StepFault),
}

/// Stored bytes that are no application of a version that this program knows.
#[derive(Debug, thiserror::Error)]
pub enum StoredFault {
    #[error("the stored application cannot be read")]
    Unreadable(#[source] serde_json::Error),
    #[error("the stored application has version {0}; version 1 is understood")]
    Version(u32),
}

/// Why and when an application ended before hand-over, or after it by revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub cause: EndCause,
    pub at: Timestamp,
}

const VERSION: u32 = 1;

#[derive(Serialize)]
struct StoredRef<'a> {
    version: u32,
    #[serde(flatten)]
    application: &'a Application,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

macro_rules! steps {
    ($($name:ident => $into:ident),* $(,)?) => {
        impl Application {
            /// Where it stands.
            #[must_use]
            pub const fn step(&self) -> Step {
                match self { $(Self::$name(_) => Step::$name,)* }
            }

            $(
                /// The application at this step.
                ///
                /// # Errors
                /// When it stands at another.
                pub fn $into(self) -> Result<$name, WrongStep> {
                    match self {
                        Self::$name(state) => Ok(state),
                        other => Err(WrongStep { found: other.step(), wanted: Step::$name }),
                    }
                }
            )*
        }

        $(
            impl From<$name> for Application {
                fn from(state: $name) -> Self {
                    Self::$name(state)
                }
            }
        )*
    };
}

steps! {
    Received => into_received,
    InquirySent => into_inquiry_sent,
    Identified => into_identified,
    CardPrepared => into_card_prepared,
    KeyRead => into_key_read,
    CharactersSettled => into_characters_settled,
    Issued => into_issued,
    Confirmed => into_confirmed,
    Written => into_written,
    Paid => into_paid,
    HandedOver => into_handed_over,
    Refused => into_refused,
    Cancelled => into_cancelled,
    Revoked => into_revoked,
}

impl Application {
    /// What the applicant handed in.
    #[must_use]
    pub fn case(&self) -> &Case {
        match self {
            Self::Received(s) => &s.case,
            Self::InquirySent(s) => &s.case,
            Self::Identified(s) => &s.case,
            Self::Refused(s) => &s.case,
            Self::Cancelled(s) => &s.case,
            later => {
                &later
                    .card_prepared()
                    .expect("every other step follows it")
                    .case
            }
        }
    }

    /// The identity decision, once there is one that this end or step rests on.
    #[must_use]
    pub fn identity(&self) -> Option<&RecordedDecision> {
        match self {
            Self::Refused(s) => Some(&s.identity),
            Self::InquirySent(s) => s.decided.as_ref(),
            Self::Identified(s) => Some(&s.identity),
            other => other.card_prepared().map(|s| &s.identity),
        }
    }

    /// What was known when the card was prepared, from that step on.
    #[must_use]
    pub fn card_prepared(&self) -> Option<&CardPrepared> {
        match self {
            Self::CardPrepared(s) => Some(s),
            other => other.key_read().map(|s| &**s),
        }
    }

    /// What was known when the key was read, from that step on.
    #[must_use]
    pub fn key_read(&self) -> Option<&KeyRead> {
        match self {
            Self::KeyRead(s) => Some(s),
            other => other.characters_settled().map(|s| &**s),
        }
    }

    /// What was known when the characters were settled, from that step on.
    #[must_use]
    pub fn characters_settled(&self) -> Option<&CharactersSettled> {
        match self {
            Self::CharactersSettled(s) => Some(s),
            other => other.issued().map(|s| &**s),
        }
    }

    /// What was known when the certificate was issued, from that step on.
    #[must_use]
    pub fn issued(&self) -> Option<&Issued> {
        match self {
            Self::Issued(s) => Some(s),
            Self::Confirmed(s) => Some(s),
            Self::Written(s) => Some(s),
            Self::Paid(s) => Some(s),
            Self::HandedOver(s) => Some(s),
            Self::Revoked(s) => Some(s),
            _ => None,
        }
    }

    /// The payment, once there is one.
    #[must_use]
    pub fn payment(&self) -> Option<&Payment> {
        match self {
            Self::Paid(s) => Some(&s.payment),
            Self::HandedOver(s) => Some(&s.payment),
            Self::Revoked(s) => s.payment.as_ref(),
            _ => None,
        }
    }

    /// Why and when it ended, where it did not end with the hand-over.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        match self {
            Self::Refused(s) => Some(End {
                cause: s.cause,
                at: s.identity.decision().at,
            }),
            Self::Cancelled(s) => Some(End {
                cause: s.cause,
                at: s.at,
            }),
            Self::Revoked(s) => Some(End {
                cause: s.cause,
                at: s.revocation.revoked_at,
            }),
            _ => None,
        }
    }

    /// The one thing to do next.
    #[must_use]
    pub fn due(&self) -> Due {
        match self {
            Self::Received(s) if s.case.proxy.is_some() => Due::SendInquiry,
            Self::Received(_) => Due::Identify,
            Self::InquirySent(s) if s.decided.is_some() => Due::ConfirmReply,
            Self::InquirySent(_) => Due::RecordReply,
            Self::Identified(_) => Due::PrepareCard,
            Self::CardPrepared(_) => Due::ReadKey,
            Self::KeyRead(_) => Due::SettleCharacters,
            Self::CharactersSettled(s) if s.intent.is_some() => Due::RepeatIssue,
            Self::CharactersSettled(_) => Due::RequestIssue,
            Self::Issued(s) => s
                .judgement
                .and_then(|judgement| judgement.verdict.exit())
                .map_or(Due::JudgeImage, |exit| Due::Revoke(exit.ground)),
            Self::Confirmed(_) => Due::WriteCard,
            Self::Written(_) => Due::TakeFee,
            Self::Paid(_) => Due::HandOver,
            Self::HandedOver(_) | Self::Refused(_) | Self::Cancelled(_) | Self::Revoked(_) => {
                Due::Nothing
            }
        }
    }

    /// The applicant withdraws, at any step before an issue was asked for.
    ///
    /// # Errors
    /// When an issue was asked for, or the application is at its end.
    pub fn cancel(self, at: Timestamp) -> Result<Cancelled, Refusal> {
        Ok(match self {
            Self::Received(s) => s.cancel(at),
            Self::InquirySent(s) => s.cancel(at),
            Self::Identified(s) => s.cancel(at),
            Self::CardPrepared(s) => s.cancel(at),
            Self::KeyRead(s) => s.cancel(at),
            Self::CharactersSettled(s) => s.cancel(at)?,
            other => {
                let wrong = WrongStep {
                    found: other.step(),
                    wanted: Step::CharactersSettled,
                };
                return Err(wrong.into());
            }
        })
    }

    /// Gives up the visit, at any step at which no issue was asked for: a new one follows.
    ///
    /// # Errors
    /// When an issue was asked for, or there is no visit.
    pub fn back_to_window(self) -> Result<Identified, Refusal> {
        Ok(match self {
            Self::CardPrepared(s) => s.back_to_window(),
            Self::KeyRead(s) => s.back_to_window(),
            Self::CharactersSettled(s) => s.back_to_window()?,
            other => {
                let wrong = WrongStep {
                    found: other.step(),
                    wanted: Step::CardPrepared,
                };
                return Err(wrong.into());
            }
        })
    }

    /// Takes in a revocation that the certificate authority recorded, at any step after issue.
    ///
    /// # Errors
    /// When there is no certificate, it was revoked before, or it is another one.
    pub fn revoke(self, revocation: Revocation) -> Result<Revoked, Refusal> {
        Ok(match self {
            Self::Issued(s) => s.revoke(revocation)?,
            Self::Confirmed(s) => s.revoke(revocation)?,
            Self::Written(s) => s.revoke(revocation)?,
            Self::Paid(s) => s.revoke(revocation)?,
            Self::HandedOver(s) => s.revoke(revocation)?,
            other => {
                let wrong = WrongStep {
                    found: other.step(),
                    wanted: Step::Issued,
                };
                return Err(wrong.into());
            }
        })
    }

    /// The bytes to store, with their version. Personal data: they are stored encrypted.
    ///
    /// # Panics
    /// Never: an application holds nothing that JSON cannot.
    #[must_use]
    pub fn to_stored(&self) -> Vec<u8> {
        let stored = StoredRef {
            version: VERSION,
            application: self,
        };
        serde_json::to_vec(&stored).expect("an application is text, numbers and times")
    }

    /// Reads stored bytes; everything in them is checked as when it first came in.
    ///
    /// # Errors
    /// When they are not an application of a known version.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, StoredFault> {
        let Version { version } = serde_json::from_slice(bytes).map_err(StoredFault::Unreadable)?;
        if version != VERSION {
            return Err(StoredFault::Version(version));
        }
        serde_json::from_slice(bytes).map_err(StoredFault::Unreadable)
    }
}
