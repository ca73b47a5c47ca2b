//! Real JPKI test-card certificates beside ours.

mod certificate_support;

use certificate_support::*;
use der::{Decode as _, Header, Reader as _, SliceReader};
use pki_core::certificate::image::{KeyUsage, Purpose};
use pki_core::certificate::{CertificateImage, ImageFault, SignatureAlgorithm};

const SIGN: &[u8] = include_bytes!("fixtures/jpki-sign-cert.der");
const SIGN_CA: &[u8] = include_bytes!("fixtures/jpki-sign-ca-cert.der");
const AUTH: &[u8] = include_bytes!("fixtures/jpki-auth-cert.der");
const AUTH_CA: &[u8] = include_bytes!("fixtures/jpki-auth-ca-cert.der");

#[test]
fn the_signature_certificate_of_a_real_card_is_decoded() {
    let image = CertificateImage::decode(SIGN).unwrap();
    let items = image.personal.as_ref().unwrap();
    assert_eq!(items.name, "黒桐　幹也");
    assert_eq!(items.name_substitution, "00000");
    assert_eq!(items.sex, "1");
    assert_eq!(items.address, "東京都清瀬市観布子南１２－７－２０２");
    assert_eq!(items.address_substitution, "0".repeat(18));
    assert_eq!(image.birth_date().unwrap().to_string(), "昭和55年2月17日");

    let number = image.number.as_ref().unwrap();
    assert_eq!(number.window.as_str(), "13221003A");
    assert_eq!(image.municipality().unwrap().to_string(), "13221");
    assert_eq!(number.sequence, 134);
    assert_eq!(image.subject.attributes()[1].value, "Tokyo-to");
    assert_eq!(image.subject.attributes()[2].value, "Kiyose-shi");

    assert_eq!(image.serial.to_string(), "1ee607");
    assert_eq!(image.not_before.to_string(), "2025-10-27T01:35:57Z");
    let (first, last) = image.days();
    assert_eq!(first.to_string(), "2025-10-27");
    assert_eq!(last.to_string(), "2030-02-17");
    assert_eq!(image.not_after, last.last_second(), "23:59:59 in Japan");

    assert_eq!(
        image.issuer.to_string(),
        "C=JP, O=JPKI-TEST, OU=JPKI for digital signature, \
         OU=Japan Agency for Local Authority Information Systems"
    );
    assert_eq!(
        image.issuer_directory_name.as_ref().unwrap().to_string(),
        "C=JP, O=公的個人認証サービス, OU=公的個人認証サービス署名用, \
         OU=地方公共団体情報システム機構"
    );
    let point = &image.distribution_points[..];
    assert_eq!(point.len(), 1);
    assert_eq!(
        point[0].name.as_ref().unwrap().to_string(),
        "C=JP, O=JPKI-TEST, OU=JPKI for digital signature, OU=CRL Distribution Points, \
         OU=Tokyo-to, CN=Kiyose-shi CRLDP"
    );
    assert!(point[0].uris.is_empty() && image.ocsp.is_empty());
    assert_eq!(image.policies[0].oid, "1.2.392.200149.8.5.1.0.20");
    assert_eq!(
        image.policies[0].cps.as_deref(),
        Some("http://www.jpki.go.jp/cps.html")
    );
    assert_eq!(
        image.key_usage,
        [KeyUsage::DigitalSignature, KeyUsage::NonRepudiation]
    );
    assert_eq!(
        image.subject_key_id.as_deref(),
        Some(&image.public_key.key_id()[..])
    );
    let authority = image.authority_key_id.as_ref().unwrap();
    assert_eq!(authority.issuer.as_ref(), Some(&image.issuer));
    assert!(authority.serial.is_some());
}

#[test]
fn real_cards_verify_with_their_own_issuer_and_not_with_the_other() {
    let decode = |der| CertificateImage::decode(der).unwrap();
    let (sign_ca, auth_ca) = (decode(SIGN_CA), decode(AUTH_CA));
    for (leaf, own, other) in [(SIGN, &sign_ca, &auth_ca), (AUTH, &auth_ca, &sign_ca)] {
        let leaf = decode(leaf);
        leaf.verify_signature(&own.public_key).unwrap();
        leaf.verify_signature(&other.public_key).unwrap_err();
        own.verify_signature(&own.public_key).unwrap();
        assert!(own.is_authority() && !leaf.is_authority());
        assert_eq!(leaf.issuer, own.subject);
        assert_eq!(leaf.issuer_directory_name, own.subject_directory_name);
    }
}

