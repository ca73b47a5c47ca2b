//! The servers' skin: asynchronous, thin, one file per noun. Use-cases run in
//! `web::block`.

mod admin;
mod answers;
mod authority;
mod body;
mod caller;
mod certificates;
mod disclosures;
mod file_body;
mod files;
#[cfg(feature = "testing")]
pub mod fixed;
mod ocsp;
pub mod openapi;
mod problem;
mod public;
mod range;
mod register_revocations;
mod revocations;
pub mod serve;
mod stops;
mod verifier;

use actix_web::{
    HttpResponse, Resource, ResponseError, Route, error::BlockingError, guard, http::header, rt,
    web,
};
use problem::{Kind, Problem};

use crate::{app::App, port::store::StoreError};

/// Seconds after which a database that was away is worth another try.
const DATABASE_RETRY: u64 = 1;

/// Run a use-case off the event loop.
async fn block<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    web::block(work)
        .await
        .map_err(|error: BlockingError| Problem::internal(&error))
}

/// Wait until no status node says good of what was revoked just now; holds no thread.
async fn acknowledged(app: &App) {
    if let Err(rest) = app.acknowledger.revoked().come().await {
        rt::time::sleep(rest).await;
    }
}

fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Away(_) | StoreError::Busy | StoreError::Unknown(_) => {
            tracing::warn!(error = %crate::causes(error), "the database is away");
            Problem::new(
                Kind::DatabaseAway,
                "Send the same request again after the given time.",
            )
            .retry_after(DATABASE_RETRY)
        }
        StoreError::Broken(_) => Problem::internal(error),
    }
}

/// A resource that is read: GET, and HEAD as RFC 9110 §9.1 wants it.
fn read_only(path: &str, handler: Route) -> Resource {
    let either = guard::Any(guard::Get()).or(guard::Head());
    resource(path, "GET, HEAD", handler.guard(either))
}

/// A resource that is posted to.
fn posted(path: &str, handler: Route) -> Resource {
    resource(path, "POST", handler.guard(guard::Post()))
}

/// Other methods get a problem document and are told the right ones (RFC 9110 §15.5.6).
fn resource(path: &str, allowed: &'static str, route: Route) -> Resource {
    web::resource(path)
        .route(route)
        .default_service(not_allowed(allowed))
}

/// What other methods are answered.
fn not_allowed(allowed: &'static str) -> Route {
    web::to(move || async move {
        let problem = Problem::new(Kind::MethodNotAllowed, "See /openapi.json.");
        let mut response = problem.error_response();
        let allowed = header::HeaderValue::from_static(allowed);
        response.headers_mut().insert(header::ALLOW, allowed);
        response
    })
}

/// A path or a query that cannot be read gets a problem document too.
fn addresses(config: &mut web::ServiceConfig) {
    let paths = |_, _: &_| Problem::new(Kind::NotFound, "See /openapi.json.").into();
    let queries = |_, _: &_| Problem::new(Kind::MalformedMessage, "See /openapi.json.").into();
    config
        .app_data(web::PathConfig::default().error_handler(paths))
        .app_data(web::QueryConfig::default().error_handler(queries));
}

async fn no_route() -> Result<HttpResponse, Problem> {
    Err(Problem::new(Kind::NotFound, "See /openapi.json."))
}
