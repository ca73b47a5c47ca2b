//! Certificates, CRLs and OCSP answers before programs that were not written here.

mod certificate_support;

use certificate_support::*;
use jiff::{Timestamp, ToSpan};
use pki_core::certificate::{DistributionPoint, Serial, SignatureAlgorithm, pem};
use pki_core::revocation::ReasonCode;
use pki_core::revocation::crl::{self, CrlImage, Frame, Scope};
use pki_core::revocation::ocsp::{
    CertStatus, IssuerIds, OcspRequest, Responder, ResponseImage, SingleResponse, UnsignedResponse,
};

fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second() - 60).unwrap()
}

fn partition(governor: &Governor) -> DistributionPoint {
    let profile = sample("signature.toml", governor.algorithm);
    governor
        .issuer
        .partition_distribution_point(profile.distribution_points().unwrap(), &chiyoda())
        .unwrap()
}

fn list(governor: &Governor, scope: &Scope, number: u64, revoked: &[&Serial]) -> Vec<u8> {
    let this_update = now();
    let entries: Vec<Vec<u8>> = revoked
        .iter()
        .map(|serial| {
            crl::encode_entry(
                serial,
                this_update,
                Some(ReasonCode::CessationOfOperation),
                Some(this_update - 1.hour()),
            )
        })
        .collect();
    let frame = Frame {
        issuer: &governor.issuer,
        algorithm: governor.algorithm,
        scope,
        number,
        this_update,
        next_update: this_update + 48.hours(),
        base: None,
        freshest: None,
    };
    let unsigned = crl::plan(&frame, &entries).unwrap();
    let signature = governor.sign(unsigned.bytes_to_sign());
    unsigned.assemble(&signature, &governor.issuer).unwrap()
}

#[test]
fn openssl_and_gnutls_agree_on_good_and_revoked_with_every_algorithm() {
    for (algorithm, publication) in [
        (SignatureAlgorithm::RsaPkcs1Sha256, open()),
        (SignatureAlgorithm::RsaPkcs1Sha384, registered()),
        (SignatureAlgorithm::EcdsaP256Sha256, registered()),
        (SignatureAlgorithm::EcdsaP384Sha384, open()),
    ] {
        let governor = Governor::new(algorithm, publication);
        let taro = governor.certify_taro(now(), 0x77);
        let bystander = Serial::from_random([0x33; 16]);
        let dir = TempDir::new(&format!("judges-{algorithm:?}"));
        let pem_of =
            |file: &str, label, der: &[u8]| dir.write(file, pem::encode(label, der).as_bytes());
        let ca = pem_of("ca.pem", pem::CERTIFICATE, &governor.certificate);
        let subscriber = pem_of("subscriber.pem", pem::CERTIFICATE, taro.as_der());
        let scope = Scope::Partition(partition(&governor));
        for (kind, scope, extended) in [("full", &Scope::Full, false), ("partition", &scope, true)]
        {
            for (when, revoked, good) in [
                ("empty", vec![], true),
                ("before", vec![&bystander], true),
                ("after", vec![&bystander, taro.serial()], false),
            ] {
                let der = list(&governor, scope, 1, &revoked);
                let file = pem_of(&format!("{kind}-{when}.pem"), "X509 CRL", &der);
                let mut arguments = vec!["verify", "-x509_strict", "-crl_check"];
                if extended {
                    arguments.push("-extended_crl");
                }
                arguments.extend(["-CAfile", &ca, "-CRLfile", &file, &subscriber]);
                let (accepted, said) = run("openssl", &arguments);
                assert_eq!(accepted, good, "{algorithm:?} {kind} {when}: {said}");
                assert_eq!(said.contains("certificate revoked"), !good, "{said}");

                let (verified, said) = run(
                    "certtool",
                    &[
                        "--verify-crl",
                        "--load-ca-certificate",
                        &ca,
                        "--infile",
                        &file,
                    ],
                );
                assert!(verified, "GnuTLS {kind} {when}: {said}");
            }
        }
        let (accepted, said) = run(
            "certtool",
            &[
                "--verify",
                "--load-ca-certificate",
                &ca,
                "--infile",
                &subscriber,
            ],
        );
        assert!(accepted, "{said}");
    }
}

#[test]
fn a_partition_says_nothing_about_another_municipalitys_certificate() {
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, registered());
    let taro = governor.certify_taro(now(), 0x55);
    let profile = sample("signature.toml", governor.algorithm);
    let mut elsewhere = chiyoda();
    elsewhere.municipality = "Minato-ku".into();
    let point = governor
        .issuer
        .partition_distribution_point(profile.distribution_points().unwrap(), &elsewhere)
        .unwrap();
    let dir = TempDir::new("elsewhere");
    let ca = dir.write(
        "ca.pem",
        pem::encode(pem::CERTIFICATE, &governor.certificate).as_bytes(),
    );
    let taro_file = dir.write(
        "taro.pem",
        pem::encode(pem::CERTIFICATE, taro.as_der()).as_bytes(),
    );
    let verify = |point: DistributionPoint| {
        let der = list(&governor, &Scope::Partition(point), 1, &[]);
        let crl = dir.write("crl.pem", pem::encode("X509 CRL", &der).as_bytes());
        run(
            "openssl",
            &[
                "verify",
                "-crl_check",
                "-extended_crl",
                "-CAfile",
                &ca,
                "-CRLfile",
                &crl,
                &taro_file,
            ],
        )
    };
    let (accepted, said) = verify(point);
    assert!(!accepted && said.contains("different CRL scope"), "{said}");
    let (accepted, said) = verify(partition(&governor));
    assert!(accepted, "{said}");
}

