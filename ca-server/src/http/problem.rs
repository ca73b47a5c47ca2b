//! Every error an interface answers: RFC 9457 problem documents with a closed
//! list of types. Nothing here repeats what a caller sent.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use service::problem::PREFIX;
pub use service::problem::{ProblemDocument, ProblemItem};

/// The closed list of types: `urn:jitsuin:problem:<name>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The message is not JSON of the expected form.
    MalformedMessage,
    /// Longer than the limit.
    TooLarge,
    /// Not `application/json` (or `application/ocsp-request`).
    UnsupportedMediaType,
    /// No such resource.
    NotFound,
    /// The resource knows other methods.
    MethodNotAllowed,
    /// No certificate of a registered, active gateway, or verifier where those call.
    NotAuthorised,
    /// The signed act does not permit this.
    ActRefused,
    /// The items cannot stand in a certificate.
    ItemsRefused,
    /// The card's request or the kiosk's record does not prove the key.
    ProofRefused,
    /// The public key may not be certified.
    KeyRefused,
    /// The bytes to sign would break a rule.
    LintRefused,
    /// It contradicts what is recorded (Art 6, one key – one application, …).
    Conflict,
    /// The certificate may not be replaced, or not yet.
    ReplacementRefused,
    /// The register recorded an event about the resident since he was identified.
    RegisterChanged,
    /// The same request is being worked on.
    InWork,
    /// The range lies outside the file.
    RangeNotSatisfiable,
    /// More requests than the limit allows.
    TooManyRequests,
    /// The token cannot be used now.
    TokenAway,
    /// The database cannot be used now.
    DatabaseAway,
    /// A fault of this program.
    Internal,
}

impl Kind {
    /// All of them.
    #[cfg(test)]
    const ALL: [Self; 20] = [
        Self::MalformedMessage,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAuthorised,
        Self::ActRefused,
        Self::ItemsRefused,
        Self::ProofRefused,
        Self::KeyRefused,
        Self::LintRefused,
        Self::Conflict,
        Self::ReplacementRefused,
        Self::RegisterChanged,
        Self::InWork,
        Self::RangeNotSatisfiable,
        Self::TooManyRequests,
        Self::TokenAway,
        Self::DatabaseAway,
        Self::Internal,
    ];

    /// The last part of the type's URN.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The status that it is answered with.
    pub fn status(self) -> StatusCode {
        self.row().1
    }

    fn row(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::MalformedMessage => (
                "malformed-message",
                StatusCode::BAD_REQUEST,
                "The message is not of the expected form",
            ),
            Self::TooLarge => (
                "too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The message is too long",
            ),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The message is of another media type",
            ),
            Self::NotFound => (
                "not-found",
                StatusCode::NOT_FOUND,
                "There is no such resource",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "The resource knows other methods",
            ),
            Self::NotAuthorised => (
                "not-authorised",
                StatusCode::FORBIDDEN,
                "The caller is not registered here, or suspended",
            ),
            Self::ActRefused => (
                "act-refused",
                StatusCode::FORBIDDEN,
                "The signed act does not permit this",
            ),
            Self::ItemsRefused => (
                "items-refused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The items cannot stand in a certificate",
            ),
            Self::ProofRefused => (
                "proof-refused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The key is not proved to come from this visit",
            ),
            Self::KeyRefused => (
                "key-refused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The public key may not be certified",
            ),
            Self::LintRefused => (
                "lint-refused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The certificate would break a rule",
            ),
            Self::Conflict => (
                "conflict",
                StatusCode::CONFLICT,
                "It contradicts what is recorded",
            ),
            Self::ReplacementRefused => (
                "replacement-refused",
                StatusCode::CONFLICT,
                "The certificate is not replaced",
            ),
            Self::RegisterChanged => (
                "register-changed",
                StatusCode::CONFLICT,
                "The register has changed",
            ),
            Self::InWork => (
                "in-work",
                StatusCode::CONFLICT,
                "The same request is being worked on",
            ),
            Self::RangeNotSatisfiable => (
                "range-not-satisfiable",
                StatusCode::RANGE_NOT_SATISFIABLE,
                "The range lies outside the file",
            ),
            Self::TooManyRequests => (
                "too-many-requests",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
            ),
            Self::TokenAway => (
                "token-away",
                StatusCode::SERVICE_UNAVAILABLE,
                "The token cannot be used now",
            ),
            Self::DatabaseAway => (
                "database-away",
                StatusCode::SERVICE_UNAVAILABLE,
                "The database cannot be used now",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "A fault of this program",
            ),
        }
    }
}

/// One problem, ready to answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", .kind.name())]
pub struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<ProblemItem>,
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem with a sentence that tells what to do.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Which value of the message is at fault, by JSON pointer.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(ProblemItem {
            pointer: pointer.into(),
            detail: detail.into(),
        });
        self
    }

    /// When trying again makes sense, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// A fault of this program: the cause goes to the log and not to the caller.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %crate::causes(error), "internal fault");
        Self::new(Kind::Internal, "The fault is in the log of the server.")
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.row().1
    }

    fn error_response(&self) -> HttpResponse {
        let (name, status, title) = self.kind.row();
        metrics::counter!("jitsuin_problems_total", "type" => name).increment(1);
        ProblemDocument {
            kind: format!("{PREFIX}{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            errors: self.errors.clone(),
            retry_after: self.retry_after,
        }
        .answer()
    }
}

/// What could not be read as a message, without repeating any value of it.
pub fn of_json(error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    // These two name fields; other messages of serde may name values.
    let what = if said.starts_with("unknown field") || said.starts_with("missing field") {
        said
    } else {
        format!("at line {}, column {}", error.line(), error.column())
    };
    Problem::new(Kind::MalformedMessage, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique() {
        let names: std::collections::HashSet<_> =
            Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for name in names {
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{name}"
            );
        }
    }

    #[test]
    fn a_wrong_value_in_a_message_is_not_repeated() {
        let error = serde_json::from_str::<u8>("\"総務　太郎\"").unwrap_err();
        let problem = of_json(&error);
        assert!(!problem.detail.contains("総務"));
        assert!(problem.detail.contains("line 1"));
    }
}
