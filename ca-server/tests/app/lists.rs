//! A list is made of the one that stands in its place, as far as that one is ours and whole.

use std::{fs, path::PathBuf, sync::mpsc, thread};

use ca_server::{
    app::{
        issue::issue,
        publish_crl::{InPlace, PublishError, delta_path, path, publish},
        revoke::revoke,
    },
    port::{clock::Clock, signer::Signer},
    testing::{window::Applicant, world::World},
};
use jiff::SignedDuration;
use pki_core::{
    certificate::{Serial, SignatureAlgorithm},
    revocation::{
        crl::{CrlImage, Frame, Scope, SuccessionFault, encode_entry, plan},
        ground::Ground,
    },
};

fn revoked(world: &World, resident: &str) -> Serial {
    let wish = world
        .window
        .issue_request(&Applicant::soumu(resident), world.clock.now());
    let serial = issue(&world.app, "gw", &wish).unwrap().serial;
    let wish = world
        .window
        .revoke_request(&serial, Ground::Article9, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
    world.clock.advance(SignedDuration::from_secs(1));
    serial
}

fn place(world: &World) -> PathBuf {
    path(&world.app.crl.folder, "sign", "")
}

fn listed(world: &World) -> (u64, Vec<Serial>) {
    let bytes = fs::read(place(world)).unwrap();
    let image = CrlImage::decode(&bytes).unwrap();
    image
        .verify_signature(world.app.signing.issuer.public_key())
        .unwrap();
    let serials = image.entries().map(|entry| entry.unwrap().serial).collect();
    (image.number, serials)
}

/// A list of the signing CA that this database knows nothing of.
fn put_foreign(world: &World, number: u64, serials: &[Serial]) {
    let issuer = &world.app.signing.issuer;
    let now = world.clock.now();
    let entries: Vec<Vec<u8>> = serials
        .iter()
        .map(|serial| encode_entry(serial, now, None, None))
        .collect();
    let frame = Frame {
        issuer,
        algorithm: SignatureAlgorithm::usual_for(issuer.public_key().kind()),
        scope: &Scope::Full,
        number,
        this_update: now,
        next_update: now + SignedDuration::from_hours(1),
        base: None,
        freshest: None,
    };
    let unsigned = plan(&frame, &entries).unwrap();
    let signature = world
        .signer
        .sign("sign", unsigned.algorithm(), unsigned.bytes_to_sign())
        .unwrap();
    fs::write(place(world), unsigned.assemble(&signature, issuer).unwrap()).unwrap();
}

#[test]
fn entries_stand_in_the_order_in_which_they_were_recorded() {
    let world = World::new();
    let mut in_place = InPlace::new();
    publish(&world.app, &mut in_place);
    let mut recorded = Vec::new();
    for number in 1..=3 {
        recorded.push(revoked(&world, &format!("R{number}")));
        recorded.push(revoked(&world, &format!("S{number}")));
        let failed = publish(&world.app, &mut in_place).1;
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(listed(&world), (number + 1, recorded.clone()));
    }
    // From the database alone it is the same list.
    fs::remove_file(place(&world)).unwrap();
    assert!(publish(&world.app, &mut in_place).1.is_empty());
    assert_eq!(listed(&world), (5, recorded));
}

#[test]
fn a_list_in_place_that_was_changed_is_set_aside_and_nothing_is_taken_from_it() {
    let world = World::new();
    let mut in_place = InPlace::new();
    let first = revoked(&world, "R1");
    publish(&world.app, &mut in_place);
    // Somebody takes a serial out of the file: another one stands there, of the same length.
    let mut bytes = fs::read(place(&world)).unwrap();
    let at = bytes
        .windows(first.as_octets().len())
        .position(|window| window == first.as_octets())
        .unwrap();
    bytes[at + 3] ^= 1;
    fs::write(place(&world), &bytes).unwrap();

    let second = revoked(&world, "R2");
    let failed = publish(&world.app, &mut in_place).1;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(listed(&world), (2, vec![first, second]));
    let aside = place(&world).with_extension("crl.unreadable");
    assert_eq!(fs::read(aside).unwrap(), bytes);
}

#[test]
fn a_list_that_the_database_does_not_know_is_followed_and_not_undone() {
    // As after an older copy of the database was put back.
    let world = World::new();
    let mut in_place = InPlace::new();
    let known = revoked(&world, "R1");
    publish(&world.app, &mut in_place);
    put_foreign(&world, 7, std::slice::from_ref(&known));
    let before = fs::read(place(&world)).unwrap();
    let second = revoked(&world, "R2");
    let failed = publish(&world.app, &mut in_place).1;
    assert!(
        matches!(
            failed[..],
            [PublishError::Succession(SuccessionFault::Number {
                previous: 7,
                new: 2
            })]
        ),
        "{failed:?}"
    );
    assert_eq!(fs::read(place(&world)).unwrap(), before, "it stands");

    // One of a lower number, with an entry that nobody here knows of: not to be lost.
    let stranger = Serial::from_random([9; 16]);
    put_foreign(&world, 2, &[known.clone(), stranger]);
    world.clock.advance(SignedDuration::from_secs(1));
    let failed = publish(&world.app, &mut in_place).1;
    assert!(
        matches!(failed[..], [PublishError::Continuation(_)]),
        "{failed:?}"
    );
    put_foreign(&world, 2, std::slice::from_ref(&known));
    world.clock.advance(SignedDuration::from_secs(1));
    assert!(publish(&world.app, &mut in_place).1.is_empty());
    assert_eq!(listed(&world).1, [known, second]);
}

#[test]
fn a_node_that_stood_still_while_it_published_puts_no_older_list_in_the_place_of_a_newer_one() {
    let world = World::new();
    let mut in_place = InPlace::new();
    publish(&world.app, &mut in_place);
    let first = revoked(&world, "R1");
    let (stalled, is_stalled) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    // The database has said that its list is the newest one; the files are not in their places.
    world.store.after_next("publish_crl", move || {
        stalled.send(()).unwrap();
        may_go_on.recv().unwrap();
    });
    thread::scope(|scope| {
        let app = &world.app;
        let one = scope.spawn(move || publish(app, &mut in_place));
        is_stalled.recv().unwrap();
        // Another node, which has put nothing in place itself.
        let second = revoked(&world, "R2");
        let (published, failed) = publish(&world.app, &mut InPlace::new());
        assert!(failed.is_empty(), "{failed:?}");
        assert!(!published.is_empty());
        assert_eq!(listed(&world), (3, vec![first.clone(), second.clone()]));
        let delta = fs::read(delta_path(&world.app.crl.folder, "sign", "")).unwrap();

        go_on.send(()).unwrap();
        let (_, failed) = one.join().unwrap();
        assert!(failed.is_empty(), "{failed:?}");
        let (number, serials) = listed(&world);
        assert!(number >= 3, "number {number} replaced 3");
        assert_eq!(serials, [first, second]);
        let stands = fs::read(delta_path(&world.app.crl.folder, "sign", "")).unwrap();
        let number = |list: &[u8]| CrlImage::decode(list).unwrap().number;
        assert!(number(&stands) >= number(&delta), "the delta too");
    });
}

#[test]
fn a_process_that_holds_the_turn_for_ever_is_told_of_and_waited_for_no_longer_than_said() {
    let world = World::new();
    let mut in_place = InPlace::new();
    publish(&world.app, &mut in_place);
    let before = listed(&world);
    let serial = revoked(&world, "R1");
    let turn = fs::File::create(world.app.crl.folder.join(".turn")).unwrap();
    turn.lock().unwrap();
    let failed = publish(&world.app, &mut in_place).1;
    assert!(
        matches!(&failed[..], [PublishError::Write { path, .. }, ..] if path.ends_with(".turn")),
        "{failed:?}"
    );
    assert_eq!(listed(&world), before);
    // What the database has as published and nobody put in its place is published again.
    drop(turn);
    assert!(publish(&world.app, &mut in_place).1.is_empty());
    assert_eq!(listed(&world), (3, vec![serial]));
}
