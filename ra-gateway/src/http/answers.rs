//! What the interface's description says of refusals. It is made from the closed list of types
//! and their statuses, so that it cannot fall behind what is answered.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use service::problem::described;
use utoipa::{
    IntoResponses,
    openapi::{RefOr, Response},
};

use super::problem::{OTHER_TYPES, status};
use crate::app::refusal::Reason;

/// How an act, which has a body, can be refused.
pub struct ActRefusals;

/// How a question, which has none, can be refused.
pub struct QuestionRefusals;

impl IntoResponses for ActRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        // Another method is another operation.
        all_but(&[StatusCode::METHOD_NOT_ALLOWED])
    }
}

impl IntoResponses for QuestionRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all_but(&[
            StatusCode::METHOD_NOT_ALLOWED,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::BAD_GATEWAY,
        ])
    }
}

fn all_but(foreign: &[StatusCode]) -> BTreeMap<String, RefOr<Response>> {
    let reasons = Reason::ALL
        .iter()
        .map(|reason| (reason.name(), status(*reason)));
    let types = reasons.chain(OTHER_TYPES.iter().copied());
    described(types.filter(|(_, status)| !foreign.contains(status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_stands_under_its_status() {
        let acts = ActRefusals::responses();
        let words = |status: StatusCode| match &acts[status.as_str()] {
            RefOr::T(response) => response.description.clone(),
            RefOr::Ref(_) => panic!("written out"),
        };
        for reason in Reason::ALL {
            let words = words(status(*reason));
            assert!(
                words.split(", ").any(|name| name == reason.name()),
                "{words}"
            );
        }
        assert!(words(StatusCode::SERVICE_UNAVAILABLE).contains("lane-full"));
        assert!(!acts.contains_key("405"));
        assert!(!QuestionRefusals::responses().contains_key("415"));
    }
}
