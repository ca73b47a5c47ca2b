//! Messages between terminals and kiosks and the gateway.
//!
//! Every body refuses unknown fields. Times are RFC 3339 in UTC; identifiers and
//! digests are lower-case hex; documents and signatures are base64.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    act::SignedActMessage,
    ca::{CertificateItemsMessage, RevokeResponse},
};
use crate::wire::bytes::Base64;

// ---------------------------------------------------------------- operators

/// `POST /v1/operator-challenges`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorChallengeRequest {
    /// Operator id: 4 to 16 characters `[0-9A-Z-]`.
    pub operator: String,
}

/// Answer to [`OperatorChallengeRequest`]; good for two minutes, once, on this
/// terminal. It is given for unknown operators too, so that it tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorChallengeResponse {
    /// 16 bytes, hex.
    pub challenge_id: String,
    /// 32 random bytes.
    pub challenge: Base64,
}

/// `POST /v1/operator-sessions`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorSessionRequest {
    pub challenge_id: String,
    pub operator: String,
    /// ECDSA P-256/SHA-256 (DER) by the operator's card over
    /// [`operator_challenge_message`].
    pub signature: Base64,
}

/// What the operator's card signs at sign-in: the card is given the SHA-256 of
/// `"jitsuin-operator-challenge-v1\0" || terminal id (9 ASCII) || challenge (32)`.
pub fn operator_challenge_message(terminal: &str, challenge: &[u8]) -> Vec<u8> {
    let mut message = b"jitsuin-operator-challenge-v1\0".to_vec();
    message.extend_from_slice(terminal.as_bytes());
    message.extend_from_slice(challenge);
    message
}

/// The secret of a session, sent in the header `Operator-Session`. Not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct SessionToken(pub String);

impl fmt::Debug for SessionToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionToken(…)")
    }
}

/// Answer to [`OperatorSessionRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorSessionResponse {
    pub session: SessionToken,
    pub operator: String,
    /// A name that people know the operator by.
    pub label: String,
    /// `clerk`.
    pub role: String,
    /// The session ends here at the latest; it ends earlier when idle.
    pub expires_at: String,
}

// ----------------------------------------------------------------- register

/// `POST /v1/register-lookups`: at least `resident`, or `name` with `birth_date`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterLookupRequest {
    /// The resident's number in the municipality's register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `EYYYYMMDD`, or as on the form (`昭和25年4月1日`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A person in the resident register (住民基本台帳).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterEntryMessage {
    pub resident: String,
    /// Family and given name separated by U+3000, in the register's own characters.
    pub name: String,
    /// `EYYYYMMDD`.
    pub birth_date: String,
    /// `1` male, `2` female.
    pub sex: String,
    pub address: String,
}

/// Answer to [`RegisterLookupRequest`]: residents of the terminal's municipality only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterLookupResponse {
    /// At most 20.
    pub entries: Vec<RegisterEntryMessage>,
}

// -------------------------------------------------------------- application

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
}

/// `POST /v1/applications`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiveRequest {
    /// 16 bytes, hex, drawn by the terminal: a repeat answers with the same application.
    pub idempotency_key: String,
    pub kind: ApplicationKind,
    /// The resident's number, when the items were taken over from a register look-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<String>,
    pub items: FourItemsMessage,
    /// Date on the form, `YYYY-MM-DD`.
    pub applied_on: String,
}

/// Where an application stands, in walking order; the last three are ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Received,
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
    /// `person-wrong`, `substitute-wish`, `issuer-wrong`, `withdrawn`.
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

// ----------------------------------------------------------------- identity

/// What the applicant showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityDocument {
    /// `drivers-licence`, `passport`, `residence-card`, `basic-resident-card`,
    /// `my-number-card`, `official-id`, `inquiry-reply` (照会書回答).
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `YYYY-MM-DD`; an expired document is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<String>,
}

/// The clerk's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityVerdict {
    Accepted,
    Refused,
}

/// `POST /v1/applications/{id}/identity`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityRequest {
    pub document: IdentityDocument,
    /// The face is that of the photo (for `inquiry-reply`: the clerk knows the person
    /// by the mayor's method).
    pub face_matches: bool,
    pub decision: IdentityVerdict,
    /// At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

// ------------------------------------------------------------- card channel

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

// --------------------------------------------------------------- public key

/// `POST /v1/applications/{id}/public-key`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicKeyRequest {
    /// PKCS#10 request as the card made it, DER.
    pub request: Base64,
    /// The kiosk's signed record as the card carried it.
    pub kiosk_record: Base64,
}

// --------------------------------------------------------------- characters

/// A character that may stand for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubstituteCandidate {
    pub character: String,
    /// `U+9AD8`.
    pub code_point: String,
    /// Where the relation comes from.
    pub source: String,
}

/// A character that the certificate cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterFinding {
    /// `name` or `address`.
    pub item: String,
    /// Counted in characters from 0.
    pub position: u32,
    pub character: String,
    pub code_point: String,
    pub candidates: Vec<SubstituteCandidate>,
    /// Kana may be chosen (always where no candidate fits).
    pub kana_allowed: bool,
}

