//! `POST /v1/stops`: gateways tell that issuing has stopped and learn what officers released.

use actix_web::{HttpResponse, web};
use schema::wire::v1::stop::{StopReleases, StopReport};

use super::{
    block,
    body::{Body, Limit},
    caller::Gateway,
    problem::{Kind, Problem, ProblemDocument},
    store_problem,
};
use crate::app::{
    App, callers,
    stop::{self, StopError},
};

/// Tell every stop that is not released; the answer has the releases that officers signed.
#[utoipa::path(
    post, path = "/v1/stops", tag = "stops",
    request_body = StopReport,
    responses(
        (status = 200, description = "Taken in, now or before", body = StopReleases),
        (status = "default", description = "A problem", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn report(
    app: web::Data<App>,
    gateway: web::ReqData<Gateway>,
    limit: web::Data<Limit>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let gateway = gateway.into_inner();
    let report: StopReport = body.message(&app, &gateway, "stop.tell", **limit).await?;
    let releases: StopReleases = block(move || {
        let told = stop::receive(&app, &gateway.0, &report);
        if let Err(StopError::Malformed(..)) = &told {
            callers::refuse_message(&app, &gateway.0, "stop.tell", "malformed-message")?;
        }
        told
    })
    .await?
    .map_err(|error| problem(&error))?;
    Ok(HttpResponse::Ok().json(releases))
}

fn problem(error: &StopError) -> Problem {
    match error {
        StopError::Malformed(pointer, why) => {
            Problem::new(Kind::MalformedMessage, "See /openapi.json.").at(pointer.clone(), *why)
        }
        StopError::TooMany => Problem::new(Kind::Conflict, error.to_string()),
        StopError::Store(error) => store_problem(error),
        StopError::Unreadable(_) => Problem::internal(error),
    }
}
