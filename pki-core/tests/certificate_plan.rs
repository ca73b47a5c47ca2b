//! From a decision to a certificate: rules of time, faults of planning, stored bytes.

mod certificate_support;

use std::net::IpAddr;

use certificate_support::*;
use pki_core::certificate::profile::SAMPLES;
use pki_core::certificate::{
    AssembleFault, CertificateImage, Issuer, IssuerFault, Party, PlanFault, PlanInput, Profile,
    Serial, SignatureAlgorithm, Subject, Subscriber, Unsigned, pem, plan, request,
};

const P256: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;

struct Scene {
    governor: Governor,
    profile: Profile,
    holder: pki_core::certificate::PublicKey,
}

impl Scene {
    fn new() -> Self {
        Self {
            governor: Governor::new(P256, open()),
            profile: sample("signature.toml", P256),
            holder: SoftKey::new(SignatureAlgorithm::RsaPkcs1Sha256).public(),
        }
    }

    fn plan(&self, now: &str, window: &str) -> Result<Unsigned, PlanFault> {
        plan(&PlanInput {
            profile: &self.profile,
            issuer: &self.governor.issuer,
            serial: &Serial::from_random([0xFF; 16]),
            now: at(now),
            public_key: &self.holder,
            subject: Subject::Subscriber(Subscriber {
                items: &tokyo_items(),
                place: &chiyoda(),
                terminal: window.parse().unwrap(),
                requested_at: at(now),
                sequence: 123_456,
            }),
        })
    }

    fn issue(&self, now: &str) -> CertificateImage {
        let unsigned = self.plan(now, "131010001").unwrap();
        let signature = self.governor.sign(unsigned.bytes_to_sign());
        unsigned
            .assemble(&signature, &self.governor.issuer)
            .unwrap()
            .image()
            .unwrap()
    }
}

#[test]
fn three_years_are_counted_on_japanese_days_with_the_day_of_issue() {
    let scene = Scene::new();
    for (now, last) in [
        ("2026-11-22T06:00:00Z", "2029-11-21T14:59:59Z"),
        // a second before midnight in Japan, and midnight
        ("2026-11-22T14:59:59Z", "2029-11-21T14:59:59Z"),
        ("2026-11-22T15:00:00Z", "2029-11-22T14:59:59Z"),
        // the first of March ends with February, the 29th with the 28th
        ("2028-02-29T03:00:00Z", "2031-02-28T14:59:59Z"),
        ("2029-03-01T03:00:00Z", "2032-02-29T14:59:59Z"),
        ("2028-12-31T15:00:00Z", "2031-12-31T14:59:59Z"),
    ] {
        assert_eq!(scene.issue(now).not_after, at(last), "issued {now}");
    }
}

#[test]
fn the_issued_certificate_says_what_was_decided() {
    let image = Scene::new().issue("2026-11-22T06:00:00.75Z");
    let items = tokyo_items();
    assert!(image.personal == Some(items.to_text()));
    assert_eq!(image.birth_date(), Some(items.birth_date()));
    assert_eq!(image.not_before, at("2026-11-22T06:00:00Z"));
    let number = image.number.as_ref().unwrap();
    assert_eq!(number.sequence, 23_456, "the last five digits");
    assert_eq!(number.window.as_str(), "131010001");
    assert!(image.is_in_effect(at("2029-11-21T14:59:59.9Z")));
    assert!(!image.is_in_effect(at("2029-11-21T15:00:00Z")));
    assert!(!image.is_in_effect(at("2026-11-22T05:59:59Z")));
}

#[test]
fn a_window_of_another_municipality_gets_no_certificate() {
    let fault = Scene::new().plan("2026-11-22T06:00:00Z", "131030001");
    assert_eq!(fault.unwrap_err(), PlanFault::Place);
}

#[test]
fn a_certificate_that_would_outlive_its_issuer_is_not_signed() {
    let fault = Scene::new()
        .plan("2033-11-22T06:00:00Z", "131010001")
        .unwrap_err();
    assert!(
        matches!(&fault, PlanFault::Lints(faults) if faults.0[0].lint == "validity-within-issuer"),
        "{fault}"
    );
}

