//! Every error of the local servers, as RFC 9457 problem documents with a closed
//! list of types. Beside the standard members, `say` carries one sentence that a
//! clerk or a resident can act on, in Japanese and English.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;

use crate::card::CardFault;

/// The closed list of problem types; on the wire `urn:jitsuin:problem:<name>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The body, a field or the address is not as it has to be.
    BadRequest,
    /// The body is too large.
    TooLarge,
    /// No such thing here.
    NotFound,
    /// The local secret is missing or wrong.
    LocalSecret,
    /// The request comes from a page of another origin.
    Origin,
    /// No operator is signed in, or the operator's card was taken out.
    SignInNeeded,
    /// This step is not due now.
    NotDue,
    /// Another step is still running.
    Running,
    /// No card in the reader.
    CardMissing,
    /// The card was taken out half-way.
    CardRemoved,
    /// Another kind of card.
    CardForeign,
    /// Another card than the one of this application or visit.
    CardOther,
    /// Another program holds or has reset the card.
    CardBusy,
    /// The card does not answer properly, or refuses.
    CardFaulty,
    /// The reader, or the smart-card service, is away.
    ReaderAway,
    /// A wrong password or PIN.
    PasswordWrong,
    /// A blocked password or PIN.
    PasswordBlocked,
    /// A password outside the rules.
    PasswordRules,
    /// What was read back is not what was written.
    ReadBack,
    /// The gateway cannot be reached, or does not answer in time.
    GatewayAway,
    /// The gateway refused.
    GatewayRefused,
    /// The kiosk is out of service: a self-test failed, it is suspended, or it was too long without the gateway.
    OutOfService,
    /// The visit ended: cancelled, time ran out.
    VisitEnded,
    /// A fault of this machine; the log has the cause.
    Internal,
}

impl Kind {
    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::PasswordRules => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::LocalSecret | Self::Origin => StatusCode::FORBIDDEN,
            Self::SignInNeeded => StatusCode::UNAUTHORIZED,
            Self::ReaderAway | Self::OutOfService => StatusCode::SERVICE_UNAVAILABLE,
            Self::GatewayAway => StatusCode::GATEWAY_TIMEOUT,
            Self::GatewayRefused => StatusCode::BAD_GATEWAY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::CONFLICT,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "the request is not as it has to be",
            Self::TooLarge => "the body is too large",
            Self::NotFound => "no such thing",
            Self::LocalSecret => "the local secret is missing or wrong",
            Self::Origin => "a page of another origin may not ask",
            Self::SignInNeeded => "an operator has to sign in",
            Self::NotDue => "this step is not due",
            Self::Running => "another step is still running",
            Self::CardMissing => "no card in the reader",
            Self::CardRemoved => "the card was taken out",
            Self::CardForeign => "not a card of this service",
            Self::CardOther => "another card than expected",
            Self::CardBusy => "another program uses the card",
            Self::CardFaulty => "the card does not answer properly",
            Self::ReaderAway => "the card reader is away",
            Self::PasswordWrong => "wrong password",
            Self::PasswordBlocked => "the password is blocked",
            Self::PasswordRules => "the password does not follow the rules",
            Self::ReadBack => "the card does not hold what was written",
            Self::GatewayAway => "the gateway does not answer",
            Self::GatewayRefused => "the gateway refused",
            Self::OutOfService => "out of service",
            Self::VisitEnded => "the visit has ended",
            Self::Internal => "a fault of this machine",
        }
    }

    /// `card-missing` …
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            _ => "internal".to_owned(),
        }
    }
}

/// One sentence in two languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Say {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl Say {
    /// Both languages.
    pub fn new(ja: &str, en: &str) -> Self {
        Self {
            ja: ja.to_owned(),
            en: en.to_owned(),
        }
    }
}

/// A problem document.
#[derive(Clone, Debug)]
pub struct Problem(Box<Document>);

#[derive(Clone, Debug, Serialize)]
struct Document {
    #[serde(skip)]
    kind: Kind,
    #[serde(skip)]
    status: StatusCode,
    /// `urn:jitsuin:problem:<name>`; of the gateway's own when it is passed on.
    #[serde(rename = "type")]
    type_: String,
    title: String,
    /// What happened, for the log and the curious.
    detail: String,
    /// What to do now.
    say: Say,
    /// Tries left, with a wrong password.
    #[serde(skip_serializing_if = "Option::is_none")]
    tries_left: Option<u8>,
    /// Item by item, where the gateway or a form check told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Value>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Problem {}

impl Problem {
    /// A problem with what happened and what to do (Japanese, English).
    pub fn new(kind: Kind, detail: impl Into<String>, ja: &str, en: &str) -> Self {
        Self(Box::new(Document {
            kind,
            status: kind.status(),
            type_: format!("urn:jitsuin:problem:{}", kind.name()),
            title: kind.title().to_owned(),
            detail: detail.into(),
            say: Say::new(ja, en),
            tries_left: None,
            errors: Vec::new(),
        }))
    }

    /// What was sent is not as a page of ours sends it.
    pub fn bad_request(detail: &str) -> Self {
        Self::new(
            Kind::BadRequest,
            detail,
            "入力に誤りがあります。画面を読み込み直してください。",
            "The input is not as it has to be. Load the page again.",
        )
    }

    /// A fault of this machine. `cause` goes to the log, not to the screen.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, source = ?cause.source().map(ToString::to_string), "internal fault");
        Self::new(
            Kind::Internal,
            "a fault of this machine; its log has the cause",
            "端末の内部エラーです。もう一度押しても直らないときは管理者に連絡してください。",
            "A fault of this terminal. Press again; if it stays, call the administrator.",
        )
    }

