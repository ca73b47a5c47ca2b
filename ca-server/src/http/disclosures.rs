//! `/v1/disclosures`: requests for disclosure and correction from the windows.

use actix_web::{HttpRequest, HttpResponse, guard, web};
use pki_core::{id::ApplicationId, person::municipality::MunicipalityCode};
use schema::wire::v1::disclosure::{
    DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
};

use super::{
    answers::{Choosing, Disclosing},
    block,
    body::{Body, Limit},
    caller::Gateway,
    certificates::{refusal_problem, vault_problem},
    not_allowed, posted,
    problem::{Kind, Problem},
    read_only, store_problem,
};
use crate::app::{
    App,
    disclose::{self, DiscloseError},
};

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let either = || guard::Any(guard::Get()).or(guard::Head());
    config
        .service(
            web::resource("/disclosures")
                .route(web::to(receive).guard(guard::Post()))
                .route(web::to(list).guard(either()))
                .default_service(not_allowed("GET, HEAD, POST")),
        )
        .service(read_only("/disclosures/{id}", web::to(read)))
        .service(posted("/disclosures/{id}/delivery", web::to(deliver)));
}

/// Take a request in (Arts 29, 31) and forward it to who decides.
#[utoipa::path(
    post, path = "/v1/disclosures", tag = "disclosures",
    request_body = DisclosureRequest,
    responses(
        (status = 200, description = "Taken in, now or before", body = DisclosureLine),
        Disclosing,
    ),
)]
pub async fn receive(
    app: web::Data<App>,
    gateway: web::ReqData<Gateway>,
    limit: web::Data<Limit>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let gateway = gateway.into_inner();
    let wish: DisclosureRequest = body
        .message(&app, &gateway, "disclosure.receive", **limit)
        .await?;
    let line = block(move || disclose::receive(&app, &gateway.0, &wish))
        .await?
        .map_err(|error| problem(&error))?;
    Ok(HttpResponse::Ok().json(line))
}

/// The requests of a municipality, the newest first.
#[utoipa::path(
    get, path = "/v1/disclosures", tag = "disclosures",
    params(("municipality" = String, Query, description = "Five digits")),
    responses(
        (status = 200, description = "Names nobody", body = DisclosureList),
        Choosing,
    ),
)]
pub async fn list(
    app: web::Data<App>,
    _gateway: web::ReqData<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let municipality = municipality(&request)?;
    let list = block(move || disclose::list(&app, &municipality))
        .await?
        .map_err(|error| problem(&error))?;
    Ok(HttpResponse::Ok().json(list))
}

/// One request of a municipality.
#[utoipa::path(
    get, path = "/v1/disclosures/{id}", tag = "disclosures",
    params(("id" = String, Path), ("municipality" = String, Query, description = "Five digits")),
    responses(
        (status = 200, description = "Names nobody", body = DisclosureLine),
        Choosing,
    ),
)]
pub async fn read(
    app: web::Data<App>,
    _gateway: web::ReqData<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let municipality = municipality(&request)?;
    let id: ApplicationId = path.parse().map_err(|_| none())?;
    let line = block(move || disclose::read(&app, &municipality, id.as_bytes()))
        .await?
        .map_err(|error| problem(&error))?;
    Ok(HttpResponse::Ok().json(line))
}

/// Hand the answer over: the paper, for a signed act; the request is then closed.
#[utoipa::path(
    post, path = "/v1/disclosures/{id}/delivery", tag = "disclosures",
    params(("id" = String, Path)),
    request_body = DeliveryRequest,
    responses(
        (status = 200, description = "The answer as PDF", body = DeliveryResponse),
        Disclosing,
    ),
)]
pub async fn deliver(
    app: web::Data<App>,
    gateway: web::ReqData<Gateway>,
    limit: web::Data<Limit>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let gateway = gateway.into_inner();
    let id: ApplicationId = path.parse().map_err(|_| none())?;
    let wish: DeliveryRequest = body
        .message(&app, &gateway, "disclosure.deliver", **limit)
        .await?;
    let delivered = block(move || disclose::deliver(&app, &gateway.0, id, &wish))
        .await?
        .map_err(|error| problem(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .json(delivered))
}

fn municipality(request: &HttpRequest) -> Result<String, Problem> {
    request
        .query_string()
        .split('&')
        .find_map(|pair| pair.strip_prefix("municipality="))
        .and_then(|code| code.parse::<MunicipalityCode>().ok())
        .map(|code| code.to_string())
        .ok_or_else(|| {
            Problem::new(Kind::MalformedMessage, "Name the municipality by its code.")
                .at("/municipality", "five digits")
        })
}

fn none() -> Problem {
    Problem::new(
        Kind::NotFound,
        "There is no such request in this municipality.",
    )
}

fn problem(error: &DiscloseError) -> Problem {
    match error {
        DiscloseError::Refused(refusal) => refusal_problem(refusal),
        DiscloseError::Request(fault) => {
            Problem::new(Kind::MalformedMessage, "Correct the request at the window.")
                .at("/request", fault.to_string())
        }
        DiscloseError::Mismatch(_) => Problem::new(Kind::ActRefused, format!("{error}.")),
        DiscloseError::Case(refusal) => {
            Problem::new(Kind::Conflict, format!("{refusal}.")).at("/request", refusal.name())
        }
        DiscloseError::NotFound => none(),
        DiscloseError::Taken | DiscloseError::Stale => {
            Problem::new(Kind::Conflict, format!("{error}."))
        }
        DiscloseError::Unreadable => Problem::internal(error),
        DiscloseError::Vault(error) => vault_problem(error),
        DiscloseError::Store(error) => store_problem(error),
    }
}
