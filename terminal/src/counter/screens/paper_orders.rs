//! Orders about kept papers on the screen (保全・保全解除): what is held, one paper with its orders, and asking
//! a supervisor for the next one.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use pki_core::kept_paper::order::PaperOrder;
use schema::wire::v1::ra::{ApprovalRequest, PaperOrderMessage, PaperOrders};

use super::answer::{Answer, answer, render};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::papers::{Line, line};
use super::walk::nothing;
use crate::counter::Counter;
use crate::counter::http::Window;
use crate::local::{Fields, Kind, Problem};

/// An order as shown.
struct Given {
    order: String,
    at: String,
    by: String,
    approved_by: String,
    reason: String,
}

impl From<PaperOrderMessage> for Given {
    fn from(given: PaperOrderMessage) -> Self {
        Self {
            at: days::moment(&given.at),
            order: given.order,
            by: given.by,
            approved_by: given.approved_by,
            reason: given.reason,
        }
    }
}

#[derive(Template)]
#[template(path = "counter/papers_held.html")]
struct HeldPage {
    frame: Frame,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "counter/paper_orders.html")]
struct PaperPage {
    frame: Frame,
    line: Line,
    /// Where it was taken in.
    application: Option<String>,
    orders: Vec<Given>,
    reason: String,
}

/// Papers that are held.
pub async fn held(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        let language = desk.words.0;
        let page = HeldPage {
            frame: Frame::new(counter, desk, "paper-order.title").back_to("/screens/office"),
            lines: counter
                .held_papers()?
                .into_iter()
                .map(|paper| line(paper, language))
                .collect(),
        };
        render(&page, None)
    })
    .await
}

fn shown(
    counter: &Counter,
    desk: &Desk,
    view: PaperOrders,
    reason: String,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let application = view.paper.application.clone();
    let back = application.as_ref().map_or_else(
        || "/screens/office/papers".to_owned(),
        |id| format!("/screens/applications/{id}/papers"),
    );
    let page = PaperPage {
        frame: Frame::new(counter, desk, "paper-order.title")
            .back_to(back)
            .telling(problem),
        line: line(view.paper, desk.words.0),
        application,
        orders: view.orders.into_iter().map(Given::from).collect(),
        reason,
    };
    render(&page, problem)
}

/// One paper.
pub async fn page(window: Window, desk: Desk, id: Path<String>) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        shown(
            counter,
            desk,
            counter.paper_orders(&id)?,
            String::new(),
            None,
        )
    })
    .await
}

/// Asks a second person whether the paper may be held, or released.
pub async fn ask(
    window: Window,
    desk: Desk,
    id: Path<String>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let order = PaperOrder::parse(fields.text("order")).ok_or_else(nothing)?;
        let view = counter.paper_orders(&id)?;
        // Given meanwhile: the page shows what is to be decided now.
        if order.may_be_given(view.paper.held).is_err() {
            return shown(counter, desk, view, String::new(), None);
        }
        let reason = fields.text("reason").to_owned();
        let asked = counter.request_approval(&ApprovalRequest {
            act: order.approved_act().to_string(),
            application: view.paper.application.clone(),
            reference: view.paper.id.clone(),
            reason: reason.clone(),
        });
        match asked {
            Ok(asked) => Ok(Answer::Go(format!(
                "/screens/office/approvals/{}",
                asked.id
            ))),
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            Err(problem) => shown(counter, desk, view, reason, Some(&problem)),
        }
    })
    .await
}
