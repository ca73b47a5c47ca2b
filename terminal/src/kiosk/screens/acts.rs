//! What the pages' buttons do. Each act is answered with the way back to the page,
//! which tells what came of it.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{self, Data};
use pki_core::application::certificate_kind::CertificateKind;
use serde::Deserialize;

use crate::kiosk::Kiosk;
use crate::kiosk::entry::Purpose;
use crate::kiosk::hygiene::scrub_stack;
use crate::kiosk::password::Password;
use crate::kiosk::resident::Language;
use crate::local::{Form, Problem};

/// Does `work` and goes back to the page. A problem is told there, in the resident's
/// language; here it goes to the log.
async fn act<T>(
    kiosk: Data<Arc<Kiosk>>,
    work: impl FnOnce(&Arc<Kiosk>) -> Result<T, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    web::block(move || {
        kiosk.touch();
        if let Err(problem) = work(&kiosk) {
            tracing::info!(%problem, "not done");
        }
        scrub_stack();
    })
    .await
    .map_err(|error| Problem::internal(&error))?;
    Ok(to("/"))
}

/// 303 to a page.
pub fn to(page: &'static str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, page))
        .finish()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    purpose: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    password: Password,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speak {
    language: Language,
}

pub async fn begin(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    act(kiosk, |kiosk| {
        kiosk.notice_read();
        kiosk.begin()
    })
    .await
}

pub async fn choose(
    kiosk: Data<Arc<Kiosk>>,
    Form(choice): Form<Choice>,
) -> Result<HttpResponse, Problem> {
    act(kiosk, move |kiosk| match choice.purpose.as_str() {
        "change" => kiosk.choose(Purpose::Change),
        "change-signature" => kiosk.choose_key(Purpose::Change, CertificateKind::Signature),
        "change-pin" => kiosk.choose_key(Purpose::Change, CertificateKind::UserAuthentication),
        _ => kiosk.choose(Purpose::Generate),
    })
    .await
}

pub async fn rules_read(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    act(kiosk, |kiosk| kiosk.rules_read()).await
}

pub async fn password(
    kiosk: Data<Arc<Kiosk>>,
    Form(typed): Form<Typed>,
) -> Result<HttpResponse, Problem> {
    act(kiosk, move |kiosk| kiosk.typed(typed.password)).await
}

pub async fn back(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    act(kiosk, |kiosk| kiosk.back()).await
}

pub async fn cancel(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    act(kiosk, |kiosk| kiosk.cancel()).await
}

pub async fn finish(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    act(kiosk, |kiosk| kiosk.finish()).await
}

pub async fn notice_read(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    act(kiosk, |kiosk| {
        kiosk.notice_read();
        Ok(())
    })
    .await
}

pub async fn touch(kiosk: Data<Arc<Kiosk>>) -> HttpResponse {
    kiosk.touch();
    HttpResponse::NoContent().finish()
}

pub async fn language(
    kiosk: Data<Arc<Kiosk>>,
    Form(speak): Form<Speak>,
) -> Result<HttpResponse, Problem> {
    act(kiosk, move |kiosk| {
        kiosk.speak(speak.language);
        Ok(())
    })
    .await
}

pub async fn size(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    act(kiosk, |kiosk| {
        kiosk.switch_size();
        Ok(())
    })
    .await
}

pub async fn contrast(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    act(kiosk, |kiosk| {
        kiosk.switch_contrast();
        Ok(())
    })
    .await
}
