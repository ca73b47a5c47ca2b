//! A municipality's list that is cut further: certificates name the part that was the newest when
//! they were made, and each part's list goes on for as long as they do.

use std::{fs, path::Path, process::Command};

use ca_server::{
    app::{
        issue::{Issued, issue},
        publish_crl::{InPlace, delta_path, path, publish},
        revoke::revoke,
    },
    port::clock::Clock,
    testing::{window::Applicant, world::World},
};
use jiff::SignedDuration;
use pki_core::{
    certificate::{PartitionNumber, Serial, image::CertificateImage, pem},
    revocation::{crl::CrlImage, ground::Ground},
};

fn issued(world: &World, resident: &str) -> Issued {
    let wish = world
        .window
        .issue_request(&Applicant::soumu(resident), world.clock.now());
    issue(&world.app, "gw", &wish).unwrap()
}

fn revoke_it(world: &World, issued: &Issued) {
    let wish = world
        .window
        .revoke_request(&issued.serial, Ground::Article9, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
}

fn publish_all(world: &World, in_place: &mut InPlace) {
    world.clock.advance(SignedDuration::from_secs(1));
    let (_, failed) = publish(&world.app, in_place);
    assert!(failed.is_empty(), "{failed:?}");
}

fn split(world: &mut World, part: u32) {
    world.app.municipalities[0].partition = PartitionNumber::new(part).unwrap();
}

fn list(world: &World, scope: &str) -> Vec<u8> {
    fs::read(path(&world.app.crl.folder, "sign", scope)).unwrap()
}

fn listed(world: &World, scope: &str) -> Vec<Serial> {
    let bytes = list(world, scope);
    let image = CrlImage::decode(&bytes).unwrap();
    image.entries().map(|entry| entry.unwrap().serial).collect()
}

fn number(world: &World, scope: &str) -> u64 {
    CrlImage::decode(&list(world, scope)).unwrap().number
}

/// What `openssl verify` says of `holder.pem`, given these lists, of which it takes the one whose
/// distribution point is the certificate's.
fn openssl(world: &World, dir: &Path, lists: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command
        .args([
            "verify",
            "-CAfile",
            "sign.pem",
            "-crl_check",
            "-extended_crl",
        ])
        .args(["-use_deltas", "-attime"])
        .arg(world.clock.now().as_second().to_string());
    for list in lists {
        command.args(["-CRLfile", list]);
    }
    let output = command.arg("holder.pem").current_dir(dir).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn old_certificates_stay_on_the_list_that_they_name_and_new_ones_name_the_new_part() {
    let mut world = World::new();
    let mut in_place = InPlace::new();
    let before = issued(&world, "R1");
    publish_all(&world, &mut in_place);
    assert!(!path(&world.app.crl.folder, "sign", "13101-2").exists());

    split(&mut world, 2);
    let after = issued(&world, "R2");
    publish_all(&world, &mut in_place);
    let empty = [list(&world, "13101"), list(&world, "13101-2")];
    for (issued, common_name, uri) in [
        (
            &before,
            "Chiyoda-ku CRLDP",
            "http://127.0.0.1:8080/crl/sign/13101.crl",
        ),
        (
            &after,
            "Chiyoda-ku CRLDP 2",
            "http://127.0.0.1:8080/crl/sign/13101-2.crl",
        ),
    ] {
        let image = CertificateImage::decode(&issued.certificate).unwrap();
        let [point] = &image.distribution_points[..] else {
            panic!("one distribution point");
        };
        assert_eq!(
            point.name.as_ref().unwrap().last("CN").unwrap(),
            common_name
        );
        assert_eq!(point.uris, [uri]);
        // RFC 5280 §5.2.5: the list repeats the certificate's point.
        let scope = uri.trim_end_matches(".crl").rsplit('/').next().unwrap();
        let list = list(&world, scope);
        let image = CrlImage::decode(&list).unwrap();
        assert_eq!(image.distribution_point.as_ref().unwrap().0, *point);
    }

    for issued in [&before, &after] {
        revoke_it(&world, issued);
    }
    let full = number(&world, "");
    publish_all(&world, &mut in_place);
    assert_eq!(
        listed(&world, "13101"),
        std::slice::from_ref(&before.serial)
    );
    assert_eq!(
        listed(&world, "13101-2"),
        std::slice::from_ref(&after.serial)
    );
    assert_eq!(
        listed(&world, ""),
        [before.serial.clone(), after.serial.clone()]
    );
    // Each part counts by itself; complete list and delta have one number.
    assert_eq!(number(&world, "13101-2"), 2);
    assert_eq!(number(&world, ""), full + 1);
    for (scope, serial) in [("13101", &before.serial), ("13101-2", &after.serial)] {
        let delta = fs::read(delta_path(&world.app.crl.folder, "sign", scope)).unwrap();
        let image = CrlImage::decode(&delta).unwrap();
        assert_eq!(image.number, number(&world, scope));
        let serials: Vec<Serial> = image.entries().map(|entry| entry.unwrap().serial).collect();
        assert_eq!(serials, std::slice::from_ref(serial));
    }

    // OpenSSL judges both by their own lists, and by no other's.
    let dir = world.folder.path();
    let put = |name: &str, kind: &str, der: &[u8]| {
        fs::write(dir.join(name), pem::encode(kind, der)).unwrap();
    };
    put(
        "sign.pem",
        pem::CERTIFICATE,
        world.app.signing.issuer.certificate_der().unwrap(),
    );
    let [one, two] = ["13101", "13101-2"].map(|scope| {
        let delta = fs::read(delta_path(&world.app.crl.folder, "sign", scope)).unwrap();
        (list(&world, scope), delta)
    });
    for (issued, own, old, other) in [
        (&before, &one, &empty[0], &two),
        (&after, &two, &empty[1], &one),
    ] {
        put("holder.pem", pem::CERTIFICATE, &issued.certificate);
        put("own.pem", "X509 CRL", &own.0);
        put("old.pem", "X509 CRL", old);
        put("delta.pem", "X509 CRL", &own.1);
        put("other.pem", "X509 CRL", &other.0);
        put("other-delta.pem", "X509 CRL", &other.1);
        let says = |lists: &[&str]| openssl(&world, dir, lists);
        let all = says(&["other.pem", "own.pem"]);
        assert!(all.contains("certificate revoked"), "{all}");
        let good = says(&["other.pem", "old.pem", "other-delta.pem"]);
        assert!(good.contains("holder.pem: OK"), "{good}");
        let by_delta = says(&["old.pem", "delta.pem"]);
        assert!(by_delta.contains("certificate revoked"), "{by_delta}");
        // The error is 44 (different CRL scope) or 3 (no CRL), after the version.
        let lost = says(&["other.pem"]);
        assert!(
            lost.contains("scope") || lost.contains("unable to get"),
            "{lost}"
        );
    }
}

#[test]
fn a_part_is_listed_until_its_last_certificate_has_ended_whatever_the_setting_says() {
    let mut world = World::new();
    let mut in_place = InPlace::new();
    issued(&world, "R1");
    split(&mut world, 3);
    issued(&world, "R2");
    // Back to the second: new certificates name it, and the third lives.
    split(&mut world, 2);
    publish_all(&world, &mut in_place);
    let all = ["13101", "13101-2", "13101-3"];
    let numbers = |world: &World| all.map(|scope| number(world, scope));
    let first = numbers(&world);
    world.clock.advance(SignedDuration::from_hours(30));
    publish_all(&world, &mut in_place);
    assert_eq!(numbers(&world), first.map(|number| number + 1));
    // One list after the end of the last certificate is the last one; the newest part goes on.
    world.clock.advance(SignedDuration::from_hours(24 * 1_100));
    publish_all(&world, &mut in_place);
    let last = numbers(&world);
    assert_eq!(last, first.map(|number| number + 2));
    world.clock.advance(SignedDuration::from_hours(30));
    publish_all(&world, &mut in_place);
    assert_eq!(numbers(&world), [last[0], last[1] + 1, last[2]]);
}
