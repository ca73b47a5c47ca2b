//! The servers' skin: asynchronous, thin, one file per noun. Use-cases run in
//! `web::block`.

mod admin;
mod caller;
mod certificates;
mod files;
mod ocsp;
pub mod openapi;
mod problem;
mod public;
mod ready;
mod revocations;
pub mod serve;
mod tls;

use actix_web::{HttpResponse, Resource, Route, error::BlockingError, web};
use problem::{Kind, Problem};

use crate::port::store::StoreError;

/// Seconds after which a database that was away is worth another try.
const DATABASE_RETRY: u64 = 1;

/// Run a use-case off the event loop.
async fn block<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    web::block(work)
        .await
        .map_err(|error: BlockingError| Problem::internal(&error))
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

/// A resource with one method; the others get a problem document.
fn resource(path: &str, route: Route) -> Resource {
    web::resource(path)
        .route(route)
        .default_service(web::to(no_method))
}

async fn no_method() -> Result<HttpResponse, Problem> {
    Err(Problem::new(Kind::MethodNotAllowed, "See /openapi.json."))
}

async fn no_route() -> Result<HttpResponse, Problem> {
    Err(Problem::new(Kind::NotFound, "See /openapi.json."))
}
