//! Each lint has bytes to sign that only it rejects.

use super::{LintFault, all, check};
use crate::certificate::asn1;
use crate::certificate::distribution_point::{DistributionPoint, Place};
use crate::certificate::issuer::{Access, Issuer, Publication};
use crate::certificate::partition::PartitionNumber;
use crate::certificate::plan::{Party, PlanInput, Subject, Subscriber, User, plan};
use crate::certificate::profile::{Profile, SAMPLES};
use crate::certificate::public_key::PublicKey;
use crate::certificate::tbs::{Tbs, extension};
use crate::certificate::{Name, Serial, SignatureAlgorithm, oid};
use crate::person::certificate_items::{CertificateItems, CertificateItemsText};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use const_oid::ObjectIdentifier;
use jiff::Timestamp;
use std::sync::LazyLock;

/// Product of two random primes of 1024 bits.
const MODULUS: &str = include_str!("../../../tests/fixtures/modulus-plain.hex");
/// The same with the ROCA fingerprint.
const ROCA: &str = include_str!("../../../tests/fixtures/modulus-roca.hex");

/// Bytes to sign, taken apart to be spoiled.
#[derive(Clone)]
struct Parts {
    version: Vec<u8>,
    serial: Vec<u8>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    not_before: Vec<u8>,
    not_after: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
}

impl Parts {
    fn of(tbs: &[u8]) -> Self {
        let tbs = Tbs::parse(tbs).unwrap();
        Self {
            version: vec![0xA0, 3, 2, 1, tbs.version as u8],
            serial: tbs.serial.to_vec(),
            signature: tbs.signature.to_vec(),
            issuer: tbs.issuer.to_vec(),
            not_before: tbs.not_before.raw.to_vec(),
            not_after: tbs.not_after.raw.to_vec(),
            subject: tbs.subject.to_vec(),
            spki: tbs.spki.to_vec(),
            extensions: tbs
                .extensions
                .iter()
                .map(|e| (e.name, e.critical, e.value.to_vec()))
                .collect(),
        }
    }

    fn to_der(&self) -> Vec<u8> {
        let extensions: Vec<u8> = self
            .extensions
            .iter()
            .flat_map(|(name, critical, value)| extension(name, *critical, value))
            .collect();
        asn1::sequence(&[
            &self.version,
            &asn1::tlv(asn1::INTEGER, &[&self.serial]),
            &self.signature,
            &self.issuer,
            &asn1::sequence(&[&self.not_before, &self.not_after]),
            &self.subject,
            &self.spki,
            &asn1::tlv(asn1::explicit(3), &[&asn1::sequence(&[&extensions])]),
        ])
    }

    fn value(&mut self, name: ObjectIdentifier) -> &mut Vec<u8> {
        let found = self.extensions.iter_mut().find(|(n, _, _)| *n == name);
        &mut found.unwrap().2
    }

    fn set(&mut self, name: ObjectIdentifier, value: Vec<u8>) {
        *self.value(name) = value;
    }

    fn remove(&mut self, name: ObjectIdentifier) {
        self.extensions.retain(|(n, _, _)| *n != name);
    }

    fn set_times(&mut self, not_before: &str, not_after: &str) {
        self.not_before = asn1::time(at(not_before));
        self.not_after = asn1::time(at(not_after));
    }

    fn set_key(&mut self, key: &PublicKey) {
        self.spki = key.spki_der().to_vec();
        self.set(
            oid::SUBJECT_KEY_IDENTIFIER,
            asn1::octet_string(&key.key_id()),
        );
    }

    fn set_items(&mut self, names: &[(ObjectIdentifier, &str)]) {
        let names: Vec<u8> = names
            .iter()
            .flat_map(|(name, text)| {
                let value = asn1::tlv(asn1::explicit(0), &[&asn1::utf8(text)]);
                asn1::tlv(asn1::explicit(0), &[&asn1::oid(name), &value])
            })
            .collect();
        self.set(oid::SUBJECT_ALT_NAME, asn1::sequence(&[&names]));
    }

