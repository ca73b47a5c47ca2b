//! Events of the resident register: each once, and never a certificate in effect that rests on the
//! register from before.

use ca_server::port::store::*;
use pki_core::revocation::register_event::RegisterEventKind as Kind;

use super::backends::{Bench, at, entry, on_both, open, reservation};

pub fn resident(of: &Reservation) -> [u8; 32] {
    of.holder.as_ref().unwrap().resident
}

/// An event about the holder of a reservation, recorded by the register in that second.
pub fn event(sequence: u64, kind: Kind, of: &Reservation, second: i64) -> NewRegisterEvent {
    NewRegisterEvent {
        sequence,
        kind,
        resident: resident(of),
        former: None,
        recorded_at: at(second),
        audit: entry("register.event"),
    }
}

pub fn position(batch: u64, sequence: u64) -> RegisterPosition {
    RegisterPosition {
        batch,
        batch_sha256: [batch as u8; 32],
        complete: true,
        sequence,
        trouble: None,
    }
}

pub fn apply_to(
    store: &dyn Store,
    before: &RegisterPosition,
    after: &RegisterPosition,
    events: Vec<NewRegisterEvent>,
) -> AppliedEvents {
    store
        .apply_register_events(&["sign".to_owned()], "13101", before, after, events, at(50))
        .unwrap()
}

/// Apply one event next.
fn apply(bench: &Bench, event: NewRegisterEvent) -> EventOutcome {
    let before = bench.store.register_position("13101").unwrap();
    let after = position(before.batch + 1, event.sequence);
    match apply_to(&*bench.store, &before, &after, vec![event]) {
        AppliedEvents::Applied(outcomes) => outcomes[0],
        AppliedEvents::Moved => panic!("nobody else applies events"),
    }
}

pub fn issued(bench: &Bench, number: u32) -> Reservation {
    let new = reservation(number);
    bench.reserve(&new).unwrap();
    assert_eq!(bench.complete(&new), Complete::Completed);
    new
}

fn identified(mut new: Reservation, second: i64) -> Reservation {
    new.holder.as_mut().unwrap().identified_at = at(second);
    new
}

