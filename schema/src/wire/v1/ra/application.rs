//! An application (申請) from reception to its end.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    identity::IdentityVerdict,
    inquiry::{InquiryView, ProxyMessage},
    opening::Evidence,
};
use crate::wire::{bytes::Base64, v1::ca::CertificateItemsMessage};

/// The four items (四情報) as written on the application form or in the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FourItemsMessage {
    pub name: String,
    /// `EYYYYMMDD`, or as on the form (`昭和25年4月1日`); answers carry `EYYYYMMDD`.
    pub birth_date: String,
    /// `1` male, `2` female; `男` and `女` are taken too.
    pub sex: String,
    pub address: String,
}

/// What is applied for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationKind {
    /// First issue.
    First,
    /// 更新: in the last three months.
    Renewal,
    /// After the holder's own revocation, a leak or a loss (Arts 9, 10).
    ReissueHolder,
    /// The card or its key failed (Art 10).
    ReissueCardFailure,
    /// An item was recorded wrongly (Art 13).
    ReissueOfficeError,
    /// An item changed in the register (Art 12).
    ReissueRegisterChange,
    /// On wish, after municipalities merged.
    ReissueMerger,
    /// The notation of the address changed (住所表記の変更).
    ReissueAddressNotation,
    /// Another substitute character is wished.
    ReissueSubstitute,
}

/// Which of the two certificates of a card.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// 署名用電子証明書
    #[default]
    Signature,
    /// 利用者証明用電子証明書, where the prefecture issues it.
    UserAuthentication,
}

/// `POST /v1/applications`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiveRequest {
    /// 16 bytes, hex, drawn by the terminal: a repeat answers with the same application.
    pub idempotency_key: String,
    pub kind: ApplicationKind,
    /// For signatures where it is left out.
    #[serde(default)]
    pub certificate_kind: CertificateKind,
    /// The resident's number, when the items were taken over from a register look-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<String>,
    pub items: FourItemsMessage,
    /// Date on the form, `YYYY-MM-DD`.
    pub applied_on: String,
    /// What an application by cause rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Who applies for the applicant; absent where the applicant came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyMessage>,
}

/// Where an application stands, in walking order; the last three are ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Received,
    InquirySent,
    Identified,
    CardPrepared,
    KeyRead,
    CharactersSettled,
    Issued,
    Confirmed,
    Written,
    Paid,
    HandedOver,
    Refused,
    Cancelled,
    Revoked,
}

/// One item of the form beside the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemComparison {
    /// `name`, `birth_date`, `sex`, `address`.
    pub item: String,
    pub agrees: bool,
    /// As applied for.
    pub applied: String,
    /// As registered; absent when the person is not in the register.
    pub registered: Option<String>,
}

/// The recorded identity decision, as far as the screen needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityView {
    pub decision: IdentityVerdict,
    /// Kind of the document shown.
    pub document: String,
    /// Operator id of who decided.
    pub decided_by: String,
    pub decided_at: String,
    /// When the register was asked; a signed act names this moment as that of the identification.
    pub register_seen_at: String,
    /// Operator id of who confirmed a decision on a written reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// The application of the same visit on whose identification it rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_visit: Option<String>,
}

/// A certificate issued for an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuedCertificateMessage {
    /// Lower-case hex of the serial number's DER content octets.
    pub serial: String,
    /// DER.
    pub certificate: Base64,
    /// The issuer's certificate, DER; written to the card beside the certificate.
    pub issuer_certificate: Base64,
    /// SHA-256 of `certificate`, hex.
    pub certificate_sha256: String,
}

/// Receipt for a fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptMessage {
    /// Municipality, fiscal year and running number: `13101-2026-000001`.
    pub number: String,
    pub amount_yen: u32,
    pub received_at: String,
}

/// Why an application ended before hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndMessage {
    /// Kebab-case cause: `items-disagree`, `not-registered`, `identity-refused`,
    /// `lapsed`, `person-wrong`, `substitute-wish`, `issuer-wrong`, `withdrawn`.
    pub cause: String,
    pub at: String,
}

/// An application as the terminal sees it; every step answers with it.
/// What has not happened yet is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// 16 bytes, hex.
    pub id: String,
    pub kind: ApplicationKind,
    #[serde(default)]
    pub certificate_kind: CertificateKind,
    /// The other certificate of the card, where the prefecture issues it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_kind: Option<CertificateKind>,
    pub step: Step,
    /// Counts the changes.
    pub version: u64,
    pub municipality: String,
    pub applied_on: String,
    pub received_at: String,
    /// The resident's number; absent as long as the person was not found in the register.
    pub resident: Option<String>,
    /// As applied for, in the register's characters.
    pub items: FourItemsMessage,
    /// Item by item against the register, once identified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparison: Vec<ItemComparison>,
    pub identity: Option<IdentityView>,
    /// Serial of the certificate in effect whose place the new one takes; goes into the act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyMessage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inquiry: Option<InquiryView>,
    /// Last day on which somebody can go on with it, where it lapses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<String>,
    /// SHA-256 of the recorded identity decision; goes into the act.
    pub identity_sha256: Option<String>,
    pub visit: Option<String>,
    /// The kiosk that the visit belongs to.
    pub kiosk: Option<String>,
    pub card: Option<String>,
    /// SHA-256 of the card's SubjectPublicKeyInfo.
    pub spki_sha256: Option<String>,
    /// The items as the certificate will carry them, with their substitutes.
    pub certificate_items: Option<CertificateItemsMessage>,
    /// Digest of `certificate_items`; goes into the act.
    pub items_sha256: Option<String>,
    /// Name of the certificate profile, for the act.
    pub profile: String,
    /// The fee that is due now, in yen, by the table of fees.
    pub fee_yen: u32,
    /// Receipt number of the fee that was taken back last; a fee that is taken after it is a
    /// new wish and has a new idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_taken_back: Option<String>,
    pub certificate: Option<IssuedCertificateMessage>,
    pub receipt: Option<ReceiptMessage>,
    pub end: Option<EndMessage>,
}

/// `GET /v1/applications?open=true`: one line per application of this municipality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationLine {
    pub id: String,
    pub kind: ApplicationKind,
    #[serde(default)]
    pub certificate_kind: CertificateKind,
    pub step: Step,
    pub received_at: String,
    /// Name as applied for.
    pub name: String,
    /// Certificate serial once issued.
    pub serial: Option<String>,
}

/// Answer to `GET /v1/applications`: newest first, at most 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationList {
    pub applications: Vec<ApplicationLine>,
}
