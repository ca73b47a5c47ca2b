//! Problem documents (RFC 9457), as every server of this workspace answers them, and what the
//! descriptions of interfaces say of them. Which types there are, each server knows for itself.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder,
        Schema, schema::Type,
    },
};

/// The media type of problem documents (RFC 9457 §3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Before the name in `type`.
pub const PREFIX: &str = "urn:jitsuin:problem:";

/// A value of the message that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProblemItem {
    /// JSON pointer (RFC 6901) into the message.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProblemDocument {
    /// `urn:jitsuin:problem:<name>`
    #[serde(rename = "type")]
    #[schema(example = "urn:jitsuin:problem:token-away")]
    pub kind: String,
    /// The type in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What can be done next.
    pub detail: String,
    /// Values of the message that are at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemItem>,
    /// Seconds after which the same request may be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl ProblemDocument {
    /// The last part of the type's URN.
    #[must_use]
    pub fn name(&self) -> &str {
        self.kind.strip_prefix(PREFIX).unwrap_or(&self.kind)
    }

    /// The status, 500 where it is none.
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document as an answer. No cache keeps it.
    #[must_use]
    pub fn answer(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(MEDIA_TYPE);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        // Strings and numbers always serialise.
        response.body(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Problems as answers in the description of an interface: by status, each with the names of the
/// types that it can be of.
pub fn described<'a>(
    types: impl IntoIterator<Item = (&'a str, StatusCode)>,
) -> BTreeMap<String, RefOr<Response>> {
    let mut names: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (name, status) in types {
        names.entry(status.as_u16()).or_default().push(name);
    }
    names
        .into_iter()
        .map(|(status, names)| (status.to_string(), RefOr::T(response(status, &names))))
        .collect()
}

fn response(status: u16, names: &[&str]) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ProblemDocument")))
        .build();
    let response = ResponseBuilder::new()
        .description(names.join(", "))
        .content(MEDIA_TYPE, content);
    if !matches!(status, 429 | 503) {
        return response.build();
    }
    let seconds = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[0-9]+$"));
    let header = HeaderBuilder::new()
        .schema(Some(Schema::from(seconds)))
        .description(Some("Seconds until the same request may be made again"));
    response.header("Retry-After", header.build()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_one_status_are_described_together() {
        let described = described([
            ("in-work", StatusCode::CONFLICT),
            ("token-away", StatusCode::SERVICE_UNAVAILABLE),
            ("conflict", StatusCode::CONFLICT),
        ]);
        let RefOr::T(conflict) = &described["409"] else {
            panic!("written out")
        };
        assert_eq!(conflict.description, "in-work, conflict");
        assert!(conflict.content.contains_key(MEDIA_TYPE));
        assert!(conflict.headers.is_empty());
        let RefOr::T(away) = &described["503"] else {
            panic!("written out")
        };
        assert!(away.headers.contains_key("Retry-After"));
    }

    #[test]
    fn an_answer_says_when_to_come_again_in_its_head_too() {
        let document = ProblemDocument {
            kind: format!("{PREFIX}token-away"),
            title: "Token away".into(),
            status: 503,
            detail: "the same request may be made again".into(),
            errors: Vec::new(),
            retry_after: Some(3),
        };
        let answer = document.answer();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let head = |name| answer.headers().get(name).unwrap();
        assert_eq!(head(header::RETRY_AFTER), "3");
        assert_eq!(head(header::CONTENT_TYPE), MEDIA_TYPE);
        assert_eq!(document.name(), "token-away");
    }
}
