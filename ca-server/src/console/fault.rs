//! What went wrong, as a page that tells what to do.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use pki_core::{disclosure::Refusal, officer::SignFault};

use crate::{
    app::{
        decide::DecideError, disclose::DiscloseError, enrol::EnrolError, officer::OfficerError,
        records::RecordsError,
    },
    port::{store::StoreError, vault::VaultError},
};

/// A fault: status, what to do in both languages, and what happened.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    pub status: StatusCode,
    pub say: [&'static str; 2],
    pub detail: String,
}

impl Fault {
    fn new(status: StatusCode, say: [&'static str; 2], detail: impl Into<String>) -> Self {
        Self {
            status,
            say,
            detail: detail.into(),
        }
    }

    /// The certificate is not that of an active officer or auditor.
    pub fn nobody() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            [
                "この証明書では利用できません。担当者の登録を確認してください。",
                "This certificate is not let in. Have your enrolment looked at.",
            ],
            "not an active officer or auditor",
        )
    }

    /// A form of another site.
    pub fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            [
                "他のサイトから送られた操作は受け付けません。この画面から操作してください。",
                "Forms of other sites are not taken. Use the pages of this console.",
            ],
            "the form came from another site",
        )
    }

    /// No such page.
    pub fn nothing() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            [
                "該当するものがありません。一覧から選び直してください。",
                "There is no such thing. Choose it from the list.",
            ],
            "not found",
        )
    }

    /// A field that cannot be used.
    pub fn field(say: [&'static str; 2], detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, say, detail)
    }

    /// A fault of the program; the cause goes to the log.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %crate::causes(error), "internal fault");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            [
                "プログラムの異常です。システム担当者に連絡してください。",
                "A fault of the program. Tell those who run it.",
            ],
            "the cause is in the log of the server",
        )
    }

    fn away(detail: &str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            [
                "いまは処理できません。しばらく待って、もう一度操作してください。",
                "Not possible now. Wait a little and try again.",
            ],
            detail,
        )
    }

    fn conflict(say: [&'static str; 2], detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, say, detail)
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Before anybody was let in, or where no page is shown: plain text.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status)
            .content_type("text/plain; charset=utf-8")
            .body(format!(
                "{}\n{}\n{}\n",
                self.say[0], self.say[1], self.detail
            ))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Broken(_) => Self::internal(&error),
            _ => Self::away("the database is away"),
        }
    }
}

impl From<VaultError> for Fault {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Token(_) => Self::away("the token is away"),
            VaultError::Store(error) => error.into(),
            VaultError::Forged | VaultError::Entropy(_) => Self::internal(&error),
        }
    }
}

impl From<DecideError> for Fault {
    fn from(error: DecideError) -> Self {
        let detail = error.to_string();
        match error {
            DecideError::Case(refusal) => case(&refusal),
            DecideError::Disclose(DiscloseError::Case(refusal)) => case(&refusal),
            DecideError::NotFound => Self::nothing(),
            DecideError::Stale => Self::conflict(
                [
                    "ほかの担当者が先に処理しました。請求を開き直してください。",
                    "Somebody else was first. Open the request again.",
                ],
                detail,
            ),
            DecideError::Recorded => Self::conflict(
                [
                    "この人の記録があります。「開示する」を選んでください。",
                    "Something is recorded about this person: disclose it.",
                ],
                detail,
            ),
            DecideError::NotRecorded => Self::conflict(
                [
                    "開示できる記録がありません。「不存在を通知する」を選んでください。",
                    "Nothing is recorded: tell that no record exists.",
                ],
                detail,
            ),
            DecideError::ForeignCertificate => Self::conflict(
                [
                    "この人の電子証明書ではありません。番号を確かめてください。",
                    "The certificate is not this person's. Check the number.",
                ],
                detail,
            ),
            DecideError::Disclose(DiscloseError::Vault(error))
            | DecideError::Records(RecordsError::Vault(error)) => error.into(),
            DecideError::Disclose(DiscloseError::Store(error))
            | DecideError::Records(RecordsError::Store(error)) => error.into(),
            DecideError::Disclose(_) | DecideError::Records(_) | DecideError::Letter(_) => {
                Self::internal(&error)
            }
        }
    }
}

