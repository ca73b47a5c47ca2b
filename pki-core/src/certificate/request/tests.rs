use super::*;
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use std::sync::LazyLock;

static CARD_KEY: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn request() -> Vec<u8> {
    let made = create_p256("131010001").unwrap();
    pem::decode(pem::REQUEST, &made.request_pem).unwrap()
}

fn attribute(name: &const_oid::ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    let values = asn1::tlv(asn1::SET, &[&asn1::octet_string(value)]);
    asn1::sequence(&[&asn1::oid(name), &values])
}

/// A request with these attributes, signed by the card.
fn card_request(version: u8, subject: &[(&str, &str)], attributes: &[Vec<u8>]) -> Vec<u8> {
    let spki: PublicKeyX509Der<'_> = CARD_KEY.public_key().as_der().unwrap();
    let info = asn1::sequence(&[
        &[2, 1, version],
        Name::new(subject.iter().copied()).unwrap().as_der(),
        spki.as_ref(),
        &asn1::tlv(asn1::explicit(0), &[&attributes.concat()]),
    ]);
    signed(&info)
}

fn signed(info: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; 256];
    CARD_KEY
        .sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            info,
            &mut signature,
        )
        .unwrap();
    asn1::sequence(&[
        info,
        &SignatureAlgorithm::RsaPkcs1Sha256.identifier_der(),
        &asn1::bit_string(&signature),
    ])
}

fn visit() -> Vec<u8> {
    attribute(&oid::REQUEST_VISIT, &[0x11; 16])
}

fn card() -> Vec<u8> {
    attribute(&oid::REQUEST_CARD, &[0x22; 16])
}

#[test]
fn a_cards_request_proves_its_key_in_this_visit_on_this_card() {
    let request = parse_card_request(&card_request(0, &[], &[visit(), card()])).unwrap();
    assert_eq!(request.visit, [0x11; 16]);
    assert_eq!(request.card, [0x22; 16]);
    let spki: PublicKeyX509Der<'_> = CARD_KEY.public_key().as_der().unwrap();
    assert_eq!(request.public_key.spki_der(), spki.as_ref());
}

#[test]
fn a_cards_request_carries_its_two_attributes_and_nothing_else() {
    let more = attribute(&oid::SUBJECT_ALT_NAME, &[0; 16]);
    for attributes in [
        vec![],
        vec![visit()],
        vec![visit(), card(), more.clone()],
        vec![visit(), more],
        vec![attribute(&oid::REQUEST_VISIT, &[0; 15]), card()],
        vec![visit(), attribute(&oid::REQUEST_CARD, &[])],
    ] {
        assert_eq!(
            parse_card_request(&card_request(0, &[], &attributes)),
            Err(RequestFault::Attributes)
        );
    }
    let swapped = card_request(0, &[], &[card(), visit()]);
    assert_eq!(parse_card_request(&swapped), Err(RequestFault::Attributes));
}

#[test]
fn a_cards_request_of_another_version_or_with_a_name_is_refused() {
    let attributes = [visit(), card()];
    assert_eq!(
        parse_card_request(&card_request(1, &[], &attributes)),
        Err(RequestFault::Version)
    );
    assert_eq!(
        parse_card_request(&card_request(0, &[("CN", "x")], &attributes)),
        Err(RequestFault::SubjectNotEmpty)
    );
    assert_eq!(
        parse_card_request(&request()),
        Err(RequestFault::SubjectNotEmpty)
    );
}

#[test]
fn a_key_that_is_too_small_or_weak_is_told_before_its_proof() {
    let with_key = |modulus: &[u8]| {
        let key = PublicKey::from_rsa_numbers(modulus, &[1, 0, 1]).unwrap();
        let info = asn1::sequence(&[
            &[2, 1, 0],
            &asn1::sequence(&[]),
            key.spki_der(),
            &asn1::tlv(asn1::explicit(0), &[&visit(), &card()]),
        ]);
        parse_card_request(&signed(&info))
    };
    assert_eq!(
        with_key(&[0xFF; 128]),
        Err(RequestFault::Unfit(KeyUnfit::Size { bits: 1024 }))
    );
    let roca = include_str!("../../../tests/fixtures/modulus-roca.hex");
    let roca = hex::decode(roca.split_whitespace().collect::<String>()).unwrap();
    assert_eq!(with_key(&roca), Err(RequestFault::Unfit(KeyUnfit::Roca)));
}

