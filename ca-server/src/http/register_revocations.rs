//! `GET /v1/register-revocations`: so that the window can tell a resident that, and since when,
//! his certificate is out of effect.

use actix_web::{HttpResponse, web};
use schema::wire::v1::register_revocation::{RegisterRevocation, RegisterRevocationList};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    answers::Choosing,
    block,
    caller::Gateway,
    problem::{Kind, Problem},
    store_problem,
};
use crate::app::{App, register_revocations};

/// What is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Five digits.
    municipality: String,
    /// Events after this one; all of them when absent.
    #[serde(default)]
    since: u64,
}

/// Certificates that events of the resident register revoked (Art 12), in the order of the events.
#[utoipa::path(
    get, path = "/v1/register-revocations", tag = "revocations",
    params(Asked),
    responses(
        (status = 200, description = "At most 500; ask again with `since` = `told`", body = RegisterRevocationList),
        Choosing,
    ),
)]
pub async fn list(
    app: web::Data<App>,
    gateway: web::ReqData<Gateway>,
    asked: Result<web::Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let malformed = || {
        Problem::new(
            Kind::MalformedMessage,
            "Ask with municipality=<five digits> and, for more, since=<told>.",
        )
    };
    let asked = asked.map_err(|_| malformed())?.into_inner();
    let municipality = asked.municipality.parse().map_err(|_| malformed())?;
    let gateway = gateway.into_inner().0;
    let told = block(move || register_revocations::list(&app, &gateway, municipality, asked.since))
        .await?
        .map_err(|error| store_problem(&error))?
        .ok_or_else(|| {
            Problem::new(
                Kind::NotFound,
                "This authority does not serve that municipality.",
            )
        })?;
    let last = told.last().map_or(asked.since, |told| told.sequence);
    let revocations = told
        .into_iter()
        .map(|told| RegisterRevocation {
            sequence: told.sequence,
            serial: hex::encode(&told.serial),
            kind: told.kind.to_string(),
            recorded_at: told.recorded_at.to_string(),
            revoked_at: told.revoked_at.to_string(),
            next_application: told.kind.next_application().map(|kind| kind.to_string()),
        })
        .collect();
    Ok(HttpResponse::Ok().json(RegisterRevocationList {
        municipality: asked.municipality,
        revocations,
        told: last,
    }))
}
