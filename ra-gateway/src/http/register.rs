//! The resident register.

use actix_web::{HttpResponse, http::StatusCode};
use schema::wire::v1::ra::{RegisterLookupRequest, RegisterLookupResponse};

use super::{answers::ActRefusals, caller::Call, problem::Problem};

/// Residents of the terminal's municipality who match.
#[utoipa::path(post, path = "/v1/register-lookups", request_body = RegisterLookupRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = RegisterLookupResponse), ActRefusals))]
pub async fn look_up(call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, |app, clerk, body| app.look_up(clerk, &body))
        .await
}
