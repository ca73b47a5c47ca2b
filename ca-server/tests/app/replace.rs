//! Renewal and reissue: one certificate takes another's place.

use ca_server::{
    app::{
        issue::{IssueError, Issued, ReplacementRefusal, issue},
        proof::{self, Signed},
        publish_crl::{InPlace, publish},
        resume::{resume, sweep},
        revoke::revoke,
    },
    port::{
        clock::Clock,
        fake::Break,
        store::{ProvedDeed, ReserveRefusal, Status},
    },
    testing::{window::Applicant, world::World},
};
use jiff::{SignedDuration, Timestamp};
use pki_core::{
    act::{ReplacementCause, Replaces},
    certificate::{PublicKey, Serial, image::CertificateImage},
    person::merger::Mergers,
    revocation::{ground::Ground, replacement::ReplacementFault},
};
use schema::wire::v1::ca::IssueRequest;

const RENEWAL: ReplacementCause = ReplacementCause::Renewal;

fn first(world: &World, resident: &str) -> Issued {
    let wish = world
        .window
        .issue_request(&Applicant::soumu(resident), world.clock.now());
    issue(&world.app, "gw", &wish).unwrap()
}

fn wish(world: &World, resident: &str, old: &Serial, cause: ReplacementCause) -> IssueRequest {
    let mut applicant = Applicant::soumu(resident);
    applicant.replaces = Some(Replaces {
        serial: old.clone(),
        cause,
    });
    world.window.issue_request(&applicant, world.clock.now())
}

fn status(world: &World, serial: &Serial) -> Status {
    let serials = [serial.as_octets().to_vec()];
    world.app.store.status("sign", &serials).unwrap().remove(0)
}

fn ground(world: &World, serial: &Serial) -> String {
    match status(world, serial) {
        Status::Revoked(revoked) => revoked.ground,
        Status::Good => "good".to_owned(),
        Status::Unknown => "unknown".to_owned(),
    }
}

/// Move the clock there; what the window signs with has been enrolled again by then.
fn wait_until(world: &mut World, moment: &str) {
    let moment: Timestamp = moment.parse().unwrap();
    world
        .clock
        .advance(moment.duration_since(world.clock.now()));
    for kind in ["terminal", "operator", "kiosk"] {
        world.renew(kind);
    }
}

#[test]
fn renewal_opens_at_midnight_in_japan_three_months_before_the_end() {
    let mut world = World::new();
    // Issued on 22 November 2026, to the end of 21 November 2029.
    let old = first(&world, "R1");
    wait_until(&mut world, "2029-08-21T14:59:59Z");
    let early = wish(&world, "R1", &old.serial, RENEWAL);
    let refused = issue(&world.app, "gw", &early);
    let opens = "2029-08-22".parse().unwrap();
    assert!(matches!(
        refused,
        Err(IssueError::Replacement(ReplacementRefusal::Rule(ReplacementFault::TooEarly {
            opens: day
        }))) if day == opens
    ));
    let row = world.audit().pop().unwrap();
    assert_eq!(
        (row.event.as_str(), row.outcome.as_str()),
        ("issue.request", "replacement-refused")
    );
    assert_eq!(ground(&world, &old.serial), "good");

    world.clock.advance(SignedDuration::from_secs(1));
    let in_time = wish(&world, "R1", &old.serial, RENEWAL);
    let new = issue(&world.app, "gw", &in_time).unwrap();
    let image = CertificateImage::decode(&new.certificate).unwrap();
    assert_eq!(image.not_after.to_string(), "2032-08-21T14:59:59Z");
    let Status::Revoked(revoked) = status(&world, &old.serial) else {
        panic!("the old one is still good");
    };
    assert_eq!(
        (revoked.ground.as_str(), revoked.reason),
        ("article9-renewal", Some(4))
    );
    assert_eq!(status(&world, &new.serial), Status::Good);
    // Asked again, the same certificate, though the old one is gone.
    let again = issue(&world.app, "gw", &in_time).unwrap();
    assert!(again.repeated);
    assert_eq!(again.certificate, new.certificate);
    // And its act says which one it replaced.
    let rows = world.audit();
    let reserved = rows
        .iter()
        .rfind(|row| row.event == "issue.reserve")
        .unwrap();
    assert!(reserved.detail.contains(&old.serial.to_string()));
    let replaced = rows
        .iter()
        .find(|row| row.event == "issue.replace")
        .unwrap();
    assert!(replaced.detail.contains(&new.serial.to_string()));
}

