//! The till, its corrections and remittances, and the statistics.

use actix_web::{HttpResponse, http::StatusCode, web};
use schema::wire::v1::ra::{
    FeeCorrectionRequest, FeeView, RemittanceRequest, RemittanceView, StatisticsView,
    TillCloseRequest, TillDay, TillEntry,
};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// The day that is to be closed next.
#[utoipa::path(get, path = "/v1/till",
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = TillDay), QuestionRefusals))]
pub async fn next(call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(|app, operator| app.till(operator, None))
        .await
}

/// A day of the book.
#[utoipa::path(get, path = "/v1/till/{day}",
    params(("day" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = TillDay), QuestionRefusals))]
pub async fn day(call: Call, day: web::Path<String>) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.till(operator, Some(&day)))
        .await
}

/// A day is closed.
#[utoipa::path(post, path = "/v1/till-closes", request_body = TillCloseRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = TillDay), ActRefusals))]
pub async fn close(call: Call) -> Result<HttpResponse, Problem> {
    call.for_back_office(StatusCode::CREATED, |app, clerk, body| {
        app.close_till(clerk, &body)
    })
    .await
}

/// An entry of the book.
#[utoipa::path(get, path = "/v1/fees/{number}",
    params(("number" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = FeeView), QuestionRefusals))]
pub async fn entry(call: Call, number: web::Path<String>) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.fee_entry(operator, &number))
        .await
}

/// An entry is taken back.
#[utoipa::path(post, path = "/v1/fee-corrections", request_body = FeeCorrectionRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = TillEntry), ActRefusals))]
pub async fn correct(call: Call) -> Result<HttpResponse, Problem> {
    call.for_back_office(StatusCode::CREATED, |app, clerk, body| {
        app.correct_fee(clerk, &body)
    })
    .await
}

/// A month of the book.
#[utoipa::path(get, path = "/v1/remittances/{month}",
    params(("month" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = RemittanceView), QuestionRefusals))]
pub async fn remittance(call: Call, month: web::Path<String>) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.remittance(operator, &month))
        .await
}

/// A month becomes final.
#[utoipa::path(post, path = "/v1/remittances", request_body = RemittanceRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = RemittanceView), ActRefusals))]
pub async fn remit(call: Call) -> Result<HttpResponse, Problem> {
    call.for_supervisor(StatusCode::CREATED, |app, supervisor, body| {
        app.remit(supervisor, &body)
    })
    .await
}

/// Counts by month.
#[utoipa::path(get, path = "/v1/statistics/{month}",
    params(("month" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = StatisticsView), QuestionRefusals))]
pub async fn statistics(call: Call, month: web::Path<String>) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.statistics(operator, &month))
        .await
}
