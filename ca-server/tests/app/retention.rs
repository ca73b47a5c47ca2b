//! Records go when their ten years are over, not a day before, and each with a row.

use ca_server::{
    app::{officer, retention::delete_due, stop},
    port::clock::Clock,
    testing::{disclosure::OfficerKey, world::World},
};
use jiff::SignedDuration;
use pki_core::officer::{OfficerDeed, Part, State};
use schema::wire::v1::stop::{Stop, StopReport};

/// From 2026-11-22 15:00 in Japan to a day of 2036.
fn days_to_2036(until: &str) -> SignedDuration {
    let from: jiff::civil::Date = "2026-11-22".parse().unwrap();
    let until: jiff::civil::Date = until.parse().unwrap();
    SignedDuration::from_hours(24 * i64::from(from.until(until).unwrap().get_days()))
}

#[test]
fn records_of_the_authority_go_after_ten_years_with_a_row_and_not_before() {
    let world = World::new();
    let officer = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let admitted = officer.admitted(&world.app).unwrap();
    let deed = OfficerDeed::Suspend {
        kind: "terminal".to_owned(),
        id: world.window.terminal_id.clone(),
    };
    let act = officer::propose(&world.app, &admitted, deed).unwrap();
    let signature = officer.signature(&world.app, act, Part::Propose);
    let state = officer::sign(&world.app, &admitted, act, Part::Propose, &signature).unwrap();
    assert_eq!(state, State::Done);
    let open = Stop {
        id: "a".repeat(32),
        serial: "0a0b".to_owned(),
        application: "ff".repeat(16),
        terminal: "131010001".to_owned(),
        operator: "13101-0001".to_owned(),
        tripped_at: world.clock.now().to_string(),
    };
    let report = StopReport { stops: vec![open] };
    stop::receive(&world.app, "gw", &report).unwrap();

    let deleted = || {
        let rows = world.audit().into_iter();
        rows.filter(|row| row.event == "retention.delete").count()
    };
    let here = || world.app.store.act(act.as_bytes()).unwrap().is_some();
    assert_eq!(delete_due(&world.app).unwrap(), 0);
    // The day after is the first; ten years end with the same day of the tenth year.
    world.clock.advance(days_to_2036("2036-11-22"));
    assert_eq!(delete_due(&world.app).unwrap(), 0);
    assert!(here());
    // 23:59 in Japan is the same day still.
    world.clock.advance(SignedDuration::from_mins(9 * 60 - 1));
    assert_eq!(delete_due(&world.app).unwrap(), 0);
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(delete_due(&world.app).unwrap(), 1);
    assert!(!here());
    assert_eq!(deleted(), 1);
    assert_eq!(delete_due(&world.app).unwrap(), 0);
    let stops = world.app.store.stops(true, 10).unwrap();
    assert_eq!(stops.len(), 1, "what is open is not forgotten");
}
