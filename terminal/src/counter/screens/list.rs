//! The applications of the window: open, or all.

use actix_web::HttpResponse;
use askama::Template;
use schema::wire::v1::ra::{ApplicationLine, CertificateKind};

use super::answer::{answer, render};
use super::case::{certificate_key, step_key};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use crate::counter::http::Window;
use crate::counter::next::next;
use crate::local::Problem;

struct Line {
    id: String,
    name: String,
    received: String,
    step: &'static str,
    ended: bool,
    /// Key of the kind of certificate, where it is not the one for signatures.
    certificate: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "counter/list.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    all: bool,
    today: String,
}

fn line(line: ApplicationLine) -> Line {
    Line {
        received: days::short(&line.received_at),
        step: step_key(line.step),
        ended: next(line.step).action == "none",
        certificate: Some(line.certificate_kind)
            .filter(|kind| *kind != CertificateKind::Signature)
            .map(certificate_key),
        id: line.id,
        name: line.name,
    }
}

async fn page(window: Window, desk: Desk, all: bool) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let list = counter.lines(!all)?;
        let page = ListPage {
            frame: Frame::new(counter, desk, "list.title"),
            lines: list.applications.into_iter().map(line).collect(),
            all,
            today: days::era(days::today()),
        };
        render(&page, None)
    })
    .await
}

/// The open ones.
pub async fn open(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    page(window, desk, false).await
}

/// All of them.
pub async fn all(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    page(window, desk, true).await
}
