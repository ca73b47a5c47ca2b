//! The place: whether it is open, longer hours, shift changes.

use actix_web::{HttpResponse, http::StatusCode};
use schema::wire::v1::ra::{OpeningRequest, PlaceView, ShiftMessage, ShiftRequest};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// The operator's place.
#[utoipa::path(get, path = "/v1/place",
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = PlaceView), QuestionRefusals))]
pub async fn here(call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(|app, operator| app.place(operator))
        .await
}

/// The place is kept open longer today.
#[utoipa::path(post, path = "/v1/openings", request_body = OpeningRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = PlaceView), ActRefusals))]
pub async fn extend(call: Call) -> Result<HttpResponse, Problem> {
    call.for_supervisor(StatusCode::CREATED, |app, supervisor, body| {
        app.extend_opening(supervisor, &body)
    })
    .await
}

/// The operator takes the terminal's open applications over.
#[utoipa::path(post, path = "/v1/shifts", request_body = ShiftRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = ShiftMessage), ActRefusals))]
pub async fn take_over(call: Call) -> Result<HttpResponse, Problem> {
    call.for_back_office(StatusCode::CREATED, |app, clerk, body| {
        app.take_over(clerk, &body)
    })
    .await
}
