//! Disclosure and correction at the window.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use schema::wire::v1::disclosure::{
    DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// Takes a request in (Arts 29, 31) and forwards it to who decides.
#[utoipa::path(post, path = "/v1/disclosures", request_body = DisclosureRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = DisclosureLine), ActRefusals))]
pub async fn receive(call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::CREATED, |app, clerk, body| {
        app.disclose(clerk, &body)
    })
    .await
}

/// The requests of this municipality.
#[utoipa::path(get, path = "/v1/disclosures",
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = DisclosureList), QuestionRefusals))]
pub async fn list(call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(|app, operator| app.disclosures(operator))
        .await
}

/// One request of this municipality.
#[utoipa::path(get, path = "/v1/disclosures/{id}",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = DisclosureLine), QuestionRefusals))]
pub async fn read(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.disclosure(operator, &id))
        .await
}

/// The answer, to be printed and handed over.
#[utoipa::path(post, path = "/v1/disclosures/{id}/delivery", request_body = DeliveryRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = DeliveryResponse), ActRefusals))]
pub async fn deliver(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body| {
        app.deliver_disclosure(clerk, &id, &body)
    })
    .await
}
