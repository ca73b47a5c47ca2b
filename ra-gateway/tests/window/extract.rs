//! The register is asked once in a visit: what it said as the form was taken in stands for the
//! identity check of that visit, and of no other.

use jiff::Timestamp;
use pki_core::act::Deed;
use ra_gateway::app::{caller::Clerk, refusal::Failure};
use schema::wire::v1::ra;

use crate::support::window::{REGISTER, World, licence, refusal};

const NUMBER: &str = "13101-000001";

fn looked_up(world: &World) -> ra::ReceiveRequest {
    ra::ReceiveRequest {
        resident: Some(NUMBER.into()),
        ..world.taro()
    }
}

/// The register as it is after the resident has moved away.
fn moves_away(world: &World) {
    let line = REGISTER
        .lines()
        .find(|line| line.starts_with(NUMBER))
        .unwrap();
    let gone = line.replace(",resident", ",moved");
    let register = REGISTER.replace(line, &gone);
    std::fs::write(world.folder.path("register.csv"), register).unwrap();
}

fn register_away(world: &World) {
    std::fs::remove_file(world.folder.path("register.csv")).unwrap();
}

fn identify(world: &World, clerk: &Clerk, id: &str) -> Result<ra::Application, Failure> {
    world.app.identify(clerk, id, &licence())
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn within_the_visit_the_register_is_not_asked_again() {
    let world = World::on(None);
    let clerk = world.clerk();
    let received = world.app.receive(&clerk, &looked_up(&world)).unwrap();
    register_away(&world);
    world.clock.advance(20 * 60);
    let identified = identify(&world, &clerk, &received.id).unwrap();
    assert_eq!(identified.step, ra::Step::Identified);
    let identity = identified.identity.unwrap();
    assert_eq!(
        time(&identity.register_seen_at),
        time(&received.received_at),
        "the identification counts from the moment at which the register was asked"
    );
    assert!(time(&identity.decided_at) > time(&received.received_at));
}

#[test]
fn an_old_extract_is_not_relied_on() {
    let world = World::on(None);
    let clerk = world.clerk();
    let received = world.app.receive(&clerk, &looked_up(&world)).unwrap();
    moves_away(&world);
    world.clock.advance(20 * 60 + 1);
    let refused = identify(&world, &clerk, &received.id).unwrap();
    assert_eq!(
        refused.step,
        ra::Step::Refused,
        "the register was asked again"
    );
}

#[test]
fn the_next_session_asks_again() {
    let world = World::on(None);
    let received = world
        .app
        .receive(&world.clerk(), &looked_up(&world))
        .unwrap();
    moves_away(&world);
    let refused = identify(&world, &world.clerk(), &received.id).unwrap();
    assert_eq!(
        refused.step,
        ra::Step::Refused,
        "the register was asked again"
    );
}

#[test]
fn who_was_not_found_by_number_is_looked_for_at_the_check() {
    let world = World::on(None);
    let clerk = world.clerk();
    let received = world.app.receive(&clerk, &world.taro()).unwrap();
    world.clock.advance(60);
    let identity = identify(&world, &clerk, &received.id)
        .unwrap()
        .identity
        .unwrap();
    assert_eq!(identity.register_seen_at, identity.decided_at);
}

#[test]
fn an_act_names_the_look_and_not_the_decision_after_it() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let received = world.app.receive(&clerk, &looked_up(&world)).unwrap();
    world.clock.advance(60);
    identify(&world, &clerk, &received.id).unwrap();
    world.key_of(&clerk, &received.id, &mut card);
    let none = ra::CharacterChoices {
        choices: Vec::new(),
    };
    let settled = world
        .app
        .settle_characters(&clerk, &received.id, &none)
        .unwrap();
    let mut later = world.issue_deed(&settled);
    assert_eq!(later.identified_at, time(&received.received_at));
    // An event of the register between the two would not count.
    later.identified_at = time(&settled.identity.as_ref().unwrap().decided_at);
    let act = ra::IssueActRequest {
        act: world.signed(&settled.id, &world.wish(), Deed::Issue(later)),
    };
    let refused = world.app.request_issue(&clerk, &settled.id, &act);
    assert_eq!(refusal(refused), "act-invalid");
    let act = world.issue_act(&settled, &world.wish());
    let issued = world.app.request_issue(&clerk, &settled.id, &act).unwrap();
    assert_eq!(issued.step, ra::Step::Issued);
}

#[test]
fn the_extract_is_gone_once_the_person_is_identified() {
    let world = World::on(None);
    let clerk = world.clerk();
    let received = world.app.receive(&clerk, &looked_up(&world)).unwrap();
    let sealed = |id: &str| {
        let id = id.parse().unwrap();
        let place = clerk.municipality();
        let stored = world.app.store.application(&id, &place).unwrap().unwrap();
        let name = format!("application {id}");
        let opened = world.app.vault.open(&name, &stored.sealed).unwrap();
        String::from_utf8(opened.to_vec()).unwrap()
    };
    assert!(sealed(&received.id).contains("\"extract\""));
    identify(&world, &clerk, &received.id).unwrap();
    assert!(!sealed(&received.id).contains("\"extract\""));
}
