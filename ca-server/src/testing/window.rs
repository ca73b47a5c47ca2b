//! A window with terminal, operator and kiosk whose keys were just made, and
//! the messages that a gateway would bring from it.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use jiff::Timestamp;
use pki_core::{
    act::{Act, ActFrame, Deed, IssueDeed, RevokeDeed, Signatory},
    certificate::{PublicKey, Serial, SignatureAlgorithm, request},
    id::{ApplicationId, CardId, IdempotencyKey, Sha256Digest, VisitId},
    kiosk_record::{Generation, KioskRecord},
    person::certificate_items::{CertificateItems, CertificateItemsText},
    revocation::{ground::Ground, replacement::Replaces},
};
use schema::wire::v1::{
    act::SignedActMessage,
    ca::{CertificateItemsMessage, IssueRequest, RevokeRequest},
};

use crate::app::enrol::Enrolment;

/// 16 random bytes.
pub fn random16() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    bytes
}

/// A P-256 key of a party.
pub struct PartyKey(EcdsaKeyPair);

impl PartyKey {
    /// A new one.
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("key generation"))
    }

    /// ECDSA with SHA-256, DER.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature.expect("signing").as_ref().to_vec()
    }

    /// Its public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_ec_point(self.0.public_key().as_ref()).expect("a fresh key is on its curve")
    }

    /// The request for its certificate, DER.
    pub fn request(&self, id: &str) -> Vec<u8> {
        let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
        request::create::<std::convert::Infallible>(id, &self.public_key(), algorithm, |info| {
            Ok(self.sign(info))
        })
        .expect("a request for a fresh key")
    }

    /// The private key, PKCS#8 DER.
    pub fn to_pkcs8(&self) -> Vec<u8> {
        self.0
            .to_pkcs8v1()
            .expect("a fresh key can be written")
            .as_ref()
            .to_vec()
    }
}

impl Default for PartyKey {
    fn default() -> Self {
        Self::new()
    }
}

/// A window of one municipality.
pub struct Window {
    pub municipality: String,
    pub terminal_id: String,
    pub operator_id: String,
    pub kiosk_id: String,
    pub terminal: PartyKey,
    pub operator: PartyKey,
    pub kiosk: PartyKey,
}

impl Window {
    /// The first window of a municipality.
    pub fn of(municipality: &str) -> Self {
        Self {
            municipality: municipality.to_owned(),
            terminal_id: format!("{municipality}0001"),
            operator_id: format!("{municipality}-0001"),
            kiosk_id: format!("{municipality}K001"),
            terminal: PartyKey::new(),
            operator: PartyKey::new(),
            kiosk: PartyKey::new(),
        }
    }

    /// What an officer enrols for this window.
    pub fn enrolments(&self) -> Vec<Enrolment> {
        [
            ("terminal", &self.terminal_id, &self.terminal),
            ("operator", &self.operator_id, &self.operator),
            ("kiosk", &self.kiosk_id, &self.kiosk),
        ]
        .map(|(kind, id, key)| Enrolment {
            kind: kind.to_owned(),
            id: id.clone(),
            municipality: Some(self.municipality.clone()),
            label: format!("{kind} of {}", self.municipality),
            request: key.request(id),
            dns_names: Vec::new(),
            addresses: Vec::new(),
            replace: false,
        })
        .into()
    }

    /// Sign an act as this window does.
    pub fn sign(&self, act: &Act) -> SignedActMessage {
        let payload = act.to_payload();
        SignedActMessage {
            terminal_signature: self
                .terminal
                .sign(&Signatory::Terminal.message(&payload))
                .into(),
            operator_signature: self
                .operator
                .sign(&Signatory::Operator.message(&payload))
                .into(),
            payload: payload.into(),
        }
    }

    fn frame(&self, application: ApplicationId, now: Timestamp) -> ActFrame {
        ActFrame {
            terminal: self.terminal_id.parse().expect("a terminal's id"),
            operator: self.operator_id.parse().expect("an operator's id"),
            application,
            idempotency_key: IdempotencyKey::from_bytes(random16()),
            time: now,
        }
    }

    /// A whole request for a certificate.
    pub fn issue_request(&self, applicant: &Applicant, now: Timestamp) -> IssueRequest {
        let items = CertificateItems::parse(&applicant.items).expect("items of the test");
        let deed = IssueDeed {
            visit: applicant.visit,
            card: applicant.card.id,
            profile: applicant.profile.to_owned(),
            resident_sha256: applicant
                .resident
                .parse::<pki_core::id::ResidentNumber>()
                .expect("a resident's number")
                .digest(
                    applicant.application,
                    self.terminal_id
                        .parse::<pki_core::id::TerminalId>()
                        .expect("a terminal's id")
                        .municipality(),
                ),
            items_sha256: Sha256Digest::from_bytes(items.digest()),
            spki_sha256: Sha256Digest::from_bytes(applicant.card.public_key().sha256()),
            identity_sha256: Sha256Digest::of(b"identity decision"),
            identified_at: applicant.identified_at.unwrap_or(now),
            request_made_at: now,
            replaces: applicant.replaces.clone(),
        };
        let act = Act::new(self.frame(applicant.application, now), Deed::Issue(deed));
        IssueRequest {
            act: self.sign(&act),
            items: message(&applicant.items),
            resident: applicant.resident.clone(),
            request: applicant.card.request(applicant.visit).into(),
            kiosk_record: self.kiosk_record(applicant, now).into(),
        }
    }

