//! Batches that the brake held: none of them is applied before two officers let it through, on
//! whatever node; and what is foreseen is what happens.

use std::collections::BTreeMap;

use ca_server::port::{officer::*, register_hold::*, store::*};
use pki_core::{
    officer::State,
    revocation::{
        register_brake::{Bearing, Forecast, RegisterStanding},
        register_event::RegisterEventKind as Kind,
    },
};

use super::{
    backends::{Bench, at, entry, on_both, open},
    register_event::{apply_to, event, issued, position, resident},
};

/// The name of batch `number` of 13101, as `position(number, …)` has its bytes.
fn name(number: u64) -> BatchName {
    BatchName {
        municipality: "13101".to_owned(),
        batch: number,
        sha256: [number as u8; 32],
    }
}

fn hold(number: u64, first: u64, last: u64) -> Hold {
    Hold {
        name: name(number),
        first_sequence: first,
        last_sequence: last,
        kinds: BTreeMap::from([(Kind::Death, last - first + 1)]),
        ends: last - first + 1,
        standing: RegisterStanding {
            in_effect: 9,
            ended_today: 0,
        },
        allowed: 0,
        state: HoldState::Held,
        held_at: at(40),
        decided: None,
    }
}

fn issuers() -> [String; 1] {
    ["sign".to_owned()]
}

fn put(store: &dyn Store, before: &RegisterPosition, hold: Hold) -> bool {
    store
        .hold_register_batch(before, hold, entry("register.hold"))
        .unwrap()
}

/// An officer decides, by the last signature of an act of its own.
fn decide(bench: &Bench, act: u8, number: u64, to: HoldState) -> Signed {
    let waiting = OfficerAct {
        id: [act; 16],
        deed: "release-batch".to_owned(),
        subject: "register:13101/batch/1".to_owned(),
        state: State::Unsigned,
        proposer: "OFF-1".to_owned(),
        first_signature: None,
        second: None,
        second_signature: None,
        sealed: b"deed".to_vec(),
        outcome: None,
        made_at: at(0),
        since: at(0),
    };
    let store = &bench.store;
    store.put_act(waiting, entry("officer.propose")).unwrap();
    let signing = Signing {
        id: [act; 16],
        from: State::Unsigned,
        to: State::Done,
        officer: "OFF-1".to_owned(),
        signature: vec![3; 70],
        at: at(60),
        change: Some(ActChange::Hold(HoldDecision {
            name: name(number),
            to,
            by: "officer:OFF-1 officer:OFF-2".to_owned(),
            at: at(60),
        })),
    };
    store.sign_act(signing, entry("officer.sign")).unwrap()
}

fn state(bench: &Bench, number: u64) -> HoldState {
    let hold = bench.store.register_hold(&name(number)).unwrap();
    hold.unwrap().state
}

#[test]
fn a_held_batch_is_applied_by_no_node_before_it_is_released_and_then_once() {
    on_both(|bench| {
        let mine = issued(bench, 1);
        let other = open(&bench.url, "other");
        let (before, after) = (RegisterPosition::default(), position(1, 1));
        assert!(put(&*bench.store, &before, hold(1, 1, 1)));
        assert!(!put(&other, &before, hold(1, 1, 1)), "it is held already");
        let death = || vec![event(1, Kind::Death, &mine, 5)];
        for store in [&*bench.store, &other] {
            assert_eq!(
                apply_to(store, &before, &after, death()),
                AppliedEvents::Moved
            );
        }
        assert_eq!(bench.store.register_position("13101").unwrap(), before);
        assert!(bench.listed(None, 0).is_empty());
        // Other bytes under the same number are another batch.
        let mended = RegisterPosition {
            batch_sha256: [99; 32],
            ..after.clone()
        };
        assert!(!put(&other, &mended, hold(2, 1, 1)), "not at that position");

        assert_eq!(decide(bench, 1, 1, HoldState::Refused), Signed::Signed);
        assert_eq!(decide(bench, 2, 1, HoldState::Refused), Signed::NotHeld);
        assert_eq!(
            apply_to(&other, &before, &after, death()),
            AppliedEvents::Moved
        );
        assert_eq!(decide(bench, 3, 1, HoldState::Released), Signed::Signed);
        assert_eq!(decide(bench, 4, 1, HoldState::Released), Signed::NotHeld);
        let void = bench.store.act(&[4; 16]).unwrap().unwrap();
        assert_eq!(void.outcome.as_deref(), Some("changed-meanwhile"));
        let refused = ("officer.sign".to_owned(), "batch-not-held".to_owned());
        assert!(bench.outcomes().contains(&refused));

        let answers = std::thread::scope(|scope| {
            [&*bench.store, &other]
                .map(|store| scope.spawn(|| apply_to(store, &before, &after, death())))
                .map(|call| call.join().unwrap())
        });
        let done = AppliedEvents::Applied(vec![EventOutcome::Revoked]);
        assert_eq!(answers.iter().filter(|answer| **answer == done).count(), 1);
        assert_eq!(bench.listed(None, 0), [mine.serial]);
        let kept = bench.store.register_hold(&name(1)).unwrap().unwrap();
        assert_eq!(kept.state, HoldState::Applied);
        let decided = ("officer:OFF-1 officer:OFF-2".to_owned(), at(60));
        assert_eq!(kept.decided, Some(decided));
        assert_eq!(decide(bench, 5, 1, HoldState::Released), Signed::NotHeld);
    });
}

