//! The descriptions of both interfaces (OpenAPI 3.1), made from the handlers.

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::header::ContentType};
use utoipa::OpenApi;

use super::{
    authority, certificates, disclosures, files, ocsp, problem, register_revocations, revocations,
    stops,
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
        register_revocations::list,
        stops::report
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

/// The descriptions, written once each: they are long. Strings, numbers and maps with names always
/// serialise.
static ISSUE: LazyLock<String> =
    LazyLock::new(|| IssueApi::openapi().to_json().unwrap_or_default());
static STATUS: LazyLock<String> =
    LazyLock::new(|| StatusApi::openapi().to_json().unwrap_or_default());

pub(super) async fn issue() -> HttpResponse {
    answer(&ISSUE)
}

pub(super) async fn status() -> HttpResponse {
    answer(&STATUS)
}

fn answer(description: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(description)
}
