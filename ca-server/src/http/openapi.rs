//! The descriptions of both interfaces (OpenAPI 3.1), made from the handlers.

use actix_web::HttpResponse;
use utoipa::OpenApi;

use super::{
    authority, certificates, disclosures, files, ocsp, problem, register_revocations, revocations,
};

/// The inner interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Jitsuin CA, inner interface",
        description = "For gateways, over mutual TLS."
    ),
    paths(
        authority::read,
        certificates::issue,
        certificates::read,
        revocations::revoke,
        revocations::revoke_online,
        disclosures::receive,
        disclosures::list,
        disclosures::read,
        disclosures::deliver,
        register_revocations::list
    ),
    components(schemas(problem::ProblemDocument, problem::ProblemItem))
)]
pub struct IssueApi;

/// The public interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Jitsuin CA, status",
        description = "For relying parties; over mutual TLS where access is registered."
    ),
    paths(
        files::full,
        files::full_delta,
        files::partition,
        files::partition_delta,
        files::issuer,
        ocsp::get,
        ocsp::post
    ),
    components(schemas(problem::ProblemDocument, problem::ProblemItem))
)]
pub struct StatusApi;

pub(super) async fn issue() -> HttpResponse {
    answer(&IssueApi::openapi())
}

pub(super) async fn status() -> HttpResponse {
    answer(&StatusApi::openapi())
}

fn answer(api: &utoipa::openapi::OpenApi) -> HttpResponse {
    HttpResponse::Ok().json(api)
}
