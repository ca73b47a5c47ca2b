//! The channel to a card, relayed by the terminal.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use schema::wire::v1::ra::{
    CardChannelRequest, CardChannelResponse, CardRelayRequest, CardRelayResponse,
};

use super::{answers::ActRefusals, caller::Call, problem::Problem};

/// Opens a channel; any earlier one of this application at this terminal is given up.
#[utoipa::path(post, path = "/v1/applications/{id}/card-channels", request_body = CardChannelRequest,
    params(("id" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 201, body = CardChannelResponse), ActRefusals))]
pub async fn open(id: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::CREATED, move |app, clerk, body| {
        app.open_card_channel(clerk, &id, &body)
    })
    .await
}

/// Carries the card's answers to the gateway and its commands to the card.
#[utoipa::path(post, path = "/v1/card-channels/{channel}", request_body = CardRelayRequest,
    params(("channel" = String, Path), ("Operator-Session" = String, Header)),
    responses((status = 200, body = CardRelayResponse), ActRefusals))]
pub async fn relay(channel: Path<String>, call: Call) -> Result<HttpResponse, Problem> {
    call.for_clerk(StatusCode::OK, move |app, clerk, body| {
        app.relay_card(clerk, &channel, &body)
    })
    .await
}
