//! The asynchronous skin: one route table, one file per noun, one place for errors.

mod answers;
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
mod same_visit;
mod till;

use std::sync::{Arc, LazyLock};

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder, ResponseError, Route,
    http::{
        Method,
        header::{self, HeaderValue},
    },
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
        same_visit::found,
        same_visit::reuse,
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
        kept_paper::orders,
        kept_paper::held,
        online::challenge,
        online::revoke,
        kiosk::record,
        kiosk::health,
    ),
    components(schemas(problem::ProblemDocument, problem::ProblemItem))
)]
struct Interface;

/// The description, written once: it is long.
static DESCRIPTION: LazyLock<String> = LazyLock::new(|| {
    // Strings, numbers and maps with names always serialise.
    Interface::openapi().to_json().unwrap_or_default()
});

async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(header::ContentType::json())
        .body(DESCRIPTION.as_str())
}

fn nothing() -> Problem {
    Problem::refused(Reason::NotFound, "there is nothing at this address")
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(nothing())
}

/// A resource with its methods; another is answered with a problem document that names these
/// (RFC 9110 §15.5.6).
fn at<const N: usize>(path: &str, routes: [(Method, Route); N]) -> Resource {
    let known: Vec<&str> = routes.iter().map(|(method, _)| method.as_str()).collect();
    let known = known.join(", ");
    let resource = web::resource(path).default_service(web::to(move || {
        let mut response = Problem::method_not_allowed().error_response();
        // Names of methods are always a header's text.
        if let Ok(known) = HeaderValue::from_str(&known) {
            response.headers_mut().insert(header::ALLOW, known);
        }
        async move { response }
    }));
    routes
        .into_iter()
        .fold(resource, |resource, (method, route)| {
            resource.route(route.method(method))
        })
}

macro_rules! methods {
    ($($name:ident = $method:ident),*) => {$(
        fn $name<F, Args>(handler: F) -> (Method, Route)
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            (Method::$method, web::to(handler))
        }
    )*};
}

methods!(get = GET, post = POST, delete = DELETE);

