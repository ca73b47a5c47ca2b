//! The relayed channel between gateway and card.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::bytes::Base64;

/// What a channel to the card is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelPurpose {
    /// Open a visit: fresh visit id, visit keys (application is `identified`, or
    /// `card-prepared` when the card or the relay failed).
    Prepare,
    /// Write the certificate and the CA's (application is `confirmed`).
    Write,
}

/// `POST /v1/applications/{id}/card-channels`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardChannelRequest {
    /// Card id from the card's record, hex.
    pub card: String,
    pub purpose: ChannelPurpose,
}

/// Answer to [`CardChannelRequest`]: APDUs to be sent to the card in order,
/// beginning with SELECT, stopping at the first status word other than `9000`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardChannelResponse {
    /// 16 bytes, hex.
    pub channel: String,
    pub commands: Vec<Base64>,
}

/// `POST /v1/card-channels/{channel}`: the card's answers, status word included, in
/// order; fewer than commands only when the last one is not `9000`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardRelayRequest {
    pub responses: Vec<Base64>,
}

/// Answer to [`CardRelayRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardRelayResponse {
    /// Empty when `done`.
    pub commands: Vec<Base64>,
    /// The channel has done its purpose and is closed. After `prepare` the
    /// application stands at `card-prepared`.
    pub done: bool,
}
