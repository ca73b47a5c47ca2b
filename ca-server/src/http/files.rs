//! Revocation lists and CA certificates as files, so that a plain web server
//! could serve the same folder.

use std::{fs, io, path::PathBuf, time::SystemTime};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag, Header, HttpDate, IfModifiedSince, IfNoneMatch},
    web,
};
use jiff::Timestamp;
use pki_core::revocation::crl::CrlImage;
use sha2::{Digest, Sha256};

use super::{
    block,
    problem::{Kind, Problem, ProblemDocument},
};
use crate::app::{answer_ocsp::StatusApp, publish_crl};

/// The list of everything an issuer signed.
#[utoipa::path(
    get, path = "/crl/{issuer}.crl", tag = "crl",
    params(("issuer" = String, Path, description = "Name of the issuer")),
    responses(
        (status = 200, description = "CertificateList, DER", body = Vec<u8>, content_type = "application/pkix-crl"),
        (status = 304, description = "Not modified"),
        (status = 404, description = "not-found", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn full(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    issuer: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    list(app, request, issuer.into_inner(), String::new()).await
}

/// The list of one municipality.
#[utoipa::path(
    get, path = "/crl/{issuer}/{municipality}.crl", tag = "crl",
    params(
        ("issuer" = String, Path, description = "Name of the issuer"),
        ("municipality" = String, Path, description = "Five digits"),
    ),
    responses(
        (status = 200, description = "CertificateList, DER", body = Vec<u8>, content_type = "application/pkix-crl"),
        (status = 304, description = "Not modified"),
        (status = 404, description = "not-found", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn partition(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    parts: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (issuer, municipality) = parts.into_inner();
    if municipality.len() != 5 || !municipality.bytes().all(|b| b.is_ascii_digit()) {
        return Err(no_list());
    }
    list(app, request, issuer, municipality).await
}

async fn list(
    app: web::Data<StatusApp>,
    request: HttpRequest,
    issuer: String,
    scope: String,
) -> Result<HttpResponse, Problem> {
    if app.issuer(&issuer).is_none() {
        return Err(no_list());
    }
    let path = publish_crl::path(&app.crl_folder, &issuer, &scope);
    let file = block(move || read(path)).await??;
    let tag = EntityTag::new_strong(hex::encode(Sha256::digest(&file.bytes)));
    let fresh = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) if !tags.is_empty() => {
            tags.iter().any(|known| known.weak_eq(&tag))
        }
        _ => IfModifiedSince::parse(&request)
            .is_ok_and(|IfModifiedSince(since)| since >= HttpDate::from(file.modified)),
    };
    let age = file
        .next_update
        .duration_since(Timestamp::try_from(SystemTime::now()).unwrap_or(file.next_update))
        .as_secs()
        .max(0);
    let mut response = if fresh {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::LAST_MODIFIED, HttpDate::from(file.modified)))
        .insert_header((
            header::CACHE_CONTROL,
            // Never past nextUpdate, and short enough that a new list is seen soon.
            format!("public, max-age={}", age.min(60)),
        ))
        .insert_header((
            header::EXPIRES,
            HttpDate::from(SystemTime::from(file.next_update)),
        ));
    if fresh {
        return Ok(response.finish());
    }
    Ok(response
        .content_type("application/pkix-crl")
        .body(file.bytes))
}

struct ListFile {
    bytes: Vec<u8>,
    modified: SystemTime,
    next_update: Timestamp,
}

fn read(path: PathBuf) -> Result<ListFile, Problem> {
    let bytes = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_list(),
        _ => Problem::internal(&error),
    })?;
    let image = CrlImage::decode(&bytes).map_err(|error| Problem::internal(&error))?;
    Ok(ListFile {
        modified: SystemTime::from(image.this_update),
        next_update: image.next_update,
        bytes,
    })
}

fn no_list() -> Problem {
    Problem::new(Kind::NotFound, "There is no such list.")
}

/// The certificate of an issuer.
#[utoipa::path(
    get, path = "/certs/{issuer}.cer", tag = "certificates",
    params(("issuer" = String, Path, description = "Name of the issuer")),
    responses(
        (status = 200, description = "Certificate, DER", body = Vec<u8>, content_type = "application/pkix-cert"),
        (status = 404, description = "not-found", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn issuer(
    app: web::Data<StatusApp>,
    issuer: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let found = app
        .issuer(&issuer)
        .ok_or_else(|| Problem::new(Kind::NotFound, "There is no issuer of that name here."))?;
    Ok(HttpResponse::Ok()
        .content_type("application/pkix-cert")
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(found.certificate.clone()))
}
