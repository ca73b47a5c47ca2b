//! Issuing: what is asked for, what is refused, and what breaks under way.

use ca_server::{
    app::{
        authorise::Refusal,
        enrol,
        issue::{IssueError, issue},
        limit::Limits,
        look_up,
        publish_crl::{InPlace, publish},
        resume::{resume, sweep},
    },
    port::{clock::Clock, fake::Break, store::ReserveRefusal},
    testing::{
        window::{Applicant, PartyKey, Window},
        world::World,
    },
};
use jiff::SignedDuration;
use pki_core::act::{Act, Deed};
use pki_core::certificate::image::CertificateImage;
use schema::wire::v1::ca::IssueRequest;

fn wish(world: &World, applicant: &Applicant) -> IssueRequest {
    world.window.issue_request(applicant, world.clock.now())
}

fn last_outcome(world: &World) -> (String, String) {
    let row = world.audit().pop().unwrap();
    (row.event, row.outcome)
}

#[test]
fn a_resident_gets_the_certificate_that_was_applied_for() {
    let world = World::new();
    let applicant = Applicant::soumu("R1");
    let issued = issue(&world.app, "gw", &wish(&world, &applicant)).unwrap();
    let image = CertificateImage::decode(&issued.certificate).unwrap();
    image
        .verify_signature(world.app.signing.issuer.public_key())
        .unwrap();
    assert_eq!(image.personal.unwrap(), applicant.items);
    assert_eq!(image.public_key, applicant.card.public_key());
    assert_eq!(image.serial, issued.serial);
    // 2026-11-22 15:00 JST, three years with the day of issue counted.
    assert_eq!(image.not_after.to_string(), "2029-11-21T14:59:59Z");
}

#[test]
fn the_same_idempotency_key_gives_the_same_certificate() {
    let world = World::new();
    let request = wish(&world, &Applicant::soumu("R1"));
    let first = issue(&world.app, "gw", &request).unwrap();
    let again = issue(&world.app, "gw", &request).unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!(first.certificate, again.certificate);
}

#[test]
fn eight_calls_at_once_with_one_key_give_one_certificate() {
    let world = World::new();
    let request = wish(&world, &Applicant::soumu("R1"));
    let certificates: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| issue(&world.app, "gw", &request).unwrap().certificate))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(certificates.windows(2).all(|pair| pair[0] == pair[1]));
    // Beside the signature over the CA's own certificate.
    let residents = world.signer.signed_with("sign").len() - 1;
    assert_eq!(residents, 1, "the token signed once");
}

#[test]
fn a_wish_signed_again_after_its_answer_was_lost_gets_the_same_certificate() {
    let world = World::new();
    let request = wish(&world, &Applicant::soumu("R1"));
    let first = issue(&world.app, "gw", &request).unwrap();
    world.clock.advance(SignedDuration::from_mins(30));
    let mut act = Act::from_payload(&request.act.payload.0).unwrap();
    act.time = world.clock.now();
    let Deed::Issue(deed) = &mut act.deed else {
        unreachable!("a wish is an issuing act")
    };
    deed.request_made_at = world.clock.now();
    let again = IssueRequest {
        act: world.window.sign(&act),
        ..request
    };
    let second = issue(&world.app, "gw", &again).unwrap();
    assert!(second.repeated);
    assert_eq!(second.certificate, first.certificate);
}

#[test]
fn an_idempotency_key_stands_for_one_wish() {
    let world = World::new();
    let applicant = Applicant::soumu("R1");
    let request = wish(&world, &applicant);
    issue(&world.app, "gw", &request).unwrap();
    // Another wish under the same key: the application differs, the key is kept.
    let mut act = Act::from_payload(&request.act.payload.0).unwrap();
    act.application = pki_core::id::ApplicationId::from_bytes([9; 16]);
    let Deed::Issue(deed) = &mut act.deed else {
        unreachable!("a wish is an issuing act")
    };
    let resident: pki_core::id::ResidentNumber = request.resident.parse().unwrap();
    deed.resident_sha256 = resident.digest(act.application, act.municipality);
    let other = IssueRequest {
        act: world.window.sign(&act),
        ..request
    };
    assert!(matches!(
        issue(&world.app, "gw", &other),
        Err(IssueError::Conflict(ReserveRefusal::KeyReused))
    ));
    assert_eq!(last_outcome(&world).1, "idempotency-key-reused");
}

#[test]
fn a_public_key_belongs_to_one_application() {
    let world = World::new();
    let mut applicant = Applicant::soumu("R1");
    issue(&world.app, "gw", &wish(&world, &applicant)).unwrap();
    applicant.resident = "R2".to_owned();
    applicant.application = pki_core::id::ApplicationId::from_bytes([9; 16]);
    assert!(matches!(
        issue(&world.app, "gw", &wish(&world, &applicant)),
        Err(IssueError::Conflict(ReserveRefusal::PublicKeyTaken))
    ));
}

