//! The local HTTP interface behind the resident's screens (`kiosk_ui`).

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use pki_core::application::certificate_kind::CertificateKind;
use serde::Deserialize;
use serde_json::Value;

use super::app::Kiosk;
use super::password::Password;
use crate::local::{Body, Problem};

/// The one route table.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/api/status", web::get().to(status))
        .route("/api/progress", web::get().to(progress))
        .route("/api/begin", web::post().to(begin))
        .route("/api/generate", web::post().to(generate))
        .route("/api/finish", web::post().to(finish))
        .route("/api/cancel", web::post().to(cancel))
        .route("/api/change-password", web::post().to(change_password))
        .configure(super::screens::routes);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    password: Password,
    password_again: Password,
    #[serde(default)]
    old_password: Option<Password>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    old: Password,
    new: Password,
    /// Which of the card's keys; left out, the one that the resident is at.
    #[serde(default)]
    certificate_kind: Option<CertificateKind>,
}

async fn blocking(
    kiosk: Data<Arc<Kiosk>>,
    work: impl FnOnce(&Arc<Kiosk>) -> Result<Value, Problem> + Send + 'static,
) -> Result<Value, Problem> {
    web::block(move || {
        let done = work(&kiosk);
        super::hygiene::scrub_stack();
        done
    })
    .await
    .map_err(|error| Problem::internal(&error))?
}

async fn status(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(blocking(kiosk, |kiosk| Ok(kiosk.status())).await?))
}

async fn progress(kiosk: Data<Arc<Kiosk>>) -> HttpResponse {
    HttpResponse::Ok().json(kiosk.progress())
}

async fn begin(kiosk: Data<Arc<Kiosk>>, _: Body<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(blocking(kiosk, |kiosk| kiosk.begin()).await?))
}

async fn generate(
    kiosk: Data<Arc<Kiosk>>,
    Body(asked): Body<Generate>,
) -> Result<HttpResponse, Problem> {
    let started = blocking(kiosk, move |kiosk| {
        kiosk.generate(asked.password, &asked.password_again, asked.old_password)
    });
    Ok(HttpResponse::Accepted().json(started.await?))
}

async fn finish(kiosk: Data<Arc<Kiosk>>, _: Body<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(blocking(kiosk, |kiosk| kiosk.finish()).await?))
}

async fn cancel(kiosk: Data<Arc<Kiosk>>, _: Body<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(blocking(kiosk, |kiosk| kiosk.cancel()).await?))
}

async fn change_password(
    kiosk: Data<Arc<Kiosk>>,
    Body(asked): Body<Change>,
) -> Result<HttpResponse, Problem> {
    let changed = blocking(kiosk, move |kiosk| {
        if let Some(key) = asked.certificate_kind {
            kiosk.at_key(key)?;
        }
        kiosk.change_password(&asked.old, &asked.new)
    });
    Ok(HttpResponse::Ok().json(changed.await?))
}
