//! Revocation lists and CA certificates as files, so that a plain web server
//! could serve the same folder.

use std::{fs::File, io, path::PathBuf, time::SystemTime};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{
        Method,
        header::{
            self, EntityTag, Header, HeaderName, HeaderValue, HttpDate, IfModifiedSince,
            IfNoneMatch,
        },
    },
    web,
};
use pki_core::{certificate::Partition, revocation::crl::CrlOutline};
use sha2::{Digest, Sha256};

use super::{
    answers::{Lists, Octets, Public},
    block,
    file_body::FileBody,
    problem::{Kind, Problem},
    range::{Asked, asked},
    verifier::provided,
};
use crate::{
    app::{answer_ocsp::StatusApp, publish_crl},
    port::provision::Provided,
};

/// The list of everything an issuer signed.
#[utoipa::path(
    get, path = "/crl/{issuer}.crl", tag = "crl",
    params(("issuer" = String, Path, description = "Name of the issuer")),
    responses(Lists),
)]
pub async fn full(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    issuer: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    list(app, request, &issuer, "", Provided::List).await
}

/// What the list of everything has that the oldest list still valid had not.
#[utoipa::path(
    get, path = "/crl/{issuer}/delta.crl", tag = "crl",
    params(("issuer" = String, Path, description = "Name of the issuer")),
    responses(Lists),
)]
pub async fn full_delta(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    issuer: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    list(app, request, &issuer, "", Provided::Delta).await
}

/// The list of one municipality, or of a further part of it.
#[utoipa::path(
    get, path = "/crl/{issuer}/{partition}.crl", tag = "crl",
    params(
        ("issuer" = String, Path, description = "Name of the issuer"),
        ("partition" = String, Path, description = "Five digits of the municipality, and -2 to -99 for a further part of its list"),
    ),
    responses(Lists),
)]
pub async fn partition(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    parts: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (issuer, partition) = parts.into_inner();
    list(app, request, &issuer, &part(&partition)?, Provided::List).await
}

/// The delta of such a list.
#[utoipa::path(
    get, path = "/crl/{issuer}/{partition}/delta.crl", tag = "crl",
    params(
        ("issuer" = String, Path, description = "Name of the issuer"),
        ("partition" = String, Path, description = "Five digits of the municipality, and -2 to -99 for a further part of its list"),
    ),
    responses(Lists),
)]
pub async fn partition_delta(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    parts: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (issuer, partition) = parts.into_inner();
    list(app, request, &issuer, &part(&partition)?, Provided::Delta).await
}

/// The part of a list that an address names.
fn part(text: &str) -> Result<String, Problem> {
    text.parse::<Partition>()
        .map(|partition| partition.to_string())
        .map_err(|_| no_list())
}

async fn list(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    issuer: &str,
    scope: &str,
    kind: Provided,
) -> Result<HttpResponse, Problem> {
    if app.issuer(issuer).is_none() {
        return Err(no_list());
    }
    let path = match kind {
        Provided::Delta => publish_crl::delta_path(&app.crl_folder, issuer, scope),
        _ => publish_crl::path(&app.crl_folder, issuer, scope),
    };
    let (file, list) = block(move || open(path)).await??;
    let now = app.clock.now();
    // The signature stands for every octet that it was made over.
    let tag = EntityTag::new_strong(hex::encode(Sha256::digest(list.signature())));
    let modified = HttpDate::from(SystemTime::from(list.this_update));
    // Lists say whole seconds, and another may follow within the same one. While that can
    // happen a date does not tell the two apart, so none is given out (RFC 9110 §8.8.2.2).
    let settled = now.duration_since(list.this_update).as_secs() >= 1;
    let fresh = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) if !tags.is_empty() => {
            tags.iter().any(|known| known.weak_eq(&tag))
        }
        _ => {
            settled
                && IfModifiedSince::parse(&request)
                    .is_ok_and(|IfModifiedSince(since)| since >= modified)
        }
    };
    let length = list.length;
    let part =
        if request.method() == Method::GET && same_as_before(&request, &tag, modified, settled) {
            asked(text(&request, &header::RANGE), length)
        } else {
            Asked::Whole
        };
    let mut response = match part {
        _ if fresh => HttpResponse::NotModified(),
        Asked::Whole => HttpResponse::Ok(),
        Asked::Part(..) => HttpResponse::PartialContent(),
        Asked::Outside => {
            let problem = Problem::new(
                Kind::RangeNotSatisfiable,
                "Ask without a range, or for one that begins within the file.",
            );
            let mut response = problem.error_response();
            let whole = HeaderValue::try_from(format!("bytes */{length}"))
                .map_err(|error| Problem::internal(&error))?;
            response.headers_mut().insert(header::CONTENT_RANGE, whole);
            return Ok(response);
        }
    };
    let age = list.next_update.duration_since(now).as_secs().max(0);
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((
            header::CACHE_CONTROL,
            // Never past nextUpdate, and short enough that a new list is seen soon. What only
            // registered verifiers are given is not for shared caches.
            format!(
                "{}, max-age={}",
                if app.records.is_some() {
                    "private"
                } else {
                    "public"
                },
                age.min(60)
            ),
        ))
        .insert_header((
            header::EXPIRES,
            HttpDate::from(SystemTime::from(list.next_update)),
        ));
    if settled {
        response.insert_header((header::LAST_MODIFIED, modified));
    }
    if fresh {
        return Ok(response.finish());
    }
    response.content_type("application/pkix-crl");
    let octets = match part {
        Asked::Part(first, last) => {
            let range = format!("bytes {first}-{last}/{length}");
            response.insert_header((header::CONTENT_RANGE, range));
            first..last + 1
        }
        _ => 0..length,
    };
    Ok(provided(response.body(FileBody::new(file, octets)), kind))
}

/// Whether a range may be cut from this file: without `If-Range` yes, with it only from the file
/// that the asker has the other part of (RFC 9110 §13.1.5).
fn same_as_before(
    request: &HttpRequest,
    tag: &EntityTag,
    modified: HttpDate,
    settled: bool,
) -> bool {
    match text(request, &header::IF_RANGE) {
        "" => true,
        known if known.starts_with('"') || known.starts_with("W/") => known
            .parse::<EntityTag>()
            .is_ok_and(|known| known.strong_eq(tag)),
        date => settled && date.parse::<HttpDate>().is_ok_and(|date| date == modified),
    }
}

fn text<'a>(request: &'a HttpRequest, name: &HeaderName) -> &'a str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim()
}

/// A list on the disk, held open: one that is published meanwhile has another file.
fn open(path: PathBuf) -> Result<(File, CrlOutline), Problem> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_list(),
        _ => Problem::internal(&error),
    })?;
    let outline = CrlOutline::read(&mut file).map_err(|error| Problem::internal(&error))?;
    Ok((file, outline))
}

fn no_list() -> Problem {
    Problem::new(Kind::NotFound, "There is no such list.")
}

/// The certificate of an issuer.
#[utoipa::path(
    get, path = "/certs/{issuer}.cer", tag = "certificates",
    params(("issuer" = String, Path, description = "Name of the issuer")),
    responses(
        (status = 200, description = "Certificate, DER", body = Octets, content_type = "application/pkix-cert"),
        Public,
    ),
)]
pub async fn issuer(
    app: web::Data<StatusApp>,
    issuer: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let found = app
        .issuer(&issuer)
        .ok_or_else(|| Problem::new(Kind::NotFound, "There is no issuer of that name here."))?;
    let response = HttpResponse::Ok()
        .content_type("application/pkix-cert")
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(found.certificate.clone());
    Ok(provided(response, Provided::Certificate))
}
