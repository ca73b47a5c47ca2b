//! A second person's approval (四眼).

use actix_web::{HttpResponse, http::StatusCode, web};
use schema::wire::v1::ra::{ApprovalDecision, ApprovalList, ApprovalMessage, ApprovalRequest};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// Something is put up for approval.
#[utoipa::path(post, path = "/v1/approvals", request_body = ApprovalRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = ApprovalMessage), ActRefusals))]
pub async fn request(call: Call) -> Result<HttpResponse, Problem> {
    call.for_back_office(StatusCode::CREATED, |app, clerk, body| {
        app.request_approval(clerk, &body)
    })
    .await
}

/// What waits for a second person, or was decided just now.
#[utoipa::path(get, path = "/v1/approvals",
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = ApprovalList), QuestionRefusals))]
pub async fn list(call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(|app, operator| app.approvals(operator))
        .await
}

/// One request for approval.
#[utoipa::path(get, path = "/v1/approvals/{id}",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = ApprovalMessage), QuestionRefusals))]
pub async fn read(call: Call, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.approval(operator, &id))
        .await
}

/// A supervisor's signed decision, from a terminal.
#[utoipa::path(post, path = "/v1/approvals/{id}/decision", request_body = ApprovalDecision,
    params(("id" = String, Path)),
    responses((status = 200, body = ApprovalMessage), ActRefusals))]
pub async fn decide(call: Call, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    call.for_terminal(StatusCode::OK, move |app, terminal, body| {
        app.decide_approval(terminal, &id, &body)
    })
    .await
}
