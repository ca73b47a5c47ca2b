//! The identification of this visit for the other certificate of the card.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use schema::wire::v1::ra::{Application, IdentityOfVisit, IdentityOfVisitRequest};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// What the application may rest on.
#[utoipa::path(get, path = "/v1/applications/{id}/identity-of-visit",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = IdentityOfVisit), QuestionRefusals))]
pub async fn found(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.identity_of_visit(operator, &id))
        .await
}

/// The same person is before the clerk.
#[utoipa::path(post, path = "/v1/applications/{id}/identity-of-visit",
    request_body = IdentityOfVisitRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn reuse(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(
        StatusCode::OK,
        move |app, clerk, body: IdentityOfVisitRequest| app.reuse_identity(clerk, &id, &body),
    )
    .await
}
