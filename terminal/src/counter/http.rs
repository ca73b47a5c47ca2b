//! The local HTTP interface behind the clerk's screens (`terminal_ui`): one button each.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pki_core::id::{ApplicationId, NoticeId};
use schema::wire::v1::ra::{
    CertificateSearchRequest, CharacterChoices, IdentityRequest, ImageVerdict,
    RegisterLookupRequest,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::app::Counter;
use super::issue::Revocation;
use super::next::shown;
use super::notices::{NewNotice, Typed};
use super::steps::NewApplication;
use crate::local::{Body, Kind, Problem};

pub(super) type Window = Data<Arc<Counter>>;

/// The one route table.
pub fn routes(config: &mut ServiceConfig) {
    let one = |last: &str| format!("/api/applications/{{id}}{last}");
    config
        .route("/api/status", web::get().to(status))
        .route("/api/sign-in", web::post().to(sign_in))
        .route("/api/sign-out", web::post().to(sign_out))
        .route("/api/register-lookups", web::post().to(look_up))
        .route("/api/applications", web::post().to(receive))
        .route("/api/applications", web::get().to(list))
        .route(&one(""), web::get().to(read))
        .route(&one("/identity"), web::post().to(identity))
        .route(&one("/prepare-card"), web::post().to(prepare_card))
        .route(&one("/read-public-key"), web::post().to(read_public_key))
        .route(&one("/characters"), web::get().to(characters))
        .route(&one("/characters"), web::post().to(settle))
        .route(&one("/issue"), web::post().to(issue))
        .route(&one("/image"), web::get().to(image))
        .route(&one("/confirm-image"), web::post().to(confirm_image))
        .route(&one("/write-card"), web::post().to(write_card))
        .route(&one("/sign"), web::post().to(sign))
        .route(&one("/fee"), web::post().to(fee))
        .route(&one("/hand-over"), web::post().to(hand_over))
        .route(&one("/cancel"), web::post().to(cancel))
        .route(&one("/certificate.cer"), web::get().to(certificate))
        .route(&one("/copy.pdf"), web::get().to(copy))
        .route(&one("/receipt.pdf"), web::get().to(receipt))
        .route("/api/revocations", web::post().to(revoke))
        .route(
            "/api/certificate-searches",
            web::post().to(find_certificates),
        )
        .route("/api/notices", web::post().to(open_notice))
        .route("/api/notices", web::get().to(notices))
        .route("/api/notices/{id}", web::get().to(notice))
        .route("/api/notices/{id}/carry-out", web::post().to(carry_out))
        .route("/api/notices/{id}/give-up", web::post().to(give_up));
    super::procedures::routes(config);
    super::same_visit::routes(config);
    super::screens::routes(config);
}

/// A text that is erased after use.
struct Secret(Zeroizing<String>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    pin: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirm {
    verdict: ImageVerdict,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteCard {
    password: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    password: Secret,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fee {
    amount_yen: u32,
}

pub(super) async fn blocking<T: Send + 'static>(
    window: Window,
    work: impl FnOnce(&Counter) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    web::block(move || work(&window))
        .await
        .map_err(|error| Problem::internal(&error))?
}

async fn answer(
    window: Window,
    work: impl FnOnce(&Counter) -> Result<Value, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(blocking(window, work).await?))
}

/// The application id of the address.
pub(super) fn id(path: &Path<String>) -> Result<ApplicationId, Problem> {
    path.parse().map_err(|_| {
        Problem::new(
            Kind::NotFound,
            "an application id has 32 lower-case hexadecimal digits",
            "該当する申請がありません。一覧から選び直してください。",
            "There is no such application. Choose it from the list.",
        )
    })
}

async fn status(window: Window) -> Result<HttpResponse, Problem> {
    answer(window, |counter| Ok(counter.status())).await
}

async fn sign_in(window: Window, Body(asked): Body<SignIn>) -> Result<HttpResponse, Problem> {
    answer(window, move |counter| counter.sign_in(&asked.pin.0)).await
}

async fn sign_out(window: Window, _: Body<Nothing>) -> Result<HttpResponse, Problem> {
    answer(window, |counter| Ok(counter.sign_out())).await
}

async fn look_up(
    window: Window,
    Body(asked): Body<RegisterLookupRequest>,
) -> Result<HttpResponse, Problem> {
    answer(window, move |counter| counter.look_up(&asked)).await
}

async fn receive(window: Window, Body(new): Body<NewApplication>) -> Result<HttpResponse, Problem> {
    let received = blocking(window, move |counter| counter.receive(new));
    Ok(HttpResponse::Created().json(received.await?))
}

async fn list(window: Window) -> Result<HttpResponse, Problem> {
    answer(window, |counter| counter.list()).await
}

async fn read(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| {
        counter.application(&id).map(|a| shown(&a))
    })
    .await
}

async fn identity(
    window: Window,
    path: Path<String>,
    Body(decision): Body<IdentityRequest>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.identity(&id, &decision)).await
}

