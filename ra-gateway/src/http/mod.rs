//! The asynchronous skin: one route table, one file per noun, one place for errors.

mod application;
mod approval;
mod caller;
mod card_channel;
mod disclosure;
mod health;
mod inquiry;
mod kept_paper;
mod kiosk;
pub mod lane;
mod limit;
mod notice;
pub mod online;
mod opening;
mod operator;
mod places;
pub mod problem;
mod register;
mod revocation;
mod till;

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    middleware::from_fn,
    web::{self, PathConfig, QueryConfig, ServiceConfig},
};
pub use limit::Limits;
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa::OpenApi;

use crate::app::{App, refusal::Reason};
use problem::Problem;

/// What every request finds.
pub struct Gateway {
    /// The use-cases.
    pub app: Arc<App>,
    /// Who works what.
    pub lanes: lane::Lanes,
    /// How often one caller may ask.
    pub limits: Limits,
    /// Largest body.
    pub body_bytes: usize,
    /// The metrics' page.
    pub metrics: PrometheusHandle,
}

/// The gateway's interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Jitsuin reception gateway",
        description = "Mutual TLS: the client certificate names the terminal or kiosk. \
                       Operators sign in; their session goes into the header `Operator-Session`."
    ),
    paths(
        operator::challenge,
        operator::sign_in,
        operator::sign_out,
        register::look_up,
        opening::openings,
        inquiry::send,
        inquiry::letter,
        inquiry::reply,
        inquiry::confirm,
        application::receive,
        application::list,
        application::read,
        application::identity,
        application::public_key,
        application::findings,
        application::choices,
        application::issue,
        application::image,
        application::written,
        application::fee,
        application::hand_over,
        application::cancel,
        approval::request,
        approval::list,
        approval::read,
        approval::decide,
        till::next,
        till::day,
        till::close,
        till::entry,
        till::correct,
        till::remittance,
        till::remit,
        till::statistics,
        places::here,
        places::extend,
        places::take_over,
        card_channel::open,
        card_channel::relay,
        revocation::revoke,
        revocation::certificate,
        notice::open,
        notice::list,
        notice::read,
        notice::channel,
        notice::relay,
        notice::password_set,
        notice::given_up,
        notice::search,
        disclosure::receive,
        disclosure::list,
        disclosure::read,
        disclosure::deliver,
        kept_paper::keep,
        kept_paper::of_application,
        kept_paper::of_notice,
        kept_paper::read,
        kept_paper::hold,
        kept_paper::release,
        online::challenge,
        online::revoke,
        kiosk::record,
        kiosk::health,
    ),
    components(schemas(problem::ProblemDocument))
)]
struct Interface;

async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(Interface::openapi())
}

fn nothing() -> Problem {
    Problem::refused(Reason::NotFound, "there is nothing at this address")
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(nothing())
}

/// A resource whose other methods are answered with a problem document.
fn at(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(async || -> Result<HttpResponse, Problem> {
        Err(Problem::method_not_allowed())
    }))
}

