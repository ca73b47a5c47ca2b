//! Which application is open to a resident (更新, 再発行), before one is taken in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::{ApplicationKind, CertificateKind, Step};

/// What an application by cause rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The card was tried at the window and does not work.
    CardTried,
    /// The holder's written notice of a damaged key or card (Art 10).
    DamageNotice,
    /// The municipality's notice of another notation of the same address.
    NotationNotice,
}

/// `POST /v1/application-openings`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningsRequest {
    /// The resident's number, from a register look-up.
    pub resident: String,
    /// For signatures where it is left out.
    #[serde(default)]
    pub certificate_kind: CertificateKind,
}

/// Whether the person lives in the municipality still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Residence {
    Resident,
    /// 転出
    Moved,
    /// 死亡
    Deceased,
    /// 職権消除
    Deleted,
}

/// An application that can be taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningMessage {
    pub kind: ApplicationKind,
    /// What it costs, in yen.
    pub fee_yen: u32,
    /// Serial of the certificate in effect that ends when the new one begins.
    pub replaces: Option<String>,
    /// One of these is to be recorded with it; empty where it rests on none.
    pub evidence: Vec<Evidence>,
}

/// How a certificate was ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldEnd {
    /// The statutory ground: `article9`, `article12`, …
    pub ground: String,
    /// RFC 3339, UTC: the moment of recording (Art 15).
    pub at: String,
    /// The register event that ended it (Art 12): `moved-out`, `death`, `item-changed`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

/// The certificate that the resident was issued last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldMessage {
    pub serial: String,
    /// Where it was applied for; another than the window's after a merger.
    pub municipality: String,
    /// Last day, `YYYY-MM-DD`.
    pub until: String,
    pub in_effect: bool,
    /// While it is in effect: the day from which it is renewed.
    pub renewal_from: Option<String>,
    pub ended: Option<HeldEnd>,
}

/// An application of the resident that nobody finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnfinishedApplication {
    pub id: String,
    pub kind: ApplicationKind,
    pub step: Step,
    pub received_at: String,
}

/// Answer to [`OpeningsRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningsResponse {
    /// Which certificates are applied for here.
    #[serde(default)]
    pub issued_here: Vec<CertificateKind>,
    pub residence: Residence,
    pub last: Option<HeldMessage>,
    /// The likeliest first; empty for who is no resident any more.
    pub open: Vec<OpeningMessage>,
    /// Go on with one of these rather than begin anew.
    pub unfinished: Vec<UnfinishedApplication>,
}