    /// The items with some of them changed.
    fn change_items(&mut self, changed: &[(ObjectIdentifier, &str)]) {
        let items: Vec<_> = ITEMS
            .iter()
            .map(|(name, text)| {
                let new = changed.iter().find(|(n, _)| n == name);
                (*name, new.map_or(*text, |(_, text)| text))
            })
            .collect();
        self.set_items(&items);
    }

    fn set_point(&mut self, attributes: &[&str], uri: Option<&str>) {
        let point = DistributionPoint::new(name(attributes), uri.map(str::to_owned));
        self.set(oid::CRL_DISTRIBUTION_POINTS, point.to_extension());
    }
}

const ITEMS: [(ObjectIdentifier, &str); 6] = [
    (oid::JPKI_NAME, "総務　太郎"),
    (oid::JPKI_BIRTH_DATE, "319500401"),
    (oid::JPKI_SEX, "1"),
    (oid::JPKI_ADDRESS, "東京都千代田区霞が関２丁目１番２号"),
    (oid::JPKI_NAME_SUBSTITUTION, "00000"),
    (oid::JPKI_ADDRESS_SUBSTITUTION, "00000000000000000"),
];
const POINT: [&str; 6] = [
    "C=JP",
    "O=JPKI-TEST",
    "OU=JPKI for digital signature",
    "OU=CRL Distribution Points",
    "OU=Tokyo-to",
    "CN=Chiyoda-ku CRLDP",
];
const URI: Option<&str> = Some("http://pki.example/crl/sign/13101.crl");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn name(attributes: &[&str]) -> Name {
    Name::parse(attributes).unwrap()
}

fn modulus(text: &str) -> Vec<u8> {
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

fn rsa(modulus: &[u8], exponent: u32) -> PublicKey {
    PublicKey::from_rsa_numbers(modulus, &exponent.to_be_bytes()).unwrap()
}

static AUTHORITY_KEY: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());

fn public(pair: &EcdsaKeyPair) -> PublicKey {
    PublicKey::from_ec_point(pair.public_key().as_ref()).unwrap()
}