#[test]
fn a_key_or_an_algorithm_that_does_not_fit_is_told() {
    let mut scene = Scene::new();
    scene.holder = SoftKey::new(P256).public();
    let fault = scene.plan("2026-11-22T06:00:00Z", "131010001");
    assert_eq!(fault.unwrap_err(), PlanFault::KeyKind);
    let mut scene = Scene::new();
    scene.profile = sample("signature.toml", SignatureAlgorithm::RsaPkcs1Sha256);
    let fault = scene.plan("2026-11-22T06:00:00Z", "131010001");
    assert_eq!(fault.unwrap_err(), PlanFault::Algorithm);
    scene.profile = sample("terminal.toml", P256);
    scene.holder = SoftKey::new(P256).public();
    let fault = scene.plan("2026-11-22T06:00:00Z", "131010001");
    assert_eq!(fault.unwrap_err(), PlanFault::SubjectKind);
}

#[test]
fn stored_bytes_are_linted_again_and_become_the_same_certificate() {
    let scene = Scene::new();
    let issuer = &scene.governor.issuer;
    let planned = scene.plan("2026-11-22T06:00:00Z", "131010001").unwrap();
    let bytes = planned.bytes_to_sign().to_vec();
    let stored = Unsigned::from_stored(bytes.clone(), &scene.profile, issuer).unwrap();
    assert_eq!(stored, planned);
    for at in 0..bytes.len() {
        // Lints guard every octet but the serial number's own random ones.
        let mut spoiled = bytes.clone();
        spoiled[at] ^= 0x80;
        if let Ok(unsigned) = Unsigned::from_stored(spoiled.clone(), &scene.profile, issuer) {
            assert_eq!(unsigned.bytes_to_sign(), spoiled);
            assert_ne!(unsigned.serial(), stored.serial(), "octet {at}");
        }
    }
    let training = sample("signature-training.toml", P256);
    let fault = Unsigned::from_stored(bytes, &training, issuer).unwrap_err();
    assert_eq!(fault.0[0].lint, "certificate-policies");
}

#[test]
fn another_keys_signature_makes_no_certificate() {
    let scene = Scene::new();
    let unsigned = scene.plan("2026-11-22T06:00:00Z", "131010001").unwrap();
    let signature = SoftKey::new(P256).sign(P256, unsigned.bytes_to_sign());
    let made = unsigned.assemble(&signature, &scene.governor.issuer);
    assert!(matches!(made, Err(AssembleFault::Signature(_))));
}

#[test]
fn a_leaf_or_a_certificate_with_a_foreign_signature_is_no_issuer() {
    let governor = Governor::new(P256, open());
    let taro = governor.certify_taro(at("2026-11-22T06:00:00Z"), 1);
    let fault = Issuer::from_certificate(taro.as_der(), open());
    assert!(matches!(fault, Err(IssuerFault::NotAnAuthority)));
    let mut spoiled = governor.certificate.clone();
    let last = spoiled.len() - 1;
    spoiled[last] ^= 1;
    let fault = Issuer::from_certificate(&spoiled, open());
    assert!(matches!(fault, Err(IssuerFault::SelfSignature)));
    let mut publication = open();
    for segment in ["", "../x", "A", "a/b"] {
        publication.segment = segment.into();
        let fault = Issuer::from_certificate(&governor.certificate, publication.clone());
        assert!(matches!(fault, Err(IssuerFault::Publication)), "{segment}");
    }
}

