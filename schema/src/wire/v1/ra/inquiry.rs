//! The written inquiry (文書照会), its reply, and the proxy (代理申請).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::identity::{IdentityDocument, IdentityVerdict};

/// Who applies for the applicant, and on what (Ordinance Art 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyMessage {
    /// As on the power of attorney; at most 60 characters.
    pub name: String,
    /// Date of the power of attorney (委任状), `YYYY-MM-DD`.
    pub power_of_attorney_on: String,
    /// Date of the certificate of the seal on it (印鑑登録証明書), `YYYY-MM-DD`.
    pub seal_certificate_on: String,
}

/// `POST /v1/applications/{id}/inquiry`: the applicant is asked in writing at the
/// registered address. A repeat changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InquiryRequest {}

/// `POST /v1/applications/{id}/inquiry-letter`: what the letter says, to be printed. Each
/// asking is audited, since the code shows that a reply answers this letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InquiryLetterRequest {}

/// Answer to [`InquiryLetterRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InquiryLetter {
    /// Reply code: `4XQ7-0M2K`.
    pub code: String,
    /// To whom, in the register's characters.
    pub name: String,
    /// Where to: the registered address.
    pub address: String,
    /// Name of the proxy, where somebody applies for the applicant.
    pub proxy: Option<String>,
    /// `YYYY-MM-DD`
    pub sent_on: String,
    /// Last day on which the reply is taken, `YYYY-MM-DD`.
    pub reply_by: String,
}

/// `POST /v1/applications/{id}/reply`: the reply (回答書) was brought, and the clerk decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyRequest {
    /// The code on the reply, as typed from paper.
    pub code: String,
    /// What the applicant (`inquiry-reply` at least) or the proxy (with photo) showed.
    pub document: IdentityDocument,
    /// The face is that of the photo; without one, the mayor's method showed the person.
    pub face_matches: bool,
    pub decision: IdentityVerdict,
    /// At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// `POST /v1/applications/{id}/identity-confirmation`: another operator, a supervisor, has
/// signed about the decision on the reply (`POST /v1/approvals`, act `identity-inquiry`, with
/// `identity_sha256` as its reference).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfirmation {
    /// The `identity_sha256` that was seen.
    pub identity_sha256: String,
    /// `false` gives the decision back to the clerk.
    pub confirmed: bool,
    /// What the second operator signed: approved for `true`, rejected for `false`.
    pub approval: String,
}

/// An inquiry, as far as the screen needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InquiryView {
    /// `YYYY-MM-DD`
    pub sent_on: String,
    /// `YYYY-MM-DD`
    pub reply_by: String,
    /// The reply came and was decided on; a second operator has to confirm it.
    pub decided: bool,
}
