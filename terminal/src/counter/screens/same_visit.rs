//! Step 2 for the other certificate of the card: the identification of this visit is shown, and one key
//! lets the application rest on it.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use schema::wire::v1::ra::{Application, EarlierIdentity, IdentityOfVisitRequest};

use super::answer::{Answer, answer, render};
use super::case::{Case, certificate_key};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::walk::{Row, Typed, document_name, shown};
use crate::counter::Counter;
use crate::counter::http::{Window, id};
use crate::local::{Fields, Problem};

#[derive(Template)]
#[template(path = "counter/same_visit.html")]
struct SameVisitPage {
    frame: Frame,
    case: Case,
    rows: Vec<Row>,
    /// Key of the certificate that it was made for.
    earlier: &'static str,
    document: String,
    issuer: String,
    expires: String,
    by: String,
    at: String,
    identity_sha256: String,
}

/// What the application may rest on, where the prefecture issues both certificates.
pub(super) fn earlier(
    counter: &Counter,
    application: &Application,
) -> Result<Option<EarlierIdentity>, Problem> {
    if application.other_kind.is_none() {
        return Ok(None);
    }
    let id = application
        .id
        .parse()
        .map_err(|error| Problem::internal(&error))?;
    Ok(counter.identity_of_visit(&id)?.found)
}

/// The page.
pub(super) fn offered(
    desk: &Desk,
    frame: Frame,
    case: Case,
    rows: Vec<Row>,
    earlier: EarlierIdentity,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let page = SameVisitPage {
        frame,
        case,
        rows,
        earlier: certificate_key(earlier.certificate_kind),
        document: document_name(desk, &earlier.document.kind),
        issuer: earlier.document.issuer.unwrap_or_default(),
        expires: earlier
            .document
            .expires_on
            .as_deref()
            .map(days::day)
            .unwrap_or_default(),
        by: earlier.decided_by,
        at: days::moment(&earlier.decided_at),
        identity_sha256: earlier.identity_sha256,
    };
    render(&page, problem)
}

/// What the button says.
pub(super) fn pressed(fields: &Fields) -> IdentityOfVisitRequest {
    IdentityOfVisitRequest {
        identity_sha256: fields.text("identity_sha256").to_owned(),
    }
}

/// The ordinary check: the document is shown again.
pub async fn anew(window: Window, desk: Desk, path: Path<String>) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let typed = Typed {
            anew: true,
            ..Typed::default()
        };
        shown(counter, desk, &id(&path)?, None, typed)
    })
    .await
}