#[test]
fn a_gateway_cannot_put_another_resident_into_a_signed_act() {
    let world = World::new();
    let mut wish = wish(&world, &Applicant::soumu("R1"));
    wish.resident = "R2".to_owned();
    assert!(matches!(
        issue(&world.app, "gw", &wish),
        Err(IssueError::Mismatch("the resident"))
    ));
    assert_eq!(last_outcome(&world).1, "act-mismatch");
}

#[test]
fn no_second_certificate_while_one_is_in_effect() {
    let mut world = World::new();
    issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R1"))).unwrap();
    assert!(matches!(
        issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R1"))),
        Err(IssueError::Conflict(ReserveRefusal::InEffect))
    ));
    // Three years and a day later the first has run out by itself.
    world
        .clock
        .advance(SignedDuration::from_hours(24 * 366 * 3 + 24));
    for kind in ["terminal", "operator", "kiosk"] {
        world.renew(kind);
    }
    issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R1"))).unwrap();
}

#[test]
fn two_windows_at_once_give_one_certificate_to_one_resident() {
    let world = World::new();
    let wishes: Vec<_> = (0..6)
        .map(|_| wish(&world, &Applicant::soumu("R1")))
        .collect();
    let issued = std::thread::scope(|scope| {
        let calls: Vec<_> = wishes
            .iter()
            .map(|wish| scope.spawn(|| issue(&world.app, "gw", wish).is_ok()))
            .collect();
        calls
            .into_iter()
            .map(|call| call.join().unwrap())
            .filter(|done| *done)
            .count()
    });
    assert_eq!(issued, 1);
}

#[test]
fn a_changed_act_is_refused_and_the_refusal_is_in_the_log() {
    let world = World::new();
    let mut request = wish(&world, &Applicant::soumu("R1"));
    // A digit of a digest, so that the act can still be read.
    let field = br#""spki_sha256":""#;
    let payload = &mut request.act.payload.0;
    let at = payload
        .windows(field.len())
        .position(|w| w == field)
        .unwrap()
        + field.len();
    payload[at] = if payload[at] == b'a' { b'b' } else { b'a' };
    let before = world.audit().len();
    assert!(matches!(
        issue(&world.app, "gw", &request),
        Err(IssueError::Refused(Refusal::Act(_)))
    ));
    assert_eq!(world.audit().len(), before + 1);
    assert_eq!(
        last_outcome(&world),
        ("issue.request".into(), "act-signature".into())
    );
}

#[test]
fn another_municipalitys_operator_is_out_of_scope() {
    let mut world = World::new();
    let other = Window::of("13102");
    for enrolment in other.enrolments() {
        enrol::enrol(&world.app, &enrolment).unwrap();
    }
    world.window.operator = other.operator;
    world.window.operator_id = other.operator_id;
    assert!(matches!(
        issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R1"))),
        Err(IssueError::Refused(Refusal::OutOfScope("operator")))
    ));
}

#[test]
fn another_municipalitys_kiosk_is_out_of_scope() {
    let mut world = World::new();
    let other = Window::of("13102");
    for enrolment in other.enrolments() {
        enrol::enrol(&world.app, &enrolment).unwrap();
    }
    world.window.kiosk = other.kiosk;
    world.window.kiosk_id = other.kiosk_id;
    assert!(matches!(
        issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R1"))),
        Err(IssueError::Refused(Refusal::OutOfScope("kiosk")))
    ));
}

#[test]
fn a_suspended_party_is_refused_at_once() {
    for (kind, id) in [
        ("terminal", "131010001"),
        ("operator", "13101-0001"),
        ("kiosk", "13101K001"),
    ] {
        let world = World::new();
        assert!(enrol::set_active(&*world.store, world.clock.now(), kind, id, false).unwrap());
        let request = wish(&world, &Applicant::soumu("R1"));
        assert!(
            matches!(
                issue(&world.app, "gw", &request),
                Err(IssueError::Refused(Refusal::Suspended(what))) if what == kind
            ),
            "{kind}"
        );
        assert!(enrol::set_active(&*world.store, world.clock.now(), kind, id, true).unwrap());
        issue(&world.app, "gw", &request).unwrap();
    }
}

#[test]
fn a_party_whose_certificate_has_run_out_is_refused() {
    let mut world = World::new();
    // Parties are certified for 397 days.
    world.clock.advance(SignedDuration::from_hours(24 * 398));
    for due in ["terminal", "operator", "kiosk"] {
        let request = wish(&world, &Applicant::soumu("R1"));
        assert!(
            matches!(
                issue(&world.app, "gw", &request),
                Err(IssueError::Refused(Refusal::NotValidNow(what))) if what == due
            ),
            "{due}"
        );
        assert_eq!(last_outcome(&world).1, "certificate-not-valid");
        // Enrolled again, it may.
        world.renew(due);
    }
    issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R1"))).unwrap();
}

