//! `POST /ocsp/{issuer}`, `GET /ocsp/{issuer}/{base64}` (RFC 6960 appendix A).

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{self, HttpDate},
    },
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
    app::{
        answer_ocsp::{self, Answer, Keep, StatusApp},
        status_memory::Way,
    },
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
    let known = app.issuer(&issuer).ok_or_else(no_issuer)?;
    if let Some(answer) = answer_ocsp::from_memory(&app, known, Way::Posted, &body) {
        return Ok(respond(answer, None));
    }
    let answer = block(move || {
        let issuer = app.issuer(&issuer)?;
        let asked = Some((Way::Posted, &body[..]));
        Some(answer_ocsp::answer(&app, issuer, &body, asked))
    })
    .await?
    .ok_or_else(no_issuer)?;
    Ok(respond(answer, None))
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
    let known = app.issuer(&issuer).ok_or_else(no_issuer)?;
    // The raw path: nobody must have decoded or collapsed anything in it before.
    let text = request
        .uri()
        .path()
        .strip_prefix("/ocsp/")
        .and_then(|rest| rest.strip_prefix(issuer.as_str()))
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or_default();
    if let Some(answer) = answer_ocsp::from_memory(&app, known, Way::Got, text.as_bytes()) {
        return Ok(respond(answer, Some(&request)));
    }
    let text = text.to_owned();
    let answer = block(move || {
        let issuer = app.issuer(&issuer)?;
        let asked = Some((Way::Got, text.as_bytes()));
        Some(match path::decode(&text, |der| issuer.is_known(der)) {
            Ok(der) => answer_ocsp::answer(&app, issuer, &der, asked),
            Err(_) => Answer::error(ErrorStatus::MalformedRequest),
        })
    })
    .await?
    .ok_or_else(no_issuer)?;
    Ok(respond(answer, Some(&request)))
}

fn no_issuer() -> Problem {
    Problem::new(Kind::NotFound, "There is no issuer of that name here.")
}

/// An answer; to a GET with what a cache needs to know (RFC 5019 §6.2), and nothing sent twice.
fn respond(answer: Answer, got: Option<&HttpRequest>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    match (answer.keep, got) {
        (Some(keep), Some(request)) => {
            if has(request, &keep) {
                response.status(StatusCode::NOT_MODIFIED);
                keep_headers(&mut response, &keep);
                return provided(response.finish(), Provided::Answer);
            }
            keep_headers(&mut response, &keep);
        }
        _ => {
            response.insert_header((
                header::CACHE_CONTROL,
                header::HeaderValue::from_static("no-store"),
            ));
        }
    }
    let response = response
        .insert_header((
            header::CONTENT_TYPE,
            header::HeaderValue::from_static(RESPONSE),
        ))
        .body(answer.der);
    if answer.successful {
        provided(response, Provided::Answer)
    } else {
        response
    }
}

/// Whether the asker has this very answer (RFC 9110 §13.1.2).
fn has(request: &HttpRequest, keep: &Keep) -> bool {
    let tags = request.headers().get_all(header::IF_NONE_MATCH);
    tags.filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
        .any(|tag| tag == "*" || tag.as_bytes() == &keep.tag[..])
}

fn keep_headers(response: &mut HttpResponseBuilder, keep: &Keep) {
    let seconds = keep.left.as_secs().max(0);
    let tag = String::from_utf8_lossy(&keep.tag);
    response
        .insert_header((
            header::CACHE_CONTROL,
            format!("max-age={seconds},public,no-transform,must-revalidate"),
        ))
        .insert_header((header::ETAG, format!("\"{tag}\"")))
        .insert_header((
            header::LAST_MODIFIED,
            HttpDate::from(std::time::SystemTime::from(keep.this_update)),
        ))
        .insert_header((
            header::EXPIRES,
            HttpDate::from(std::time::SystemTime::from(keep.next_update)),
        ));
}
