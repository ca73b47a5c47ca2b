//! Where and when a window works, and who takes it over.

use std::sync::Arc;

use pki_core::operator::Role;
use ra_gateway::port::{Extension, LoadedPlaces, Store};
use schema::wire::v1::ra;

use crate::{
    entry,
    staff::{CHIEF, enlist, sign_in},
    support::window::{TERMINAL, World, refusal},
};

/// Sunday 22 November 2026, 14:00 in Japan, is the world's beginning.
fn file(version: &str, operators: &str, days: &str) -> LoadedPlaces {
    LoadedPlaces {
        version: version.into(),
        file: format!(
            "version = \"{version}\"\n[[place]]\nname = \"本庁\"\nmunicipality = \"13101\"\n\
             terminals = [\"{TERMINAL}\"]\noperators = [{operators}]\nprofiles = [\"signature\"]\n\
             [[place.opening]]\ndays = [{days}]\nfrom = \"08:30\"\nuntil = \"17:15\"\n"
        ),
        by: "officer".into(),
        at: "2026-11-22T05:00:00Z".parse().unwrap(),
    }
}

const BOTH: &str = "\"13101-0001\", \"13101-0009\"";

fn load(world: &World, places: &LoadedPlaces) {
    let loaded = world
        .app
        .store
        .load_places(places, &entry("load-places"))
        .unwrap();
    assert!(loaded);
}

#[test]
fn a_closed_window_serves_nobody_says_when_it_opens_and_a_supervisor_keeps_it_open() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let token = world.sign_in().unwrap();
    assert!(world.clerk_of(&token).is_ok(), "no file, no hours");
    load(&world, &file("1", BOTH, "\"mon\""));
    assert_eq!(refusal(world.clerk_of(&token)), "window-closed");
    let terminal = || world.app.terminal(&world.terminal.1).unwrap();
    let reader = world.app.operator(terminal(), Some(&token)).unwrap();
    let place = world.app.place(&reader).unwrap();
    assert_eq!(place.name.as_deref(), Some("本庁"));
    assert!(place.closed.unwrap().contains("2026-11-23 08:30"));
    // The office behind it works on: the till is counted after the window closed.
    assert!(world.app.back_office(terminal(), Some(&token)).is_ok());
    let chief = sign_in(&world, &chief).unwrap().session.0;
    let supervisor = world.app.supervisor(terminal(), Some(&chief)).unwrap();
    let extend = |until: &str, reason: &str| {
        let request = ra::OpeningRequest {
            until: until.into(),
            reason: reason.into(),
        };
        world.app.extend_opening(&supervisor, &request)
    };
    let until = "2026-11-22T18:00:00+09:00";
    assert_eq!(refusal(extend(until, " ")), "items-invalid");
    for wrong in [
        "2026-11-22T13:00:00+09:00",
        "2026-11-23T18:00:00+09:00",
        "six",
    ] {
        assert_eq!(refusal(extend(wrong, "臨時窓口")), "items-invalid");
    }
    assert!(extend(until, "臨時窓口").unwrap().closed.is_none());
    assert!(world.clerk_of(&token).is_ok());
    world.clock.advance(4 * 3600);
    let token = world.sign_in().unwrap();
    assert_eq!(refusal(world.clerk_of(&token)), "window-closed");
}

#[test]
fn a_new_file_counts_at_the_next_request_and_names_who_works_where() {
    let world = World::on(None);
    let token = world.sign_in().unwrap();
    load(&world, &file("1", BOTH, "\"sun\""));
    assert!(world.clerk_of(&token).is_ok());
    load(&world, &file("2", "\"13101-0009\"", "\"sun\""));
    assert_eq!(refusal(world.clerk_of(&token)), "place-forbids");
    assert_eq!(refusal(world.sign_in()), "place-forbids");
    let foreign = file("3", BOTH, "\"sun\"");
    let foreign = LoadedPlaces {
        file: foreign.file.replace(TERMINAL, "131010002"),
        ..foreign
    };
    load(&world, &foreign);
    assert_eq!(
        refusal(world.sign_in()),
        "place-forbids",
        "this terminal stands nowhere"
    );
    let other = file("4", BOTH, "\"sun\"");
    let other = LoadedPlaces {
        file: other.file.replace("\"signature\"", "\"authentication\""),
        ..other
    };
    load(&world, &other);
    let token = world.sign_in().unwrap();
    assert_eq!(
        refusal(world.clerk_of(&token)),
        "place-forbids",
        "another profile is applied for here"
    );
}

