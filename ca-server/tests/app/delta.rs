//! Deltas: what they add to the lists that are still valid, judged by OpenSSL too.

use std::{collections::BTreeSet, fs, io::Cursor, ops::Range, path::Path, process::Command};

use ca_server::{
    app::{
        issue::issue,
        publish_crl::{InPlace, delta_path, path, publish},
        revoke::revoke,
    },
    port::{clock::Clock, signer::Signer},
    testing::{window::Applicant, world::World},
};
use jiff::SignedDuration;
use pki_core::{
    certificate::{Serial, SignatureAlgorithm, pem},
    revocation::{
        crl::{
            CrlImage, CrlOutline, DeltaFault, Frame, RawEntries, Scope, agree, belongs,
            encode_entry, plan,
        },
        ground::{Ground, ReasonCode},
    },
};

const SCOPES: [&str; 2] = ["", "13101"];

/// A resident's certificate that is revoked at once, and published a second later.
fn issue_and_revoke(world: &World, in_place: &mut InPlace, resident: &str) -> Vec<u8> {
    let wish = world
        .window
        .issue_request(&Applicant::soumu(resident), world.clock.now());
    let issued = issue(&world.app, "gw", &wish).unwrap();
    let wish = world
        .window
        .revoke_request(&issued.serial, Ground::Article9, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
    world.clock.advance(SignedDuration::from_secs(1));
    publish_all(world, in_place);
    issued.certificate
}

fn publish_all(world: &World, in_place: &mut InPlace) {
    let (_, failed) = publish(&world.app, in_place);
    assert!(failed.is_empty(), "{failed:?}");
}

fn complete(world: &World, scope: &str) -> Vec<u8> {
    fs::read(path(&world.app.crl.folder, "sign", scope)).unwrap()
}

fn delta(world: &World, scope: &str) -> Option<Vec<u8>> {
    fs::read(delta_path(&world.app.crl.folder, "sign", scope)).ok()
}

fn serials(list: &[u8]) -> BTreeSet<Serial> {
    let image = CrlImage::decode(list).unwrap();
    image.entries().map(|entry| entry.unwrap().serial).collect()
}

#[test]
fn every_list_that_is_still_valid_and_the_delta_make_the_newest_list() {
    let world = World::new();
    let mut in_place = InPlace::new();
    publish_all(&world, &mut in_place);
    assert!(delta(&world, "").is_none(), "nothing to add to");
    let mut held: Vec<Vec<Vec<u8>>> = SCOPES.map(|scope| vec![complete(&world, scope)]).into();
    let mut bases = Vec::new();
    for round in 0..4 {
        for number in 0..2 {
            issue_and_revoke(&world, &mut in_place, &format!("R{round}-{number}"));
            for (scope, held) in SCOPES.iter().zip(&mut held) {
                held.push(complete(&world, scope));
            }
        }
        for (scope, held) in SCOPES.iter().zip(&held) {
            let (newest, delta) = (complete(&world, scope), delta(&world, scope).unwrap());
            let (image, delta_image) = (
                CrlImage::decode(&newest).unwrap(),
                CrlImage::decode(&delta).unwrap(),
            );
            // RFC 5280 §5.2.4: issued together, one number, one scope.
            assert_eq!(delta_image.number, image.number);
            assert_eq!(delta_image.distribution_point, image.distribution_point);
            assert_eq!(delta_image.next_update, image.next_update);
            let mut used = 0;
            for list in held {
                let list_image = CrlImage::decode(list).unwrap();
                if list_image.next_update <= world.clock.now() {
                    continue;
                }
                assert!(
                    list_image.number >= delta_image.base.unwrap(),
                    "of use to its holder"
                );
                let both: BTreeSet<Serial> =
                    serials(list).union(&serials(&delta)).cloned().collect();
                assert_eq!(both, serials(&newest));
                used += 1;
            }
            assert!(used > 1);
            assert!(
                serials(&delta).len() <= 6,
                "what all valid lists have is left out"
            );
            if scope.is_empty() {
                bases.push(delta_image.base.unwrap());
            }
        }
        world.clock.advance(SignedDuration::from_hours(20));
        publish_all(&world, &mut in_place);
    }
    assert!(
        bases.is_sorted() && bases.first() < bases.last(),
        "{bases:?}"
    );
}

/// What `openssl verify` says of the certificate, given these lists.
fn openssl(world: &World, dir: &Path, lists: &[&str], options: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command
        .args(["verify", "-CAfile", "sign.pem", "-crl_check"])
        .args(["-attime", &world.clock.now().as_second().to_string()])
        .args(options);
    for list in lists {
        command.args(["-CRLfile", list]);
    }
    let output = command.arg("holder.pem").current_dir(dir).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn openssl_learns_of_a_revocation_from_an_old_list_and_the_delta() {
    let world = World::new();
    let mut in_place = InPlace::new();
    let dir = world.folder.path();
    let list = |name: &str, der: &[u8]| {
        fs::write(dir.join(name), pem::encode("X509 CRL", der)).unwrap();
    };
    publish_all(&world, &mut in_place);
    list("old-full.pem", &complete(&world, ""));
    list("old-part.pem", &complete(&world, "13101"));
    let holder = issue_and_revoke(&world, &mut in_place, "R1");
    list("delta-full.pem", &delta(&world, "").unwrap());
    list("delta-part.pem", &delta(&world, "13101").unwrap());
    list("delta-other.pem", &delta(&world, "").unwrap());
    let authority = world.app.signing.issuer.certificate_der().unwrap();
    for (name, der) in [("sign.pem", authority), ("holder.pem", &holder[..])] {
        fs::write(dir.join(name), pem::encode(pem::CERTIFICATE, der)).unwrap();
    }
    for (old, delta, options) in [
        ("old-full.pem", "delta-full.pem", &["-use_deltas"][..]),
        (
            "old-part.pem",
            "delta-part.pem",
            &["-use_deltas", "-extended_crl"],
        ),
    ] {
        let said = openssl(&world, dir, &[old], options);
        assert!(said.contains("holder.pem: OK"), "{old}: {said}");
        let said = openssl(&world, dir, &[old, delta], options);
        assert!(said.contains("certificate revoked"), "{delta}: {said}");
    }
    // A delta of another scope adds nothing.
    let said = openssl(
        &world,
        dir,
        &["old-part.pem", "delta-other.pem"],
        &["-use_deltas", "-extended_crl"],
    );
    assert!(said.contains("holder.pem: OK"), "{said}");
}

/// A list of the signing CA with these serials.
fn list(world: &World, number: u64, base: Option<u64>, serials: &[u8]) -> Vec<u8> {
    let issuer = &world.app.signing.issuer;
    let now = world.clock.now();
    let entries: Vec<Vec<u8>> = serials
        .iter()
        .map(|serial| {
            let serial = Serial::from_random([*serial; 16]);
            encode_entry(&serial, now, ReasonCode::from_code(5), None)
        })
        .collect();
    let frame = Frame {
        issuer,
        algorithm: SignatureAlgorithm::usual_for(issuer.public_key().kind()),
        scope: &Scope::Full,
        number,
        this_update: now,
        next_update: now + SignedDuration::from_hours(1),
        base,
        freshest: None,
    };
    let unsigned = plan(&frame, &entries).unwrap();
    let signature = world
        .signer
        .sign("sign", unsigned.algorithm(), unsigned.bytes_to_sign())
        .unwrap();
    unsigned.assemble(&signature, issuer).unwrap()
}

#[test]
fn a_delta_that_does_not_say_what_its_complete_list_says_is_not_published() {
    let world = World::new();
    let judge = |complete: &[u8], delta: &[u8], added: Option<u64>| {
        let outline = |der| CrlOutline::of(der).unwrap();
        let (all, new) = (outline(complete), outline(delta));
        let before = belongs(&all, &new, added)?;
        let entries = |der: &[u8], range: Range<u64>| {
            let octets = der[range.start as usize..range.end as usize].to_vec();
            RawEntries::new(Cursor::new(octets), range.end - range.start)
        };
        agree(
            &mut entries(complete, all.entries.start + before..all.entries.end),
            &mut entries(delta, new.entries),
        )
    };
    let serial = |number: u8| Serial::from_random([number; 16]);
    let new = list(&world, 5, None, &[1, 2, 3]);
    let good = list(&world, 5, Some(3), &[2, 3]);
    let entry = encode_entry(
        &serial(1),
        world.clock.now(),
        ReasonCode::from_code(5),
        None,
    );
    let added = |entries: u64| Some(entries * entry.len() as u64);
    assert_eq!(judge(&new, &good, added(2)), Ok(()));
    for (delta, fault) in [
        (list(&world, 6, Some(3), &[2, 3]), DeltaFault::Scope),
        (list(&world, 5, None, &[2, 3]), DeltaFault::Scope),
        (
            list(&world, 5, Some(3), &[3]),
            DeltaFault::Missing(entry.len() as u64),
        ),
        (
            list(&world, 5, Some(3), &[2, 4]),
            DeltaFault::Foreign(serial(4)),
        ),
        (
            list(&world, 5, Some(3), &[3, 2]),
            DeltaFault::Foreign(serial(3)),
        ),
        (list(&world, 5, Some(3), &[1, 1, 2, 3]), DeltaFault::Scope),
    ] {
        assert_eq!(judge(&new, &delta, added(2)), Err(fault));
    }
    // The holder of a list that is older than the base has run out of time, and is told nothing.
    let newer = list(&world, 5, Some(4), &[3]);
    assert_eq!(judge(&new, &newer, None), Ok(()));
    // An entry that changed its time is not the same entry.
    world.clock.advance(SignedDuration::from_secs(1));
    let changed = list(&world, 5, None, &[1, 2, 3]);
    assert_eq!(judge(&changed, &good, added(2)), Err(DeltaFault::Scope));
}