/// The routes for terminals and kiosks.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope("")
            .app_data(PathConfig::default().error_handler(|_, _| nothing().into()))
            .app_data(QueryConfig::default().error_handler(|_, _| caller::query_invalid().into()))
            .wrap(from_fn(limit::guard))
            .service(at("/openapi.json", [get(openapi)]))
            .service(at("/v1/operator-challenges", [post(operator::challenge)]))
            .service(at("/v1/operator-sessions", [post(operator::sign_in)]))
            .service(at(
                "/v1/operator-sessions/current",
                [delete(operator::sign_out)],
            ))
            .service(at("/v1/register-lookups", [post(register::look_up)]))
            .service(at("/v1/application-openings", [post(opening::openings)]))
            .service(at("/v1/applications/{id}/inquiry", [post(inquiry::send)]))
            .service(at(
                "/v1/applications/{id}/inquiry-letter",
                [post(inquiry::letter)],
            ))
            .service(at("/v1/applications/{id}/reply", [post(inquiry::reply)]))
            .service(at(
                "/v1/applications/{id}/identity-confirmation",
                [post(inquiry::confirm)],
            ))
            .service(at(
                "/v1/applications",
                [post(application::receive), get(application::list)],
            ))
            .service(at("/v1/applications/{id}", [get(application::read)]))
            .service(at(
                "/v1/applications/{id}/identity",
                [post(application::identity)],
            ))
            .service(at(
                "/v1/applications/{id}/identity-of-visit",
                [get(same_visit::found), post(same_visit::reuse)],
            ))
            .service(at(
                "/v1/applications/{id}/card-channels",
                [post(card_channel::open)],
            ))
            .service(at(
                "/v1/card-channels/{channel}",
                [post(card_channel::relay)],
            ))
            .service(at(
                "/v1/applications/{id}/public-key",
                [post(application::public_key)],
            ))
            .service(at(
                "/v1/applications/{id}/characters",
                [get(application::findings), post(application::choices)],
            ))
            .service(at(
                "/v1/applications/{id}/issue",
                [post(application::issue)],
            ))
            .service(at(
                "/v1/applications/{id}/image",
                [post(application::image)],
            ))
            .service(at(
                "/v1/applications/{id}/written",
                [post(application::written)],
            ))
            .service(at("/v1/applications/{id}/fee", [post(application::fee)]))
            .service(at(
                "/v1/applications/{id}/hand-over",
                [post(application::hand_over)],
            ))
            .service(at(
                "/v1/applications/{id}/cancel",
                [post(application::cancel)],
            ))
            .service(at(
                "/v1/approvals",
                [post(approval::request), get(approval::list)],
            ))
            .service(at("/v1/approvals/{id}", [get(approval::read)]))
            .service(at("/v1/approvals/{id}/decision", [post(approval::decide)]))
            .service(at("/v1/till", [get(till::next)]))
            .service(at("/v1/till/{day}", [get(till::day)]))
            .service(at("/v1/till-closes", [post(till::close)]))
            .service(at("/v1/fees/{number}", [get(till::entry)]))
            .service(at("/v1/fee-corrections", [post(till::correct)]))
            .service(at("/v1/remittances", [post(till::remit)]))
            .service(at("/v1/remittances/{month}", [get(till::remittance)]))
            .service(at("/v1/statistics/{month}", [get(till::statistics)]))
            .service(at("/v1/place", [get(places::here)]))
            .service(at("/v1/openings", [post(places::extend)]))
            .service(at("/v1/shifts", [post(places::take_over)]))
            .service(at("/v1/revocations", [post(revocation::revoke)]))
            .service(at(
                "/v1/certificates/{serial}",
                [get(revocation::certificate)],
            ))
            .service(at("/v1/notices", [post(notice::open), get(notice::list)]))
            .service(at("/v1/notices/{id}", [get(notice::read)]))
            .service(at(
                "/v1/notices/{id}/card-channels",
                [post(notice::channel)],
            ))
            .service(at("/v1/notice-channels/{channel}", [post(notice::relay)]))
            .service(at(
                "/v1/notices/{id}/password-set",
                [post(notice::password_set)],
            ))
            .service(at("/v1/notices/{id}/given-up", [post(notice::given_up)]))
            .service(at("/v1/papers", [post(kept_paper::keep)]))
            .service(at(
                "/v1/applications/{id}/papers",
                [get(kept_paper::of_application)],
            ))
            .service(at("/v1/notices/{id}/papers", [get(kept_paper::of_notice)]))
            .service(at("/v1/papers/{id}", [get(kept_paper::read)]))
            .service(at("/v1/papers/{id}/hold", [post(kept_paper::hold)]))
            .service(at("/v1/papers/{id}/release", [post(kept_paper::release)]))
            .service(at("/v1/papers/{id}/orders", [get(kept_paper::orders)]))
            .service(at("/v1/held-papers", [get(kept_paper::held)]))
            .service(at("/v1/certificate-searches", [post(notice::search)]))
            .service(at(
                "/v1/disclosures",
                [post(disclosure::receive), get(disclosure::list)],
            ))
            .service(at("/v1/disclosures/{id}", [get(disclosure::read)]))
            .service(at(
                "/v1/disclosures/{id}/delivery",
                [post(disclosure::deliver)],
            ))
            .service(at("/v1/kiosk/records", [post(kiosk::record)]))
            .service(at("/v1/kiosk/health", [post(kiosk::health)]))
            .default_service(web::to(not_found)),
    );
}

/// The routes of the public listener.
pub fn public_routes(config: &mut ServiceConfig) {
    async fn style() -> HttpResponse {
        HttpResponse::Ok()
            .content_type("text/css; charset=utf-8")
            .body(include_str!("../../assets/online.css"))
    }

    config.service(
        web::scope("")
            .wrap(from_fn(online::guard))
            .service(at("/", [get(online::page)]))
            .service(at("/en", [get(online::english)]))
            .service(at("/online.css", [get(style)]))
            .service(at(
                "/v1/online-revocation-challenges",
                [post(online::challenge)],
            ))
            .service(at("/v1/online-revocations", [post(online::revoke)]))
            .default_service(web::to(not_found)),
    );
}

/// The routes for the machine's keepers, on plain loopback HTTP.
pub fn admin_routes(config: &mut ServiceConfig) {
    config
        .service(at("/healthz", [get(health::healthz)]))
        .service(at("/readyz", [get(health::readyz)]))
        .service(at("/metrics", [get(health::metrics)]))
        .service(at("/openapi.json", [get(openapi)]))
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
        let named: Vec<&str> = table
            .split('"')
            .filter(|text| text.starts_with("/v1/") && text.len() > "/v1/".len())
            .collect();
        assert!(named.len() > 50, "the table is read: {}", named.len());
        for path in named {
            assert!(paths.contains_key(path), "{path} is not in the interface");
        }
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    }
}
