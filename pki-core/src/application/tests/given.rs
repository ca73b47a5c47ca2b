//! Applications at each step, for the tests: a resident whose name needs a substitute.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use jiff::Timestamp;

use crate::act::{Act, ActFrame, Deed, IssueDeed, SignedAct};
use crate::application::Application;
use crate::application::cause::ApplicationKind;
use crate::application::certificate_kind::CertificateKind;
use crate::application::identity::{
    IdentityCheck, IdentityDecision, IdentityVerdict, RecordedDecision, RegisterMatch,
    ShownDocument,
};
use crate::application::image::ImageVerdict;
use crate::application::inquiry::{Inquiry, Proxy, Replied, ReplyCode};
use crate::application::states::*;
use crate::application::transitions::{Identification, ImageOutcome, StepFault};
use crate::calendar::JapaneseDay;
use crate::certificate::name::Name;
use crate::certificate::public_key::SignatureAlgorithm;
use crate::certificate::serial::Serial;
use crate::certificate::{asn1, oid};
use crate::id::{ApplicationId, CardId, IdempotencyKey, Sha256Digest, VisitId};
use crate::person::four_items::{Comparison, FourItems, FourItemsInput, Item};
use crate::person::substitution::{Choice, SubstitutionList};
use crate::revocation::ground::Ground;

pub static CARD_KEY: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

pub const VISIT: [u8; 16] = [0x11; 16];
pub const CARD: [u8; 16] = [0x22; 16];

pub fn at(minute: i64) -> Timestamp {
    "2026-11-22T05:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minute)
}

pub fn rsa_signature(message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; 256];
    CARD_KEY
        .sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .unwrap();
    signature
}

pub fn request_with(visit: [u8; 16], card: [u8; 16]) -> Vec<u8> {
    let spki = CARD_KEY.public_key().as_der().unwrap();
    let attribute = |name, value: [u8; 16]| {
        let values = asn1::tlv(asn1::SET, &[&asn1::octet_string(&value)]);
        asn1::sequence(&[&asn1::oid(&name), &values])
    };
    let attributes = [
        attribute(oid::REQUEST_VISIT, visit),
        attribute(oid::REQUEST_CARD, card),
    ]
    .concat();
    let info = asn1::sequence(&[
        &[2, 1, 0],
        Name::new([]).unwrap().as_der(),
        spki.as_ref(),
        &asn1::tlv(asn1::explicit(0), &[&attributes]),
    ]);
    let signature = rsa_signature(&info);
    let algorithm = SignatureAlgorithm::RsaPkcs1Sha256.identifier_der();
    asn1::sequence(&[&info, &algorithm, &asn1::bit_string(&signature)])
}

pub fn request() -> Vec<u8> {
    static REQUEST: LazyLock<Vec<u8>> = LazyLock::new(|| request_with(VISIT, CARD));
    REQUEST.clone()
}

pub fn case() -> Case {
    let items = FourItemsInput {
        name: "髙橋　花子",
        birth_date: "平成2年2月3日",
        sex: "女",
        address: "東京都千代田区丸の内１丁目１番１号",
    };
    Case {
        id: ApplicationId::from_bytes([1; 16]),
        kind: ApplicationKind::First,
        certificate_kind: CertificateKind::Signature,
        terminal: "131010001".parse().unwrap(),
        operator: "13101-0001".parse().unwrap(),
        idempotency_key: IdempotencyKey::from_bytes([2; 16]),
        resident: Some("R2".parse().unwrap()),
        items: FourItems::parse(items).unwrap(),
        applied_on: JapaneseDay::new(2026, 11, 22).unwrap(),
        received_at: at(0),
        replaces: None,
        evidence: None,
        proxy: None,
    }
}

pub fn decision_with(change: impl FnOnce(&mut IdentityCheck)) -> RecordedDecision {
    let mut check = IdentityCheck {
        application: case().id,
        terminal: case().terminal,
        operator: case().operator,
        at: at(1),
        register: Some(RegisterMatch {
            resident: "R2".parse().unwrap(),
            items: Comparison {
                name: true,
                birth_date: true,
                sex: true,
                address: true,
            },
        }),
        register_seen_at: at(1),
        document: ShownDocument {
            kind: "passport".to_owned(),
            issuer: None,
            expires_on: JapaneseDay::new(2030, 1, 1),
        },
        face_matches: true,
        decision: IdentityVerdict::Accepted,
        remark: None,
        inquiry: None,
    };
    change(&mut check);
    IdentityDecision::new(check).unwrap().record()
}

pub fn visit_at(kiosk: &str) -> Visit {
    Visit {
        visit: VisitId::from_bytes(VISIT),
        card: CardId::from_bytes(CARD),
        kiosk: kiosk.parse().unwrap(),
        prepared_at: at(2),
    }
}

pub fn choice() -> Choice {
    Choice {
        item: Item::Name,
        position: 0,
        substitute: "高".to_owned(),
    }
}

pub fn received() -> Received {
    Received::new(case()).unwrap()
}

pub fn identified() -> Identified {
    match received().identify(decision_with(|_| ())).unwrap() {
        Identification::Identified(identified) => identified,
        Identification::Refused(refused) => panic!("{refused:?}"),
    }
}

pub fn card_prepared() -> CardPrepared {
    identified().prepare_card(visit_at("13101K001")).unwrap()
}