#[test]
fn the_authentication_certificate_of_a_real_card_is_decoded() {
    let image = CertificateImage::decode(AUTH).unwrap();
    assert!(image.personal.is_none() && image.number.is_none());
    let user = image.user.as_ref().unwrap();
    assert_eq!(user.opaque, "997794E9AGCIEG");
    assert_eq!(user.window.as_str(), "13221003A");
    assert_eq!(image.municipality().unwrap().to_string(), "13221");
    assert_eq!(image.key_usage, [KeyUsage::DigitalSignature]);
    assert_eq!(image.purposes, [Purpose::ClientAuth]);
    assert_eq!(image.ocsp, ["http://test-ocspauthnorm.jpki.go.jp"]);
}

#[test]
fn a_certificate_that_is_cut_or_lengthened_is_refused() {
    for length in (0..SIGN.len()).step_by(7) {
        assert!(CertificateImage::decode(&SIGN[..length]).is_err());
    }
    let longer = [SIGN, &[0]].concat();
    assert!(matches!(
        CertificateImage::decode(&longer),
        Err(ImageFault::Encoding(_))
    ));
    assert!(matches!(
        CertificateImage::decode(&[0x30; 20_000]),
        Err(ImageFault::TooLong)
    ));
}

#[test]
fn one_flipped_bit_never_passes_for_the_same_certificate() {
    let ca = CertificateImage::decode(SIGN_CA).unwrap();
    for at in 0..SIGN.len() {
        let mut spoiled = SIGN.to_vec();
        spoiled[at] ^= 1 << (at % 8);
        let verified = CertificateImage::decode(&spoiled)
            .is_ok_and(|image| image.verify_signature(&ca.public_key).is_ok());
        assert!(!verified, "octet {at}");
    }
}

/// One primitive element: the field it belongs to, tags from the outside in, content.
struct Leaf {
    field: String,
    tags: Vec<u8>,
    content: Vec<u8>,
}

/// Every primitive element of a certificate, OCTET STRINGs of extensions opened.
fn leaves(der: &[u8]) -> Vec<Leaf> {
    const FIELDS: [&str; 8] = [
        "version",
        "serialNumber",
        "signature",
        "issuer",
        "validity",
        "subject",
        "subjectPublicKeyInfo",
        "extensions",
    ];
    let mut leaves = Vec::new();
    let certificate = children(&children(der)[0].1);
    let tbs = children(&certificate[0].1);
    for (at, (tag, content)) in tbs.iter().enumerate() {
        if FIELDS[at] != "extensions" {
            walk(FIELDS[at], vec![], *tag, content, &mut leaves);
            continue;
        }
        for (_, extension) in children(&children(content)[0].1) {
            let parts = children(&extension);
            let oid = const_oid::ObjectIdentifier::from_bytes(&parts[0].1).unwrap();
            for (tag, content) in &parts[..parts.len() - 1] {
                walk(&oid.to_string(), vec![], *tag, content, &mut leaves);
            }
            for (tag, content) in children(&parts[parts.len() - 1].1) {
                walk(&oid.to_string(), vec![0x04], tag, &content, &mut leaves);
            }
        }
    }
    for (at, (tag, content)) in certificate[1..].iter().enumerate() {
        let field = ["signatureAlgorithm", "signatureValue"][at];
        walk(field, vec![], *tag, content, &mut leaves);
    }
    leaves
}

fn walk(field: &str, mut tags: Vec<u8>, tag: u8, content: &[u8], leaves: &mut Vec<Leaf>) {
    tags.push(tag);
    if tag & 0x20 == 0 {
        leaves.push(Leaf {
            field: field.to_owned(),
            tags,
            content: content.to_vec(),
        });
        return;
    }
    for (tag, content) in children(content) {
        walk(field, tags.clone(), tag, &content, leaves);
    }
}

