//! Kept papers.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use pki_core::kept_paper::order::PaperOrder;
use schema::wire::v1::ra::{
    KeepPaperRequest, KeptPaper, KeptPaperContent, KeptPapers, PaperOrderRequest, PaperOrders,
};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// Keeps a scan of an application or a notice.
#[utoipa::path(post, path = "/v1/papers", request_body = KeepPaperRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = KeptPaper), ActRefusals))]
pub async fn keep(call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::CREATED, |app, clerk, body: KeepPaperRequest| {
        app.keep_paper(clerk, &body)
    })
    .await
}

/// Papers of an application, oldest first.
#[utoipa::path(get, path = "/v1/applications/{id}/papers",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = KeptPapers), QuestionRefusals))]
pub async fn of_application(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.papers_of_application(operator, &id))
        .await
}

/// Papers of a notice, oldest first.
#[utoipa::path(get, path = "/v1/notices/{id}/papers",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = KeptPapers), QuestionRefusals))]
pub async fn of_notice(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.papers_of_notice(operator, &id))
        .await
}

/// A paper with its content; each reading is in the audit.
#[utoipa::path(get, path = "/v1/papers/{id}",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = KeptPaperContent), QuestionRefusals))]
pub async fn read(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.read_paper(operator, &id))
        .await
}

/// Holds a paper beyond its day, with a supervisor's approval.
#[utoipa::path(post, path = "/v1/papers/{id}/hold", request_body = PaperOrderRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = KeptPaper), ActRefusals))]
pub async fn hold(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    order(id, call, PaperOrder::Hold).await
}

/// Releases a paper that was held, with a supervisor's approval.
#[utoipa::path(post, path = "/v1/papers/{id}/release", request_body = PaperOrderRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = KeptPaper), ActRefusals))]
pub async fn release(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    order(id, call, PaperOrder::Release).await
}

async fn order(id: Path<String>, call: Call, order: PaperOrder) -> Result<HttpResponse, Problem> {
    call.for_back_office(
        StatusCode::OK,
        move |app, clerk, body: PaperOrderRequest| app.order_paper(clerk, &id, order, &body),
    )
    .await
}

/// A paper with the orders about it, oldest first.
#[utoipa::path(get, path = "/v1/papers/{id}/orders",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = PaperOrders), QuestionRefusals))]
pub async fn orders(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.paper_orders(operator, &id))
        .await
}

/// Papers that are held, those held longest first.
#[utoipa::path(get, path = "/v1/held-papers",
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = KeptPapers), QuestionRefusals))]
pub async fn held(call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(|app, operator| app.held_papers(operator))
        .await
}