async fn prepare_card(
    window: Window,
    path: Path<String>,
    _: Body<Nothing>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.prepare_card(&id)).await
}

async fn read_public_key(
    window: Window,
    path: Path<String>,
    _: Body<Nothing>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.read_public_key(&id)).await
}

async fn characters(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.characters(&id)).await
}

async fn settle(
    window: Window,
    path: Path<String>,
    Body(choices): Body<CharacterChoices>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.settle(&id, &choices)).await
}

async fn issue(
    window: Window,
    path: Path<String>,
    _: Body<Nothing>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.issue(&id)).await
}

async fn image(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.image(&id)).await
}

async fn confirm_image(
    window: Window,
    path: Path<String>,
    Body(asked): Body<Confirm>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| {
        counter.confirm_image(&id, asked.verdict)
    })
    .await
}

async fn write_card(
    window: Window,
    path: Path<String>,
    Body(asked): Body<WriteCard>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| {
        counter.write_card(&id, &asked.password.0)
    })
    .await
}

async fn sign(
    window: Window,
    path: Path<String>,
    Body(asked): Body<Sign>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let message = STANDARD.decode(&asked.message).map_err(|_| {
        Problem::at(
            "/message",
            "the message is not base64",
            "メッセージの形式が違います。",
            "The message is not in base64.",
        )
    })?;
    answer(window, move |counter| {
        counter.sign(&id, &asked.password.0, &message)
    })
    .await
}

async fn fee(
    window: Window,
    path: Path<String>,
    Body(asked): Body<Fee>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.fee(&id, asked.amount_yen)).await
}

async fn hand_over(
    window: Window,
    path: Path<String>,
    _: Body<Nothing>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.hand_over(&id)).await
}

async fn cancel(
    window: Window,
    path: Path<String>,
    _: Body<Nothing>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    answer(window, move |counter| counter.cancel(&id)).await
}

async fn certificate(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let der = blocking(window, move |counter| counter.certificate(&id)).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/pkix-cert")
        .insert_header((
            "Content-Disposition",
            "inline; filename=\"certificate.cer\"",
        ))
        .body(der))
}

async fn copy(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let pdf = blocking(window, move |counter| counter.copy(&id)).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header(("Content-Disposition", "inline; filename=\"copy.pdf\""))
        .body(pdf))
}

async fn receipt(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let pdf = blocking(window, move |counter| counter.receipt(&id)).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header(("Content-Disposition", "inline; filename=\"receipt.pdf\""))
        .body(pdf))
}

/// The answer to a request for disclosure, just fetched.
pub(super) async fn disclosure_paper(
    window: Window,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let pdf = blocking(window, move |counter| counter.disclosure_paper(&id)).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header(("Content-Disposition", "inline; filename=\"answer.pdf\""))
        .insert_header(("Cache-Control", "no-store"))
        .body(pdf))
}

async fn revoke(window: Window, Body(asked): Body<Revocation>) -> Result<HttpResponse, Problem> {
    answer(window, move |counter| counter.revoke(asked)).await
}

async fn find_certificates(
    window: Window,
    Body(asked): Body<CertificateSearchRequest>,
) -> Result<HttpResponse, Problem> {
    answer(window, move |counter| {
        Ok(json!({"certificates": counter.find_certificates(&asked)?}))
    })
    .await
}

/// The notice id of the address.
pub(super) fn notice_id(text: &str) -> Result<NoticeId, Problem> {
    text.parse().map_err(|_| {
        Problem::new(
            Kind::NotFound,
            "a notice id has 32 lower-case hexadecimal digits",
            "該当する届出がありません。一覧から選び直してください。",
            "There is no such notice. Choose it from the list.",
        )
    })
}

async fn open_notice(window: Window, Body(new): Body<NewNotice>) -> Result<HttpResponse, Problem> {
    let opened = blocking(window, move |counter| counter.open_notice(new));
    Ok(HttpResponse::Created().json(opened.await?))
}

async fn notices(window: Window) -> Result<HttpResponse, Problem> {
    answer(window, |counter| {
        Ok(json!({"notices": counter.open_notices()?}))
    })
    .await
}

async fn notice(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = notice_id(&path)?;
    answer(window, move |counter| Ok(json!(counter.notice(&id)?))).await
}

async fn carry_out(
    window: Window,
    path: Path<String>,
    Body(typed): Body<Typed>,
) -> Result<HttpResponse, Problem> {
    let id = notice_id(&path)?;
    answer(window, move |counter| {
        Ok(json!(counter.carry_out(&id, &typed)?))
    })
    .await
}

async fn give_up(
    window: Window,
    path: Path<String>,
    _: Body<Nothing>,
) -> Result<HttpResponse, Problem> {
    let id = notice_id(&path)?;
    answer(window, move |counter| {
        Ok(json!(counter.give_up_notice(&id)?))
    })
    .await
}
