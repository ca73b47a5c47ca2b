//! Messages about 開示請求 and 訂正の請求 (Arts 29 to 31): the same between window and gateway
//! and between gateway and authority. The gateway carries them and keeps none.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::act::SignedActMessage;
use crate::wire::bytes::Base64;

/// `POST /v1/disclosures`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisclosureRequest {
    /// The act `disclose`; its application is the request's id.
    pub act: SignedActMessage,
    /// The request as it stands on the paper: JSON whose SHA-256 is in the act.
    pub request: Base64,
}

/// Where a request stands. Names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisclosureLine {
    /// 32 hexadecimal digits.
    pub id: String,
    /// `disclosure`, `correction`.
    pub wish: String,
    /// `open`, `answered`, `delivered`.
    pub step: String,
    /// Five digits.
    pub municipality: String,
    /// `YYYY-MM-DD`
    pub requested_on: String,
    /// Last day of the answer; absent for a correction, which is made without delay.
    pub due: Option<String>,
    /// Days left, today counted; 0 and less when the answer is late.
    pub days_left: Option<i32>,
    /// The answer was put off.
    pub extended: bool,
    /// Who decides, as on papers.
    pub addressee: String,
    /// RFC 3339, UTC.
    pub received_at: String,
}

/// `GET /v1/disclosures`: newest first, at most 500.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisclosureList {
    pub disclosures: Vec<DisclosureLine>,
}

/// `POST /v1/disclosures/{id}/delivery`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRequest {
    /// The act `deliver` about this request.
    pub act: SignedActMessage,
    /// How who fetches the answer was identified: JSON whose SHA-256 is in the act.
    pub identification: Base64,
}

/// The answer, to be printed and handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryResponse {
    pub disclosure: DisclosureLine,
    /// The answer on paper, PDF.
    pub answer: Base64,
}