    /// What the kiosk says of a generation.
    pub fn kiosk_record(&self, applicant: &Applicant, now: Timestamp) -> Vec<u8> {
        let record = KioskRecord::new(Generation {
            kiosk: self.kiosk_id.parse().expect("a kiosk's id"),
            visit: applicant.visit,
            card: applicant.card.id,
            spki_sha256: Sha256Digest::from_bytes(applicant.card.public_key().sha256()),
            software_sha256: Sha256Digest::of(b"kiosk"),
            generated_at: now,
        });
        let Ok(carried) =
            record.signed(|message| Ok::<_, std::convert::Infallible>(self.kiosk.sign(message)));
        carried
    }

    /// A request for a revocation.
    pub fn revoke_request(&self, serial: &Serial, ground: Ground, now: Timestamp) -> RevokeRequest {
        let deed = RevokeDeed {
            serial: serial.clone(),
            ground,
            identity_sha256: Sha256Digest::of(b"identity decision"),
        };
        let application = ApplicationId::from_bytes(random16());
        RevokeRequest {
            act: self.sign(&Act::new(self.frame(application, now), Deed::Revoke(deed))),
        }
    }
}

/// A card with a key that was just made.
pub struct CardKey {
    pub id: CardId,
    pair: RsaKeyPair,
}

impl CardKey {
    /// A card with an RSA-2048 key.
    pub fn new() -> Self {
        Self {
            id: CardId::from_bytes(random16()),
            pair: RsaKeyPair::generate(KeySize::Rsa2048).expect("key generation"),
        }
    }

    /// Its public key.
    pub fn public_key(&self) -> PublicKey {
        let der = self.pair.public_key().as_der().expect("a fresh key");
        PublicKey::from_spki_der(der.as_ref()).expect("a fresh key")
    }

    /// The request that the card signs in a visit, DER.
    pub fn request(&self, visit: VisitId) -> Vec<u8> {
        ceremony_request(&self.public_key(), visit, self.id, |info| self.sign(info))
    }

    /// A signature of the holder, RSASSA-PKCS1-v1_5 with SHA-256.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .expect("signing");
        signature
    }
}

impl Default for CardKey {
    fn default() -> Self {
        Self::new()
    }
}

/// PKCS#10 with the two attributes of `docs/card-interface.md` §4, written by hand:
/// no code shared with what reads it.
fn ceremony_request(
    key: &PublicKey,
    visit: VisitId,
    card: CardId,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match content.len() {
            length @ 0..=0x7F => out.push(length as u8),
            length @ 0x80..=0xFF => out.extend([0x81, length as u8]),
            length => out.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        out.extend_from_slice(content);
        out
    }
    // 1.3.6.1.4.1.99999.2026.3.{1,2}
    let attribute = |last: u8, value: &[u8; 16]| {
        let oid = [
            0x2B, 0x06, 0x01, 0x04, 0x01, 0x86, 0x8D, 0x1F, 0x8F, 0x6A, 0x03, last,
        ];
        tlv(
            0x30,
            &[tlv(0x06, &oid), tlv(0x31, &tlv(0x04, value))].concat(),
        )
    };
    let attributes = [
        attribute(1, visit.as_bytes()),
        attribute(2, card.as_bytes()),
    ]
    .concat();
    let info = tlv(
        0x30,
        &[
            &[0x02, 0x01, 0x00][..],
            &tlv(0x30, &[]),
            key.spki_der(),
            &tlv(0xA0, &attributes),
        ]
        .concat(),
    );
    let signature = sign(&info);
    // sha256WithRSAEncryption, NULL
    let algorithm = [
        0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00,
    ];
    let bits = [&[0][..], &signature].concat();
    tlv(0x30, &[info, algorithm.to_vec(), tlv(0x03, &bits)].concat())
}

/// Somebody who applies.
pub struct Applicant {
    pub items: CertificateItemsText,
    /// Number in the municipality's register.
    pub resident: String,
    pub application: ApplicationId,
    pub visit: VisitId,
    pub card: CardKey,
    /// When he was compared with the register; the time of the request when absent.
    pub identified_at: Option<Timestamp>,
    /// Which certificate: `signature`, or `user-authentication`.
    pub profile: &'static str,
    /// The certificate whose place the new one takes.
    pub replaces: Option<Replaces>,
}

impl Applicant {
    /// 総務太郎, under a register number of the caller's choice.
    pub fn soumu(resident: &str) -> Self {
        Self {
            items: CertificateItemsText {
                name: "総務\u{3000}太郎".to_owned(),
                name_substitution: "00000".to_owned(),
                birth_date: "319500401".to_owned(),
                sex: "1".to_owned(),
                address: "東京都千代田区霞が関２丁目１番２号".to_owned(),
                address_substitution: "0"
                    .repeat("東京都千代田区霞が関２丁目１番２号".chars().count()),
            },
            resident: resident.to_owned(),
            application: ApplicationId::from_bytes(random16()),
            visit: VisitId::from_bytes(random16()),
            card: CardKey::new(),
            identified_at: None,
            profile: "signature",
            replaces: None,
        }
    }
}

/// The items as a message.
pub fn message(items: &CertificateItemsText) -> CertificateItemsMessage {
    CertificateItemsMessage {
        name: items.name.clone(),
        name_substitution: items.name_substitution.clone(),
        birth_date: items.birth_date.clone(),
        sex: items.sex.clone(),
        address: items.address.clone(),
        address_substitution: items.address_substitution.clone(),
    }
}
