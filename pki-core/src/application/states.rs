//! Where an application stands, one type per step. Each holds the one before it, and
//! what it adds; what was settled earlier is read through it (`written.certificate`).
//! Only the transitions make these values, so a function that takes `Identified`
//! cannot be given an application whose identity was not checked.

use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cause::{ApplicationKind, EndCause};
use super::certificate_kind::CertificateKind;
use super::extract::RegisterExtract;
use super::identity::RecordedDecision;
use super::image::Judgement;
use super::inquiry::{Inquiry, Proxy, SecondEyes};
use super::opening::Evidence;
use crate::calendar::JapaneseDay;
use crate::certificate::serial::Serial;
use crate::id::{
    ApplicationId, CardId, IdempotencyKey, KioskId, OperatorId, ResidentNumber, Sha256Digest,
    TerminalId, VisitId,
};
use crate::person::certificate_items::CertificateItems;
use crate::person::four_items::FourItems;
use crate::revocation::ground::Ground;

/// What the applicant handed in (電子証明書発行申請書).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: ApplicationId,
    pub kind: ApplicationKind,
    /// Which certificate is applied for.
    #[serde(default, skip_serializing_if = "CertificateKind::is_signature")]
    pub certificate_kind: CertificateKind,
    /// The window; its municipality is the application's.
    pub terminal: TerminalId,
    pub operator: OperatorId,
    /// Under which a repeat of the receiving request finds this application.
    pub idempotency_key: IdempotencyKey,
    /// The resident's number, when the items were taken over from a register look-up.
    pub resident: Option<ResidentNumber>,
    /// As applied for, in the register's characters.
    pub items: FourItems,
    /// Date on the form.
    pub applied_on: JapaneseDay,
    pub received_at: Timestamp,
    /// The certificate in effect whose place the new one takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Serial>,
    /// What an application by cause rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Who applies for the applicant; absent where the applicant came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({} {})", self.kind, self.id)
    }
}

macro_rules! state {
    ($(#[$doc:meta])* $name:ident follows $before:ident as $field:ident { $($(#[$field_doc:meta])* $added:ident : $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            /// The step before.
            pub $field: $before,
            $($(#[$field_doc])* pub $added: $type,)*
        }

        impl Deref for $name {
            type Target = $before;
            fn deref(&self) -> &$before {
                &self.$field
            }
        }
    };
}

/// The form was taken in; its four items are well formed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Received {
    pub case: Case,
    /// What the register said then, until the identity check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extract: Option<RegisterExtract>,
}

state! {
    /// The mayor asked the applicant in writing at the registered address (照会書); the reply
    /// (回答書) is to be brought.
    InquirySent follows Received as received {
        inquiry: Inquiry,
        /// The decision on the reply, while a second pair of eyes has to see it.
        decided: Option<RecordedDecision>,
    }
}

state! {
    /// The person is the one in the register (Art 3 ③).
    Identified follows Received as received {
        identity: RecordedDecision,
        /// The resident's number, from the register.
        resident: ResidentNumber,
        /// Who confirmed a decision that rests on a written reply.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirmed_by: Option<SecondEyes>,
    }
}

/// One trip of a card to a kiosk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    pub visit: VisitId,
    pub card: CardId,
    pub kiosk: KioskId,
    /// When the two visit keys were set on the card.
    pub prepared_at: Timestamp,
}

state! {
    /// The two visit keys are on the card; the applicant goes to the kiosk.
    CardPrepared follows Identified as identified {
        visit: Visit,
    }
}

/// The public key that the card carries, with its proof.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadKey {
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: Sha256Digest,
    /// PKCS#10 request as the card made it, DER.
    #[serde(with = "base64_bytes")]
    pub request: Vec<u8>,
    /// The kiosk's signed record as the card carried it.
    #[serde(with = "base64_bytes")]
    pub kiosk_record: Vec<u8>,
    pub read_at: Timestamp,
}

impl fmt::Debug for ReadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadKey({})", self.spki_sha256)
    }
}

state! {
    /// The public key was read from the card and its proof holds.
    KeyRead follows CardPrepared as prepared {
        key: ReadKey,
    }
}

/// An issue that was asked of the certificate authority and is not answered for certain:
/// a certificate may exist. It is asked again under the same key until an answer comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueIntent {
    pub idempotency_key: IdempotencyKey,
    /// SHA-256 of the payload of the latest act.
    pub act_sha256: Sha256Digest,
    pub at: Timestamp,
}

state! {
    /// Every character can be carried by a certificate, as the applicant chose.
    CharactersSettled follows KeyRead as read {
        certificate_items: CertificateItems,
        /// Version of the list of substitutes; empty where nobody was asked.
        list_version: String,
        settled_at: Timestamp,
        /// Present from the first request to the certificate authority on.
        intent: Option<IssueIntent>,
    }
}

/// A certificate as the certificate authority answered it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedCertificate {
    pub serial: Serial,
    /// DER.
    #[serde(with = "base64_bytes")]
    pub certificate: Vec<u8>,
    /// The issuer's certificate, DER; written to the card beside it.
    #[serde(with = "base64_bytes")]
    pub issuer_certificate: Vec<u8>,
    pub issued_at: Timestamp,
}

impl IssuedCertificate {
    /// SHA-256 of the certificate, by which image, write and read-back are compared.
    #[must_use]
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.certificate)
    }
}

impl fmt::Debug for IssuedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedCertificate({})", self.serial)
    }
}

state! {
    /// The certificate is there; clerk and applicant look at its image.
    Issued follows CharactersSettled as settled {
        certificate: IssuedCertificate,
        /// What they said of it, when it was not right.
        judgement: Option<Judgement>,
    }
}

state! {
    /// Clerk and applicant found the image right.
    Confirmed follows Issued as issued {
        confirmed_at: Timestamp,
    }
}

state! {
    /// The certificate is on the card, was read back, and the card signed with its key.
    Written follows Confirmed as confirmed {
        written_at: Timestamp,
        /// Receipt number of the fee that was taken and taken back last, so that it is due
        /// again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fee_taken_back: Option<String>,
    }
}

/// A fee that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Receipt number.
    pub number: String,
    pub amount_yen: u32,
    pub idempotency_key: IdempotencyKey,
    pub operator: OperatorId,
    pub at: Timestamp,
}

state! {
    /// The fee that is due was taken (which may be none).
    Paid follows Written as written {
        payment: Payment,
    }
}

state! {
    /// The applicant has the card, the guide and the printed copy (Art 3 ⑦).
    HandedOver follows Paid as paid {
        handed_over_at: Timestamp,
    }
}

state! {
    /// The application ended at the identity check.
    Refused follows Received as received {
        identity: RecordedDecision,
        cause: EndCause,
    }
}

/// The application ended before anything was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Cancelled {
    pub received: Received,
    pub cause: EndCause,
    pub at: Timestamp,
}

impl Deref for Cancelled {
    type Target = Received;
    fn deref(&self) -> &Received {
        &self.received
    }
}

/// A revocation as the certificate authority recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    pub serial: Serial,
    pub ground: Ground,
    /// The moment of recording, from which it has effect (Art 15).
    pub revoked_at: Timestamp,
}

state! {
    /// The certificate was revoked.
    Revoked follows Issued as issued {
        revocation: Revocation,
        cause: EndCause,
        /// What had been done before: set where the applicant has paid.
        payment: Option<Payment>,
        /// Set where the applicant had the card already.
        handed_over_at: Option<Timestamp>,
    }
}

/// Documents in stored states: base64.
mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD
            .decode(String::deserialize(deserializer)?)
            .map_err(D::Error::custom)
    }
}
