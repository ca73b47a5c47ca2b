//! A gateway's stop, from its telling to the release that travels back.

use ca_server::{
    app::{
        enrol,
        officer::{self, OfficerError},
        stop::{self, StopError},
    },
    testing::{disclosure::OfficerKey, world::World},
};
use pki_core::{
    certificate::CertificateImage,
    id::ApplicationId,
    officer::{OfficerDeed, Part, SignFault, State},
    release::{OfficerSignature, Officers, SignedRelease},
};
use schema::wire::v1::stop::{Stop, StopRelease, StopReport};

const ID: &str = "00112233445566778899aabbccddeeff";

fn told() -> Stop {
    Stop {
        id: ID.to_owned(),
        serial: "0a0b".to_owned(),
        application: "ff".repeat(16),
        terminal: "131010001".to_owned(),
        operator: "13101-0001".to_owned(),
        tripped_at: "2026-11-22T05:59:00Z".to_owned(),
    }
}

fn tell(world: &World, stops: Vec<Stop>) -> Result<Vec<StopRelease>, StopError> {
    stop::receive(&world.app, "gw", &StopReport { stops }).map(|told| told.releases)
}

fn deed(reason: &str) -> OfficerDeed {
    OfficerDeed::ReleaseStop {
        gateway: "gw".to_owned(),
        stop: ID.to_owned(),
        serial: "0a0b".to_owned(),
        reason: reason.to_owned(),
    }
}

fn propose(
    world: &World,
    by: &OfficerKey,
    deed: OfficerDeed,
) -> Result<ApplicationId, OfficerError> {
    officer::propose(&world.app, &by.admitted(&world.app).unwrap(), deed)
}

fn sign(
    world: &World,
    by: &OfficerKey,
    act: ApplicationId,
    part: Part,
) -> Result<State, OfficerError> {
    let signature = by.signature(&world.app, act, part);
    officer::sign(
        &world.app,
        &by.admitted(&world.app).unwrap(),
        act,
        part,
        &signature,
    )
}

/// As the gateway judges it: by the infrastructure CA's certificate alone.
fn judged(world: &World, release: &StopRelease) -> Result<(), String> {
    let certificate = world.app.infrastructure.issuer.certificate_der().unwrap();
    let image = CertificateImage::decode(certificate).unwrap();
    let officers = Officers {
        issuer: image.subject,
        key: image.public_key,
        unit: "Officers".to_owned(),
        prefecture: "13".to_owned(),
    };
    let part = |one: &schema::wire::v1::stop::OfficerSignature| OfficerSignature {
        officer: one.officer.parse().unwrap(),
        certificate: one.certificate.0.clone(),
        signature: one.signature.0.clone(),
    };
    SignedRelease {
        act: release.act.parse().unwrap(),
        deed: release.deed.0.clone(),
        proposer: part(&release.proposer),
        second: part(&release.second),
    }
    .verify(&officers, ID, "0a0b", world.app.clock.now())
    .map(drop)
    .map_err(|fault| fault.to_string())
}

#[test]
fn more_stops_at_once_than_a_message_may_hold_are_refused_whole() {
    let world = World::new();
    let stops = |count: u8| {
        let one = |number: u8| Stop {
            id: format!("{number:02x}").repeat(16),
            ..told()
        };
        (1..=count).map(one).collect::<Vec<_>>()
    };
    assert!(matches!(
        tell(&world, stops(101)),
        Err(StopError::Malformed(..))
    ));
    // One that cannot be read takes those beside it along.
    let mut bad = stops(2);
    bad[1].serial = "not a serial".to_owned();
    assert!(matches!(
        tell(&world, bad),
        Err(StopError::Malformed(place, _)) if place == "/stops/1/serial"
    ));
    let tellings = || {
        let rows = world.audit().into_iter();
        rows.filter(|row| row.event == "stop.tell").count()
    };
    assert_eq!(tellings(), 0);
    tell(&world, stops(100)).unwrap();
    assert_eq!(tellings(), 100);
}

