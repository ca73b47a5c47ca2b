//! Long lists are streamed: what is written is what is signed, in bounded memory.

mod certificate_support;

use std::io::Write as _;

use certificate_support::*;
use jiff::ToSpan as _;
use pki_core::certificate::{Serial, SignatureAlgorithm, pem};
use pki_core::revocation::ReasonCode;
use pki_core::revocation::crl::{CrlFault, CrlImage, Frame, Scope, UnsignedFrame, encode_entry};

const COUNT: u32 = 20_000;

fn serial(number: u32) -> Serial {
    let mut random = [0; 16];
    random[..4].copy_from_slice(&number.to_be_bytes());
    Serial::from_random(random)
}

fn entries() -> impl Iterator<Item = Vec<u8>> {
    (0..COUNT).map(|number| {
        encode_entry(
            &serial(number),
            at("2026-11-22T06:00:00Z"),
            Some(ReasonCode::AffiliationChanged),
            None,
        )
    })
}

/// Header, bytes signed and trailer of a list, the middle never in memory as a whole.
fn streamed(governor: &Governor, length: u64) -> Result<Vec<u8>, CrlFault> {
    let this_update = at("2026-11-22T06:00:00Z");
    let frame = Frame {
        issuer: &governor.issuer,
        algorithm: governor.algorithm,
        scope: &Scope::Full,
        number: 7,
        this_update,
        next_update: this_update + 48.hours(),
        base: None,
        freshest: None,
    };
    let unsigned = UnsignedFrame::new(&frame, length)?;
    // Signing here takes the message; with a token it takes the digest.
    let mut message = Vec::new();
    unsigned.write_signed(&mut message, entries())?;
    assert_eq!(message.len() as u64, unsigned.signed_length());
    let mut hasher = governor.algorithm.hasher();
    unsigned.write_signed(&mut hasher, entries())?;
    let signature = governor.sign(&message);
    governor
        .issuer
        .public_key()
        .verify_digest(governor.algorithm, hasher.finish(), &signature)?;

    let mut list = unsigned.outer_prefix(&signature);
    unsigned.write_signed(&mut list, entries())?;
    list.write_all(&unsigned.outer_suffix(&signature))?;
    Ok(list)
}

#[test]
fn a_streamed_list_is_read_by_openssl_and_by_us_with_every_entry() {
    let length = entries().map(|entry| entry.len() as u64).sum();
    for algorithm in [
        SignatureAlgorithm::RsaPkcs1Sha256,
        SignatureAlgorithm::EcdsaP384Sha384,
    ] {
        let governor = Governor::new(algorithm, registered());
        let der = streamed(&governor, length).unwrap();
        let image = CrlImage::decode(&der).unwrap();
        image
            .verify_signature(governor.issuer.public_key())
            .unwrap();
        let mut count = 0;
        for (number, entry) in image.entries().enumerate() {
            assert_eq!(entry.unwrap().serial, serial(number as u32));
            count += 1;
        }
        assert_eq!(count, COUNT);

        let dir = TempDir::new(&format!("streamed-{algorithm:?}"));
        let crl = dir.write("list.crl", &der);
        let ca = pem::encode(pem::CERTIFICATE, &governor.certificate);
        let ca = dir.write("ca.pem", ca.as_bytes());
        let (verified, said) = run(
            "openssl",
            &[
                "crl", "-inform", "DER", "-in", &crl, "-CAfile", &ca, "-text", "-noout",
            ],
        );
        assert!(verified && said.contains("verify OK"), "{}", &said[..400]);
        assert_eq!(said.matches("Serial Number:").count() as u32, COUNT);
        assert!(said.contains("X509v3 CRL Number: \n                7"));
    }
}

#[test]
fn entries_that_are_not_those_announced_make_no_list() {
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, registered());
    let length: u64 = entries().map(|entry| entry.len() as u64).sum();
    for wrong in [length - 1, length + 1] {
        assert!(matches!(
            streamed(&governor, wrong),
            Err(CrlFault::Length { announced, .. }) if announced == wrong
        ));
    }
}

#[test]
fn a_frame_that_contradicts_itself_is_refused() {
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, registered());
    let now = at("2026-11-22T06:00:00Z");
    let scope = Scope::Full;
    let frame = || Frame {
        issuer: &governor.issuer,
        algorithm: governor.algorithm,
        scope: &scope,
        number: 7,
        this_update: now,
        next_update: now + 1.hour(),
        base: None,
        freshest: None,
    };
    let mut times = frame();
    times.next_update = now;
    assert!(matches!(
        UnsignedFrame::new(&times, 0),
        Err(CrlFault::Times)
    ));
    let mut algorithm = frame();
    algorithm.algorithm = SignatureAlgorithm::RsaPkcs1Sha256;
    assert!(matches!(
        UnsignedFrame::new(&algorithm, 0),
        Err(CrlFault::Algorithm)
    ));
    let mut base = frame();
    base.base = Some(7);
    assert!(matches!(UnsignedFrame::new(&base, 0), Err(CrlFault::Base)));
}

#[test]
fn spoiled_lists_are_refused_without_panic_and_never_verify() {
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, open());
    let this_update = at("2026-11-22T06:00:00Z");
    let frame = Frame {
        issuer: &governor.issuer,
        algorithm: governor.algorithm,
        scope: &Scope::Partition(governor.issuer.full_distribution_point()),
        number: 300,
        this_update,
        next_update: this_update + 1.hour(),
        base: Some(200),
        freshest: None,
    };
    let entry = encode_entry(&serial(1), this_update, None, Some(this_update));
    let unsigned = pki_core::revocation::crl::plan(&frame, &[entry]).unwrap();
    let signature = governor.sign(unsigned.bytes_to_sign());
    let der = unsigned.assemble(&signature, &governor.issuer).unwrap();
    let image = CrlImage::decode(&der).unwrap();
    assert_eq!((image.number, image.base), (300, Some(200)));
    for at in 0..der.len() {
        assert!(CrlImage::decode(&der[..at]).is_err());
        for bit in 0..8 {
            let mut spoiled = der.clone();
            spoiled[at] ^= 1 << bit;
            let Ok(image) = CrlImage::decode(&spoiled) else {
                continue;
            };
            let _ = image.entries().count();
            assert!(
                image
                    .verify_signature(governor.issuer.public_key())
                    .is_err()
            );
        }
    }
}