fn children(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut reader = SliceReader::new(bytes).unwrap();
    let mut found = Vec::new();
    while !reader.is_finished() {
        let tag = bytes[u32::from(reader.position()) as usize];
        let header = Header::decode(&mut reader).unwrap();
        found.push((tag, reader.read_slice(header.length()).unwrap().to_vec()));
    }
    found
}

/// What differs between a real card's certificate and ours, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("serialNumber", "128 random bits; the public service counts"),
    ("issuer", "the last OU is the governor, not the agency"),
    (
        "validity",
        "three years from the day of issue; the public service's rule is the fifth birthday",
    ),
    ("subject", "another municipality, time, number and window"),
    ("subjectPublicKeyInfo", "another key"),
    ("2.5.29.17", "another resident"),
    ("2.5.29.32", "a policy of our own arc, and its statement"),
    ("2.5.29.18", "the governor's name in Japanese"),
    ("2.5.29.31", "another municipality"),
    ("2.5.29.35", "another issuer"),
    ("2.5.29.14", "another key"),
    ("signatureValue", "another signature"),
];

/// Field and tags of every element.
fn shape(leaves: &[Leaf]) -> Vec<(String, Vec<u8>)> {
    leaves
        .iter()
        .map(|leaf| (leaf.field.clone(), leaf.tags.clone()))
        .collect()
}

/// Fields in which something differs, in order.
fn differing<'a>(real: &'a [Leaf], ours: &[Leaf]) -> Vec<&'a str> {
    let mut differing: Vec<&str> = Vec::new();
    for (real, ours) in real.iter().zip(ours) {
        if real.content != ours.content && !differing.contains(&real.field.as_str()) {
            differing.push(&real.field);
        }
    }
    differing
}

/// The elements of a field at these places are the same in both.
fn same(real: &[Leaf], ours: &[Leaf], field: &str, places: &[usize]) {
    let of = |leaves: &[Leaf]| -> Vec<Vec<u8>> {
        let field: Vec<&Leaf> = leaves.iter().filter(|leaf| leaf.field == field).collect();
        places.iter().map(|at| field[*at].content.clone()).collect()
    };
    assert_eq!(of(real), of(ours), "{field}");
}

fn ours(publication: pki_core::certificate::Publication) -> Vec<u8> {
    let governor = Governor::new(SignatureAlgorithm::RsaPkcs1Sha256, publication);
    governor
        .certify_taro(at("2026-11-22T06:00:00Z"), 0x5A)
        .into_der()
}

#[test]
fn ours_has_the_shape_of_a_real_cards_certificate_element_by_element() {
    let (real, ours) = (leaves(SIGN), leaves(&ours(registered())));
    assert_eq!(shape(&real), shape(&ours));
    let allowed: Vec<&str> = DIFFERENCES.iter().map(|(field, _)| *field).collect();
    assert_eq!(differing(&real, &ours), allowed);

    // Inside fields that differ, what is the form and not the resident's or the issuer's.
    let same = |field: &str, places: &[usize]| same(&real, &ours, field, places);
    same("issuer", &[0, 1, 2, 3, 4, 5, 6]); // C=JP, O, OU and the last type
    same("subject", &[0, 1, 2, 3, 4, 6]); // C=JP, L=Tokyo-to, types of L and CN
    same("subjectPublicKeyInfo", &[0, 1]); // rsaEncryption, NULL
    same("2.5.29.17", &[0, 1, 3, 5, 7, 9, 11]); // identifiers of the otherNames in their order
    same("2.5.29.32", &[0, 1, 3]); // critical, CPS qualifier
    same("2.5.29.18", &[0, 1, 2, 3, 4, 5, 6, 7]); // all but the governor
    same("2.5.29.31", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]); // all but the municipality
}

/// What differs between a real card's certificate for signing in and ours, and why.
const USER_DIFFERENCES: &[(&str, &str)] = &[
    ("serialNumber", "128 random bits; the public service counts"),
    ("issuer", "the last OU is the governor, not the agency"),
    (
        "validity",
        "three years from the day of issue; the public service's rule is the fifth birthday",
    ),
    ("subject", "another opaque name and window"),
    ("subjectPublicKeyInfo", "another key"),
    ("2.5.29.32", "a policy of our own arc, and its statement"),
    ("2.5.29.18", "the governor's name in Japanese"),
    ("2.5.29.31", "another municipality"),
    ("2.5.29.35", "another issuer"),
    ("2.5.29.14", "another key"),
    ("signatureValue", "another signature"),
];