#[test]
fn a_terminal_that_asks_without_end_is_told_to_wait_and_its_neighbour_is_not() {
    let mut world = World::new();
    world.app.limits = Limits::new(1);
    let id = world.window.terminal_id.clone();
    // However slow the machine is: what the bucket holds is taken just before the asking.
    let refused = (0..50)
        .find_map(|number| {
            let request = wish(&world, &Applicant::soumu(&format!("R{number}")));
            while world.app.limits.check(&id).is_ok() {}
            issue(&world.app, "gw", &request).err()
        })
        .expect("a limit");
    assert!(matches!(
        refused,
        IssueError::Refused(Refusal::TooMany(1..=60))
    ));
    assert_eq!(last_outcome(&world).1, "too-many-requests");
    // One flooded window takes nothing from the others.
    let neighbour = Window::of("13102");
    for enrolment in neighbour.enrolments() {
        enrol::enrol(&world.app, &enrolment).unwrap();
    }
    world.window = neighbour;
    issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R1"))).unwrap();
}

#[test]
fn an_act_from_a_clock_that_is_wrong_is_refused() {
    let world = World::new();
    let request = wish(&world, &Applicant::soumu("R1"));
    world.clock.advance(SignedDuration::from_secs(301));
    assert!(matches!(
        issue(&world.app, "gw", &request),
        Err(IssueError::Refused(Refusal::Act(_)))
    ));
    assert_eq!(last_outcome(&world).1, "act-time");
}

#[test]
fn items_key_visit_and_card_are_those_of_the_act() {
    let world = World::new();
    let now = world.clock.now();
    let mut applicant = Applicant::soumu("R1");
    let right = wish(&world, &applicant);
    let other = Applicant::soumu("R2");
    // Each differs in one thing alone, in what the card signed and in what the kiosk signed.
    let mut spoilt = Vec::new();
    let mut items = right.clone();
    items.items.sex = "2".to_owned();
    spoilt.push((items, "the digest of the items"));
    let parts = |applicant: &Applicant| {
        let mut request = right.clone();
        request.request = applicant.card.request(applicant.visit).into();
        let mut record = right.clone();
        record.kiosk_record = world.window.kiosk_record(applicant, now).into();
        [request, record]
    };
    let visit = std::mem::replace(&mut applicant.visit, other.visit);
    spoilt.extend(parts(&applicant).map(|wish| (wish, "the visit")));
    applicant.visit = visit;
    let card = std::mem::replace(&mut applicant.card.id, other.card.id);
    spoilt.extend(parts(&applicant).map(|wish| (wish, "the card")));
    let own = std::mem::replace(&mut applicant.card, other.card);
    applicant.card.id = card;
    spoilt.extend(parts(&applicant).map(|wish| (wish, "the public key")));
    applicant.card = own;
    applicant.card.id = card;
    for (request, what) in &spoilt {
        match issue(&world.app, "gw", request) {
            Err(IssueError::Mismatch(told)) => assert_eq!(told, *what),
            Err(error) => panic!("{what}: {error}"),
            Ok(_) => panic!("{what}: a certificate"),
        }
        assert_eq!(last_outcome(&world).1, "act-mismatch");
    }
    let mut forged = right.clone();
    let imposter = Window {
        kiosk: PartyKey::new(),
        ..Window::of("13101")
    };
    forged.kiosk_record = imposter.kiosk_record(&applicant, now).into();
    assert!(matches!(
        issue(&world.app, "gw", &forged),
        Err(IssueError::Record(_))
    ));
    issue(&world.app, "gw", &right).unwrap();
}

#[test]
fn nobody_is_identified_in_the_future_but_for_the_clocks_difference() {
    let world = World::new();
    let mut applicant = Applicant::soumu("R1");
    let identified = |seconds| Some(world.clock.now() + SignedDuration::from_secs(seconds));
    applicant.identified_at = identified(301);
    assert!(matches!(
        issue(&world.app, "gw", &wish(&world, &applicant)),
        Err(IssueError::Mismatch("the time of the identity decision"))
    ));
    applicant.identified_at = identified(300);
    issue(&world.app, "gw", &wish(&world, &applicant)).unwrap();
}

#[test]
fn a_certificate_that_has_run_out_is_said_to_have_run_out() {
    let world = World::new();
    let issued = issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R1"))).unwrap();
    let status = || {
        let found = look_up::certificate(&world.app, "gw", &issued.serial).unwrap();
        found.unwrap().status
    };
    let image = CertificateImage::decode(&issued.certificate).unwrap();
    world
        .clock
        .advance(image.not_after.duration_since(world.clock.now()));
    assert_eq!(status(), "live", "its last second is in its time");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(status(), "expired");
}

