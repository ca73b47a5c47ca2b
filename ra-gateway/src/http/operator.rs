//! Operators sign in and out.

use actix_web::{HttpResponse, http::StatusCode};
use schema::wire::v1::ra::{
    OperatorChallengeRequest, OperatorChallengeResponse, OperatorSessionRequest,
    OperatorSessionResponse,
};

use super::{
    answers::{ActRefusals, QuestionRefusals},
    caller::Call,
    problem::Problem,
};

/// A challenge for the operator's card.
#[utoipa::path(post, path = "/v1/operator-challenges", request_body = OperatorChallengeRequest,
    responses((status = 201, body = OperatorChallengeResponse), ActRefusals))]
pub async fn challenge(call: Call) -> Result<HttpResponse, Problem> {
    call.for_terminal(StatusCode::CREATED, |app, terminal, body| {
        app.challenge_operator(terminal, &body)
    })
    .await
}

/// A session for the operator whose card signed the challenge.
#[utoipa::path(post, path = "/v1/operator-sessions", request_body = OperatorSessionRequest,
    responses((status = 201, body = OperatorSessionResponse), ActRefusals))]
pub async fn sign_in(call: Call) -> Result<HttpResponse, Problem> {
    call.for_terminal(StatusCode::CREATED, |app, terminal, body| {
        app.sign_in(terminal, &body)
    })
    .await
}

/// The session ends.
#[utoipa::path(delete, path = "/v1/operator-sessions/current",
    params(("Operator-Session" = String, Header)),
    responses((status = 204), QuestionRefusals))]
pub async fn sign_out(call: Call) -> Result<HttpResponse, Problem> {
    call.sign_out().await
}
