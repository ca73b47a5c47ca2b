//! The written inquiry, its reply, and the second pair of eyes.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use schema::wire::v1::ra::{
    Application, IdentityConfirmation, InquiryLetter, InquiryLetterRequest, InquiryRequest,
    ReplyRequest,
};

use super::{answers::ActRefusals, caller::Call, problem::Problem};

/// The applicant is asked in writing (照会書).
#[utoipa::path(post, path = "/v1/applications/{id}/inquiry", request_body = InquiryRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn send(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: InquiryRequest| {
        app.send_inquiry(clerk, &id, &body)
    })
    .await
}

/// What the letter says, to be printed.
#[utoipa::path(post, path = "/v1/applications/{id}/inquiry-letter", request_body = InquiryLetterRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = InquiryLetter), ActRefusals))]
pub async fn letter(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(
        StatusCode::OK,
        move |app, clerk, body: InquiryLetterRequest| app.inquiry_letter(clerk, &id, &body),
    )
    .await
}

/// The reply (回答書) was brought.
#[utoipa::path(post, path = "/v1/applications/{id}/reply", request_body = ReplyRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn reply(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body: ReplyRequest| {
        app.record_reply(clerk, &id, &body)
    })
    .await
}

/// Carries out what a second operator signed about the decision on the reply.
#[utoipa::path(post, path = "/v1/applications/{id}/identity-confirmation", request_body = IdentityConfirmation,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Application), ActRefusals))]
pub async fn confirm(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(
        StatusCode::OK,
        move |app, clerk, body: IdentityConfirmation| app.confirm_reply(clerk, &id, &body),
    )
    .await
}
