//! Applications and their steps. Every step answers with the application.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use schema::wire::v1::ra::{
    Application, ApplicationList, CancelRequest, CharacterChoices, CharacterFindings, FeeRequest,
    HandOverRequest, IdentityRequest, ImageRequest, IssueActRequest, PublicKeyRequest,
    ReceiveRequest, WrittenRequest,
};
use serde::Deserialize;

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// Which applications are listed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Only those that still walk.
    #[serde(default)]
    pub(super) open: bool,
}

/// Takes an application (電子証明書発行申請書).
#[utoipa::path(post, path = "/v1/applications", request_body = ReceiveRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = Application), ActRefusals))]
pub async fn receive(call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::CREATED, |app, clerk, body| {
        app.receive(clerk, &body)
    })
    .await
}

/// Applications of this municipality.
#[utoipa::path(get, path = "/v1/applications",
    params(("open" = Option<bool>, Query), ("Operator-Session" = String, Header)),
    responses((status = 200, body = ApplicationList), QuestionRefusals))]
pub async fn list(call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_choosing(|app, operator, query: Listed| {
        app.applications(operator, query.open)
    })
    .await
}

/// One application.
#[utoipa::path(get, path = "/v1/applications/{id}",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), QuestionRefusals))]
pub async fn read(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.application(operator, &id))
        .await
}

/// Characters that the certificate cannot carry, and what may stand for them.
#[utoipa::path(get, path = "/v1/applications/{id}/characters",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = CharacterFindings), QuestionRefusals))]
pub async fn findings(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.characters(operator, &id))
        .await
}

/// The identity check as a recorded decision.
#[utoipa::path(post, path = "/v1/applications/{id}/identity", request_body = IdentityRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn identity(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: IdentityRequest| {
        app.identify(clerk, &id, &body)
    })
    .await
}

/// The key that the card proves (公開鍵読込).
#[utoipa::path(post, path = "/v1/applications/{id}/public-key", request_body = PublicKeyRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn public_key(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: PublicKeyRequest| {
        app.read_public_key(clerk, &id, &body)
    })
    .await
}

/// The applicant's choices of substitute characters.
#[utoipa::path(post, path = "/v1/applications/{id}/characters", request_body = CharacterChoices,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn choices(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: CharacterChoices| {
        app.settle_characters(clerk, &id, &body)
    })
    .await
}

/// The issuing request (発行要求).
#[utoipa::path(post, path = "/v1/applications/{id}/issue", request_body = IssueActRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn issue(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: IssueActRequest| {
        app.request_issue(clerk, &id, &body)
    })
    .await
}

/// What clerk and applicant say of the certificate image.
#[utoipa::path(post, path = "/v1/applications/{id}/image", request_body = ImageRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn image(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: ImageRequest| {
        app.confirm_image(clerk, &id, &body)
    })
    .await
}

/// What was read back from the card, and its trial signature.
#[utoipa::path(post, path = "/v1/applications/{id}/written", request_body = WrittenRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn written(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: WrittenRequest| {
        app.confirm_written(clerk, &id, &body)
    })
    .await
}

/// The fee.
#[utoipa::path(post, path = "/v1/applications/{id}/fee", request_body = FeeRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn fee(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: FeeRequest| {
        app.take_fee(clerk, &id, &body)
    })
    .await
}

/// Card, guide and printed copy are handed over.
#[utoipa::path(post, path = "/v1/applications/{id}/hand-over", request_body = HandOverRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn hand_over(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: HandOverRequest| {
        app.hand_over(clerk, &id, &body)
    })
    .await
}

/// The applicant withdraws before anything was issued.
#[utoipa::path(post, path = "/v1/applications/{id}/cancel", request_body = CancelRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn cancel(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: CancelRequest| {
        app.cancel(clerk, &id, &body)
    })
    .await
}
