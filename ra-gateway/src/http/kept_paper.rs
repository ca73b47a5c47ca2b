//! Kept papers.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use schema::wire::v1::ra::{
    HoldPaperRequest, KeepPaperRequest, KeptPaper, KeptPaperContent, KeptPapers,
    ReleasePaperRequest,
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

/// Holds a paper beyond its day; a supervisor's.
#[utoipa::path(post, path = "/v1/papers/{id}/hold", request_body = HoldPaperRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = KeptPaper), ActRefusals))]
pub async fn hold(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_supervisor(
        StatusCode::OK,
        move |app, supervisor, body: HoldPaperRequest| app.hold_paper(supervisor, &id, &body),
    )
    .await
}

/// Releases a paper that was held; a supervisor's.
#[utoipa::path(post, path = "/v1/papers/{id}/release", request_body = ReleasePaperRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = KeptPaper), ActRefusals))]
pub async fn release(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_supervisor(
        StatusCode::OK,
        move |app, supervisor, _: ReleasePaperRequest| app.release_paper(supervisor, &id),
    )
    .await
}