#[test]
fn what_is_held_comes_back_as_it_was_and_stops_nobody_else() {
    on_both(|bench| {
        let before = RegisterPosition::default();
        let held = hold(1, 1, 3);
        assert!(put(&*bench.store, &before, held.clone()));
        assert_eq!(bench.store.register_hold(&name(1)).unwrap(), Some(held));
        assert_eq!(bench.store.register_hold(&name(2)).unwrap(), None);
        let elsewhere = Hold {
            name: BatchName {
                municipality: "13102".to_owned(),
                ..name(1)
            },
            held_at: at(41),
            ..hold(1, 1, 1)
        };
        assert!(put(&*bench.store, &before, elsewhere.clone()));
        let all = bench.store.register_holds(10).unwrap();
        assert_eq!(all[0], elsewhere);
        assert_eq!(
            (all.len(), bench.store.register_holds(1).unwrap().len()),
            (2, 1)
        );
        // The same number with mended bytes goes; the held bytes then cannot be released.
        let mended = RegisterPosition {
            batch_sha256: [77; 32],
            ..position(1, 1)
        };
        let mine = issued(bench, 1);
        let death = vec![event(1, Kind::Death, &mine, 5)];
        assert!(matches!(
            apply_to(&*bench.store, &before, &mended, death),
            AppliedEvents::Applied(_)
        ));
        assert_eq!(decide(bench, 1, 1, HoldState::Released), Signed::NotHeld);
        assert_eq!(state(bench, 1), HoldState::Held);
    });
}

#[test]
fn two_nodes_that_hold_and_apply_at_the_same_moment_do_one_of_the_two() {
    on_both(|bench| {
        let other = open(&bench.url, "other");
        for round in 1..=25 {
            let mine = issued(bench, round);
            let sequence = u64::from(round);
            let before = bench.store.register_position("13101").unwrap();
            let after = position(before.batch + 1, sequence);
            let number = after.batch;
            let death = vec![event(sequence, Kind::Death, &mine, 5)];
            let (held, applied) = std::thread::scope(|scope| {
                let hold = hold(number, sequence, sequence);
                let held = scope.spawn(|| put(&other, &before, hold));
                let applied = scope.spawn(|| apply_to(&*bench.store, &before, &after, death));
                (held.join().unwrap(), applied.join().unwrap())
            });
            assert_eq!(held, applied == AppliedEvents::Moved, "round {round}");
            let stored = bench.store.certificate("sign", &mine.serial).unwrap();
            assert_eq!(stored.unwrap().in_effect, held, "round {round}");
            if held {
                let act = u8::try_from(round).unwrap();
                decide(bench, act, number, HoldState::Released);
                let death = vec![event(sequence, Kind::Death, &mine, 5)];
                let done = apply_to(&*bench.store, &before, &after, death);
                assert!(matches!(done, AppliedEvents::Applied(_)), "round {round}");
            }
        }
    });
}

