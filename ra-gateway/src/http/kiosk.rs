//! What kiosks report.

use actix_web::{HttpResponse, http::StatusCode};
use schema::wire::v1::ra::{
    KioskHealthRequest, KioskHealthResponse, KioskRecordRequest, KioskRecordResponse,
};

use super::{
    caller::Call,
    problem::{Problem, ProblemDocument},
};

/// The signed record of a generation.
#[utoipa::path(post, path = "/v1/kiosk/records", request_body = KioskRecordRequest,
    responses((status = 200, body = KioskRecordResponse), (status = "default", body = ProblemDocument)))]
pub async fn record(call: Call) -> Result<HttpResponse, Problem> {
    call.for_kiosk(StatusCode::OK, |app, kiosk, body| {
        app.keep_kiosk_record(kiosk, &body)
    })
    .await
}

/// What the kiosk says of itself; the answer says whether it may go on.
#[utoipa::path(post, path = "/v1/kiosk/health", request_body = KioskHealthRequest,
    responses((status = 200, body = KioskHealthResponse), (status = "default", body = ProblemDocument)))]
pub async fn health(call: Call) -> Result<HttpResponse, Problem> {
    call.for_kiosk(StatusCode::OK, |app, kiosk, body| {
        app.note_kiosk_health(kiosk, &body)
    })
    .await
}