#[test]
fn who_takes_the_window_over_is_recorded_with_what_was_open() {
    let world = World::on(None);
    let colleague = enlist(&world, "13101-0002", Role::Clerk);
    let clerk = world.clerk();
    world.app.receive(&clerk, &world.taro()).unwrap();
    // What has ended is not handed over, and another window's work is not this one's.
    let ended = world.app.receive(&clerk, &world.hanako()).unwrap();
    let cancel = ra::CancelRequest {};
    world.app.cancel(&clerk, &ended.id, &cancel).unwrap();
    let elsewhere = world.clerk_elsewhere();
    let theirs = world.app.take_over(&elsewhere, &ra::ShiftRequest {});
    assert_eq!(theirs.unwrap().applications, 0);
    let first = world.app.take_over(&clerk, &ra::ShiftRequest {}).unwrap();
    assert_eq!((first.before, first.applications), (None, 1));
    let token = sign_in(&world, &colleague).unwrap().session.0;
    let terminal = world.app.terminal(&world.terminal.1).unwrap();
    let second = world.app.clerk(terminal, Some(&token)).unwrap();
    world.clock.advance(60);
    let change = world.app.take_over(&second, &ra::ShiftRequest {}).unwrap();
    assert_eq!(
        (change.operator.as_str(), change.before.as_deref()),
        ("13101-0002", Some("13101-0001"))
    );
    let place = world.app.place(&second).unwrap();
    assert_eq!(place.shift, Some(change));
}

pub fn the_file_loaded_last_counts(store: &Arc<dyn Store>) {
    assert_eq!(store.places_version().unwrap(), None);
    let load = |version: &str| {
        store
            .load_places(&file(version, BOTH, "\"mon\""), &entry("load-places"))
            .unwrap()
    };
    assert!(load("2027-1"));
    assert!(load("2026-9"));
    assert!(!load("2027-1"), "each version once");
    assert_eq!(store.places_version().unwrap().as_deref(), Some("2026-9"));
    assert_eq!(
        store.places().unwrap(),
        Some(file("2026-9", BOTH, "\"mon\""))
    );
    let municipality = "13101".parse().unwrap();
    let day = "2026-11-22".parse().unwrap();
    let extend = |id: &str, until: &str| {
        let extension = Extension {
            id: id.into(),
            municipality,
            place: "本庁".into(),
            day,
            until: until.parse().unwrap(),
            operator: CHIEF.parse().unwrap(),
            at: "2026-11-22T05:00:00Z".parse().unwrap(),
            sealed: vec![1],
        };
        store.extend(&extension, &entry("extend-opening")).unwrap();
    };
    extend("a", "2026-11-22T10:00:00Z");
    extend("b", "2026-11-22T09:00:00Z");
    let until = |place: &str| store.extended(&municipality, place, day).unwrap();
    assert_eq!(until("本庁"), Some("2026-11-22T10:00:00Z".parse().unwrap()));
    assert_eq!(until("出張所"), None);
    let morrow = "2026-11-23".parse().unwrap();
    let later = store.extended(&municipality, "本庁", morrow).unwrap();
    assert_eq!(later, None, "for that day alone");
    let elsewhere = "13102".parse().unwrap();
    let theirs = store.extended(&elsewhere, "本庁", day).unwrap();
    assert_eq!(theirs, None, "a place of the same name elsewhere");
}
