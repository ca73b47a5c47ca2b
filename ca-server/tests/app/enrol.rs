//! Who is taken into the registry, and who is not.

use ca_server::{
    app::{
        enrol::{self, EnrolError, Enrolment},
        officer::{self, OfficerError},
    },
    testing::{
        disclosure::OfficerKey,
        window::{PartyKey, Window},
        world::World,
    },
};
use pki_core::{certificate::pem, officer::OfficerDeed};

fn wish(kind: &str, id: &str, municipality: Option<&str>) -> Enrolment {
    // The request gives its key alone; the name in it counts for nothing.
    Enrolment {
        kind: kind.to_owned(),
        id: id.to_owned(),
        municipality: municipality.map(str::to_owned),
        label: "窓口".to_owned(),
        request: PartyKey::new().request("party"),
        dns_names: Vec::new(),
        addresses: Vec::new(),
        replace: false,
    }
}

type IsThat = fn(&EnrolError) -> bool;

/// Refused as that, with nothing signed and nobody enrolled.
fn refused(world: &World, wish: &Enrolment, as_that: IsThat) {
    let signed = world.signer.signed_with("infra").len();
    let asked = (&wish.kind, &wish.id, &wish.municipality);
    for outcome in [
        enrol::check_wish(&world.app, wish).err(),
        enrol::enrol(&world.app, wish).err(),
    ] {
        let fault = outcome.unwrap_or_else(|| panic!("{asked:?} is taken"));
        assert!(as_that(&fault), "{asked:?}: {fault}");
    }
    assert_eq!(world.signer.signed_with("infra").len(), signed);
    assert!(
        world
            .app
            .store
            .party(&wish.kind, &wish.id)
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_party_belongs_to_one_municipality_that_this_prefecture_serves_or_to_none() {
    let world = World::new();
    let municipality: IsThat = |fault| matches!(fault, EnrolError::Municipality);
    for (kind, id, named) in [
        // The id says where it stands; the officer wrote another place.
        ("terminal", "131010002", Some("13102")),
        ("kiosk", "13101K002", Some("13102")),
        // A place that is not served here.
        ("terminal", "141010001", Some("14101")),
        ("kiosk", "14101K001", None),
        ("operator", "14101-0001", Some("14101")),
        // An operator is of some place, and everybody else of none.
        ("operator", "13101-0002", None),
        ("officer", "OFF-1", Some("13101")),
        ("auditor", "AUD-1", Some("13101")),
        ("gateway", "gw-2", Some("13101")),
    ] {
        refused(&world, &wish(kind, id, named), municipality);
    }
    for (kind, id, named) in [
        ("terminal", "131010002", None),
        ("kiosk", "13102K001", Some("13102")),
        ("operator", "13102-0001", Some("13102")),
        ("officer", "OFF-1", None),
        ("gateway", "gw-2", None),
    ] {
        let wish = wish(kind, id, named);
        enrol::check_wish(&world.app, &wish).unwrap();
        enrol::enrol(&world.app, &wish).unwrap();
    }
}

#[test]
fn an_id_and_a_label_have_their_form() {
    let world = World::new();
    for id in ["", &"g".repeat(33), "gw/2", "gw 2", "関所"] {
        refused(&world, &wish("gateway", id, None), |fault| {
            matches!(fault, EnrolError::FreeId)
        });
    }
    for label in ["", "a\u{7}b", &"長".repeat(101)] {
        let wish = Enrolment {
            label: label.to_owned(),
            ..wish("gateway", "gw-2", None)
        };
        refused(&world, &wish, |fault| matches!(fault, EnrolError::Label));
    }
    for (kind, id) in [("terminal", "13101-0001"), ("officer", "OFF 1")] {
        refused(&world, &wish(kind, id, None), |fault| {
            matches!(fault, EnrolError::Id(_))
        });
    }
    refused(&world, &wish("janitor", "J-1", None), |fault| {
        matches!(fault, EnrolError::Kind(_))
    });
    let longest = Enrolment {
        label: "長".repeat(100),
        ..wish("gateway", &"g".repeat(32), None)
    };
    enrol::enrol(&world.app, &longest).unwrap();
}

#[test]
fn who_is_enrolled_is_not_enrolled_again_but_in_his_own_place() {
    let world = World::new();
    let first = wish("gateway", "gw-2", None);
    let party = enrol::enrol(&world.app, &first).unwrap();
    let again = wish("gateway", "gw-2", None);
    for outcome in [
        enrol::check_wish(&world.app, &again).err(),
        enrol::enrol(&world.app, &again).err(),
    ] {
        assert!(matches!(outcome, Some(EnrolError::AlreadyEnrolled)));
    }
    let stored = || world.app.store.party("gateway", "gw-2").unwrap().unwrap();
    assert_eq!(stored().certificate, party.certificate);
    let in_its_place = Enrolment {
        replace: true,
        ..again
    };
    enrol::check_wish(&world.app, &in_its_place).unwrap();
    let renewed = enrol::enrol(&world.app, &in_its_place).unwrap();
    assert_eq!(stored().certificate, renewed.certificate);
}

#[test]
fn a_verifier_needs_an_arrangement_and_only_a_responder_answers_for_a_ca() {
    let world = World::new();
    let verifier = wish("verifier", "V-1", None);
    assert!(matches!(
        enrol::enrol(&world.app, &verifier),
        Err(EnrolError::Arrangement)
    ));
    let gateway = wish("gateway", "gw-2", None);
    let responder = wish("ocsp-responder", "ocsp-1", None);
    for (wish, of) in [(&gateway, "sign"), (&responder, "infra"), (&responder, "x")] {
        assert!(
            matches!(
                enrol::enrol_for(&world.app, wish, enrol::OFFICER, Some(of)),
                Err(EnrolError::NoIssuer)
            ),
            "{} of {of}",
            wish.kind
        );
    }
}

#[test]
fn officers_enrol_those_of_the_console_and_suspend_who_is_active() {
    let world = World::new();
    let officer = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let propose = |deed| {
        let by = officer.admitted(&world.app).unwrap();
        officer::propose(&world.app, &by, deed)
    };
    // Servers and responders are certified at the machine that holds their keys.
    let server = OfficerDeed::Enrol {
        kind: "server".to_owned(),
        id: "srv-1".to_owned(),
        municipality: None,
        label: "server".to_owned(),
        request: pem::encode(pem::REQUEST, &PartyKey::new().request("srv-1")),
        replace: false,
    };
    assert!(matches!(propose(server), Err(OfficerError::Kind)));
    let window = Window::of("13101");
    let party = |id: &str| ("terminal".to_owned(), id.to_owned());
    let suspend = |id| {
        let (kind, id) = party(id);
        propose(OfficerDeed::Suspend { kind, id })
    };
    let resume = |id| {
        let (kind, id) = party(id);
        propose(OfficerDeed::Resume { kind, id })
    };
    assert!(matches!(suspend("131010009"), Err(OfficerError::NoParty)));
    assert!(
        matches!(resume(&window.terminal_id), Err(OfficerError::NothingToDo)),
        "it is not suspended"
    );
    suspend(&window.terminal_id).unwrap();
    let now = ca_server::port::clock::Clock::now(&*world.clock);
    let id = &window.terminal_id;
    assert!(enrol::set_active(&*world.store, now, "terminal", id, false).unwrap());
    assert!(matches!(suspend(id), Err(OfficerError::NothingToDo)));
    resume(id).unwrap();
}