#[test]
fn a_list_is_read_back_as_it_was_written_and_follows_only_its_predecessor() {
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, open());
    let serials: Vec<Serial> = (1..=5).map(|n| Serial::from_random([n; 16])).collect();
    let all: Vec<&Serial> = serials.iter().collect();
    let scope = Scope::Partition(partition(&governor));
    let first = list(&governor, &scope, 1, &all[..4]);
    let second = list(&governor, &scope, 2, &all[1..]);
    let (first, second) = (
        CrlImage::decode(&first).unwrap(),
        CrlImage::decode(&second).unwrap(),
    );
    first
        .verify_signature(governor.issuer.public_key())
        .unwrap();
    assert_eq!(
        first.authority_key_id.as_deref(),
        Some(governor.issuer.key_id())
    );
    let read: Vec<_> = second.entries().map(|entry| entry.unwrap()).collect();
    assert_eq!(read.len(), 4);
    assert_eq!(read[0].serial, serials[1]);
    assert_eq!(read[0].reason, Some(5));
    assert_eq!(read[0].invalidity_date, Some(read[0].revoked_at - 1.hour()));

    second.follows(&first).unwrap();
    let again = list(&governor, &scope, 1, &all);
    assert_eq!(
        CrlImage::decode(&again).unwrap().follows(&first),
        Err(pki_core::revocation::crl::SuccessionFault::Number {
            previous: 1,
            new: 1
        }),
        "two lists never have one number"
    );
    use pki_core::revocation::crl::SuccessionFault as Fault;
    assert_eq!(
        first.follows(&second),
        Err(Fault::Number {
            previous: 2,
            new: 1
        })
    );
    let full = list(&governor, &Scope::Full, 3, &all);
    assert_eq!(
        CrlImage::decode(&full).unwrap().follows(&first),
        Err(Fault::Scope)
    );
}

#[test]
fn openssl_and_gnutls_accept_ocsp_answers_to_requests_of_their_own() {
    for algorithm in [
        SignatureAlgorithm::RsaPkcs1Sha256,
        SignatureAlgorithm::EcdsaP384Sha384,
    ] {
        let governor = Governor::new(algorithm, open());
        let taro = governor.certify_taro(now(), 0x99);
        let (key, certificate) = governor.certify_responder(now());
        let responder = Responder::new(
            certificate.as_der(),
            &governor.issuer,
            SignatureAlgorithm::EcdsaP256Sha256,
        )
        .unwrap();
        let dir = TempDir::new(&format!("ocsp-{algorithm:?}"));
        let ca = dir.write(
            "ca.pem",
            pem::encode(pem::CERTIFICATE, &governor.certificate).as_bytes(),
        );
        let taro_file = dir.write(
            "taro.pem",
            pem::encode(pem::CERTIFICATE, taro.as_der()).as_bytes(),
        );
        let ids = IssuerIds::of(&governor.issuer);
        for hash in ["-sha1", "-sha256"] {
            let request_file = dir.path().join("request.der").to_str().unwrap().to_owned();
            let (made, said) = run(
                "openssl",
                &[
                    "ocsp",
                    hash,
                    "-issuer",
                    &ca,
                    "-cert",
                    &taro_file,
                    "-serial",
                    "0x1234",
                    "-reqout",
                    &request_file,
                ],
            );
            assert!(made, "{said}");
            let request = OcspRequest::parse(&std::fs::read(&request_file).unwrap()).unwrap();
            assert_eq!(request.certificates.len(), 2);
            assert!(
                request.certificates.iter().all(|id| ids.issued(id)),
                "{hash}"
            );
            assert_eq!(request.certificates[0].serial().as_ref(), Ok(taro.serial()));
            assert!(request.nonce.is_some());
            let revoked = CertStatus::Revoked {
                at: now(),
                reason: Some(ReasonCode::KeyCompromise),
            };
            for (status, said_of_it) in [(CertStatus::Good, ": good"), (revoked, ": revoked")] {
                let answers: Vec<SingleResponse<'_>> = request
                    .certificates
                    .iter()
                    .zip([status, CertStatus::Unknown])
                    .map(|(certificate, status)| SingleResponse {
                        certificate,
                        status,
                        this_update: now(),
                        next_update: now() + 1.hour(),
                    })
                    .collect();
                let unsigned =
                    UnsignedResponse::plan(&responder, now(), &answers, request.nonce.as_deref());
                let signature = key.sign(
                    SignatureAlgorithm::EcdsaP256Sha256,
                    unsigned.bytes_to_sign(),
                );
                let der = unsigned.assemble(&signature, &responder).unwrap();
                let response = dir.write("response.der", &der);
                let (accepted, said) = run(
                    "openssl",
                    &[
                        "ocsp",
                        hash,
                        "-issuer",
                        &ca,
                        "-cert",
                        &taro_file,
                        "-serial",
                        "0x1234",
                        "-no_nonce", // the request has one
                        "-reqin",
                        &request_file,
                        "-respin",
                        &response,
                        "-CAfile",
                        &ca,
                    ],
                );
                assert!(accepted && said.contains("Response verify OK"), "{said}");
                assert!(
                    said.contains(said_of_it) && said.contains("0x1234: unknown"),
                    "{said}"
                );

                let read = ResponseImage::verify(&der, &governor.issuer).unwrap();
                assert_eq!(read.answers[0].status, status);
                assert_eq!(read.nonce, request.nonce);
                let (read, said) = run(
                    "ocsptool",
                    &[
                        "--verify-response",
                        "--load-trust",
                        &ca,
                        "--load-response",
                        &response,
                    ],
                );
                assert!(read && said.contains("Success"), "{said}");
            }
        }
    }
}