/// The routes for terminals and kiosks.
pub fn routes(config: &mut ServiceConfig) {
    use web::{delete, get, post};

    config.service(
        web::scope("")
            .app_data(PathConfig::default().error_handler(|_, _| nothing().into()))
            .app_data(QueryConfig::default().error_handler(|_, _| caller::query_invalid().into()))
            .wrap(from_fn(limit::guard))
            .service(at("/openapi.json").route(get().to(openapi)))
            .service(at("/v1/operator-challenges").route(post().to(operator::challenge)))
            .service(at("/v1/operator-sessions").route(post().to(operator::sign_in)))
            .service(at("/v1/operator-sessions/current").route(delete().to(operator::sign_out)))
            .service(at("/v1/register-lookups").route(post().to(register::look_up)))
            .service(at("/v1/application-openings").route(post().to(opening::openings)))
            .service(at("/v1/applications/{id}/inquiry").route(post().to(inquiry::send)))
            .service(at("/v1/applications/{id}/inquiry-letter").route(post().to(inquiry::letter)))
            .service(at("/v1/applications/{id}/reply").route(post().to(inquiry::reply)))
            .service(
                at("/v1/applications/{id}/identity-confirmation")
                    .route(post().to(inquiry::confirm)),
            )
            .service(
                at("/v1/applications")
                    .route(post().to(application::receive))
                    .route(get().to(application::list)),
            )
            .service(at("/v1/applications/{id}").route(get().to(application::read)))
            .service(at("/v1/applications/{id}/identity").route(post().to(application::identity)))
            .service(at("/v1/applications/{id}/card-channels").route(post().to(card_channel::open)))
            .service(at("/v1/card-channels/{channel}").route(post().to(card_channel::relay)))
            .service(
                at("/v1/applications/{id}/public-key").route(post().to(application::public_key)),
            )
            .service(
                at("/v1/applications/{id}/characters")
                    .route(get().to(application::findings))
                    .route(post().to(application::choices)),
            )
            .service(at("/v1/applications/{id}/issue").route(post().to(application::issue)))
            .service(at("/v1/applications/{id}/image").route(post().to(application::image)))
            .service(at("/v1/applications/{id}/written").route(post().to(application::written)))
            .service(at("/v1/applications/{id}/fee").route(post().to(application::fee)))
            .service(at("/v1/applications/{id}/hand-over").route(post().to(application::hand_over)))
            .service(at("/v1/applications/{id}/cancel").route(post().to(application::cancel)))
            .service(
                at("/v1/approvals")
                    .route(post().to(approval::request))
                    .route(get().to(approval::list)),
            )
            .service(at("/v1/approvals/{id}").route(get().to(approval::read)))
            .service(at("/v1/approvals/{id}/decision").route(post().to(approval::decide)))
            .service(at("/v1/till").route(get().to(till::next)))
            .service(at("/v1/till/{day}").route(get().to(till::day)))
            .service(at("/v1/till-closes").route(post().to(till::close)))
            .service(at("/v1/fees/{number}").route(get().to(till::entry)))
            .service(at("/v1/fee-corrections").route(post().to(till::correct)))
            .service(at("/v1/remittances").route(post().to(till::remit)))
            .service(at("/v1/remittances/{month}").route(get().to(till::remittance)))
            .service(at("/v1/statistics/{month}").route(get().to(till::statistics)))
            .service(at("/v1/place").route(get().to(places::here)))
            .service(at("/v1/openings").route(post().to(places::extend)))
            .service(at("/v1/shifts").route(post().to(places::take_over)))
            .service(at("/v1/revocations").route(post().to(revocation::revoke)))
            .service(at("/v1/certificates/{serial}").route(get().to(revocation::certificate)))
            .service(
                at("/v1/notices")
                    .route(post().to(notice::open))
                    .route(get().to(notice::list)),
            )
            .service(at("/v1/notices/{id}").route(get().to(notice::read)))
            .service(at("/v1/notices/{id}/card-channels").route(post().to(notice::channel)))
            .service(at("/v1/notice-channels/{channel}").route(post().to(notice::relay)))
            .service(at("/v1/notices/{id}/password-set").route(post().to(notice::password_set)))
            .service(at("/v1/notices/{id}/given-up").route(post().to(notice::given_up)))
            .service(at("/v1/papers").route(post().to(kept_paper::keep)))
            .service(at("/v1/applications/{id}/papers").route(get().to(kept_paper::of_application)))
            .service(at("/v1/notices/{id}/papers").route(get().to(kept_paper::of_notice)))
            .service(at("/v1/papers/{id}").route(get().to(kept_paper::read)))
            .service(at("/v1/papers/{id}/hold").route(post().to(kept_paper::hold)))
            .service(at("/v1/papers/{id}/release").route(post().to(kept_paper::release)))
            .service(at("/v1/certificate-searches").route(post().to(notice::search)))
            .service(
                at("/v1/disclosures")
                    .route(post().to(disclosure::receive))
                    .route(get().to(disclosure::list)),
            )
            .service(at("/v1/disclosures/{id}").route(get().to(disclosure::read)))
            .service(at("/v1/disclosures/{id}/delivery").route(post().to(disclosure::deliver)))
            .service(at("/v1/kiosk/records").route(post().to(kiosk::record)))
            .service(at("/v1/kiosk/health").route(post().to(kiosk::health)))
            .default_service(web::to(not_found)),
    );
}

/// The routes of the public listener.
pub fn public_routes(config: &mut ServiceConfig) {
    use web::{get, post};

    async fn style() -> HttpResponse {
        HttpResponse::Ok()
            .content_type("text/css; charset=utf-8")
            .body(include_str!("../../assets/online.css"))
    }

    config.service(
        web::scope("")
            .wrap(from_fn(online::guard))
            .service(at("/").route(get().to(online::page)))
            .service(at("/en").route(get().to(online::english)))
            .service(at("/online.css").route(get().to(style)))
            .service(at("/v1/online-revocation-challenges").route(post().to(online::challenge)))
            .service(at("/v1/online-revocations").route(post().to(online::revoke)))
            .default_service(web::to(not_found)),
    );
}

/// The routes for the machine's keepers, on plain loopback HTTP.
pub fn admin_routes(config: &mut ServiceConfig) {
    config
        .service(at("/healthz").route(web::get().to(health::healthz)))
        .service(at("/readyz").route(web::get().to(health::readyz)))
        .service(at("/metrics").route(web::get().to(health::metrics)))
        .service(at("/openapi.json").route(web::get().to(openapi)))
        .default_service(web::to(not_found));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_names_every_route_of_the_table() {
        let document = serde_json::to_value(Interface::openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let table = include_str!("mod.rs");
        for path in table
            .split("at(\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|path| path.starts_with("/v1/"))
        {
            assert!(paths.contains_key(path), "{path} is not in the interface");
        }
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    }
}