#[test]
fn a_certificate_of_a_leap_day_is_renewed_from_the_first_of_december() {
    let mut world = World::new();
    wait_until(&mut world, "2028-02-29T03:00:00Z");
    let old = first(&world, "R1");
    let image = CertificateImage::decode(&old.certificate).unwrap();
    assert_eq!(image.not_after.to_string(), "2031-02-28T14:59:59Z");
    wait_until(&mut world, "2030-11-30T14:59:59Z");
    let early = wish(&world, "R1", &old.serial, RENEWAL);
    assert!(issue(&world.app, "gw", &early).is_err());
    world.clock.advance(SignedDuration::from_secs(1));
    let in_time = wish(&world, "R1", &old.serial, RENEWAL);
    issue(&world.app, "gw", &in_time).unwrap();
    // The last second of the old one, for somebody else, and one second too late.
    let mut world = World::new();
    let old = first(&world, "R2");
    wait_until(&mut world, "2029-11-21T15:00:00Z");
    let late = wish(&world, "R2", &old.serial, RENEWAL);
    assert!(matches!(
        issue(&world.app, "gw", &late),
        Err(IssueError::Replacement(ReplacementRefusal::Rule(
            ReplacementFault::Ended
        )))
    ));
    assert_ne!(first(&world, "R2").serial, old.serial);
}

#[test]
fn each_cause_revokes_under_its_ground() {
    let world = World::new();
    let mut serial = first(&world, "R1").serial;
    for (cause, wished) in [
        (ReplacementCause::CardFailure, "article10-damage"),
        (ReplacementCause::OfficeError, "article13"),
        (ReplacementCause::RegisterChange, "article12"),
        (ReplacementCause::AddressNotation, "article12"),
        (ReplacementCause::Substitute, "article9-renewal"),
    ] {
        let new = issue(&world.app, "gw", &wish(&world, "R1", &serial, cause)).unwrap();
        assert_eq!(ground(&world, &serial), wished, "{cause}");
        assert_eq!(ground(&world, &new.serial), "good");
        serial = new.serial;
    }
}

#[test]
fn nobody_elses_certificate_is_replaced() {
    let world = World::new();
    let (mine, theirs) = (first(&world, "R1"), first(&world, "R2"));
    let cause = ReplacementCause::CardFailure;
    let other = wish(&world, "R1", &theirs.serial, cause);
    assert!(matches!(
        issue(&world.app, "gw", &other),
        Err(IssueError::Conflict(ReserveRefusal::NothingToReplace))
    ));
    let none = wish(&world, "R1", &Serial::from_random([1; 16]), cause);
    assert!(matches!(
        issue(&world.app, "gw", &none),
        Err(IssueError::Replacement(ReplacementRefusal::NotFound))
    ));
    let unsaid = world
        .window
        .issue_request(&Applicant::soumu("R1"), world.clock.now());
    assert!(matches!(
        issue(&world.app, "gw", &unsaid),
        Err(IssueError::Conflict(ReserveRefusal::InEffect))
    ));
    for serial in [&mine.serial, &theirs.serial] {
        assert_eq!(ground(&world, serial), "good");
    }
}

#[test]
fn a_successor_acts_for_the_municipality_that_became_part_of_it() {
    let mut world = World::new();
    let old = first(&world, "R1");
    let merger = ReplacementCause::Merger;
    assert!(matches!(
        issue(&world.app, "gw", &wish(&world, "R1", &old.serial, merger)),
        Err(IssueError::Replacement(ReplacementRefusal::Rule(
            ReplacementFault::NotMerged
        )))
    ));
    // A window of 13102, before and after 13101 became part of it.
    let here = ca_server::testing::window::Window::of("13102");
    for enrolment in here.enrolments() {
        ca_server::app::enrol::enrol(&world.app, &enrolment).unwrap();
    }
    world.window = here;
    let wished = wish(&world, "R1", &old.serial, merger);
    assert!(matches!(
        issue(&world.app, "gw", &wished),
        Err(IssueError::Replacement(ReplacementRefusal::Rule(
            ReplacementFault::OtherMunicipality
        )))
    ));
    let revocation = world
        .window
        .revoke_request(&old.serial, Ground::Article9, world.clock.now());
    assert!(revoke(&world.app, "gw", &revocation).is_err());
    world.app.mergers =
        Mergers::new([("13101".parse().unwrap(), "13102".parse().unwrap())]).unwrap();
    // The register has not told his new number yet: nothing of 13102/R1 is in effect.
    assert!(matches!(
        issue(&world.app, "gw", &wished),
        Err(IssueError::Conflict(ReserveRefusal::NothingToReplace))
    ));
    // The holder may go on with it, and may give it up at the successor's window.
    assert_eq!(ground(&world, &old.serial), "good");
    revoke(&world.app, "gw", &revocation).unwrap();
    assert_eq!(ground(&world, &old.serial), "article9");
}

