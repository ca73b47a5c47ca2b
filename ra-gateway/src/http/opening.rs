//! Which application is open to a resident.

use actix_web::{HttpResponse, http::StatusCode};
use schema::wire::v1::ra::{OpeningsRequest, OpeningsResponse};

use super::{answers::ActRefusals, caller::Call, problem::Problem};

/// What is open to a resident, and why: asked before an application is taken in.
#[utoipa::path(post, path = "/v1/application-openings", request_body = OpeningsRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = OpeningsResponse), ActRefusals))]
pub async fn openings(call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, |app, clerk, body| {
        app.openings(clerk, &body)
    })
    .await
}