/// An infrastructure CA and what it certifies.
fn party(file: &str, dns: &[&str], addresses: &[IpAddr]) -> Result<(Vec<u8>, Vec<u8>), PlanFault> {
    let key = SoftKey::new(P256);
    let serial = Serial::from_random([9; 16]);
    let itself = Issuer::self_signed(
        name(&["C=JP", "O=JPKI-TEST", "OU=Infrastructure CA"]),
        None,
        key.public(),
        &serial,
        registered(),
    )
    .unwrap();
    let sign = |input: &PlanInput<'_>| -> Result<Vec<u8>, PlanFault> {
        let unsigned = plan(input)?;
        let signature = key.sign(P256, unsigned.bytes_to_sign());
        Ok(unsigned
            .assemble(&signature, input.issuer)
            .unwrap()
            .into_der())
    };
    let now = jiff::Timestamp::now();
    let ca = sign(&PlanInput {
        profile: &sample("infrastructure-ca.toml", P256),
        issuer: &itself,
        serial: &serial,
        now,
        public_key: &key.public(),
        subject: Subject::Authority,
    })?;
    let made = request::create_p256("13101-0001").unwrap();
    let csr = pem::decode(pem::REQUEST, &made.request_pem).unwrap();
    let proved = request::parse_party_request(&csr).unwrap();
    let dns_names: Vec<String> = dns.iter().map(|name| (*name).to_owned()).collect();
    let certificate = sign(&PlanInput {
        profile: &sample(file, P256),
        issuer: &Issuer::from_certificate(&ca, registered()).unwrap(),
        serial: &Serial::from_random([10; 16]),
        now,
        public_key: &proved.public_key,
        subject: Subject::Party(Party {
            id: "13101-0001",
            dns_names: &dns_names,
            ip_addresses: addresses,
        }),
    })?;
    Ok((ca, certificate))
}

#[test]
fn openssl_takes_each_party_for_what_it_is_and_for_nothing_else() {
    let dir = TempDir::new("parties");
    for (file, purpose, other) in [
        ("server.toml", "sslserver", "sslclient"),
        ("gateway.toml", "sslclient", "sslserver"),
        ("terminal.toml", "sslclient", "sslserver"),
        ("kiosk.toml", "sslclient", "sslserver"),
        ("operator.toml", "sslclient", "sslserver"),
    ] {
        let (ca, leaf) = party(file, &["localhost"], &["127.0.0.1".parse().unwrap()]).unwrap();
        let ca = dir.write("ca.pem", pem::encode(pem::CERTIFICATE, &ca).as_bytes());
        let leaf = dir.write("leaf.pem", pem::encode(pem::CERTIFICATE, &leaf).as_bytes());
        let verify = |purpose| {
            let strict = ["verify", "-x509_strict", "-purpose", purpose, "-CAfile"];
            run("openssl", &[&strict[..], &[&ca, &leaf]].concat())
        };
        let (accepted, said) = verify(purpose);
        assert!(accepted, "{file}: {said}");
        let (accepted, said) = verify(other);
        assert!(!accepted, "{file}: {said}");
        if file == "server.toml" {
            let named = ["verify", "-verify_hostname", "localhost", "-CAfile", &ca];
            assert!(run("openssl", &[&named[..], &[&leaf]].concat()).0);
        }
    }
}

#[test]
fn a_server_without_a_name_or_with_a_malformed_one_is_refused() {
    let fault = |dns: &[&str]| party("server.toml", dns, &[]).unwrap_err();
    assert_eq!(fault(&[]), PlanFault::NoServerName);
    for name in ["*.example", "Example", "a..b", "-a", "a_b", ""] {
        assert_eq!(fault(&[name]), PlanFault::DnsName(name.into()));
    }
}

#[test]
fn openssl_verifies_a_request_and_reads_its_key() {
    let made = request::create_p256("131010001").unwrap();
    let dir = TempDir::new("request");
    let csr = dir.write("request.pem", made.request_pem.as_bytes());
    let key = dir.write("key.pem", made.private_key_pem.as_bytes());
    let (accepted, said) = run(
        "openssl",
        &["req", "-in", &csr, "-verify", "-noout", "-subject"],
    );
    assert!(accepted && said.contains("CN = 131010001"), "{said}");
    let (_, of_key) = run("openssl", &["pkey", "-in", &key, "-pubout"]);
    let (_, of_request) = run("openssl", &["req", "-in", &csr, "-noout", "-pubkey"]);
    assert_eq!(of_key, of_request);
}

#[test]
fn every_sample_profile_works_with_every_algorithm() {
    for algorithm in SignatureAlgorithm::ALL {
        let governor = Governor::new(algorithm, open());
        governor.certify_taro(at("2026-11-22T06:00:00Z"), 2);
        governor.certify_responder(at("2026-11-22T06:00:00Z"));
        for (file, _) in SAMPLES {
            assert_eq!(sample(file, algorithm).signature(), algorithm, "{file}");
        }
    }
}

