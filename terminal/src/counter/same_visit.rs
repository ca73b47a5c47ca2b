//! The identification of this visit, for the other certificate of the card.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, ServiceConfig};
use pki_core::id::ApplicationId;
use schema::wire::v1::ra::{IdentityOfVisit, IdentityOfVisitRequest, Step};
use serde_json::Value;

use super::app::Counter;
use super::http::{Window, blocking, id};
use super::next::shown;
use crate::local::{Body, Problem};

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    let place = "/api/applications/{id}/identity-of-visit";
    config
        .route(place, web::get().to(found))
        .route(place, web::post().to(reuse));
}

async fn found(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let told = blocking(window, move |counter| counter.identity_of_visit(&id)).await?;
    Ok(HttpResponse::Ok().json(told))
}

async fn reuse(
    window: Window,
    path: Path<String>,
    Body(asked): Body<IdentityOfVisitRequest>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let told = blocking(window, move |counter| counter.reuse_identity(&id, &asked)).await?;
    Ok(HttpResponse::Ok().json(told))
}

impl Counter {
    /// What the application may rest on.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn identity_of_visit(&self, id: &ApplicationId) -> Result<IdentityOfVisit, Problem> {
        let token = self.token()?;
        let path = format!("/v1/applications/{id}/identity-of-visit");
        self.again(|| self.gateway().get(&path, Some(&token)))
    }

    /// Records that the same person is before the clerk.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn reuse_identity(
        &self,
        id: &ApplicationId,
        asked: &IdentityOfVisitRequest,
    ) -> Result<Value, Problem> {
        let done = |step| step != Step::Received;
        self.step(id, "identity-of-visit", asked, done)
            .map(|a| shown(&a))
    }
}