#[test]
fn a_party_request_proves_its_key_and_tells_its_name() {
    let request = parse_party_request(&request()).unwrap();
    assert_eq!(request.subject.last("CN").as_deref(), Some("131010001"));
}

#[test]
fn a_party_request_asks_for_nothing() {
    let asking = card_request(0, &[("CN", "a")], &[visit()]);
    assert_eq!(parse_party_request(&asking), Err(RequestFault::Attributes));
}

#[test]
fn a_request_signed_by_another_key_is_no_proof() {
    let parts = |der: &[u8]| -> Vec<Vec<u8>> {
        let fields = Element::parse(der).unwrap().inside().unwrap();
        let fields = fields.rest().unwrap();
        fields.iter().map(|field| field.raw.to_vec()).collect()
    };
    let (mine, other) = (parts(&request()), parts(&request()));
    let mixed = asn1::sequence(&[&mine[0], &mine[1], &other[2]]);
    assert_eq!(parse_party_request(&mixed), Err(RequestFault::Proof));
    let sha1 = [
        0x30, 0x09, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01,
    ];
    let weak = asn1::sequence(&[&mine[0], &sha1, &mine[2]]);
    assert_eq!(parse_party_request(&weak), Err(RequestFault::Algorithm));
}

#[test]
fn bytes_that_follow_or_lack_are_refused() {
    let request = request();
    let mut longer = request.clone();
    longer.push(0);
    assert!(matches!(
        parse_party_request(&longer),
        Err(RequestFault::Encoding(_))
    ));
    for length in 0..request.len() {
        assert!(parse_party_request(&request[..length]).is_err());
    }
    assert_eq!(
        parse_party_request(&[0x30; MAX_OCTETS + 1]),
        Err(RequestFault::TooLong)
    );
}

#[test]
fn nothing_is_carried_beside_what_is_read() {
    let more = [5, 0];
    let value = asn1::octet_string(&[0x11; 16]);
    let name = asn1::oid(&oid::REQUEST_VISIT);
    let set = asn1::tlv(asn1::SET, &[&value]);
    for stuffed in [
        asn1::sequence(&[&name, &set, &more]),
        asn1::sequence(&[&name, &asn1::tlv(asn1::SET, &[&value, &more])]),
    ] {
        let read = parse_card_request(&card_request(0, &[], &[stuffed, card()]));
        assert!(matches!(read, Err(RequestFault::Encoding(_))), "{read:?}");
    }
    let spki: PublicKeyX509Der<'_> = CARD_KEY.public_key().as_der().unwrap();
    let attributes = asn1::tlv(asn1::explicit(0), &[&visit(), &card()]);
    let info =
        |tail: &[u8]| asn1::sequence(&[&[2, 1, 0], &[0x30, 0], spki.as_ref(), &attributes, tail]);
    assert!(parse_card_request(&signed(&info(&[]))).is_ok());
    let read = parse_card_request(&signed(&info(&more)));
    assert!(matches!(read, Err(RequestFault::Encoding(_))), "{read:?}");
    let whole = signed(&info(&[]));
    let fields = Element::parse(&whole).unwrap().inside().unwrap();
    let fields = fields.rest().unwrap();
    let after = asn1::sequence(&[fields[0].raw, fields[1].raw, fields[2].raw, &more]);
    let read = parse_card_request(&after);
    assert!(matches!(read, Err(RequestFault::Encoding(_))), "{read:?}");
}

#[test]
fn a_signer_that_signs_with_another_key_is_found_out() {
    let key = PublicKey::from_spki_der(
        parse_party_request(&request())
            .unwrap()
            .public_key
            .spki_der(),
    )
    .unwrap();
    let made = create(
        "x",
        &key,
        SignatureAlgorithm::EcdsaP256Sha256,
        |_| -> Result<_, KeyFault> { Ok(vec![0x30, 6, 2, 1, 1, 2, 1, 1]) },
    );
    assert!(matches!(made, Err(CreateFault::WrongSignature)));
}