#[test]
fn a_stop_is_released_by_two_officers_and_the_release_proves_itself() {
    let world = World::new();
    let one = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let two = OfficerKey::enrolled(&world.app, "officer", "OFF-2");
    let auditor = OfficerKey::enrolled(&world.app, "auditor", "AUD-1");
    // What was not told cannot be released.
    assert!(matches!(
        propose(&world, &one, deed("x")),
        Err(OfficerError::NotFound)
    ));
    for _ in 0..2 {
        assert_eq!(tell(&world, vec![told()]).unwrap(), []);
    }
    let tellings = world.audit().into_iter().filter(|r| r.event == "stop.tell");
    assert_eq!(tellings.count(), 1, "telling again is no event");

    // Not by an auditor, not without a reason, not for another certificate.
    assert!(matches!(
        propose(&world, &auditor, deed("x")),
        Err(OfficerError::Auditor)
    ));
    for reason in ["", " \n ", &"長".repeat(501), "a\u{7}b"] {
        assert!(matches!(
            propose(&world, &one, deed(reason)),
            Err(OfficerError::Reason)
        ));
    }
    let other = OfficerDeed::ReleaseStop {
        gateway: "gw".to_owned(),
        stop: ID.to_owned(),
        serial: "0a0c".to_owned(),
        reason: "x".to_owned(),
    };
    assert!(matches!(
        propose(&world, &one, other),
        Err(OfficerError::NotFound)
    ));

    // One alone does not release it, nor the same one twice.
    let act = propose(&world, &one, deed("設定を改めた")).unwrap();
    assert_eq!(
        sign(&world, &one, act, Part::Propose).unwrap(),
        State::Awaiting
    );
    assert!(matches!(
        sign(&world, &one, act, Part::Approve),
        Err(OfficerError::Sign(SignFault::SamePerson))
    ));
    assert_eq!(tell(&world, vec![told()]).unwrap(), []);
    assert_eq!(sign(&world, &two, act, Part::Approve).unwrap(), State::Done);
    let released = tell(&world, vec![told()]).unwrap();
    assert_eq!(released.len(), 1);
    judged(&world, &released[0]).unwrap();
    let mut meddled = released[0].clone();
    meddled.second = meddled.proposer.clone();
    judged(&world, &meddled).unwrap_err();

    // A second release of it is nobody's business any more.
    assert!(matches!(
        propose(&world, &two, deed("x")),
        Err(OfficerError::NothingToDo)
    ));
    let events: Vec<_> = world.audit().into_iter().map(|row| row.event).collect();
    assert!(events.iter().any(|event| event == "stop.release"));
}

#[test]
fn an_officer_who_was_cut_off_after_proposing_releases_nothing() {
    let world = World::new();
    let one = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let two = OfficerKey::enrolled(&world.app, "officer", "OFF-2");
    tell(&world, vec![told()]).unwrap();
    let act = propose(&world, &one, deed("設定を改めた")).unwrap();
    sign(&world, &one, act, Part::Propose).unwrap();
    let now = world.app.clock.now();
    enrol::set_active(&*world.app.store, now, "officer", "OFF-1", false).unwrap();
    assert!(matches!(
        sign(&world, &two, act, Part::Approve),
        Err(OfficerError::NoParty)
    ));
    assert_eq!(tell(&world, vec![told()]).unwrap(), []);
}

#[test]
fn what_no_gateway_sends_is_refused_whole() {
    let world = World::new();
    let bad = |change: &dyn Fn(&mut Stop)| {
        let mut stop = told();
        change(&mut stop);
        let fresh = Stop {
            id: "1".repeat(32),
            ..told()
        };
        tell(&world, vec![fresh, stop]).unwrap_err().to_string()
    };
    for (found, field) in [
        (bad(&|stop| stop.id = "x".to_owned()), "id"),
        (bad(&|stop| stop.serial = "総務".to_owned()), "serial"),
        (bad(&|stop| stop.application = String::new()), "application"),
        (bad(&|stop| stop.terminal = "1".to_owned()), "terminal"),
        (bad(&|stop| stop.operator = "?".to_owned()), "operator"),
        (
            bad(&|stop| stop.tripped_at = "soon".to_owned()),
            "tripped_at",
        ),
    ] {
        assert!(found.starts_with(&format!("/stops/1/{field}:")), "{found}");
    }
    assert!(matches!(
        tell(&world, vec![told(); 101]),
        Err(StopError::Malformed(..))
    ));
    assert_eq!(world.app.store.stops(true, 10).unwrap(), []);
}