    /// A form fault at one place (JSON pointer).
    pub fn at(pointer: &str, detail: impl Into<String>, ja: &str, en: &str) -> Self {
        let detail = detail.into();
        let mut problem = Self::new(Kind::BadRequest, detail.clone(), ja, en);
        problem.0.errors = vec![serde_json::json!({"pointer": pointer, "detail": detail})];
        problem
    }

    /// A problem document of the gateway, passed on as it is, with what to do.
    pub fn passed_on(status: u16, document: &Value, say: Say) -> Self {
        let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut problem = Self::new(Kind::GatewayRefused, "", &say.ja, &say.en);
        // Not 401: the browser's session with this terminal is not meant.
        problem.0.status = StatusCode::from_u16(status)
            .ok()
            .filter(|s| s.is_client_error() || s.is_server_error())
            .unwrap_or(StatusCode::BAD_GATEWAY);
        let passed = &mut *problem.0;
        if let Some(type_) = text("type") {
            passed.type_ = type_;
        }
        if let Some(title) = text("title") {
            passed.title = title;
        }
        passed.detail = text("detail").unwrap_or_else(|| passed.title.clone());
        if let Some(Value::Array(errors)) = document.get("errors") {
            passed.errors.clone_from(errors);
        }
        problem
    }

    /// The type among the local ones.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// What to do.
    pub fn say(&self) -> &Say {
        &self.0.say
    }

    /// The document as JSON.
    pub fn document(&self) -> Value {
        let mut value = serde_json::to_value(&*self.0).unwrap_or_default();
        value["status"] = self.0.status.as_u16().into();
        value
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        if self.0.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header(("Retry-After", "2"));
        }
        response
            .content_type("application/problem+json")
            .body(self.document().to_string())
    }
}

impl From<CardFault> for Problem {
    fn from(fault: CardFault) -> Self {
        let detail = fault.to_string();
        let (kind, ja, en) = match &fault {
            CardFault::ServiceAway => (
                Kind::ReaderAway,
                "カードリーダーのサービスが応答しません。数秒待ってからもう一度押してください。",
                "The card reader's service does not answer. Wait a few seconds and press again.",
            ),
            CardFault::ReaderMissing(_) => (
                Kind::ReaderAway,
                "カードリーダーが見つかりません。接続を確かめてください。",
                "The card reader was not found. Check its cable.",
            ),
            CardFault::NoCard => (
                Kind::CardMissing,
                "カードを置いてから、もう一度押してください。",
                "Place the card and press again.",
            ),
            CardFault::Removed => (
                Kind::CardRemoved,
                "処理中にカードが抜かれました。カードを置き直して、もう一度押してください。",
                "The card was taken out half-way. Place it again and press again.",
            ),
            CardFault::Interrupted | CardFault::Busy => (
                Kind::CardBusy,
                "ほかのプログラムがカードを使用しています。終了してから、もう一度押してください。",
                "Another program uses the card. End it and press again.",
            ),
            CardFault::Mute => (
                Kind::CardFaulty,
                "カードが応答しません。向きと汚れを確かめて置き直してください。直らないときはカードの交換が必要です。",
                "The card does not answer. Check its side and clean it; if that does not help, it has to be replaced.",
            ),
            CardFault::Foreign => (
                Kind::CardForeign,
                "このサービスのカードではありません。正しいカードを置いてください。",
                "This is not a card of this service. Place the right card.",
            ),
            CardFault::WrongPassword(left) => {
                let mut problem = Self::new(
                    Kind::PasswordWrong,
                    detail,
                    &format!("暗証番号が違います。あと{left}回まちがえるとロックされます。"),
                    &format!("The password is wrong. {left} tries are left before it is blocked."),
                );
                problem.0.tries_left = Some(*left);
                return problem;
            }
            CardFault::Blocked => (
                Kind::PasswordBlocked,
                "暗証番号がロックされています。窓口でロック解除の手続きをしてください。",
                "The password is blocked. It has to be unlocked at the window.",
            ),
            CardFault::Refused(_) | CardFault::Form(_) => (
                Kind::CardFaulty,
                "カードが処理を受け付けませんでした。カードを置き直して、もう一度押してください。",
                "The card refused. Place it again and press again.",
            ),
        };
        Self::new(kind, detail, ja, en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_password_tells_how_many_tries_are_left() {
        let problem = Problem::from(CardFault::WrongPassword(3));
        let document = problem.document();
        assert_eq!(document["type"], "urn:jitsuin:problem:password-wrong");
        assert_eq!(document["status"], 409);
        assert_eq!(document["tries_left"], 3);
        assert!(document["say"]["ja"].as_str().unwrap().contains("あと3回"));
    }

    #[test]
    fn the_gateways_problem_keeps_its_type_and_its_errors() {
        let document = serde_json::json!({
            "type": "urn:jitsuin:problem:step-not-due", "title": "not due", "status": 409,
            "detail": "the application is paid", "errors": [{"pointer": "/step", "detail": "paid"}],
        });
        let problem = Problem::passed_on(409, &document, Say::new("は", "a")).document();
        assert_eq!(problem["type"], "urn:jitsuin:problem:step-not-due");
        assert_eq!(problem["detail"], "the application is paid");
        assert_eq!(problem["errors"][0]["pointer"], "/step");
        assert_eq!(problem["say"]["en"], "a");
    }
}
