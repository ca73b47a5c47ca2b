//! Four eyes on the screen (承認): what waits, what it is, the second person's card and PIN,
//! and then the act itself.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use pki_core::approval::Verdict;
use pki_core::kept_paper::order::PaperOrder;
use schema::wire::v1::ra::{ApprovalMessage, IdentityConfirmation, TillCloseRequest};

use super::answer::{Answer, answer, render, telling};
use super::case::{short, yen_signed};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::walk::nothing;
use crate::counter::Counter;
use crate::counter::http::Window;
use crate::counter::office::Decided;
use crate::local::{Fields, Problem};

/// A request as shown.
struct Line {
    id: String,
    act: String,
    application: Option<String>,
    reference: String,
    reason: String,
    subject_sha256: String,
    requested_by: String,
    requested_at: String,
    expires_at: String,
    standing: String,
    decided_by: Option<String>,
    /// The reference, for the eye.
    shown_reference: String,
    /// Of a close with a difference: day, counted, booked and difference in yen.
    difference: Option<[String; 4]>,
}

/// Whether a reference is a number that people know, as of a receipt, and no digest or id.
fn is_number(reference: &str) -> bool {
    reference.contains('-')
}

/// What a close's reference says, for the eye.
fn difference(approval: &ApprovalMessage) -> Option<[String; 4]> {
    if approval.act != "till-difference" {
        return None;
    }
    let mut parts = approval.reference.split(' ');
    let day = days::day(parts.next()?);
    let counted: i64 = parts.next()?.parse().ok()?;
    let booked: i64 = parts.next()?.parse().ok()?;
    let yen = [counted, booked, counted - booked].map(yen_signed);
    let [counted, booked, difference] = yen;
    Some([day, counted, booked, difference])
}

impl From<ApprovalMessage> for Line {
    fn from(approval: ApprovalMessage) -> Self {
        Self {
            difference: difference(&approval),
            shown_reference: match &approval.application {
                // A digest or an id tells the eye nothing: its application does.
                _ if is_number(&approval.reference) => approval.reference.clone(),
                Some(application) => short(application),
                None => short(&approval.reference),
            },
            requested_at: days::short(&approval.requested_at),
            expires_at: days::short(&approval.expires_at),
            id: approval.id,
            act: approval.act,
            application: approval.application,
            reference: approval.reference,
            reason: approval.reason,
            subject_sha256: approval.subject_sha256,
            requested_by: approval.requested_by,
            standing: approval.standing,
            decided_by: approval.decided_by,
        }
    }
}

impl Line {
    /// Whether a kept paper is what it is about.
    fn is_about_paper(&self) -> bool {
        paper_order(&self.act).is_some()
    }

    /// Whether its act is done from here.
    fn is_done_here(&self) -> bool {
        match self.act.as_str() {
            "fee-correction" | "till-difference" | "paper-hold" | "paper-release" => {
                self.standing == "approved"
            }
            // A refusal is carried out too: the decision goes back.
            "identity-inquiry" => matches!(self.standing.as_str(), "approved" | "rejected"),
            _ => false,
        }
    }
}

/// The order about a paper that this act is.
fn paper_order(act: &str) -> Option<PaperOrder> {
    [PaperOrder::Hold, PaperOrder::Release]
        .into_iter()
        .find(|order| order.approved_act().as_str() == act)
}

#[derive(Template)]
#[template(path = "counter/approvals.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "counter/approval.html")]
struct ApprovalPage {
    frame: Frame,
    line: Line,
}

#[derive(Template)]
#[template(path = "counter/approval_decided.html")]
struct DecidedPage {
    frame: Frame,
    line: Line,
}

/// What waits, and what was decided just now.
pub async fn list(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        let approvals = counter.approvals()?.approvals;
        let page = ListPage {
            frame: Frame::new(counter, desk, "approvals.title").back_to("/screens/office"),
            lines: approvals.into_iter().map(Line::from).collect(),
        };
        render(&page, None)
    })
    .await
}

fn shown(
    counter: &Counter,
    desk: &Desk,
    id: &str,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let page = ApprovalPage {
        line: counter.approval(id)?.into(),
        frame: Frame::new(counter, desk, "approvals.title")
            .back_to("/screens/office/approvals")
            .telling(problem),
    };
    render(&page, problem)
}

/// One request.
pub async fn page(window: Window, desk: Desk, id: Path<String>) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        shown(counter, desk, &id, None)
    })
    .await
}

/// The second person's card and PIN.
pub async fn decide(
    window: Window,
    desk: Desk,
    id: Path<String>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let verdict = match fields.text("verdict") {
            "approve" => Verdict::Approve,
            "reject" => Verdict::Reject,
            _ => return Err(nothing()),
        };
        let decided = Decided {
            approval: &id,
            act: fields.text("act"),
            subject_sha256: fields.text("subject"),
            requested_by: fields.text("requested_by"),
            verdict,
        };
        match counter.decide_approval(&decided, &fields.secret("pin")) {
            Ok(approval) => {
                let page = DecidedPage {
                    frame: Frame::new(counter, desk, "approvals.title"),
                    line: approval.into(),
                };
                render(&page, None)
            }
            // Without anybody at work the page cannot be shown again: the fault is told alone.
            Err(problem) => shown(counter, desk, &id, Some(&problem)).map_err(|_| problem),
        }
    })
    .await
}

/// Does what was approved. Everything it needs was shown to the approver.
pub async fn carry_out(
    window: Window,
    desk: Desk,
    id: Path<String>,
    _: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let approval = counter.approval(&id)?;
        let done = match approval.act.as_str() {
            "fee-correction" => counter
                .correct_fee(&approval.reference, &approval.reason, &approval.id)
                .map(|entry| format!("/screens/office/till/{}", entry.booked_on)),
            "till-difference" => {
                let mut parts = approval.reference.split(' ');
                let day = parts.next().unwrap_or_default().to_owned();
                let counted_yen = parts
                    .next()
                    .and_then(|yen| yen.parse().ok())
                    .ok_or_else(nothing)?;
                let close = TillCloseRequest {
                    day,
                    counted_yen,
                    reason: Some(approval.reason.clone()),
                    approval: Some(approval.id.clone()),
                };
                counter
                    .close_till(&close)
                    .map(|till| format!("/screens/office/till/{}", till.day))
            }
            "identity-inquiry" => {
                let application = approval.application.clone().ok_or_else(nothing)?;
                let id = application.parse().map_err(|_| nothing())?;
                let confirmation = IdentityConfirmation {
                    identity_sha256: approval.reference.clone(),
                    confirmed: approval.standing == "approved",
                    approval: approval.id.clone(),
                };
                counter
                    .confirm_identity(&id, &confirmation)
                    .map(|_| format!("/screens/applications/{application}"))
            }
            act => {
                let order = paper_order(act).ok_or_else(nothing)?;
                counter
                    .order_paper(order, &approval)
                    .map(|paper| format!("/screens/office/papers/{}", paper.id))
            }
        };
        match done {
            Ok(address) => Ok(Answer::Go(address)),
            Err(problem) => telling(problem, |problem| shown(counter, desk, &id, Some(problem))),
        }
    })
    .await
}
