//! Messages between the gateway and `ca-server issue`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::act::SignedActMessage;
use crate::wire::bytes::Base64;

/// The four items as a certificate will carry them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateItemsMessage {
    /// 氏名, family and given name separated by U+3000.
    pub name: String,
    /// One digit per character of `name`: `1` where a substitute character stands.
    pub name_substitution: String,
    /// 生年月日: era digit and Gregorian date, `EYYYYMMDD`.
    pub birth_date: String,
    /// 男女の別: `1` male, `2` female.
    pub sex: String,
    /// 住所 in full-width form.
    pub address: String,
    /// One digit per character of `address`.
    pub address_substitution: String,
}

/// `POST /v1/certificates`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueRequest {
    pub act: SignedActMessage,
    pub items: CertificateItemsMessage,
    /// The resident's number in the municipality's register; kept only as a keyed hash.
    pub resident: String,
    /// The card's PKCS#10 request, DER: contributes its key and its proof, nothing else.
    pub request: Base64,
    /// The kiosk's signed record as the card carried it.
    pub kiosk_record: Base64,
}

/// Answer to [`IssueRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueResponse {
    /// Lower-case hex of the serial number's DER content octets.
    pub serial: String,
    /// The certificate, DER.
    pub certificate: Base64,
    /// The issuer's certificate, DER.
    pub issuer_certificate: Base64,
}

/// `POST /v1/revocations`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    pub act: SignedActMessage,
}

/// Answer to [`RevokeRequest`]: the record that gives the revocation its effect (Art 15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeResponse {
    pub serial: String,
    /// RFC 3339, UTC: the moment of recording.
    pub revoked_at: String,
    /// The statutory ground, as in the act.
    pub ground: String,
    /// RFC 5280 reason code, absent for unspecified.
    pub reason_code: Option<u8>,
}

/// `POST /v1/online-revocations`: what a holder signed with the key that is to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlineRevokeRequest {
    /// The exact bytes that were signed.
    pub statement: Base64,
    /// RSASSA-PKCS1-v1_5 with SHA-256 by the certificate's key.
    pub signature: Base64,
}

/// `GET /v1/certificates/{serial}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateRecord {
    pub serial: String,
    pub certificate: Base64,
    /// `live`, `revoked`, `expired`.
    pub status: String,
    pub revocation: Option<RevokeResponse>,
}

/// Kind of an enrolled party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartyKind {
    Terminal,
    Kiosk,
    Operator,
    Gateway,
    Server,
    OcspResponder,
    /// Decides at the authority's console.
    Officer,
    /// Reads at the authority's console.
    Auditor,
}

/// What `ca-server enrol` writes with `--record` and `ra-gateway register` reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyRecord {
    pub kind: PartyKind,
    /// Terminal and kiosk: 9 characters, municipality code first. Operator: up to 16.
    pub id: String,
    /// Five digits, absent for gateway, server, responder, officer and auditor.
    pub municipality: Option<String>,
    /// A name that people know it by: `霞が関窓口 1`.
    pub label: String,
    /// Certificate from the infrastructure CA (or, for the responder, the signing CA), DER.
    pub certificate: Base64,
}
