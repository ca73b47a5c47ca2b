//! For the machine's keepers.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::Gateway;

/// Readiness and what stands in its way.
#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// Why not, one line each.
    reasons: Vec<String>,
    /// `open`, or `stopped` by the circuit breaker (the gateway is ready all the same).
    issuing: &'static str,
}

/// The process runs.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain")
        .body("alive\n")
}

/// Whether the gateway can do its work, and if not why.
pub async fn readyz(gateway: web::Data<Gateway>) -> HttpResponse {
    let readiness = web::block(move || {
        let app = &gateway.app;
        let mut reasons = Vec::new();
        let mut issuing = "open";
        match app.store.stops() {
            Ok(stops) if stops.is_empty() => {}
            Ok(_) => issuing = "stopped",
            Err(error) => reasons.push(error.to_string()),
        }
        if let Some(trouble) = app.masters.trouble() {
            reasons.push(trouble);
        } else if let Err(error) = app.vault.keyed_hash("readiness", b"") {
            reasons.push(error.to_string());
        }
        reasons.extend(app.mode_trouble());
        Readiness {
            ready: reasons.is_empty(),
            reasons,
            issuing,
        }
    })
    .await;
    match readiness {
        Ok(readiness) if readiness.ready => HttpResponse::Ok().json(readiness),
        Ok(readiness) => HttpResponse::ServiceUnavailable().json(readiness),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// Prometheus text.
pub async fn metrics(gateway: web::Data<Gateway>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(gateway.metrics.render())
}