fn our_user(publication: pki_core::certificate::Publication) -> Vec<u8> {
    Governor::of_users(SignatureAlgorithm::RsaPkcs1Sha256, publication)
        .certify_user(at("2026-11-22T06:00:00Z"), 0x5A)
        .into_der()
}

#[test]
fn ours_for_signing_in_has_the_shape_of_a_real_cards_element_by_element() {
    const ACCESS: &str = "1.3.6.1.5.5.7.1.1";
    let mut real = leaves(AUTH);
    // The public service names its responder on the card, open to the registered alone; ours
    // names one where access is open.
    real.retain(|leaf| leaf.field != ACCESS);
    let ours = leaves(&our_user(registered()));
    assert_eq!(shape(&real), shape(&ours));

    let allowed: Vec<&str> = USER_DIFFERENCES.iter().map(|(field, _)| *field).collect();
    assert_eq!(differing(&real, &ours), allowed);

    same(&real, &ours, "issuer", &[0, 1, 2, 3, 4, 5, 6]); // C=JP, O, OU and the last type
    same(&real, &ours, "subject", &[0, 1, 2]); // C=JP, type of CN
    same(&real, &ours, "subjectPublicKeyInfo", &[0, 1]);
    same(&real, &ours, "2.5.29.32", &[0, 1, 3]); // critical, CPS qualifier
    same(&real, &ours, "2.5.29.18", &[0, 1, 2, 3, 4, 5, 6, 7]); // all but the governor
    same(
        &real,
        &ours,
        "2.5.29.31",
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    ); // all but the municipality

    // Where access is open, information access stands where the real one has it.
    let order = |leaves: &[Leaf]| {
        let mut fields: Vec<String> = leaves.iter().map(|leaf| leaf.field.clone()).collect();
        fields.dedup();
        fields
    };
    assert_eq!(order(&leaves(AUTH)), order(&leaves(&our_user(open()))));
}

#[test]
fn the_certificate_for_signing_in_says_nothing_of_the_person() {
    let der = our_user(registered());
    let image = CertificateImage::decode(&der).unwrap();
    assert!(image.personal.is_none() && image.number.is_none());
    assert_eq!(image.user.as_ref().unwrap().window.as_str(), "131010001");
    assert_eq!(image.municipality().unwrap().to_string(), "13101");
    assert_eq!(image.subject.attributes().len(), 2);
    assert_eq!(image.policies[0].oid, "1.3.6.1.4.1.99999.2026.1.0.30");
    for text in ["総務", "霞が関", "19500401", "20261122"] {
        assert!(
            !der.windows(text.len()).any(|w| w == text.as_bytes()),
            "{text}"
        );
    }
}

#[test]
fn open_access_adds_a_uri_of_the_same_list_and_information_access_and_nothing_else() {
    let closed = leaves(&ours(registered()));
    let open = leaves(&ours(open()));
    let shape = |leaf: &Leaf| (leaf.field.clone(), leaf.tags.clone());
    let closed: Vec<_> = closed.iter().map(shape).collect();
    let mut added = Vec::new();
    let mut rest = closed.iter();
    let mut expected = rest.next();
    for leaf in &open {
        if Some(&shape(leaf)) == expected {
            expected = rest.next();
        } else {
            added.push((leaf.field.as_str(), String::from_utf8_lossy(&leaf.content)));
        }
    }
    assert_eq!(expected, None);
    let uris: Vec<String> = added
        .iter()
        .filter(|(_, text)| text.starts_with("http"))
        .map(|(field, text)| format!("{field} {text}"))
        .collect();
    assert_eq!(
        uris,
        [
            format!("2.5.29.31 {OPEN}/crl/sign/13101.crl"),
            format!("1.3.6.1.5.5.7.1.1 {OPEN}/ocsp/sign"),
            format!("1.3.6.1.5.5.7.1.1 {OPEN}/certs/sign.cer"),
        ]
    );
    let fields: Vec<&str> = added.iter().map(|(field, _)| *field).collect();
    assert!(
        fields[1..]
            .iter()
            .all(|field| *field == "1.3.6.1.5.5.7.1.1")
    );
}
