//! `POST /ocsp/{issuer}`, `GET /ocsp/{issuer}/{base64}` (RFC 6960 appendix A).

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HttpDate},
    web,
};
use pki_core::revocation::ocsp::{ErrorStatus, path, request::MAX_OCTETS};

use super::{
    answers::{Octets, Public, Status},
    block,
    body::{Body, Limit},
    problem::{Kind, Problem},
    verifier::provided,
};
use crate::{
    app::answer_ocsp::{self, Answer, StatusApp},
    port::provision::Provided,
};

const REQUEST: &str = "application/ocsp-request";
const RESPONSE: &str = "application/ocsp-response";

/// Ask for the status of certificates.
#[utoipa::path(
    post, path = "/ocsp/{issuer}", tag = "ocsp",
    params(("issuer" = String, Path, description = "Name of the issuer")),
    request_body(content = Octets, content_type = "application/ocsp-request"),
    responses(
        (status = 200, description = "OCSPResponse, DER", body = Octets, content_type = "application/ocsp-response"),
        Status,
    ),
)]
pub async fn post(
    app: web::Data<StatusApp>,
    issuer: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.bytes(REQUEST, Limit(MAX_OCTETS)).await?;
    known(&app, &issuer)?;
    let answer = block(move || {
        let issuer = app.issuer(&issuer)?;
        Some(answer_ocsp::answer(&app, issuer, &body))
    })
    .await?
    .ok_or_else(no_issuer)?;
    Ok(respond(answer, false))
}

/// Ask with a GET that caches may answer.
#[utoipa::path(
    get, path = "/ocsp/{issuer}/{request}", tag = "ocsp",
    params(
        ("issuer" = String, Path, description = "Name of the issuer"),
        ("request" = String, Path, description = "base64 of the OCSPRequest"),
    ),
    responses(
        (status = 200, description = "OCSPResponse, DER", body = Octets, content_type = "application/ocsp-response"),
        Public,
    ),
)]
pub async fn get(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    parts: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (issuer, _) = parts.into_inner();
    known(&app, &issuer)?;
    // The raw path: nobody must have decoded or collapsed anything in it before.
    let raw = request.uri().path();
    let from = format!("/ocsp/{issuer}/");
    let text = raw.strip_prefix(&from).unwrap_or_default().to_owned();
    let answer = block(move || {
        let issuer = app.issuer(&issuer)?;
        Some(match path::decode(&text, |der| issuer.is_known(der)) {
            Ok(der) => answer_ocsp::answer(&app, issuer, &der),
            Err(_) => Answer::error(ErrorStatus::MalformedRequest),
        })
    })
    .await?
    .ok_or_else(no_issuer)?;
    Ok(respond(answer, true))
}

fn known(app: &StatusApp, issuer: &str) -> Result<(), Problem> {
    app.issuer(issuer).map(drop).ok_or_else(no_issuer)
}

fn no_issuer() -> Problem {
    Problem::new(Kind::NotFound, "There is no issuer of that name here.")
}

/// RFC 5019 §6.2: what a cache needs to know, on answers that it may keep.
fn respond(answer: Answer, cacheable: bool) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(RESPONSE);
    match answer.keep {
        Some((this_update, next_update)) if cacheable => {
            let seconds = next_update.duration_since(this_update).as_secs().max(0);
            response
                .insert_header((
                    header::CACHE_CONTROL,
                    format!("max-age={seconds},public,no-transform,must-revalidate"),
                ))
                .insert_header((
                    header::LAST_MODIFIED,
                    HttpDate::from(std::time::SystemTime::from(this_update)),
                ))
                .insert_header((
                    header::EXPIRES,
                    HttpDate::from(std::time::SystemTime::from(next_update)),
                ));
        }
        _ => {
            response.insert_header((header::CACHE_CONTROL, "no-store"));
        }
    }
    let response = response.body(answer.der);
    if answer.successful {
        provided(response, Provided::Answer)
    } else {
        response
    }
}