#[test]
fn an_independent_decoder_reads_the_certificate_and_writes_the_same_bytes() {
    use x509_cert::der::{Decode as _, Encode as _};
    use x509_cert::ext::pkix;
    let governor = Governor::new(P256, open());
    let taro = governor.certify_taro(at("2026-11-22T06:00:00Z"), 3);
    let (_, responder) = governor.certify_responder(at("2026-11-22T06:00:00Z"));
    for der in [taro.as_der(), responder.as_der(), &governor.certificate] {
        let read = x509_cert::Certificate::from_der(der).unwrap();
        assert_eq!(read.to_der().unwrap(), der);
    }
    let read = x509_cert::Certificate::from_der(taro.as_der()).unwrap();
    let tbs = read.tbs_certificate();
    let image = taro.image().unwrap();
    assert_eq!(tbs.serial_number().as_bytes(), taro.serial().as_octets());
    assert_eq!(tbs.subject().to_der().unwrap(), image.subject.as_der());
    let extension = |critical, found: bool| assert_eq!(critical, found);
    let (critical, usage) = tbs.get_extension::<pkix::KeyUsage>().unwrap().unwrap();
    extension(critical, true);
    assert!(usage.digital_signature() && usage.non_repudiation() && !usage.key_cert_sign());
    let (critical, policies) = tbs
        .get_extension::<pkix::CertificatePolicies>()
        .unwrap()
        .unwrap();
    extension(critical, true);
    assert_eq!(
        policies.0[0].policy_identifier.to_string(),
        image.policies[0].oid
    );
    let (critical, names) = tbs
        .get_extension::<pkix::SubjectAltName>()
        .unwrap()
        .unwrap();
    extension(critical, false);
    let texts: Vec<String> = names
        .0
        .iter()
        .map(|name| match name {
            pkix::name::GeneralName::OtherName(other) => other.value.decode_as::<String>().unwrap(),
            _ => panic!("only otherNames"),
        })
        .collect();
    assert_eq!(texts[0], "総務　太郎");
    assert_eq!(texts[3], "東京都千代田区霞が関２丁目１番２号");
}

#[test]
fn openssl_finds_the_right_generation_of_a_ca_that_keeps_its_name() {
    let now = jiff::Timestamp::now();
    let now = jiff::Timestamp::from_second(now.as_second() - 60).unwrap();
    let generations = [Governor::new(P256, open()), Governor::new(P256, open())];
    let dir = TempDir::new("generations");
    let both: String = generations
        .iter()
        .map(|governor| pem::encode(pem::CERTIFICATE, &governor.certificate))
        .collect();
    let both = dir.write("both.pem", both.as_bytes());
    for governor in &generations {
        let taro = governor.certify_taro(now, 4);
        let leaf = dir.write(
            "leaf.pem",
            pem::encode(pem::CERTIFICATE, taro.as_der()).as_bytes(),
        );
        let (accepted, said) = run(
            "openssl",
            &["verify", "-x509_strict", "-CAfile", &both, &leaf],
        );
        assert!(accepted, "{said}");
    }
}

#[test]
fn a_certificate_is_in_effect_from_its_first_second_to_the_end_of_its_last() {
    let taro = Governor::new(P256, open()).certify_taro(at("2026-11-22T06:00:00Z"), 7);
    let image = CertificateImage::decode(taro.as_der()).unwrap();
    let later = |from: jiff::Timestamp, ms| from + jiff::SignedDuration::from_millis(ms);
    for (instant, in_effect) in [
        (later(image.not_before, -1), false),
        (image.not_before, true),
        (later(image.not_after, 999), true),
        (later(image.not_after, 1_000), false),
    ] {
        assert_eq!(image.is_in_effect(instant), in_effect, "{instant}");
    }
}

/// RFC 5280 §4.1.1.2: the algorithm outside the signed part is the one inside it.
#[test]
fn a_certificate_that_names_two_algorithms_is_none() {
    let taro = Governor::new(P256, open()).certify_taro(at("2026-11-22T06:00:00Z"), 7);
    let mut der = taro.as_der().to_vec();
    let named = P256.identifier_der();
    let outside = der
        .windows(named.len())
        .rposition(|part| part == named)
        .unwrap();
    // ecdsa-with-SHA384 has the next number.
    der[outside + named.len() - 1] += 1;
    assert!(CertificateImage::decode(taro.as_der()).is_ok());
    assert!(CertificateImage::decode(&der).is_err());
}
