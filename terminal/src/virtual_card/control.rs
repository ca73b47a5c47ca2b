//! The hand that moves the card: plain HTTP on loopback.
//!
//! `POST /insert/{reader}`, `POST /remove`, `GET /` (JSON, or a page with
//! buttons for a browser). Requests from web pages of other places are refused
//! by their Host and Origin.

use std::io;
use std::net::SocketAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, error, web};
use serde_json::json;

use super::readers::{InsertFault, Readers};

const PAGE: &str = include_str!("page.html");

/// Binds the control's address and returns the server, not yet running, and
/// where it listens. It ends on SIGTERM or SIGINT.
///
/// # Errors
/// Not a loopback address, or it is taken.
pub fn bind(readers: web::Data<Readers>, address: SocketAddr) -> io::Result<(Server, SocketAddr)> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the control listens on loopback only",
        ));
    }
    let server = HttpServer::new(move || {
        App::new()
            .app_data(readers.clone())
            .wrap(from_fn(own_pages_only))
            .route("/", web::get().to(show))
            .route("/insert/{reader}", web::post().to(insert))
            .route("/remove", web::post().to(remove))
            .default_service(web::to(|| async {
                problem(404, "not-found", "There is no such page")
            }))
    })
    .workers(1)
    .shutdown_timeout(2)
    .bind(address)?;
    let bound = server
        .addrs()
        .first()
        .copied()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok((server.run(), bound))
}

async fn show(request: HttpRequest, readers: web::Data<Readers>) -> Result<HttpResponse, Error> {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    if accept.contains("text/html") {
        return Ok(HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((
                header::CONTENT_SECURITY_POLICY,
                "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
            ))
            .body(PAGE));
    }
    answer(readers).await
}

async fn insert(
    reader: web::Path<String>,
    readers: web::Data<Readers>,
) -> Result<HttpResponse, Error> {
    let moving = readers.clone();
    match web::block(move || moving.insert(&reader)).await? {
        Ok(()) => answer(readers).await,
        Err(InsertFault::NoSuchReader) => {
            Ok(problem(404, "no-such-reader", "There is no such reader"))
        }
        Err(fault @ InsertFault::Start(_)) => Err(error::ErrorInternalServerError(fault)),
    }
}

async fn remove(readers: web::Data<Readers>) -> Result<HttpResponse, Error> {
    let moving = readers.clone();
    web::block(move || moving.remove()).await?;
    answer(readers).await
}

/// The position, taken off the server's thread: an insertion may be waiting for its reader.
async fn answer(readers: web::Data<Readers>) -> Result<HttpResponse, Error> {
    let position = web::block(move || readers.position()).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(position))
}

/// RFC 9457.
fn problem(status: u16, kind: &str, title: &str) -> HttpResponse {
    let code = actix_web::http::StatusCode::from_u16(status)
        .unwrap_or(actix_web::http::StatusCode::BAD_REQUEST);
    HttpResponse::build(code)
        .content_type("application/problem+json")
        .json(json!({"type": format!("urn:jitsuin:problem:{kind}"), "title": title, "status": status}))
}

/// Refuses names that only resolve to loopback (DNS rebinding) and other origins' forms and scripts.
async fn own_pages_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let own = request.app_config().local_addr();
    let known = [own.to_string(), format!("localhost:{}", own.port())];
    let text = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or("?").to_owned())
    };
    let host = text(header::HOST).is_some_and(|host| known.contains(&host));
    let origin = text(header::ORIGIN).is_none_or(|origin| {
        origin
            .strip_prefix("http://")
            .is_some_and(|host| known.iter().any(|own| own == host))
    });
    if host && origin {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let refusal = problem(
        403,
        "foreign-origin",
        "Only pages of this address may move the card",
    );
    Ok(request.into_response(refusal).map_into_right_body())
}
