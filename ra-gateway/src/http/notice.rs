//! Notices about a card: password services and erasures; and finding a certificate.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use schema::wire::v1::ra::{
    CardChannelResponse, CardRelayRequest, CertificateSearchRequest, FoundCertificates, Notice,
    NoticeChannelRequest, NoticeEndRequest, NoticeList, NoticeRelayResponse, NoticeRequest,
};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    application::Listed,
    caller::Call,
    problem::Problem,
};

/// Takes a notice in (暗証番号の変更・ロック解除・初期化の届出; erasure after a revocation).
#[utoipa::path(post, path = "/v1/notices", request_body = NoticeRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 201, body = Notice), ActRefusals))]
pub async fn open(call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::CREATED, |app, clerk, body: NoticeRequest| {
        app.open_notice(clerk, &body)
    })
    .await
}

/// Notices of this municipality, newest first.
#[utoipa::path(get, path = "/v1/notices",
    params(("open" = Option<bool>, Query), ("Operator-Session" = String, Header)),
    responses((status = 200, body = NoticeList), QuestionRefusals))]
pub async fn list(call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_choosing(|app, operator, query: Listed| app.notices(operator, query.open))
        .await
}

/// One notice.
#[utoipa::path(get, path = "/v1/notices/{id}",
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Notice), QuestionRefusals))]
pub async fn read(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_operator_asking(move |app, operator| app.notice(operator, &id))
        .await
}

/// The gateway speaks to the card for this notice; an earlier channel is given up.
#[utoipa::path(post, path = "/v1/notices/{id}/card-channels", request_body = NoticeChannelRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 201, body = CardChannelResponse), ActRefusals))]
pub async fn channel(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(
        StatusCode::CREATED,
        move |app, clerk, _: NoticeChannelRequest| app.open_notice_channel(clerk, &id),
    )
    .await
}

/// Carries the card's answers to the gateway and its commands to the card.
#[utoipa::path(post, path = "/v1/notice-channels/{channel}", request_body = CardRelayRequest,
    params(("channel" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = NoticeRelayResponse), ActRefusals))]
pub async fn relay(channel: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body| {
        app.relay_notice(clerk, &channel, &body)
    })
    .await
}

/// The holder's own password is on the card.
#[utoipa::path(post, path = "/v1/notices/{id}/password-set", request_body = NoticeEndRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Notice), ActRefusals))]
pub async fn password_set(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, _: NoticeEndRequest| {
        app.password_set(clerk, &id)
    })
    .await
}

/// The holder left, or the card would not do it.
#[utoipa::path(post, path = "/v1/notices/{id}/given-up", request_body = NoticeEndRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = Notice), ActRefusals))]
pub async fn given_up(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, _: NoticeEndRequest| {
        app.give_up_notice(clerk, &id)
    })
    .await
}

/// Certificates of this municipality: by serial number, check code, card or resident.
#[utoipa::path(post, path = "/v1/certificate-searches", request_body = CertificateSearchRequest,
    params(("Operator-Session" = String, Header)),
    responses((status = 200, body = FoundCertificates), ActRefusals))]
pub async fn search(call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(
        StatusCode::OK,
        |app, clerk, body: CertificateSearchRequest| app.find_certificates(clerk, &body),
    )
    .await
}