fn p256() -> PublicKey {
    public(&EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
}

/// A kind of certificate with bytes to sign that every lint accepts.
struct Good {
    profile: Profile,
    issuer: Issuer,
    parts: Parts,
}

fn sample(file: &str) -> Profile {
    let found = SAMPLES.into_iter().find(|(sample, _)| *sample == file);
    Profile::parse(
        &found
            .unwrap()
            .1
            .replace("rsa-sha256", "ecdsa-p256-sha256")
            .replace("[\"rsa-2048\", \"rsa-3072\", \"rsa-4096\"]", "[\"p256\"]"),
    )
    .unwrap()
}

/// The governor's CA: its bytes to sign and itself as issuer, valid 2026 to 2036.
fn authority() -> Good {
    let profile = sample("signing-ca.toml");
    let serial = Serial::from_random([0xCA; 16]);
    let key = public(&AUTHORITY_KEY);
    let issuer = Issuer::self_signed(
        name(&["C=JP", "O=JPKI-TEST", "OU=JPKI for digital signature"]),
        Some(&name(&["C=JP", "OU=東京都知事"])),
        key.clone(),
        &serial,
        Publication {
            access: Access::Open {
                base_url: "http://pki.example".into(),
            },
            segment: "sign".into(),
        },
    )
    .unwrap();
    let unsigned = plan(&PlanInput {
        profile: &profile,
        issuer: &issuer,
        serial: &serial,
        now: at("2026-01-05T01:00:00Z"),
        public_key: &key,
        subject: Subject::Authority,
    })
    .unwrap();
    let parts = Parts::of(unsigned.bytes_to_sign());
    Good {
        profile,
        issuer,
        parts,
    }
}

/// An issuer whose certificate is there.
fn governor() -> Issuer {
    let Good { issuer, parts, .. } = authority();
    let tbs = parts.to_der();
    let signature = AUTHORITY_KEY.sign(&SystemRandom::new(), &tbs).unwrap();
    let certificate = asn1::sequence(&[
        &tbs,
        &SignatureAlgorithm::EcdsaP256Sha256.identifier_der(),
        &asn1::bit_string(signature.as_ref()),
    ]);
    Issuer::from_certificate(&certificate, issuer.publication().clone()).unwrap()
}

fn subscriber() -> Good {
    let profile = sample("signature.toml");
    let issuer = governor();
    let items = CertificateItems::parse(&CertificateItemsText {
        name: ITEMS[0].1.into(),
        birth_date: ITEMS[1].1.into(),
        sex: ITEMS[2].1.into(),
        address: ITEMS[3].1.into(),
        name_substitution: ITEMS[4].1.into(),
        address_substitution: ITEMS[5].1.into(),
    })
    .unwrap();
    let place = Place {
        code: "13101".parse().unwrap(),
        prefecture: "Tokyo-to".into(),
        municipality: "Chiyoda-ku".into(),
        partition: PartitionNumber::FIRST,
    };
    let unsigned = plan(&PlanInput {
        profile: &profile,
        issuer: &issuer,
        serial: &Serial::from_random([0x80; 16]),
        now: at("2026-11-22T06:00:00Z"),
        public_key: &rsa(&modulus(MODULUS), 65537),
        subject: Subject::Subscriber(Subscriber {
            items: &items,
            place: &place,
            terminal: "131010001".parse().unwrap(),
            requested_at: at("2026-11-22T05:59:00Z"),
            sequence: 7,
        }),
    })
    .unwrap();
    let parts = Parts::of(unsigned.bytes_to_sign());
    Good {
        profile,
        issuer,
        parts,
    }
}

/// A resident who signs in.
fn user() -> Good {
    let profile = sample("user-authentication.toml");
    let issuer = governor();
    let place = Place {
        code: "13101".parse().unwrap(),
        prefecture: "Tokyo-to".into(),
        municipality: "Chiyoda-ku".into(),
        partition: PartitionNumber::FIRST,
    };
    let unsigned = plan(&PlanInput {
        profile: &profile,
        issuer: &issuer,
        serial: &Serial::from_random([0x80; 16]),
        now: at("2026-11-22T06:00:00Z"),
        public_key: &rsa(&modulus(MODULUS), 65537),
        subject: Subject::User(User {
            place: &place,
            terminal: "131010001".parse().unwrap(),
        }),
    })
    .unwrap();
    let parts = Parts::of(unsigned.bytes_to_sign());
    Good {
        profile,
        issuer,
        parts,
    }
}

fn party(file: &str) -> Good {
    let profile = sample(file);
    let issuer = governor();
    let dns_names = ["localhost".to_owned()];
    let unsigned = plan(&PlanInput {
        profile: &profile,
        issuer: &issuer,
        serial: &Serial::from_random([0x80; 16]),
        now: at("2026-11-22T06:00:00Z"),
        public_key: &p256(),
        subject: Subject::Party(Party {
            id: "status-1",
            dns_names: &dns_names,
            ip_addresses: &[],
        }),
    })
    .unwrap();
    let parts = Parts::of(unsigned.bytes_to_sign());
    Good {
        profile,
        issuer,
        parts,
    }
}

/// Lint, the certificate that is spoiled, and how.
type Case = (&'static str, fn() -> Good, fn(&mut Parts));

fn server() -> Good {
    party("server.toml")
}

fn responder() -> Good {
    party("ocsp-responder.toml")
}

const CASES: &[Case] = &[
    ("canonical", subscriber, |parts| {
        // digitalSignature, nonRepudiation, and a bit set among the unused ones
        parts.set(oid::KEY_USAGE, vec![3, 2, 6, 0xC1]);
    }),
    ("version", subscriber, |parts| parts.version[4] = 1),
    ("serial-positive", subscriber, |parts| {
        parts.serial[0] = 0x81
    }),
    ("serial-length", subscriber, |parts| {
        parts.serial = vec![1; 21]
    }),
    ("serial-random", subscriber, |parts| {
        parts.serial = vec![1; 8]
    }),
    ("signature-algorithm", subscriber, |parts| {
        parts.signature = SignatureAlgorithm::RsaPkcs1Sha256.identifier_der();
    }),
    ("issuer-name", subscriber, |parts| {
        parts.issuer = name(&["C=JP", "O=JPKI-TEST"]).as_der().to_vec();
    }),
    ("time-form", subscriber, |parts| {
        parts.not_after = asn1::generalized_time(at("2029-11-21T14:59:59Z"));
    }),
    ("validity-order", subscriber, |parts| {
        parts.set_times("2026-11-22T06:00:00Z", "2026-11-22T05:00:00Z");
    }),
    ("validity-rule", subscriber, |parts| {
        parts.set_times("2026-11-22T06:00:00Z", "2029-11-22T14:59:59Z");
    }),
    ("validity-within-issuer", subscriber, |parts| {
        parts.set_times("2033-11-22T06:00:00Z", "2036-11-21T14:59:59Z");
    }),
    ("subject-base", server, |parts| {
        let subject = ["C=JP", "O=JPKI-TEST", "OU=Terminals", "CN=status-1"];
        parts.subject = name(&subject).as_der().to_vec();
    }),
    ("subject-form", server, |parts| {
        let subject = ["C=JP", "O=JPKI-TEST", "OU=Servers", "CN=a", "CN=b"];
        parts.subject = name(&subject).as_der().to_vec();
    }),
    ("subject-strings", subscriber, |parts| {
        // the first L as PrintableString
        let place = b"Tokyo-to";
        let found = parts.subject.windows(8).position(|w| w == place).unwrap();
        parts.subject[found - 2] = asn1::PRINTABLE_STRING;
    }),
    ("subject-lengths", server, |parts| {
        let long = asn1::sequence(&[&asn1::oid(&oid::COMMON_NAME), &asn1::utf8(&"x".repeat(65))]);
        let base = name(&["C=JP", "O=JPKI-TEST", "OU=Servers"]);
        let base = asn1::Element::parse(base.as_der()).unwrap().content;
        parts.subject = asn1::sequence(&[base, &asn1::tlv(asn1::SET, &[&long])]);
    }),
    ("common-name", subscriber, |parts| {
        let subject = ["C=JP", "L=Tokyo-to", "L=Chiyoda-ku", "CN=総務太郎"];
        parts.subject = name(&subject).as_der().to_vec();
    }),
    ("user-name", user, |parts| {
        // a number that could stand for the person in the place of the opaque one
        let subject = ["C=JP", "CN=19500401000001131010001"];
        parts.subject = name(&subject).as_der().to_vec();
    }),
    ("request-time", subscriber, |parts| {
        let number = "CN=2026112300000000007131010001";
        let subject = ["C=JP", "L=Tokyo-to", "L=Chiyoda-ku", number];
        parts.subject = name(&subject).as_der().to_vec();
    }),
    ("subject-key", subscriber, |parts| parts.set_key(&p256())),
    ("authority-key", authority, |parts| parts.set_key(&p256())),
    ("subject-key-fit", subscriber, |parts| {
        parts.set_key(&rsa(&modulus(ROCA), 65537));
    }),
    ("extensions-once", subscriber, |parts| {
        let first = parts.extensions[0].clone();
        parts.extensions.push(first);
    }),
    ("extensions-known", subscriber, |parts| {
        let value = asn1::sequence(&[&asn1::oid(&oid::CLIENT_AUTH)]);
        parts
            .extensions
            .push((oid::EXTENDED_KEY_USAGE, false, value));
    }),
    ("extensions-complete", subscriber, |parts| {
        parts.remove(oid::SUBJECT_KEY_IDENTIFIER);
    }),
    ("extensions-order", subscriber, |parts| {
        parts.extensions.swap(0, 1)
    }),
    ("extensions-criticality", subscriber, |parts| {
        parts.extensions[0].1 = false;
    }),
    ("key-usage", subscriber, |parts| {
        parts.set(oid::KEY_USAGE, asn1::named_bits([0]));
    }),
    ("basic-constraints", subscriber, |parts| {
        let authority = asn1::sequence(&[&asn1::boolean(true)]);
        parts
            .extensions
            .push((oid::BASIC_CONSTRAINTS, true, authority));
    }),
    ("extended-key-usage", server, |parts| {
        let value = asn1::sequence(&[&asn1::oid(&oid::CLIENT_AUTH)]);
        parts.set(oid::EXTENDED_KEY_USAGE, value);
    }),
    ("certificate-policies", subscriber, |parts| {
        let training = sample("signature-training.toml");
        let line = training.line(oid::CERTIFICATE_POLICIES).unwrap();
        parts.set(
            oid::CERTIFICATE_POLICIES,
            training.fixed_value(line.name).unwrap(),
        );
    }),
    ("ocsp-no-check", responder, |parts| {
        parts.set(oid::OCSP_NO_CHECK, asn1::sequence(&[]));
    }),
    ("subject-key-id", subscriber, |parts| {
        parts.set(oid::SUBJECT_KEY_IDENTIFIER, asn1::octet_string(&[7; 20]));
    }),
    ("authority-key-id", subscriber, |parts| {
        let id = asn1::tlv(asn1::implicit(0), &[&[7; 20]]);
        parts.set(oid::AUTHORITY_KEY_IDENTIFIER, asn1::sequence(&[&id]));
    }),
    ("issuer-alternative-name", subscriber, |parts| {
        let other = asn1::tlv(asn1::explicit(4), &[name(&["OU=大阪府知事"]).as_der()]);
        parts.set(oid::ISSUER_ALT_NAME, asn1::sequence(&[&other]));
    }),
    ("authority-alternative-name", authority, |parts| {
        let other = asn1::tlv(asn1::explicit(4), &[name(&["OU=大阪府知事"]).as_der()]);
        parts.set(oid::SUBJECT_ALT_NAME, asn1::sequence(&[&other]));
    }),
    ("distribution-point", subscriber, |parts| {
        let point = DistributionPoint::new(name(&POINT), URI.map(str::to_owned));
        let point = asn1::sequence(&[&point.name_der()]);
        parts.set(
            oid::CRL_DISTRIBUTION_POINTS,
            asn1::sequence(&[&point, &point]),
        );
    }),
    ("distribution-point-base", subscriber, |parts| {
        parts.set_point(&POINT[1..], URI);
    }),
    ("distribution-point-municipality", subscriber, |parts| {
        let mut point = POINT;
        point[5] = "CN=Minato-ku CRLDP";
        parts.set_point(&point, URI);
    }),
    ("distribution-point-uri", subscriber, |parts| {
        parts.set_point(&POINT, Some("http://pki.example/crl/sign/13103.crl"));
    }),
    ("authority-information-access", subscriber, |parts| {
        parts.remove(oid::AUTHORITY_INFO_ACCESS);
    }),
    ("server-names", server, |parts| {
        let wildcard = asn1::tlv(asn1::implicit(2), &[b"*.example"]);
        parts.set(oid::SUBJECT_ALT_NAME, asn1::sequence(&[&wildcard]));
    }),
    ("items-six", subscriber, |parts| {
        let mut items = ITEMS;
        items.swap(0, 1);
        parts.set_items(&items);
    }),
    ("items-name", subscriber, |parts| {
        parts.change_items(&[
            (oid::JPKI_NAME, "総務太郎　"),
            (oid::JPKI_NAME_SUBSTITUTION, "00000"),
        ]);
    }),
    ("items-address", subscriber, |parts| {
        parts.change_items(&[
            (oid::JPKI_ADDRESS, "　東京都"),
            (oid::JPKI_ADDRESS_SUBSTITUTION, "0000"),
        ]);
    }),
    ("items-repertoire", subscriber, |parts| {
        parts.change_items(&[(oid::JPKI_NAME, "髙橋　花子")]);
    }),
    ("items-sex", subscriber, |parts| {
        parts.change_items(&[(oid::JPKI_SEX, "3")]);
    }),
    ("items-birth-date", subscriber, |parts| {
        parts.change_items(&[(oid::JPKI_BIRTH_DATE, "319500431")]);
    }),
    ("items-born", subscriber, |parts| {
        parts.change_items(&[(oid::JPKI_BIRTH_DATE, "520261123")]);
    }),
    ("substitution-length", subscriber, |parts| {
        parts.change_items(&[(oid::JPKI_NAME_SUBSTITUTION, "0000")]);
    }),
    ("substitution-digits", subscriber, |parts| {
        parts.change_items(&[(oid::JPKI_NAME_SUBSTITUTION, "00002")]);
    }),
];

fn faults(good: &Good, parts: &Parts) -> Vec<&'static str> {
    let faults: Vec<LintFault> = check(&parts.to_der(), &good.profile, &good.issuer)
        .err()
        .unwrap_or_default();
    faults.iter().map(|fault| fault.lint).collect()
}

#[test]
fn each_lint_has_bytes_to_sign_that_only_it_rejects() {
    for (lint, good, spoil) in CASES {
        let good = good();
        assert_eq!(faults(&good, &good.parts), [""; 0], "before: {lint}");
        let mut spoiled = good.parts.clone();
        spoil(&mut spoiled);
        assert_eq!(faults(&good, &spoiled), [*lint]);
    }
}

/// Sentences that another kind of certificate shows broken above, on the certificate for signing in.
const USER_CASES: &[Case] = &[
    ("key-usage", user, |parts| {
        parts.set(oid::KEY_USAGE, asn1::named_bits([0, 1]));
    }),
    ("extended-key-usage", user, |parts| {
        let purposes = [asn1::oid(&oid::CLIENT_AUTH), asn1::oid(&oid::OCSP_SIGNING)];
        let value = asn1::sequence(&[&purposes.concat()]);
        parts.set(oid::EXTENDED_KEY_USAGE, value);
    }),
    ("extensions-known", user, |parts| {
        let value = asn1::tlv(asn1::explicit(0), &[&asn1::utf8("総務　太郎")]);
        let item = asn1::tlv(asn1::explicit(0), &[&asn1::oid(&oid::JPKI_NAME), &value]);
        let names = asn1::sequence(&[&item]);
        parts.extensions.push((oid::SUBJECT_ALT_NAME, false, names));
    }),
    ("certificate-policies", user, |parts| {
        let signature = sample("signature.toml");
        let line = signature.line(oid::CERTIFICATE_POLICIES).unwrap();
        parts.set(
            oid::CERTIFICATE_POLICIES,
            signature.fixed_value(line.name).unwrap(),
        );
    }),
    ("distribution-point-base", user, |parts| {
        parts.set_point(&POINT, URI);
    }),
    ("distribution-point-uri", user, |parts| {
        let mut point = POINT;
        point[2] = "OU=JPKI for user authentication";
        parts.set_point(&point, Some("http://pki.example/crl/sign/13103.crl"));
    }),
    ("subject-form", user, |parts| {
        let last = Name::from_der(&parts.subject).unwrap().last("CN").unwrap();
        parts.subject = name(&["C=JP", "L=Tokyo-to", &format!("CN={last}")])
            .as_der()
            .to_vec();
    }),
    ("validity-rule", user, |parts| {
        parts.set_times("2026-11-22T06:00:00Z", "2031-11-21T14:59:59Z");
    }),
];

#[test]
fn the_sentences_hold_for_the_certificate_for_signing_in_as_well() {
    for (lint, good, spoil) in USER_CASES {
        let good = good();
        assert_eq!(faults(&good, &good.parts), [""; 0], "before: {lint}");
        let mut spoiled = good.parts.clone();
        spoil(&mut spoiled);
        assert_eq!(faults(&good, &spoiled), [*lint]);
    }
}

#[test]
fn no_lint_is_without_such_bytes() {
    let lints: Vec<&str> = all().map(|lint| lint.name).collect();
    let cases: Vec<&str> = CASES.iter().map(|(lint, _, _)| *lint).collect();
    assert_eq!(lints, cases);
}

#[test]
fn bytes_that_are_no_certificate_or_too_many_are_unreadable() {
    let good = subscriber();
    let der = good.parts.to_der();
    for wrong in [&der[..der.len() - 1], &[&der[..], &[0]].concat(), &[]] {
        let faults = check(wrong, &good.profile, &good.issuer).unwrap_err();
        assert_eq!(faults[0].lint, "readable");
    }
}

#[test]
fn where_access_is_registered_a_uri_is_a_fault() {
    let good = subscriber();
    let mut closed = good.issuer.publication().clone();
    closed.access = Access::Registered;
    let certificate = good.issuer.certificate_der().unwrap();
    let good = Good {
        issuer: Issuer::from_certificate(certificate, closed).unwrap(),
        ..good
    };
    assert_eq!(
        faults(&good, &good.parts),
        ["distribution-point-uri", "authority-information-access"]
    );
}
