//! `GET /v1/authority`: so that a gateway learns before its first act whether it is at the right door.

use actix_web::{HttpResponse, web};
use schema::wire::v1::authority::AuthorityRecord;

use super::answers::Calling;
use crate::app::App;

/// Whose authority this is, and whether what it issues counts.
#[utoipa::path(
    get, path = "/v1/authority", tag = "authority",
    responses(
        (status = 200, description = "The same for as long as the process runs", body = AuthorityRecord),
        Calling,
    ),
)]
pub async fn read(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(AuthorityRecord {
        prefecture: app.prefecture.to_string(),
        mode: app.mode.to_string(),
        policy: app
            .signature_profile
            .policy()
            .map(|policy| policy.oid.clone()),
    })
}
