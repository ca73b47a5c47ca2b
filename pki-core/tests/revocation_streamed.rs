//! Long lists are streamed: what is written is what is signed, in bounded memory.

mod certificate_support;

use std::collections::HashSet;
use std::io::{Cursor, Write as _};

use certificate_support::*;
use jiff::ToSpan as _;
use pki_core::certificate::{Serial, SignatureAlgorithm, pem};
use pki_core::revocation::ReasonCode;
use pki_core::revocation::crl::{
    ContinuationFault, CrlFault, CrlImage, CrlOutline, Frame, RawEntries, Scope, UnsignedFrame,
    continues, encode_entry, loses_nothing,
};

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

/// Entries of a list, as they stand on the disk.
fn raw(numbers: &[u32]) -> RawEntries<Cursor<Vec<u8>>> {
    let octets: Vec<u8> = numbers.iter().flat_map(|number| entry(*number)).collect();
    let length = octets.len() as u64;
    RawEntries::new(Cursor::new(octets), length)
}

fn entry(number: u32) -> Vec<u8> {
    encode_entry(&serial(number), at("2026-11-22T06:00:00Z"), None, None)
}

fn judged(
    new: &[u32],
    before: &[u32],
    ended: &[u32],
    added: &[u32],
) -> Result<u64, ContinuationFault> {
    let ended = ended.iter().map(|number| entry(*number)).collect();
    continues(
        &mut raw(new),
        Some(&mut raw(before)),
        &ended,
        &mut raw(added),
    )
}

#[test]
fn a_list_is_the_one_before_without_what_ended_and_then_the_new_entries() {
    use ContinuationFault::{Foreign, Lost, Missing};
    assert_eq!(judged(&[1, 3, 4], &[1, 2, 3], &[2], &[4]), Ok(3));
    assert_eq!(judged(&[], &[], &[], &[]), Ok(0));
    for (new, fault) in [
        (&[1, 3][..], Missing(serial(4))),
        (&[3, 4], Lost(serial(1))),
        (&[1, 4], Lost(serial(3))),
        (&[1, 2, 3, 4], Lost(serial(3))),
        (&[1, 3, 5], Missing(serial(4))),
        (&[1, 3, 4, 5], Foreign(serial(5))),
        (&[4, 1, 3], Lost(serial(1))),
    ] {
        assert_eq!(judged(new, &[1, 2, 3], &[2], &[4]), Err(fault), "{new:?}");
    }
    // However long: the entries are read in pieces.
    let many: Vec<u32> = (0..30_000).collect();
    assert_eq!(
        judged(&many, &many[..29_000], &[], &many[29_000..]),
        Ok(30_000)
    );
    // A list of which no more is known loses nothing that is still valid.
    let loses = |new: &[u32], valid: u32| {
        let valid = serial(valid);
        loses_nothing(&mut raw(new), &mut raw(&[1, 2]), |octets| {
            octets == valid.as_octets()
        })
    };
    assert_eq!(loses(&[2], 2), Ok(()));
    assert_eq!(loses(&[2], 1), Err(Lost(serial(1))));
}

#[test]
fn entries_that_are_cut_or_no_entries_are_told() {
    let mut octets = entry(1);
    octets.extend_from_slice(&entry(2)[..10]);
    let length = octets.len() as u64;
    let mut cut = RawEntries::new(Cursor::new(octets.clone()), length);
    assert_eq!(cut.next_entry().unwrap(), Some(&entry(1)[..]));
    assert!(cut.next_entry().is_err());
    // The reader ends before the list says.
    let mut short = RawEntries::new(Cursor::new(octets), length + 1);
    assert!(short.next_entry().is_err());
    let mut other = RawEntries::new(Cursor::new(vec![0x02, 0x01, 0x01]), 3);
    assert!(other.next_entry().is_err());
    // Octets that are one entry from outside and none from inside are not added to a list.
    let hollow = vec![0x30, 0x03, 0x02, 0x01, 0x01];
    let raw_hollow = || RawEntries::new(Cursor::new(hollow.clone()), hollow.len() as u64);
    let judged = continues(
        &mut raw_hollow(),
        None::<&mut RawEntries<Cursor<Vec<u8>>>>,
        &HashSet::new(),
        &mut raw_hollow(),
    );
    assert!(
        matches!(judged, Err(ContinuationFault::Read(_))),
        "{judged:?}"
    );
}

#[test]
fn the_two_ends_of_a_list_tell_all_but_its_entries() {
    let length = entries().map(|entry| entry.len() as u64).sum();
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, registered());
    let der = streamed(&governor, length).unwrap();
    let outline = CrlOutline::of(&der).unwrap();
    assert_eq!((outline.number, outline.base), (7, None));
    assert_eq!(outline.entries.end - outline.entries.start, length);
    assert_eq!(outline.length, der.len() as u64);
    let signed = &der[outline.signed.start as usize..outline.signed.end as usize];
    let mut hasher = governor.algorithm.hasher();
    hasher.update(signed);
    let key = governor.issuer.public_key();
    outline.verify_digest(key, hasher.finish()).unwrap();
    let mut hasher = governor.algorithm.hasher();
    hasher.update(&signed[1..]);
    assert!(outline.verify_digest(key, hasher.finish()).is_err());
    // Octets that are missing or too many, at either end.
    for changed in [&der[1..], &der[..der.len() - 1], &[&der[..], &[0]].concat()] {
        assert!(CrlOutline::of(changed).is_err());
    }
    // Lengths that reach beyond the list or into one another: an error, never a panic.
    let mut changed = der.clone();
    for at in 0..outline.entries.start as usize {
        for value in [0x00, 0x7F, 0x80, 0x84, 0xFF] {
            changed[at] = value;
            if let Ok(read) = CrlOutline::of(&changed) {
                assert!(read.entries.end <= read.signed.end && read.signed.end <= read.length);
            }
        }
        changed[at] = der[at];
    }
}