fn case(refusal: &Refusal) -> Fault {
    let say = match refusal {
        Refusal::Answered => [
            "この請求にはすでに回答しています。",
            "This request was answered already.",
        ],
        Refusal::NotAnswered => [
            "まだ回答がありません。先に決定してください。",
            "There is no answer yet: decide first.",
        ],
        Refusal::ExtendedAlready => [
            "延長は一度だけです。期日までに決定してください。",
            "The answer was put off once already. Decide by its date.",
        ],
        Refusal::ExtensionLate => [
            "30日の期間を過ぎたため延長できません。直ちに決定してください。",
            "The thirty days are over. Decide at once.",
        ],
        Refusal::ExtensionDate => [
            "新しい期日は、元の期限より後で180日以内にしてください。",
            "Choose a date after the first one and within 180 days of it.",
        ],
        Refusal::NoTerm => [
            "訂正の請求には延長がありません。遅滞なく決定してください。",
            "A correction is not put off. Decide without delay.",
        ],
        Refusal::NothingToHandOver => [
            "すでに現在の決定者のもとにあります。",
            "The request is with the one who decides now.",
        ],
        Refusal::Text => [
            "理由または内容を1000文字以内で入力してください。",
            "Enter the reason or the text, at most 1000 characters.",
        ],
        Refusal::OtherWish => [
            "この請求の種類には使えない決定です。",
            "This decision does not answer this kind of request.",
        ],
        Refusal::Future | Refusal::TooOld | Refusal::NoDisclosure => [
            "この請求は受け付けられません。",
            "This request cannot be taken.",
        ],
    };
    Fault::conflict(say, refusal.to_string())
}

impl From<OfficerError> for Fault {
    fn from(error: OfficerError) -> Self {
        let detail = crate::causes(&error);
        match error {
            OfficerError::Auditor => Self::new(
                StatusCode::FORBIDDEN,
                [
                    "監査担当者は閲覧だけができます。",
                    "Auditors read and decide nothing.",
                ],
                detail,
            ),
            OfficerError::NotFound | OfficerError::NoParty => Self::nothing(),
            OfficerError::Sign(fault) => signature(fault),
            OfficerError::NothingToDo => Self::conflict(
                [
                    "すでにその状態になっています。",
                    "It is in that state already.",
                ],
                detail,
            ),
            OfficerError::NotHeld => Self::conflict(
                [
                    "このバッチは、もうその決裁を待っていません。住基異動の画面で状態を確認してください。",
                    "This batch does not wait for that any more. See how it stands on the register page.",
                ],
                detail,
            ),
            OfficerError::Kind => Self::field(
                [
                    "この種類は、コマンドで登録してください。",
                    "Enrol this kind at the command line.",
                ],
                &detail,
            ),
            OfficerError::Pem => Self::field(
                [
                    "登録要求（CERTIFICATE REQUEST）のPEMを貼り付けてください。",
                    "Paste the PEM of the CERTIFICATE REQUEST.",
                ],
                &detail,
            ),
            OfficerError::Void => Self::conflict(
                [
                    "ほかの担当者が先に処理したため、この決裁は無効です。やり直してください。",
                    "Somebody else was first: this act is void. Make it again.",
                ],
                detail,
            ),
            OfficerError::Decide(error) => error.into(),
            OfficerError::Enrol(EnrolError::Store(error)) | OfficerError::Store(error) => {
                error.into()
            }
            OfficerError::Enrol(EnrolError::Vault(error)) | OfficerError::Vault(error) => {
                error.into()
            }
            OfficerError::Enrol(EnrolError::Sign(_)) => Self::away("the token is away"),
            OfficerError::Enrol(_) => Self::conflict(
                [
                    "登録できません。詳細に示された項目を直してください。",
                    "Not enrolled. Correct what the detail names.",
                ],
                detail,
            ),
            OfficerError::Publish => Self::away("a list was not published"),
            OfficerError::Reason => Self::field(
                [
                    "理由を500文字以内で入力してください。",
                    "Enter the reason, at most 500 characters.",
                ],
                &detail,
            ),
            OfficerError::Unreadable | OfficerError::Entropy(_) => Self::internal(&error),
        }
    }
}

fn signature(fault: SignFault) -> Fault {
    let say = match fault {
        SignFault::Key | SignFault::Signature => [
            "署名が確認できません。表示された文書に、登録した本人の鍵で署名してください。",
            "The signature does not verify. Sign the statement shown, with your own enrolled key.",
        ],
        SignFault::Late => [
            "時間が過ぎました。最初からやり直してください。",
            "It waited too long. Make it again.",
        ],
        SignFault::NotDue => [
            "この決裁は、いま署名を待っていません。",
            "This act is not waiting for this signature.",
        ],
        SignFault::SamePerson => [
            "起案した本人は承認できません。別の担当者が行ってください。",
            "The second officer must be another person.",
        ],
        SignFault::OtherPerson => [
            "起案した本人の署名を待っています。",
            "It waits for the officer who made it.",
        ],
    };
    Fault::conflict(say, fault.to_string())
}
