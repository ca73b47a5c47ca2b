//! Revocation at the window, and what is known of a certificate.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use schema::wire::v1::{
    ca::{CertificateRecord, RevokeResponse},
    ra::WindowRevokeRequest,
};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// Records a revocation under Art 9 or 10.
#[utoipa::path(post, path = "/v1/revocations", request_body = WindowRevokeRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = RevokeResponse), ActRefusals))]
pub async fn revoke(call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, |app, clerk, body| app.revoke(clerk, &body))
        .await
}

/// A certificate of this municipality and its status.
#[utoipa::path(get, path = "/v1/certificates/{serial}",
    params(("serial" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = CertificateRecord), QuestionRefusals))]
pub async fn certificate(serial: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.certificate(operator, &serial))
        .await
}