#[test]
fn the_day_counts_what_the_register_ended_without_what_was_released() {
    on_both(|bench| {
        let mut elsewhere = super::backends::reservation(90);
        elsewhere.municipality = Some("13102".to_owned());
        bench.reserve(&elsewhere).unwrap();
        bench.complete(&elsewhere);
        let mut run_out = super::backends::reservation(91);
        run_out.not_after = at(49);
        bench.reserve(&run_out).unwrap();
        bench.complete(&run_out);
        let held: Vec<_> = (1..=6).map(|number| issued(bench, number)).collect();
        let standing = |places: &[&str], since| {
            let places: Vec<String> = places.iter().map(|code| (*code).to_owned()).collect();
            bench
                .store
                .register_standing(&issuers(), "13101", &places, at(since), at(50))
                .unwrap()
        };
        let is = |in_effect, ended_today| RegisterStanding {
            in_effect,
            ended_today,
        };
        assert_eq!(standing(&["13101"], 0), is(6, 0));
        assert_eq!(standing(&["13101", "13102"], 0), is(7, 0));
        // Batch 1 ends two, batch 2 is held, released, and ends three; one event ends nothing.
        let deaths = |sequences: std::ops::RangeInclusive<u64>| -> Vec<NewRegisterEvent> {
            sequences
                .map(|at| event(at, Kind::Death, &held[at as usize - 1], 5))
                .collect()
        };
        let zero = RegisterPosition::default();
        let (first, second) = (position(1, 2), position(2, 5));
        apply_to(&*bench.store, &zero, &first, deaths(1..=2));
        assert_eq!(standing(&["13101"], 0), is(4, 2));
        assert!(put(&*bench.store, &first, hold(2, 3, 5)));
        decide(bench, 1, 2, HoldState::Released);
        apply_to(&*bench.store, &first, &second, deaths(3..=5));
        assert_eq!(standing(&["13101"], 0), is(1, 2));
        let nothing = vec![event(6, Kind::MinorCorrection, &held[5], 5)];
        apply_to(&*bench.store, &second, &position(3, 6), nothing);
        assert_eq!(standing(&["13101"], 0), is(1, 2));
        // They were applied in second 50.
        assert_eq!(standing(&["13101"], 51), is(1, 0));
    });
}

#[test]
fn what_is_foreseen_is_what_happens() {
    on_both(|bench| {
        // Twelve residents, some identified late, one without a certificate.
        let held: Vec<_> = (1..=11).map(|number| issued(bench, number)).collect();
        let mut late = super::backends::reservation(12);
        late.holder.as_mut().unwrap().identified_at = at(30);
        bench.reserve(&late).unwrap();
        bench.complete(&late);
        let nobody = super::backends::reservation(13);
        let of = |number: usize| match number {
            0..=10 => &held[number],
            11 => &late,
            _ => &nobody,
        };
        // A fixed draw of kinds and residents, mergers among them.
        let mut seed = 7_usize;
        let mut draw = |below: usize| {
            seed = (seed * 1_103_515_245 + 12_345) % (1 << 31);
            (seed >> 8) % below
        };
        let events: Vec<NewRegisterEvent> = (1..=60)
            .map(|sequence| {
                let kind = Kind::ALL[draw(Kind::ALL.len())];
                let mine = event(sequence, kind, of(draw(13)), 10 + draw(30) as i64);
                let former = resident(of(draw(13)));
                NewRegisterEvent {
                    former: (kind == Kind::Merger && former != mine.resident).then_some(former),
                    ..mine
                }
            })
            .collect();
        let bearings: Vec<Bearing> = events
            .iter()
            .map(|event| Bearing {
                kind: event.kind,
                resident: event.resident,
                former: event.former,
                recorded_at: event.recorded_at,
            })
            .collect();
        let mut forecast = Forecast::new(issuers());
        let residents = forecast.unknown(&bearings);
        let met = bench
            .store
            .certificates_met(&issuers(), &residents, at(50))
            .unwrap();
        assert!(met.len() > 8, "most have a certificate");
        forecast.tell(&residents, met);
        let foreseen: Vec<EventOutcome> = bearings
            .iter()
            .flat_map(|bearing| forecast.apply(bearing))
            .collect();
        let zero = RegisterPosition::default();
        let done = apply_to(&*bench.store, &zero, &position(1, 60), events);
        assert_eq!(done, AppliedEvents::Applied(foreseen.clone()));
        for outcome in ["revoked", "relinked", "superseded", "nothing"] {
            assert!(
                foreseen.iter().any(|seen| seen.as_str() == outcome),
                "{outcome} never happened: draw otherwise"
            );
        }
    });
}