#[test]
fn while_the_token_is_away_no_serial_is_spent() {
    let world = World::new();
    let request = wish(&world, &Applicant::soumu("R1"));
    issue(&world.app, "gw", &wish(&world, &Applicant::soumu("R0"))).unwrap();
    let before = world.audit().len();
    world.signer.set_away(true);
    for _ in 0..5 {
        assert!(matches!(
            issue(&world.app, "gw", &request),
            Err(IssueError::Sign(_))
        ));
    }
    assert_eq!(world.audit().len(), before, "nothing was reserved");
    world.signer.set_away(false);
    issue(&world.app, "gw", &request).unwrap();
}

#[test]
fn every_write_of_issuing_broken_twice() {
    let steps: [(&str, &'static str); 4] = [
        ("store", "reserve"),
        ("token", "sign"),
        ("store", "complete"),
        ("store", "abandon"),
    ];
    for (part, step) in steps {
        for how in [Break::NotDone, Break::DoneUnsaid] {
            let world = World::new();
            let applicant = Applicant::soumu("R1");
            let request = wish(&world, &applicant);
            match (part, step) {
                ("token", _) => world.signer.break_next(how),
                (_, "abandon") => {
                    world.signer.break_next(Break::NotDone);
                    world.store.break_next("abandon", how);
                }
                _ => world.store.break_next(step, how),
            }
            let first = issue(&world.app, "gw", &request);
            assert!(first.is_err(), "{step} {how:?}: the fault is told");
            assert!(world.store.all_broken(), "{step} {how:?}: it was hit");
            // The gateway asks again with the same key until it is answered.
            let mut certificate = None;
            for _ in 0..3 {
                match issue(&world.app, "gw", &request) {
                    Ok(issued) => {
                        certificate = Some(issued.certificate);
                        break;
                    }
                    Err(IssueError::InWork) => {}
                    Err(error) => panic!("{step} {how:?}: {error}"),
                }
            }
            let certificate =
                certificate.unwrap_or_else(|| panic!("{step} {how:?}: no certificate"));
            assert_eq!(
                issue(&world.app, "gw", &request).unwrap().certificate,
                certificate
            );
            world.clock.advance(SignedDuration::from_secs(61));
            sweep(&world.app).unwrap();
            let (_, failed) = publish(&world.app, &mut InPlace::new());
            assert!(failed.is_empty(), "{step} {how:?}: {failed:?}");
            world.check_invariants();
        }
    }
}

#[test]
fn at_the_start_what_was_left_reserved_is_abandoned_and_listed() {
    let world = World::new();
    let request = wish(&world, &Applicant::soumu("R1"));
    // A crash between reserving and signing: neither completes nor abandons.
    world.signer.break_next(Break::DoneUnsaid);
    world.store.break_next("abandon", Break::NotDone);
    assert!(issue(&world.app, "gw", &request).is_err());
    assert_eq!(world.app.store.reserved_by("node").unwrap().len(), 1);
    assert_eq!(resume(&world.app).unwrap(), 1);
    let (_, failed) = publish(&world.app, &mut InPlace::new());
    assert!(failed.is_empty(), "{failed:?}");
    world.check_invariants();
    // The same request starts over with a new serial.
    issue(&world.app, "gw", &request).unwrap();
}

#[test]
fn a_serial_that_may_still_be_in_somebodys_hands_is_not_swept_away() {
    let world = World::new();
    let request = wish(&world, &Applicant::soumu("R1"));
    world.signer.break_next(Break::DoneUnsaid);
    world.store.break_next("abandon", Break::NotDone);
    assert!(issue(&world.app, "gw", &request).is_err());
    // Nobody issues for longer than a minute.
    assert_eq!(sweep(&world.app).unwrap(), 0);
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(sweep(&world.app).unwrap(), 0);
    assert_eq!(world.app.store.reserved_by("node").unwrap().len(), 1);
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(sweep(&world.app).unwrap(), 1);
    assert_eq!(sweep(&world.app).unwrap(), 0, "it is given up once");
    assert!(world.app.store.reserved_by("node").unwrap().is_empty());
}

fn entry_mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode()
}

#[test]
fn personal_data_are_not_readable_in_the_database_files() {
    let world = World::new();
    issue(
        &world.app,
        "gw",
        &wish(&world, &Applicant::soumu("RESIDENT-7")),
    )
    .unwrap();
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let mode = entry_mode(&path);
            assert_eq!(mode & 0o077, 0, "{} is for its owner alone", path.display());
            let bytes = std::fs::read(&path).unwrap();
            for secret in ["総務", "霞が関", "RESIDENT-7"] {
                let found = bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!found, "{secret} in {}", path.display());
            }
        }
    }
}
