//! The yardstick of answers from memory: a body that never changes, behind the middleware of
//! `ca-server status`, for benchmarks.

use std::{io, net::TcpListener, sync::Arc};

use actix_web::{
    App as Routes, HttpResponse, HttpServer,
    http::header::{self, HeaderValue},
    middleware::from_fn,
    rt, web,
};
use pki_core::revocation::ocsp::request::MAX_OCTETS;

use super::{
    body::{Body, Limit},
    posted,
    problem::Problem,
    public::{self, Askers},
    read_only, verifier,
};
use crate::app::answer_ocsp::StatusApp;

/// Give `body` to whoever asks at the addresses of OCSP, until the process ends.
pub fn serve(
    listener: TcpListener,
    workers: usize,
    app: Arc<StatusApp>,
    body: web::Bytes,
) -> io::Result<()> {
    let app = web::Data::from(app);
    let askers = web::Data::new(Askers::new(1_000_000));
    rt::System::new().block_on(async move {
        HttpServer::new(move || {
            Routes::new()
                .app_data(app.clone())
                .app_data(askers.clone())
                .app_data(web::Data::new(body.clone()))
                .wrap(from_fn(verifier::registered_only))
                .wrap(from_fn(public::limit))
                .service(posted("/ocsp/{issuer}", web::to(post)))
                .service(read_only("/ocsp/{issuer}/{request:.*}", web::to(get)))
        })
        .workers(workers)
        .listen(listener)?
        .run()
        .await
    })
}

async fn post(fixed: web::Data<web::Bytes>, body: Body) -> Result<HttpResponse, Problem> {
    body.bytes("application/ocsp-request", Limit(MAX_OCTETS))
        .await?;
    Ok(answer(&fixed))
}

async fn get(fixed: web::Data<web::Bytes>) -> HttpResponse {
    answer(&fixed)
}

fn answer(fixed: &web::Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/ocsp-response"),
        ))
        .body(fixed.clone())
}
