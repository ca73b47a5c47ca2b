//! What kiosks report.

use actix_web::{HttpResponse, http::StatusCode};
use schema::wire::v1::ra::{
    KioskHealthRequest, KioskHealthResponse, KioskRecordRequest, KioskRecordResponse,
};

use super::{answers::ActRefusals, caller::Call, problem::Problem};

/// The signed record of a generation.
#[utoipa::path(post, path = "/v1/kiosk/records", request_body = KioskRecordRequest,
    responses((status = 200, body = KioskRecordResponse), ActRefusals))]
pub async fn record(call: Call) -> Result<HttpResponse, Problem> {
    call.for_kiosk(StatusCode::OK, |app, kiosk, body| {
        app.keep_kiosk_record(kiosk, &body)
    })
    .await
}

/// What the kiosk says of itself; the answer says whether it may go on.
#[utoipa::path(post, path = "/v1/kiosk/health", request_body = KioskHealthRequest,
    responses((status = 200, body = KioskHealthResponse), ActRefusals))]
pub async fn health(call: Call) -> Result<HttpResponse, Problem> {
    call.for_kiosk(StatusCode::OK, |app, kiosk, body| {
        app.note_kiosk_health(kiosk, &body)
    })
    .await
}
