//! The written inquiry on the screens: sent, answered, put up for a second operator.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use pki_core::approval::{ApprovedAct, REPLY_REASON};
use schema::wire::v1::ra::{Application, ApprovalRequest, ReplyRequest};

use super::answer::{Answer, answer, render};
use super::case::Case;
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::press::{decision, document};
use super::walk::{
    Document, Row, Typed, beside, compared, document_name, documents, nothing, photo_documents,
    recorded,
};
use crate::counter::Counter;
use crate::counter::http::Window;
use crate::local::{Fields, Problem};

/// The act that is put up for approval.
const IDENTITY_INQUIRY: &str = ApprovedAct::IdentityInquiry.as_str();

#[derive(Template)]
#[template(path = "counter/inquiry.html")]
struct InquiryPage {
    frame: Frame,
    case: Case,
    rows: Vec<Row>,
    differs: bool,
}

#[derive(Template)]
#[template(path = "counter/reply.html")]
struct ReplyPage {
    frame: Frame,
    case: Case,
    sent: String,
    reply_by: String,
    code: String,
    documents: Vec<Document>,
    typed: Typed,
}

#[derive(Template)]
#[template(path = "counter/confirm.html")]
struct ConfirmPage {
    frame: Frame,
    case: Case,
    rows: Vec<Row>,
    document: String,
    decided_by: String,
    decided_at: String,
    /// What was asked for about this decision already, if it still counts: id and standing.
    asked: Option<(String, String)>,
}

/// Before the letter: what is asked, and where it goes.
///
/// # Errors
/// What the gateway says.
pub(super) fn before(
    counter: &Counter,
    frame: Frame,
    application: &Application,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let rows = compared(counter, application)?;
    let page = InquiryPage {
        frame,
        differs: rows.iter().any(|row| !row.agrees),
        rows,
        case: Case::of(application),
    };
    render(&page, problem)
}

/// After the letter: the reply, or its confirmation.
///
/// # Errors
/// [`crate::local::Kind::Internal`]
pub(super) fn after(
    counter: &Counter,
    desk: &Desk,
    frame: Frame,
    application: &Application,
    problem: Option<&Problem>,
    typed: Typed,
) -> Result<Answer, Problem> {
    let case = Case::of(application);
    let Some(inquiry) = &application.inquiry else {
        return Err(nothing());
    };
    match &application.identity {
        Some(identity) if inquiry.decided => {
            let seen = application.identity_sha256.clone().unwrap_or_default();
            let asked = counter
                .approvals()?
                .approvals
                .into_iter()
                .find(|asked| asked.act == IDENTITY_INQUIRY && asked.reference == seen)
                .map(|asked| (asked.id, asked.standing));
            let page = ConfirmPage {
                asked,
                frame,
                case,
                rows: recorded(application),
                document: document_name(desk, &identity.document),
                decided_by: identity.decided_by.clone(),
                decided_at: days::moment(&identity.decided_at),
            };
            render(&page, problem)
        }
        _ => {
            let documents = if case.proxy.is_some() {
                photo_documents(desk)
            } else {
                documents(desk)
            };
            let page = ReplyPage {
                frame,
                sent: days::day(&inquiry.sent_on),
                reply_by: days::day(&inquiry.reply_by),
                code: typed.code.clone(),
                documents,
                typed,
                case,
            };
            render(&page, problem)
        }
    }
}

/// The applicant has no document with a photo: the page before the letter.
pub async fn page(window: Window, desk: Desk, path: Path<String>) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let (frame, application) = beside(counter, desk, &path, "inquiry.title")?;
        before(counter, frame, &application, None)
    })
    .await
}

/// The reply as the form says.
pub(super) fn reply(fields: &Fields) -> Result<ReplyRequest, Problem> {
    Ok(ReplyRequest {
        code: fields.text("code").to_owned(),
        document: document(fields)?,
        face_matches: fields.ticked("face"),
        decision: decision(fields)?,
        remark: fields.filled("remark"),
    })
}

/// Puts the decision on the reply up for a second person, and goes on to their page.
///
/// # Errors
/// What the gateway says.
pub async fn put_up(
    window: Window,
    desk: Desk,
    path: Path<String>,
    _: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, _| {
        let id = path.parse().map_err(|_| nothing())?;
        let application = counter.application(&id)?;
        let wish = ApprovalRequest {
            act: IDENTITY_INQUIRY.to_owned(),
            application: Some(id.to_string()),
            reference: application.identity_sha256.ok_or_else(nothing)?,
            reason: REPLY_REASON.to_owned(),
        };
        let asked = counter.request_approval(&wish)?;
        Ok(Answer::Go(format!(
            "/screens/office/approvals/{}",
            asked.id
        )))
    })
    .await
}
