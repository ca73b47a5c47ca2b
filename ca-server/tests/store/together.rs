//! Many who reserve, complete and look up at once: what is done for all of them together is what
//! would have been done for each.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use ca_server::port::store::*;
use pki_core::{
    certificate::PartitionNumber, revocation::register_event::RegisterEventKind as Kind,
};

use super::{
    backends::{Bench, at, completion, entry, on_both, reservation},
    register_event::{apply_to, event, position},
};

/// Callers at once: more than there are writers.
const CALLERS: u32 = 24;

/// Runs `work` for every number on threads of their own that begin together.
fn at_once<T: Send>(work: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let gate = Barrier::new(CALLERS as usize);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CALLERS)
            .map(|number| {
                let (gate, work) = (&gate, &work);
                scope.spawn(move || {
                    gate.wait();
                    work(number)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn reserve(bench: &Bench, new: Reservation) -> Result<&'static str, ReserveRefusal> {
    match bench.store.reserve(new, entry("issue.reserve")).unwrap() {
        Reserve::Reserved => Ok("reserved"),
        Reserve::Repeat(_) => Ok("repeat"),
        Reserve::Refused(refusal) => Err(refusal),
    }
}

#[test]
fn of_many_wishes_at_once_for_one_thing_one_is_reserved() {
    on_both(|bench| {
        // One key, one resident, one request: in turn shared by all.
        type Share = fn(&mut Reservation, &Reservation);
        let shared: [(Share, ReserveRefusal); 3] = [
            (
                |new, first| new.key_sha256 = first.key_sha256,
                ReserveRefusal::PublicKeyTaken,
            ),
            (
                |new, first| new.holder.clone_from(&first.holder),
                ReserveRefusal::InWork,
            ),
            (
                |new, first| new.idempotency_key = first.idempotency_key,
                ReserveRefusal::KeyReused,
            ),
        ];
        for (round, (share, refusal)) in (1..).zip(shared) {
            let rows = bench.outcomes().len();
            let first = reservation(round * 1_000);
            let outcomes = at_once(|number| {
                let mut new = reservation(round * 1_000 + number);
                share(&mut new, &first);
                reserve(bench, new)
            });
            let reserved = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            assert_eq!(reserved, 1, "{refusal:?}");
            let refused = |outcome: &&Result<_, _>| **outcome == Err(refusal);
            assert_eq!(
                outcomes.iter().filter(refused).count() as u32,
                CALLERS - 1,
                "{refusal:?}"
            );
            // Each has its row, done or refused.
            assert_eq!(bench.outcomes().len() - rows, CALLERS as usize);
        }
    });
}

#[test]
fn what_is_reserved_and_completed_together_is_all_there() {
    on_both(|bench| {
        let reservation = |number: u32| Reservation {
            partition: PartitionNumber::new(number % 3 + 1).unwrap(),
            ..reservation(number)
        };
        let reserved = at_once(|number| reserve(bench, reservation(number)));
        assert!(reserved.iter().all(|outcome| *outcome == Ok("reserved")));
        for number in 0..CALLERS {
            let new = reservation(number);
            let stored = bench
                .store
                .certificate("sign", &new.serial)
                .unwrap()
                .unwrap();
            assert_eq!(stored.state, SerialState::Reserved);
            assert_eq!(stored.node, new.node);
            assert_eq!(stored.profile, new.profile);
            assert_eq!(stored.municipality, new.municipality);
            assert_eq!(stored.not_after, new.not_after);
            assert_eq!(stored.key_sha256, new.key_sha256);
            assert_eq!(stored.application, new.application);
            assert_eq!(stored.idempotency_key, new.idempotency_key);
            assert_eq!(stored.wish_sha256, new.wish_sha256);
            assert_eq!(stored.tbs.as_deref(), Some(&new.tbs[..]));
            assert_eq!((stored.der, stored.in_effect), (None, false));
            assert_eq!(stored.reserved_at, new.at);
            let proofs = bench.store.proofs("sign", &new.serial).unwrap();
            assert_eq!(proofs.len(), 1);
            assert_eq!(proofs[0].deed, ProvedDeed::Issue);
            assert_eq!(proofs[0].proof.act, b"sealed act");
            assert!(proofs[0].proof.sealed && proofs[0].kept_at == new.at);
        }
        let newest = bench
            .store
            .newest_partition("sign", "13101".parse().unwrap());
        assert_eq!(newest.unwrap(), PartitionNumber::new(3));
        let der = |number: u32| format!("certificate {number}").into_bytes();
        let completed = at_once(|number| {
            let done = Completion {
                der: der(number),
                ..completion(&reservation(number))
            };
            bench.store.complete(done, entry("issue.complete")).unwrap()
        });
        assert!(completed.iter().all(|done| *done == Complete::Completed));
        for number in 0..CALLERS {
            let serial = reservation(number).serial;
            let stored = bench.store.certificate("sign", &serial).unwrap().unwrap();
            assert_eq!(stored.state, SerialState::Completed);
            assert_eq!((stored.tbs, stored.in_effect), (None, true));
            assert_eq!(
                stored.der,
                Some(der(number)),
                "each has its own certificate"
            );
        }
    });
}

#[test]
fn who_may_not_be_completed_is_told_so_in_the_middle_of_others() {
    on_both(|bench| {
        for number in 0..CALLERS {
            bench.reserve(&reservation(number)).unwrap();
        }
        // Of every four one was given up and one has moved away since he was identified.
        let gone = |number: u32| number % 4 == 1;
        let moved = |number: u32| number % 4 == 2;
        let mut events = Vec::new();
        for number in 0..CALLERS {
            let new = reservation(number);
            if gone(number) {
                assert!(bench.abandon(&new));
            } else if moved(number) {
                let sequence = events.len() as u64 + 1;
                events.push(event(sequence, Kind::MovedOut, &new, 5));
            }
        }
        let before = bench.store.register_position("13101").unwrap();
        let after = position(1, events.len() as u64);
        apply_to(&*bench.store, &before, &after, events);
        let outcomes = at_once(|number| bench.complete(&reservation(number)));
        for (number, outcome) in (0..).zip(outcomes) {
            let expected = match number {
                number if gone(number) => Complete::NotReserved,
                number if moved(number) => Complete::RegisterChanged,
                _ => Complete::Completed,
            };
            assert_eq!(outcome, expected, "{number}");
            let serial = reservation(number).serial;
            let stored = bench.store.certificate("sign", &serial).unwrap().unwrap();
            assert_eq!(stored.in_effect, expected == Complete::Completed);
        }
    });
}

#[test]
fn a_suspension_counts_for_every_look_up_that_begins_after_it() {
    on_both(|bench| {
        let party = |number: u32| Party {
            kind: "terminal".to_owned(),
            id: format!("13101{number:04}"),
            municipality: Some("13101".to_owned()),
            label: "窓口".to_owned(),
            certificate: b"certificate".to_vec(),
            certificate_sha256: [u8::try_from(number).unwrap() + 1; 32],
            public_key: b"key".to_vec(),
            active: true,
        };
        for number in 0..CALLERS {
            let enrolled = bench
                .store
                .enrol(party(number), at(0), false, entry("enrol"));
            assert!(enrolled.unwrap());
        }
        let suspended: Vec<AtomicBool> = (0..CALLERS).map(|_| AtomicBool::new(false)).collect();
        at_once(|number| {
            let mine = party(number);
            for turn in 0..40 {
                // The neighbour's as well: who asks together must not get each other's answer.
                for of in [number, (number + 1) % CALLERS] {
                    let asked = party(of);
                    let known = suspended[of as usize].load(Ordering::SeqCst);
                    let found = if turn % 2 == 0 {
                        bench.store.party("terminal", &asked.id)
                    } else {
                        bench.store.party_by_certificate(&asked.certificate_sha256)
                    };
                    let found = found.unwrap().unwrap();
                    assert_eq!(found.id, asked.id);
                    assert!(!(known && found.active), "suspended before it was asked");
                }
                if turn == 20 {
                    let done = bench.store.set_party(
                        "terminal",
                        &mine.id,
                        false,
                        at(1),
                        entry("party.suspend"),
                    );
                    assert!(done.unwrap());
                    suspended[number as usize].store(true, Ordering::SeqCst);
                }
            }
        });
        assert!(bench.store.party("kiosk", "131010001").unwrap().is_none());
        assert!(
            bench
                .store
                .party_by_certificate(&[0xEE; 32])
                .unwrap()
                .is_none()
        );
    });
}