pub fn key_read() -> KeyRead {
    card_prepared()
        .read_key(request(), b"record".to_vec(), at(10))
        .unwrap()
}

pub fn settled() -> CharactersSettled {
    key_read()
        .settle(&[choice()], &SubstitutionList::standard(), at(11))
        .unwrap()
}

pub fn frame() -> ActFrame {
    ActFrame {
        terminal: case().terminal,
        operator: case().operator,
        application: case().id,
        idempotency_key: IdempotencyKey::from_bytes([3; 16]),
        time: at(12),
    }
}

pub fn deed() -> IssueDeed {
    let settled = settled();
    IssueDeed {
        visit: settled.visit.visit,
        card: settled.visit.card,
        profile: "signature".to_owned(),
        resident_sha256: settled
            .resident
            .digest(settled.case.id, settled.case.terminal.municipality()),
        items_sha256: Sha256Digest::from_bytes(settled.certificate_items.digest()),
        spki_sha256: settled.key.spki_sha256,
        identity_sha256: settled.identity.digest(),
        identified_at: settled.identity.decision().register_seen_at(),
        request_made_at: at(12),
        replaces: None,
    }
}

pub fn signed(act: &Act) -> SignedAct {
    SignedAct {
        payload: act.to_payload(),
        terminal_signature: vec![],
        operator_signature: vec![],
    }
}

pub fn ask(frame: ActFrame, deed: IssueDeed) -> Result<CharactersSettled, StepFault> {
    let act = Act::new(frame, Deed::Issue(deed));
    settled().ask(&signed(&act), &act, at(12))
}

pub fn asked() -> CharactersSettled {
    ask(frame(), deed()).unwrap()
}

pub fn certificate() -> IssuedCertificate {
    IssuedCertificate {
        serial: Serial::from_random([5; 16]),
        certificate: b"certificate".to_vec(),
        issuer_certificate: b"issuer".to_vec(),
        issued_at: at(13),
    }
}

pub fn issued() -> Issued {
    asked().issued(certificate()).unwrap()
}

pub fn confirmed() -> Confirmed {
    match issued()
        .judge(ImageVerdict::Right, certificate().sha256(), at(14))
        .unwrap()
    {
        ImageOutcome::Confirmed(confirmed) => confirmed,
        ImageOutcome::Rejected(issued) => panic!("{issued:?}"),
    }
}

pub fn rejected(verdict: ImageVerdict) -> Issued {
    match issued()
        .judge(verdict, certificate().sha256(), at(14))
        .unwrap()
    {
        ImageOutcome::Confirmed(confirmed) => panic!("{confirmed:?}"),
        ImageOutcome::Rejected(issued) => issued,
    }
}

pub const TRIAL: &[u8] = b"a message of the counter";

pub fn written() -> Written {
    let signature = rsa_signature(TRIAL);
    confirmed()
        .written(certificate().sha256(), TRIAL, &signature, at(15))
        .unwrap()
}

pub fn payment(amount_yen: u32) -> Payment {
    Payment {
        number: "13101-2026-000001".to_owned(),
        amount_yen,
        idempotency_key: IdempotencyKey::from_bytes([4; 16]),
        operator: case().operator,
        at: at(16),
    }
}

pub fn paid() -> Paid {
    written().pay(payment(500), 500).unwrap()
}

pub fn revocation(ground: Ground) -> Revocation {
    Revocation {
        serial: certificate().serial,
        ground,
        revoked_at: at(20),
    }
}

pub fn code() -> ReplyCode {
    ReplyCode::from_random([9; 5])
}

pub fn received_from(by_proxy: bool) -> Received {
    let mut case = case();
    case.proxy = by_proxy.then(|| Proxy {
        name: "髙橋　次郎".to_owned(),
        power_of_attorney_on: case.applied_on,
        seal_certificate_on: case.applied_on,
    });
    Received::new(case).unwrap()
}

/// Asked in writing at minute 2, with ten days for the reply.
pub fn inquiry_sent(by_proxy: bool) -> InquirySent {
    let register = decision_with(|_| ()).decision().register.clone().unwrap();
    let inquiry = Inquiry::new(code(), at(2), case().operator, 10);
    received_from(by_proxy)
        .send_inquiry(&register, inquiry)
        .unwrap()
}

/// The decision on the reply that came on the day of sending.
pub fn on_reply(by_proxy: bool, change: impl FnOnce(&mut IdentityCheck)) -> RecordedDecision {
    decision_with(|check| {
        check.inquiry = Some(Replied {
            sent_on: JapaneseDay::of(at(2)),
            replied_on: JapaneseDay::of(at(2)),
            by_proxy,
        });
        change(check);
    })
}

/// One application at each step.
pub fn all() -> Vec<Application> {
    let refused = match received()
        .identify(decision_with(|c| c.register = None))
        .unwrap()
    {
        Identification::Refused(refused) => refused,
        Identification::Identified(_) => panic!("nobody is in the register"),
    };
    vec![
        received().into(),
        inquiry_sent(false).into(),
        identified().into(),
        card_prepared().into(),
        key_read().into(),
        settled().into(),
        issued().into(),
        confirmed().into(),
        written().into(),
        paid().into(),
        paid().hand_over(at(17)).into(),
        refused.into(),
        received().cancel(at(3)).into(),
        paid().revoke(revocation(Ground::Article9)).unwrap().into(),
    ]
}
