use super::*;
use crate::certificate::tbs::extension;

fn cert_id(hash: &const_oid::ObjectIdentifier, serial: &[u8]) -> Vec<u8> {
    let algorithm = asn1::sequence(&[&asn1::oid(hash), &asn1::null()]);
    asn1::sequence(&[
        &algorithm,
        &asn1::octet_string(&[1; 20]),
        &asn1::octet_string(&[2; 20]),
        &asn1::tlv(asn1::INTEGER, &[serial]),
    ])
}

fn single() -> Vec<u8> {
    asn1::sequence(&[&cert_id(&oid::SHA1, &[5])])
}

fn request(singles: &[Vec<u8>], extensions: &[Vec<u8>]) -> Vec<u8> {
    let wrapped = if extensions.is_empty() {
        vec![]
    } else {
        asn1::tlv(
            asn1::explicit(2),
            &[&asn1::sequence(&[&extensions.concat()])],
        )
    };
    let list = asn1::sequence(&[&singles.concat()]);
    asn1::sequence(&[&asn1::sequence(&[&list, &wrapped])])
}

fn nonce(octets: usize) -> Vec<u8> {
    extension(
        &oid::OCSP_NONCE,
        false,
        &asn1::octet_string(&vec![9; octets]),
    )
}

#[test]
fn nonces_of_1_to_128_octets_are_taken_and_others_are_malformed() {
    for octets in [1, 32, 128] {
        let parsed = OcspRequest::parse(&request(&[single()], &[nonce(octets)])).unwrap();
        assert_eq!(parsed.nonce, Some(vec![9; octets]));
    }
    for octets in [0, 129] {
        let parsed = OcspRequest::parse(&request(&[single()], &[nonce(octets)]));
        assert_eq!(parsed, Err(RequestFault::Nonce));
    }
    let twice = request(&[single()], &[nonce(8), nonce(8)]);
    assert_eq!(OcspRequest::parse(&twice), Err(RequestFault::Nonce));
}

#[test]
fn a_request_asks_for_one_to_sixteen_certificates() {
    let of = |count: usize| OcspRequest::parse(&request(&vec![single(); count], &[]));
    assert_eq!(of(0), Err(RequestFault::Empty));
    assert_eq!(of(16).unwrap().certificates.len(), 16);
    assert_eq!(of(17), Err(RequestFault::TooMany));
    assert_eq!(
        OcspRequest::parse(&[0; MAX_OCTETS + 1]),
        Err(RequestFault::TooLong)
    );
}

#[test]
fn an_unknown_critical_extension_is_refused_and_another_is_passed_over() {
    let unknown = |critical| extension(&oid::CRL_NUMBER, critical, &[5, 0]);
    let of = |critical| OcspRequest::parse(&request(&[single()], &[unknown(critical)]));
    assert_eq!(of(true), Err(RequestFault::Critical));
    assert!(of(false).is_ok());
    let list = asn1::sequence(&[&unknown(true)]);
    let in_single = asn1::sequence(&[
        &cert_id(&oid::SHA1, &[5]),
        &asn1::tlv(asn1::explicit(0), &[&list]),
    ]);
    let parsed = OcspRequest::parse(&request(&[in_single], &[]));
    assert_eq!(parsed, Err(RequestFault::Critical));
}

#[test]
fn serial_numbers_that_nobody_has_are_asked_for_in_vain_and_not_in_error() {
    let long = vec![1; 21];
    for serial in [&[0u8][..], &[0x80], &long] {
        let id = asn1::sequence(&[&cert_id(&oid::SHA256, serial)]);
        let parsed = OcspRequest::parse(&request(&[id], &[])).unwrap();
        assert!(parsed.certificates[0].serial().is_err());
        assert_eq!(parsed.certificates[0].hash(), CertIdHash::Sha256);
    }
    let md5 = const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.2.5");
    let id = asn1::sequence(&[&cert_id(&md5, &[5])]);
    let parsed = OcspRequest::parse(&request(&[id], &[])).unwrap();
    assert_eq!(parsed.certificates[0].hash(), CertIdHash::Other);
}

#[test]
fn preferred_algorithms_are_read_in_their_order() {
    let preferred = |algorithm: SignatureAlgorithm| asn1::sequence(&[&algorithm.identifier_der()]);
    let list = asn1::sequence(&[
        &preferred(SignatureAlgorithm::EcdsaP384Sha384),
        &asn1::sequence(&[&asn1::sequence(&[&asn1::oid(&oid::SHA1)])]),
        &preferred(SignatureAlgorithm::RsaPkcs1Sha256),
    ]);
    let wish = extension(&oid::OCSP_PREFERRED_ALGORITHMS, false, &list);
    let parsed = OcspRequest::parse(&request(&[single()], &[wish])).unwrap();
    assert_eq!(
        parsed.preferred,
        [
            SignatureAlgorithm::EcdsaP384Sha384,
            SignatureAlgorithm::RsaPkcs1Sha256
        ]
    );
}

#[test]
fn another_version_and_spoiled_bytes_are_refused_without_panic() {
    let list = asn1::sequence(&[&single()]);
    let version = asn1::tlv(asn1::explicit(0), &[&[2, 1, 1]]);
    let second = asn1::sequence(&[&asn1::sequence(&[&version, &list])]);
    assert_eq!(OcspRequest::parse(&second), Err(RequestFault::Version));

    let good = request(&[single()], &[nonce(16)]);
    for at in 0..good.len() {
        assert!(OcspRequest::parse(&good[..at]).is_err());
        for bit in 0..8 {
            let mut spoiled = good.clone();
            spoiled[at] ^= 1 << bit;
            let _ = OcspRequest::parse(&spoiled);
        }
    }
}