fn ground(bench: &Bench, of: &Reservation) -> String {
    match bench.store.status("sign", std::slice::from_ref(&of.serial)) {
        Ok(status) => match &status[0] {
            Status::Revoked(revoked) => revoked.ground.clone(),
            Status::Good => "good".to_owned(),
            Status::Unknown => "unknown".to_owned(),
        },
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn each_kind_does_what_the_law_says() {
    on_both(|bench| {
        for (number, kind) in (1..).zip(Kind::ALL) {
            let mine = issued(bench, number);
            let mut event = event(number.into(), kind, &mine, 5);
            if kind == Kind::Merger {
                event.former = Some(event.resident);
                event.resident = [0xEE; 32];
            }
            let (outcome, after) = match kind {
                Kind::Merger => (EventOutcome::Relinked, "good"),
                Kind::MinorCorrection => (EventOutcome::Nothing, "good"),
                _ => (EventOutcome::Revoked, "article12"),
            };
            assert_eq!(apply(bench, event), outcome, "{kind}");
            assert_eq!(ground(bench, &mine), after, "{kind}");
            let stored = bench.store.certificate("sign", &mine.serial).unwrap();
            assert_eq!(stored.unwrap().in_effect, after == "good", "{kind}");
        }
        let rows = bench.store.audit(None, 1_000).unwrap();
        let mut said: Vec<_> = rows
            .iter()
            .filter(|row| row.event == "register.event")
            .map(|row| row.outcome.as_str())
            .collect();
        // Each writer has a chain of its own, so the rows come in another order.
        said.sort_unstable();
        assert_eq!(
            said,
            [
                "nothing", "relinked", "revoked", "revoked", "revoked", "revoked", "revoked"
            ]
        );
    });
}

#[test]
fn an_event_is_applied_once_whoever_applies_it() {
    on_both(|bench| {
        let mine = issued(bench, 1);
        let other = open(&bench.url, "other");
        let (before, after) = (RegisterPosition::default(), position(1, 1));
        let events = || vec![event(1, Kind::Death, &mine, 5)];
        let answers = std::thread::scope(|scope| {
            [
                scope.spawn(|| apply_to(&*bench.store, &before, &after, events())),
                scope.spawn(|| apply_to(&other, &before, &after, events())),
            ]
            .map(|call| call.join().unwrap())
        });
        let done = AppliedEvents::Applied(vec![EventOutcome::Revoked]);
        assert_eq!(answers.iter().filter(|answer| **answer == done).count(), 1);
        assert!(answers.contains(&AppliedEvents::Moved));
        assert_eq!(bench.store.register_position("13101").unwrap(), after);
        assert_eq!(bench.listed(None, 0), [mine.serial]);
    });
}

#[test]
fn what_rests_on_a_younger_register_stays() {
    on_both(|bench| {
        let mine = identified(reservation(1), 10);
        bench.reserve(&mine).unwrap();
        bench.complete(&mine);
        let late = event(1, Kind::AddressNotation, &mine, 9);
        assert_eq!(apply(bench, late), EventOutcome::Nothing);
        assert_eq!(ground(bench, &mine), "good");
        let same_second = event(2, Kind::AddressNotation, &mine, 10);
        assert_eq!(apply(bench, same_second), EventOutcome::Revoked);
        assert_eq!(ground(bench, &mine), "article12");
        // A resident of whom nothing is known is recorded as seen.
        let nobody = reservation(9);
        assert_eq!(
            apply(bench, event(3, Kind::Death, &nobody, 5)),
            EventOutcome::Nothing
        );
    });
}

#[test]
fn an_event_between_reservation_and_completion_keeps_the_certificate_out_of_effect() {
    on_both(|bench| {
        let mine = reservation(1);
        bench.reserve(&mine).unwrap();
        assert_eq!(
            apply(bench, event(1, Kind::Death, &mine, 5)),
            EventOutcome::Nothing
        );
        assert_eq!(bench.complete(&mine), Complete::RegisterChanged);
        let stored = bench
            .store
            .certificate("sign", &mine.serial)
            .unwrap()
            .unwrap();
        assert_eq!(stored.state, SerialState::Reserved);
        assert!(bench.abandon(&mine));
        assert_eq!(ground(bench, &mine), ABANDONED);
        let refused = ("issue.complete".to_owned(), "register-changed".to_owned());
        assert!(bench.outcomes().contains(&refused));
        // Nor is anything reserved for him that rests on the register from before.
        let again = reservation(2);
        let again = Reservation {
            holder: mine.holder.clone(),
            ..again
        };
        assert_eq!(bench.reserve(&again), Err(ReserveRefusal::RegisterChanged));
        bench.reserve(&identified(again, 6)).unwrap();
    });
}

#[test]
fn completions_and_events_at_the_same_moment_leave_nothing_in_effect() {
    on_both(|bench| {
        let other = open(&bench.url, "other");
        for round in 0..40 {
            let mine = reservation(round);
            bench.reserve(&mine).unwrap();
            let before = bench.store.register_position("13101").unwrap();
            let sequence = u64::from(round) + 1;
            let after = position(before.batch + 1, sequence);
            let death = vec![event(sequence, Kind::Death, &mine, 5)];
            std::thread::scope(|scope| {
                scope.spawn(|| bench.complete(&mine));
                scope.spawn(|| apply_to(&other, &before, &after, death));
            });
            let stored = bench
                .store
                .certificate("sign", &mine.serial)
                .unwrap()
                .unwrap();
            assert!(!stored.in_effect, "round {round}");
            assert_ne!(ground(bench, &mine), "good", "round {round}");
        }
    });
}

#[test]
fn after_a_merger_the_certificate_belongs_to_the_new_number() {
    on_both(|bench| {
        let former = issued(bench, 1);
        let mut here = identified(reservation(2), 20);
        let merger = NewRegisterEvent {
            former: Some(resident(&former)),
            ..event(1, Kind::Merger, &here, 5)
        };
        assert_eq!(apply(bench, merger.clone()), EventOutcome::Relinked);
        assert_eq!(bench.reserve(&here), Err(ReserveRefusal::InEffect), "Art 6");
        here.holder.as_mut().unwrap().replaces = Some(former.serial.clone());
        bench.reserve(&here).unwrap();
        assert!(bench.abandon(&here));
        // The old number means nothing any more, the new one does.
        let gone = event(2, Kind::MovedOut, &former, 30);
        assert_eq!(apply(bench, gone), EventOutcome::Nothing);
        assert_eq!(ground(bench, &former), "good");
        assert_eq!(
            apply(bench, event(3, Kind::Death, &here, 30)),
            EventOutcome::Revoked
        );
        assert_eq!(ground(bench, &former), "article12");
    });
}

#[test]
fn a_merger_that_is_told_late_leaves_the_newer_certificate_alone() {
    on_both(|bench| {
        let former = issued(bench, 1);
        let here = identified(reservation(2), 20);
        bench.reserve(&here).unwrap();
        bench.complete(&here);
        let merger = NewRegisterEvent {
            former: Some(resident(&former)),
            ..event(1, Kind::Merger, &here, 5)
        };
        assert_eq!(apply(bench, merger), EventOutcome::Superseded);
        assert_eq!(ground(bench, &former), "article9-renewal");
        assert_eq!(ground(bench, &here), "good");
    });
}

#[test]
fn trouble_is_news_once_and_the_position_outlives_it() {
    on_both(|bench| {
        let mine = issued(bench, 1);
        apply(bench, event(1, Kind::MinorCorrection, &mine, 5));
        let set = |said: Option<&str>| {
            bench
                .store
                .set_register_trouble(
                    "13101",
                    said.map(str::to_owned),
                    at(7),
                    entry("register.batch"),
                )
                .unwrap()
        };
        assert!(set(Some("batch 2 is missing")));
        assert!(!set(Some("batch 2 is missing")));
        let position = bench.store.register_position("13101").unwrap();
        assert_eq!((position.batch, position.sequence), (1, 1));
        assert_eq!(position.trouble.as_deref(), Some("batch 2 is missing"));
        assert!(set(None));
        assert!(!set(None));
        let rows = bench.outcomes();
        let told = rows.iter().filter(|(event, _)| event == "register.batch");
        assert_eq!(told.count(), 2);
    });
}

#[test]
fn revocations_by_the_register_are_listed_in_order_and_in_parts() {
    on_both(|bench| {
        let mut serials = Vec::new();
        for number in 1..=5 {
            let mine = issued(bench, number);
            let kind = if number == 3 {
                Kind::MinorCorrection
            } else {
                Kind::MovedOut
            };
            apply(bench, event(number.into(), kind, &mine, 5));
            serials.push(mine.serial);
        }
        let list = |municipality: &str, since, limit| {
            bench
                .store
                .register_revocations(municipality, since, limit)
                .unwrap()
        };
        let told = list("13101", 0, 500);
        let sequences: Vec<u64> = told.iter().map(|told| told.sequence).collect();
        assert_eq!(sequences, [1, 2, 4, 5]);
        assert_eq!(told[2].serial, serials[3]);
        assert_eq!((told[0].recorded_at, told[0].revoked_at), (at(5), at(50)));
        assert_eq!(list("13101", 2, 1)[0].sequence, 4);
        assert!(list("13101", 5, 500).is_empty());
        assert!(list("13102", 0, 500).is_empty());
    });
}

#[test]
fn the_end_of_the_last_certificate_of_a_municipality_is_known() {
    on_both(|bench| {
        let last_end = |code: &str| bench.store.last_end("sign", code.parse().unwrap()).unwrap();
        assert_eq!(last_end("13101"), None);
        issued(bench, 1);
        let mut longer = reservation(2);
        longer.not_after = at(5_000);
        bench.reserve(&longer).unwrap();
        assert_eq!(last_end("13101"), Some(at(5_000)));
        assert_eq!(last_end("13102"), None);
    });
}