#[test]
fn whatever_breaks_one_of_the_two_is_in_effect_and_never_both() {
    let cause = ReplacementCause::CardFailure;
    for method in ["reserve", "complete"] {
        for how in [Break::NotDone, Break::DoneUnsaid] {
            let world = World::new();
            let old = first(&world, "R1").serial;
            let asked = wish(&world, "R1", &old, cause);
            world.store.break_next(method, how);
            assert!(issue(&world.app, "gw", &asked).is_err());
            assert!(world.store.all_broken(), "{method} {how:?}");
            let done = method == "complete" && how == Break::DoneUnsaid;
            let wished = if done { "article10-damage" } else { "good" };
            assert_eq!(ground(&world, &old), wished, "{method} {how:?}");
            resume(&world.app).unwrap();
            sweep(&world.app).unwrap();
            let new = issue(&world.app, "gw", &asked).unwrap();
            assert_eq!(new.repeated, done, "{method} {how:?}");
            assert_eq!(ground(&world, &old), "article10-damage");
            assert_eq!(ground(&world, &new.serial), "good");
            publish(&world.app, &mut InPlace::new());
            world.check_invariants();
        }
    }
    // The token broken, both ways.
    for how in [Break::NotDone, Break::DoneUnsaid] {
        let world = World::new();
        let old = first(&world, "R1").serial;
        let asked = wish(&world, "R1", &old, cause);
        world.signer.break_next(how);
        assert!(issue(&world.app, "gw", &asked).is_err());
        assert_eq!(ground(&world, &old), "good", "{how:?}");
        issue(&world.app, "gw", &asked).unwrap();
        assert_eq!(ground(&world, &old), "article10-damage");
    }
}

#[test]
fn the_acts_can_be_shown_years_later() {
    let world = World::new();
    let asked = world
        .window
        .issue_request(&Applicant::soumu("R1"), world.clock.now());
    let issued = issue(&world.app, "gw", &asked).unwrap();
    let revocation =
        world
            .window
            .revoke_request(&issued.serial, Ground::Article9, world.clock.now());
    revoke(&world.app, "gw", &revocation).unwrap();
    let acts = proof::read(&world.app, &issued.serial).unwrap();
    let deeds: Vec<_> = acts.iter().map(|act| act.deed).collect();
    assert_eq!(deeds, [ProvedDeed::Issue, ProvedDeed::Revoke]);
    let key = |kind: &str, id: &str| {
        let party = world.app.store.party(kind, id).unwrap().unwrap();
        PublicKey::from_spki_der(&party.public_key).unwrap()
    };
    let terminal = key("terminal", &world.window.terminal_id);
    let operator = key("operator", &world.window.operator_id);
    for (shown, sent) in acts.iter().zip([&asked.act, &revocation.act]) {
        let Signed::Window { signed, .. } = &shown.by else {
            panic!("a window signed it");
        };
        assert_eq!(signed.payload, sent.payload.0);
        let skew = SignedDuration::from_hours(1);
        signed
            .verify(&terminal, &operator, world.clock.now(), skew)
            .unwrap();
        let digest = hex::encode(shown.sha256);
        let rows = world.audit();
        assert!(rows.iter().any(|row| row.detail.contains(&digest)));
    }
    let row = world.audit().pop().unwrap();
    assert_eq!(
        (row.event.as_str(), row.outcome.as_str()),
        ("proof.read", "done")
    );
    // At rest they are sealed.
    let kept = world
        .app
        .store
        .proofs("sign", issued.serial.as_octets())
        .unwrap();
    for kept in kept {
        assert!(kept.proof.sealed);
        let mine = world.window.terminal_id.as_bytes();
        assert!(!kept.proof.act.windows(mine.len()).any(|part| part == mine));
    }
}
