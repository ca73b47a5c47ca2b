//! Health and metrics, on loopback. `readyz` says why not.

use actix_web::{HttpResponse, http::header, web};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;

use super::{block, read_only};
use crate::{
    app::{App, answer_ocsp::StatusApp, follow_register, publish_crl},
    port::store::Store,
};

/// Why a server is not ready, asked for when somebody asks.
pub type Checks = Box<dyn Fn() -> Vec<(&'static str, Option<String>)> + Send + Sync>;

/// What the admin routes need.
pub struct Admin {
    pub checks: Checks,
    pub metrics: PrometheusHandle,
}

/// Told, but no reason to send nobody here: what one municipality's register system did wrong does
/// not keep the others from issuing.
const TOLD_ONLY: [&str; 1] = ["register"];

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Token, database, lists and register batches of `issue`.
pub fn issue_checks(app: web::Data<App>) -> Checks {
    Box::new(move || {
        vec![
            ("token", app.signer.trouble()),
            ("database", database(&*app.store)),
            ("crl", publish_crl::trouble(&app)),
            ("register", follow_register::trouble(&app)),
        ]
    })
}

/// Token, database and responder certificates of `status`.
pub fn status_checks(app: web::Data<StatusApp>) -> Checks {
    Box::new(move || {
        let now = app.clock.now();
        let responder = app
            .issuers
            .iter()
            .find(|issuer| issuer.responder_ends().is_some_and(|end| end <= now))
            .map(|issuer| format!("the responder of {} has run out", issuer.name));
        vec![
            ("token", app.signer.trouble()),
            ("database", database(&*app.store)),
            ("responder", responder),
        ]
    })
}

fn database(store: &dyn Store) -> Option<String> {
    store.probe().err().map(|error| crate::causes(&error))
}

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(read_only("/healthz", web::to(healthz)))
        .service(read_only("/readyz", web::to(readyz)))
        .service(read_only("/metrics", web::to(metrics)));
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

async fn readyz(admin: web::Data<Admin>) -> HttpResponse {
    let Ok(checks) = block(move || (admin.checks)()).await else {
        return HttpResponse::ServiceUnavailable().finish();
    };
    let checks: Vec<Check> = checks
        .into_iter()
        .map(|(name, reason)| Check {
            name,
            ok: reason.is_none(),
            reason,
        })
        .collect();
    let ready = checks
        .iter()
        .all(|check| check.ok || TOLD_ONLY.contains(&check.name));
    let mut response = if ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Readiness { ready, checks })
}

async fn metrics(admin: web::Data<Admin>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(admin.metrics.render())
}
