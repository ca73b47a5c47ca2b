//! `POST /v1/revocations`.

use actix_web::{HttpResponse, web};
use schema::wire::v1::ca::{OnlineRevokeRequest, RevokeRequest, RevokeResponse};

use super::{
    acknowledged,
    answers::{Revoking, RevokingOnline},
    block,
    body::{Body, Limit},
    caller::Gateway,
    certificates::{refusal_problem, vault_problem},
    problem::{Kind, Problem},
    store_problem,
};
use crate::{
    app::{
        App,
        look_up::LookUpError,
        revoke::{self, RevokeError},
        revoke_online::{self, OnlineError},
    },
    port::store::Revoked,
};

/// Record a revocation for a signed act. Needs no token. A second one answers
/// what was recorded first.
#[utoipa::path(
    post, path = "/v1/revocations", tag = "revocations",
    request_body = RevokeRequest,
    responses(
        (status = 200, description = "Recorded", body = RevokeResponse),
        Revoking,
    ),
)]
pub async fn revoke(
    app: web::Data<App>,
    gateway: web::ReqData<Gateway>,
    limit: web::Data<Limit>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let gateway = gateway.into_inner();
    let wish: RevokeRequest = body.message(&app, &gateway, "revoke", **limit).await?;
    let asked = app.clone();
    let revoked = block(move || revoke::revoke(&asked, &gateway.0, &wish))
        .await?
        .map_err(|error| problem(&error))?;
    acknowledged(&app).await;
    Ok(HttpResponse::Ok().json(message(&revoked)))
}

/// Record a revocation that the holder signed with the very key (Art 9 ③).
#[utoipa::path(
    post, path = "/v1/online-revocations", tag = "revocations",
    request_body = OnlineRevokeRequest,
    responses(
        (status = 200, description = "Recorded", body = RevokeResponse),
        RevokingOnline,
    ),
)]
pub async fn revoke_online(
    app: web::Data<App>,
    gateway: web::ReqData<Gateway>,
    limit: web::Data<Limit>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let gateway = gateway.into_inner();
    let wish: OnlineRevokeRequest = body
        .message(&app, &gateway, "revoke-online", **limit)
        .await?;
    let asked = app.clone();
    let revoked = block(move || revoke_online::revoke_online(&asked, &gateway.0, &wish))
        .await?
        .map_err(|error| match error {
            OnlineError::NotAccepted => Problem::new(Kind::ActRefused, format!("{error}.")),
            OnlineError::Store(error) | OnlineError::LookUp(LookUpError::Store(error)) => {
                store_problem(&error)
            }
            OnlineError::LookUp(LookUpError::Vault(error)) => vault_problem(&error),
        })?;
    acknowledged(&app).await;
    Ok(HttpResponse::Ok().json(message(&revoked)))
}

pub(super) fn message(revoked: &Revoked) -> RevokeResponse {
    RevokeResponse {
        serial: hex::encode(&revoked.serial),
        revoked_at: revoked.revoked_at.to_string(),
        ground: revoked.ground.clone(),
        reason_code: revoked.reason,
    }
}

fn problem(error: &RevokeError) -> Problem {
    match error {
        RevokeError::Refused(refusal) => refusal_problem(refusal),
        RevokeError::Ground => Problem::new(Kind::ActRefused, format!("{error}.")),
        // Another municipality's certificate is not told apart from none.
        RevokeError::NotFound | RevokeError::OutOfScope => Problem::new(
            Kind::NotFound,
            "No certificate with this serial was issued for this municipality.",
        ),
        RevokeError::Store(error) => store_problem(error),
    }
}