/// `GET /v1/applications/{id}/characters`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterFindings {
    /// Version of the list of substitutes.
    pub list_version: String,
    pub findings: Vec<CharacterFinding>,
}

/// The applicant's choice for one finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterChoice {
    pub item: String,
    pub position: u32,
    /// A candidate's character, or kana.
    pub substitute: String,
}

/// `POST /v1/applications/{id}/characters`: one choice for each finding, none for
/// anything else; an empty list when there are no findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterChoices {
    pub choices: Vec<CharacterChoice>,
}

// -------------------------------------------------------------------- issue

/// `POST /v1/applications/{id}/issue`: safe to repeat, with the same act or, when its
/// time has run out, with a new act that carries the same idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueActRequest {
    pub act: SignedActMessage,
}

/// What clerk and applicant said of the certificate image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageVerdict {
    Right,
    /// The person's data are wrong: revoked under Art 13, issued again without a further fee.
    PersonWrong,
    /// Governor's name or date wrong: issuing stops until an officer releases it.
    IssuerWrong,
    /// Another substitute is wished: revoked under Art 9, a new application.
    SubstituteWish,
}

/// `POST /v1/applications/{id}/image`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageRequest {
    pub verdict: ImageVerdict,
    /// SHA-256 of the DER that the image was made of, hex.
    pub certificate_sha256: String,
    /// The revocation's act: needed for `person-wrong` (ground `article13`) and
    /// `substitute-wish` (ground `article9`), refused with the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<SignedActMessage>,
}

/// `POST /v1/applications/{id}/written`: what was read back from the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenRequest {
    /// SHA-256 of the certificate as read back from the card, hex.
    pub certificate_sha256: String,
    /// What the card signed on trial: 16 to 4096 bytes.
    pub trial_message: Base64,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub trial_signature: Base64,
}

/// `POST /v1/applications/{id}/fee`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeRequest {
    /// Must be the fee that is due (`fee_yen`).
    pub amount_yen: u32,
    /// 16 bytes, hex: a repeat answers with the same receipt.
    pub idempotency_key: String,
}

/// `POST /v1/applications/{id}/hand-over`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverRequest {}

/// `POST /v1/applications/{id}/cancel`: the applicant withdraws before issue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {}

// --------------------------------------------------------------- revocation

/// `POST /v1/revocations`: Art 9 and Art 10 at the window. The act's
/// `identity_sha256` is [`RevocationIdentity::digest_input`]'s SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowRevokeRequest {
    pub act: SignedActMessage,
    pub identity: RevocationIdentity,
}

/// How the applicant for a revocation was identified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationIdentity {
    pub document: IdentityDocument,
    pub face_matches: bool,
}

impl RevocationIdentity {
    /// The bytes whose SHA-256 goes into the act: this message as compact JSON, fields
    /// in the order of the declaration, absent ones left out.
    pub fn digest_input(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and booleans always serialise")
    }
}

/// Answer to [`WindowRevokeRequest`].
pub type WindowRevokeResponse = RevokeResponse;

// -------------------------------------------------------------------- kiosk

/// `POST /v1/kiosk/records`: the same bytes that the card carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskRecordRequest {
    pub record: Base64,
}

/// Answer to [`KioskRecordRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskRecordResponse {
    /// False when the record was there already.
    pub stored: bool,
}

/// `POST /v1/kiosk/health`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskHealthRequest {
    /// `passed` or `failed`.
    pub self_test: String,
    /// SHA-256 of the running program, hex.
    pub software_sha256: String,
    /// What the kiosk is doing: `idle`, `visit`, `stopped`.
    pub state: String,
    /// The kiosk's clock, RFC 3339.
    pub time: String,
}

/// Answer to [`KioskHealthRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskHealthResponse {
    /// The kiosk must take no further visit.
    pub suspended: bool,
    /// The gateway's clock, RFC 3339.
    pub time: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_token_is_not_printed() {
        let token = SessionToken("secret-value".into());
        assert!(!format!("{token:?}").contains("secret-value"));
    }

    #[test]
    fn unknown_fields_are_refused() {
        let body = r#"{"operator":"13101-0001","extra":1}"#;
        assert!(serde_json::from_str::<OperatorChallengeRequest>(body).is_err());
        assert!(serde_json::from_str::<HandOverRequest>(r#"{"x":1}"#).is_err());
    }

    #[test]
    fn the_digest_input_of_a_revocation_identity_leaves_absent_fields_out() {
        let identity = RevocationIdentity {
            document: IdentityDocument {
                kind: "passport".into(),
                issuer: None,
                expires_on: Some("2030-01-01".into()),
            },
            face_matches: true,
        };
        assert_eq!(
            identity.digest_input(),
            br#"{"document":{"kind":"passport","expires_on":"2030-01-01"},"face_matches":true}"#
        );
    }
}