#[test]
fn an_independent_decoder_reads_the_answer_as_it_was_meant() {
    // x509-ocsp stands on the older `der` and shares no code with ours.
    use der_0_7::Decode as _;
    use x509_ocsp::{BasicOcspResponse, OcspResponse, ResponderId};
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, open());
    let taro = governor.certify_taro(now(), 0x42);
    let (key, certificate) = governor.certify_responder(now());
    let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
    let responder = Responder::new(certificate.as_der(), &governor.issuer, algorithm).unwrap();
    let id =
        pki_core::revocation::ocsp::CertId::new(&IssuerIds::of(&governor.issuer), taro.serial());
    let answer = SingleResponse {
        certificate: &id,
        status: CertStatus::Good,
        this_update: now(),
        next_update: now() + 1.hour(),
    };
    let unsigned = UnsignedResponse::plan(&responder, now(), &[answer], Some(&[7; 128]));
    let signature = key.sign(algorithm, unsigned.bytes_to_sign());
    let der = unsigned.assemble(&signature, &responder).unwrap();
    assert!(ResponseImage::verify(&der, &governor.issuer).is_ok());
    let at = der
        .windows(signature.len())
        .position(|part| part == signature);
    for at in [at.unwrap() - 200, at.unwrap() + signature.len() - 1] {
        let mut changed = der.clone();
        changed[at] ^= 1;
        assert!(
            ResponseImage::verify(&changed, &governor.issuer).is_err(),
            "octet {at}"
        );
    }
    let response = OcspResponse::from_der(&der).unwrap();
    let bytes = response.response_bytes.unwrap();
    let basic = BasicOcspResponse::from_der(bytes.response.as_bytes()).unwrap();
    assert_eq!(basic.nonce().unwrap().0.as_bytes(), [7; 128]);
    let single = &basic.tbs_response_data.responses[0];
    assert!(matches!(single.cert_status, x509_ocsp::CertStatus::Good(_)));
    assert_eq!(
        single.cert_id.serial_number.as_bytes(),
        taro.serial().as_octets()
    );
    assert!(matches!(
        basic.tbs_response_data.responder_id,
        ResponderId::ByKey(ref hash) if hash.as_bytes() == key.public().key_id()
    ));
}

#[test]
fn what_another_key_has_signed_does_not_leave() {
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, open());
    let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
    let frame = Frame {
        issuer: &governor.issuer,
        algorithm,
        scope: &Scope::Full,
        number: 1,
        this_update: now(),
        next_update: now() + 48.hours(),
        base: None,
        freshest: None,
    };
    let (key, certificate) = governor.certify_responder(now());
    let unsigned = crl::plan::<Vec<u8>>(&frame, &[]).unwrap();
    let foreign = key.sign(algorithm, unsigned.bytes_to_sign());
    assert!(unsigned.assemble(&foreign, &governor.issuer).is_err());

    let responder = Responder::new(certificate.as_der(), &governor.issuer, algorithm).unwrap();
    let taro = governor.certify_taro(now(), 0x42);
    let id =
        pki_core::revocation::ocsp::CertId::new(&IssuerIds::of(&governor.issuer), taro.serial());
    let answer = SingleResponse {
        certificate: &id,
        status: CertStatus::Good,
        this_update: now(),
        next_update: now() + 1.hour(),
    };
    let unsigned = UnsignedResponse::plan(&responder, now(), &[answer], None);
    let foreign = governor.sign(unsigned.bytes_to_sign());
    assert!(unsigned.assemble(&foreign, &responder).is_err());
}
