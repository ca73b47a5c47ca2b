//! Errors as problem documents (RFC 9457): the one place where a failure becomes an
//! answer, with a closed list of types.

use actix_web::{HttpResponse, ResponseError, body::BoxBody, http::StatusCode};
pub use service::problem::{PREFIX, ProblemDocument, ProblemItem};

use crate::app::refusal::{Failure, Reason, Refused};

/// A failure on its way out.
#[derive(Clone, Debug)]
pub struct Problem(pub ProblemDocument);

/// Types beside the refusals.
pub const OTHER_TYPES: &[(&str, StatusCode)] = &[
    ("token-away", StatusCode::SERVICE_UNAVAILABLE),
    ("authority-away", StatusCode::SERVICE_UNAVAILABLE),
    ("database-away", StatusCode::SERVICE_UNAVAILABLE),
    ("register-away", StatusCode::SERVICE_UNAVAILABLE),
    ("lane-full", StatusCode::SERVICE_UNAVAILABLE),
    ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
    ("media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ("internal", StatusCode::INTERNAL_SERVER_ERROR),
];

/// The status of a refusal.
#[must_use]
pub const fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::PartyUnknown
        | Reason::PartySuspended
        | Reason::WrongParty
        | Reason::RoleForbids
        | Reason::PlaceForbids
        | Reason::SamePerson => StatusCode::FORBIDDEN,
        Reason::SessionRequired | Reason::SessionInvalid | Reason::SignInRefused => {
            StatusCode::UNAUTHORIZED
        }
        Reason::NotFound | Reason::ChannelUnknown => StatusCode::NOT_FOUND,
        Reason::BodyInvalid | Reason::QueryInvalid => StatusCode::BAD_REQUEST,
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::ItemsInvalid
        | Reason::CardRefused
        | Reason::NotIdentified
        | Reason::RegisterDisagrees
        | Reason::ReplyRefused
        | Reason::StatementInvalid
        | Reason::ProofInvalid
        | Reason::VisitForeign
        | Reason::KioskRecordInvalid
        | Reason::SubstituteInvalid
        | Reason::ActInvalid
        | Reason::TrialSignatureInvalid
        | Reason::ApprovalInvalid
        | Reason::FeeDiffers => StatusCode::UNPROCESSABLE_ENTITY,
        Reason::StepNotDue
        | Reason::ChangedMeanwhile
        | Reason::KeyReused
        | Reason::NoKiosk
        | Reason::CertificateInEffect
        | Reason::KindNotOpen
        | Reason::ConfirmationRefused
        | Reason::PublicKeyReused
        | Reason::ApprovalNeeded
        | Reason::ApprovalsFull
        | Reason::DayClosed
        | Reason::DayOpen
        | Reason::EntryFinal
        | Reason::WindowClosed
        | Reason::IssuingStopped
        | Reason::AuthorityRefused
        | Reason::OtherMode
        | Reason::ImageForeign => StatusCode::CONFLICT,
        Reason::CertificateDiffers => StatusCode::BAD_GATEWAY,
        Reason::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
    }
}

fn title(name: &str) -> String {
    let mut words = name.replace('-', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

impl Problem {
    fn of(name: &str, status: StatusCode, detail: impl Into<String>) -> Self {
        Self(ProblemDocument {
            kind: format!("{PREFIX}{name}"),
            title: title(name),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        })
    }

    /// A refusal by the skin itself.
    pub fn refused(reason: Reason, detail: impl Into<String>) -> Self {
        Refused::new(reason, detail).into()
    }

    /// Too many requests; `seconds` until one fits again.
    #[must_use]
    pub fn too_many(seconds: u64) -> Self {
        let mut problem = Self::refused(
            Reason::TooManyRequests,
            "this terminal or operator asks too often; wait a little",
        );
        problem.0.retry_after = Some(seconds.max(1));
        problem
    }

    /// Too much of this kind of work is under way; other kinds go on.
    #[must_use]
    pub fn lane_full(seconds: u64) -> Self {
        let mut problem = Self::of(
            "lane-full",
            StatusCode::SERVICE_UNAVAILABLE,
            "too much of this kind of work is under way; the same request may be made again",
        );
        problem.0.retry_after = Some(seconds.max(1));
        problem
    }

    /// Another method than the route has.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::of(
            "method-not-allowed",
            StatusCode::METHOD_NOT_ALLOWED,
            "this address has no such method",
        )
    }

    /// A body that is not JSON by its own word.
    #[must_use]
    pub fn media_type() -> Self {
        Self::of(
            "media-type",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the body as application/json",
        )
    }

    /// A fault of the gateway; what it was is in the log alone.
    #[must_use]
    pub fn internal() -> Self {
        Self::of(
            "internal",
            StatusCode::INTERNAL_SERVER_ERROR,
            "the gateway failed; tell the prefecture's officers the time of this answer",
        )
    }

    /// The type's name without its prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.kind.strip_prefix(PREFIX).unwrap_or(&self.0.kind)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let mut problem = Self::of(
            refused.reason.name(),
            status(refused.reason),
            refused.detail,
        );
        problem.0.errors = refused
            .errors
            .into_iter()
            .map(|error| ProblemItem {
                pointer: error.pointer,
                detail: error.detail,
            })
            .collect();
        problem
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refused) => refused.into(),
            Failure::Away {
                what, retry_after, ..
            } => {
                tracing::warn!(error = &failure as &dyn std::error::Error, what, "away");
                let mut problem = Self::of(
                    what,
                    StatusCode::SERVICE_UNAVAILABLE,
                    "something the gateway needs is away; the same request may be made again",
                );
                problem.0.retry_after = Some(retry_after.as_secs().max(1));
                problem
            }
            Failure::Broken(_) => {
                tracing::error!(
                    error = &failure as &dyn std::error::Error,
                    "the gateway failed"
                );
                Self::internal()
            }
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.0.title, self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.0.answer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_listed_once_and_in_kebab_case() {
        let mut names: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        names.extend(OTHER_TYPES.iter().map(|(name, _)| *name));
        let count = names.len();
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn an_absent_token_is_told_with_the_time_to_come_again() {
        let problem = Problem::from(Failure::Away {
            what: "token-away",
            retry_after: std::time::Duration::from_millis(200),
            source: None,
        });
        let response = problem.error_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers().get("Retry-After").unwrap(), "1");
        assert_eq!(problem.name(), "token-away");
    }
}
