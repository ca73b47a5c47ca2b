//! Notices about a card that its holder has: password services (暗証番号の変更・
//! ロック解除・初期化) and the erasure of a revoked key.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::{CertificateKind, FourItemsMessage, IdentityView};
use super::identity::IdentityDocument;
use crate::wire::bytes::Base64;

/// What is done to the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CardService {
    /// 暗証番号の変更: with the old password, at the card itself.
    Change,
    /// ロック解除: the tries are given back.
    Unlock,
    /// 初期化: a new password without the old one.
    Initialise,
    /// Key and certificate of a revoked certificate are erased.
    Erase,
}

/// How far a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeStep {
    Open,
    /// The card has an interim password; the holder's own comes next.
    Interim,
    Done,
    GivenUp,
}

/// `POST /v1/notices`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeRequest {
    /// 16 bytes, hex.
    pub idempotency_key: String,
    pub service: CardService,
    /// Card id from the card's record, hex.
    pub card: String,
    /// Which of the card's keys; that for signatures where it is left out.
    #[serde(default)]
    pub certificate_kind: CertificateKind,
    /// How the holder was identified; left out for `erase`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<NoticeIdentity>,
}

/// The holder before the clerk. The register is asked by the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeIdentity {
    pub document: IdentityDocument,
    pub face_matches: bool,
    /// At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// A notice as its municipality's terminals see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// 16 bytes, hex.
    pub id: String,
    pub service: CardService,
    pub step: NoticeStep,
    pub version: u64,
    /// Card id, hex.
    pub card: String,
    /// Which of the card's keys.
    #[serde(default)]
    pub certificate_kind: CertificateKind,
    /// The application that the card's certificate comes from.
    pub application: String,
    pub serial: String,
    /// The holder, as in that application.
    pub items: FourItemsMessage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityView>,
    pub opened_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// Notices, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeList {
    pub notices: Vec<Notice>,
}

/// `POST /v1/notices/{id}/card-channels`: the gateway speaks to the card for this notice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeChannelRequest {}

/// A password that stands on the card until the holder's own is set. Not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct InterimPassword(pub String);

impl fmt::Debug for InterimPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InterimPassword(…)")
    }
}

/// Answer to the relay of a notice's channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeRelayResponse {
    /// Empty when `done`.
    pub commands: Vec<Base64>,
    pub done: bool,
    /// After `initialise`: to be replaced at once by the holder's own, and kept nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interim: Option<InterimPassword>,
}

/// `POST /v1/notices/{id}/password-set` and `…/given-up`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeEndRequest {}

/// `POST /v1/certificate-searches`: exactly one of the four is given. In a body, so that no
/// address holds personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateSearchRequest {
    /// 発行番号 of the printed copy, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// 証明書確認コード of the printed copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_code: Option<String>,
    /// Card id from the card in the reader, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// The resident's number from a register look-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<String>,
}

/// A certificate that this municipality's windows issued, as the gateway knows it without
/// asking the authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundCertificate {
    pub serial: String,
    #[serde(default)]
    pub certificate_kind: CertificateKind,
    pub application: String,
    /// Card id, hex.
    pub card: String,
    pub items: FourItemsMessage,
    /// DER.
    pub certificate: Base64,
    /// `issued` (not on the card yet), `held` or `revoked`, as the window recorded it.
    pub standing: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// When key and certificate were erased from the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<String>,
}

/// Answer to [`CertificateSearchRequest`], newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundCertificates {
    pub certificates: Vec<FoundCertificate>,
}
