//! What `port::store` promises.

use std::thread;

use ca_server::port::store::*;

use super::backends::{at, completion, entry, on_both, open, reservation};

#[test]
fn a_serial_is_reserved_then_completed_once() {
    on_both(|bench| {
        let new = reservation(1);
        bench.reserve(&new).unwrap();
        let stored = bench
            .store
            .certificate("sign", &new.serial)
            .unwrap()
            .unwrap();
        assert_eq!(stored.state, SerialState::Reserved);
        assert_eq!(stored.tbs.as_deref(), Some(&b"sealed tbs"[..]));
        assert!(!stored.in_effect);
        assert_eq!(bench.store.reserved_by("node").unwrap().len(), 1);
        assert_eq!(bench.complete(&new), Complete::Completed);
        assert_eq!(bench.complete(&new), Complete::NotReserved);
        let stored = bench
            .store
            .certificate("sign", &new.serial)
            .unwrap()
            .unwrap();
        assert_eq!(stored.state, SerialState::Completed);
        assert!(stored.in_effect && stored.tbs.is_none());
        assert_eq!(stored.der.as_deref(), Some(&b"sealed der"[..]));
        assert!(!bench.abandon(&new), "what is completed is not abandoned");
        assert!(bench.store.reserved_by("node").unwrap().is_empty());
    });
}

#[test]
fn an_abandoned_serial_is_never_completed_and_is_listed_until_its_end() {
    on_both(|bench| {
        let new = reservation(1);
        bench.reserve(&new).unwrap();
        assert!(bench.abandon(&new));
        assert!(!bench.abandon(&new));
        assert_eq!(bench.complete(&new), Complete::NotReserved);
        assert!(bench.listed(None, 1_000).iter().eq([&new.serial]));
        assert!(bench.listed(Some("13101"), 0).iter().eq([&new.serial]));
        assert!(bench.listed(Some("13102"), 0).is_empty());
        assert!(bench.listed(None, 1_001).is_empty());
        let status = bench.store.status("sign", &[new.serial]).unwrap();
        assert!(
            matches!(&status[0], Status::Revoked(row) if row.ground == ABANDONED && row.reason.is_none())
        );
        // Key, application and idempotency key are free for a new serial.
        let mut again = reservation(1);
        again.serial[5] ^= 1;
        bench.reserve(&again).unwrap();
    });
}

#[test]
fn an_idempotency_key_finds_its_serial_and_stands_for_one_act() {
    on_both(|bench| {
        let new = reservation(1);
        bench.reserve(&new).unwrap();
        bench.complete(&new);
        let again = Reservation {
            serial: reservation(2).serial,
            ..new.clone()
        };
        let Reserve::Repeat(stored) = bench
            .store
            .reserve(again.clone(), entry("issue.reserve"))
            .unwrap()
        else {
            panic!("not a repeat");
        };
        assert_eq!(stored.serial, new.serial);
        let other = Reservation {
            wish_sha256: [9; 32],
            ..again
        };
        assert_eq!(bench.reserve(&other), Err(ReserveRefusal::KeyReused));
        assert!(
            bench
                .outcomes()
                .iter()
                .any(|(_, outcome)| outcome == "idempotency-key-reused")
        );
    });
}

#[test]
fn a_key_belongs_to_one_application_and_one_live_certificate() {
    on_both(|bench| {
        let first = reservation(1);
        bench.reserve(&first).unwrap();
        let mut same_key = reservation(2);
        same_key.key_sha256 = first.key_sha256;
        assert_eq!(
            bench.reserve(&same_key),
            Err(ReserveRefusal::PublicKeyTaken)
        );
        same_key.application = first.application;
        assert_eq!(
            bench.reserve(&same_key),
            Err(ReserveRefusal::PublicKeyTaken)
        );
        bench.complete(&first);
        assert_eq!(
            bench.reserve(&same_key),
            Err(ReserveRefusal::PublicKeyTaken)
        );
        bench.revoke(&first, "article9");
        assert_eq!(
            bench.reserve(&same_key),
            Err(ReserveRefusal::PublicKeyTaken),
            "it was on a card"
        );
    });
}

#[test]
fn a_key_taken_back_for_a_wrong_image_serves_the_same_application_again() {
    on_both(|bench| {
        let first = reservation(1);
        bench.reserve(&first).unwrap();
        bench.complete(&first);
        bench.revoke(&first, "article13");
        let mut again = reservation(2);
        again.key_sha256 = first.key_sha256;
        assert_eq!(bench.reserve(&again), Err(ReserveRefusal::PublicKeyTaken));
        again.application = first.application;
        bench.reserve(&again).unwrap();
    });
}

#[test]
fn one_certificate_in_effect_for_one_resident() {
    on_both(|bench| {
        let first = reservation(1);
        bench.reserve(&first).unwrap();
        let mut second = reservation(2);
        second.holder = first.holder.clone();
        assert_eq!(bench.reserve(&second), Err(ReserveRefusal::InWork));
        bench.complete(&first);
        assert_eq!(bench.reserve(&second), Err(ReserveRefusal::InEffect));
        // It runs out by itself at its end, and not before.
        second.at = at(1_000);
        assert_eq!(bench.reserve(&second), Err(ReserveRefusal::InEffect));
        second.at = at(1_001);
        bench.reserve(&second).unwrap();
    });
}

#[test]
fn a_serial_is_never_used_twice() {
    on_both(|bench| {
        bench.reserve(&reservation(1)).unwrap();
        let mut second = reservation(2);
        second.serial = reservation(1).serial;
        assert_eq!(bench.reserve(&second), Err(ReserveRefusal::SerialTaken));
    });
}

#[test]
fn a_revocation_is_recorded_once_and_within_its_municipality() {
    on_both(|bench| {
        let new = reservation(1);
        assert_eq!(bench.revoke(&new, "article9"), Revoke::NotFound);
        bench.reserve(&new).unwrap();
        assert_eq!(
            bench.revoke(&new, "article9"),
            Revoke::NotFound,
            "not issued yet"
        );
        bench.complete(&new);
        let mut elsewhere = Revocation {
            issuer: "sign".to_owned(),
            serial: new.serial.clone(),
            ground: "article9".to_owned(),
            reason: None,
            at: at(3),
            municipalities: Some(vec!["13102".to_owned(), "13103".to_owned()]),
            proof: None,
        };
        let revoke = |wish: &Revocation| bench.store.revoke(wish.clone(), entry("revoke")).unwrap();
        assert_eq!(revoke(&elsewhere), Revoke::OutOfScope);
        assert_eq!(
            bench
                .store
                .status("sign", std::slice::from_ref(&new.serial))
                .unwrap(),
            [Status::Good]
        );
        let Revoke::Revoked(first) = bench.revoke(&new, "article9") else {
            panic!("not revoked");
        };
        elsewhere.municipalities = None;
        elsewhere.ground = "article10-leak".to_owned();
        assert_eq!(revoke(&elsewhere), Revoke::Already(first.clone()));
        assert_eq!(
            bench.store.status("sign", &[new.serial]).unwrap(),
            [Status::Revoked(first)]
        );
    });
}

#[test]
fn crl_numbers_rise_and_an_older_list_is_not_published_over_a_newer_one() {
    on_both(|bench| {
        let reserve = |scope: &str| {
            bench
                .store
                .reserve_crl(NewCrl {
                    issuer: "sign".to_owned(),
                    scope: scope.to_owned(),
                    node: "node".to_owned(),
                    this_update: at(0),
                    next_update: at(10),
                    ended_before: at(-5),
                })
                .unwrap()
        };
        let publish = |crl: &CrlRecord| {
            bench
                .store
                .publish_crl(crl, [1; 32], 0, None, at(1), entry("crl.publish"))
                .unwrap()
        };
        let (one, two) = (reserve(""), reserve(""));
        assert_eq!((one.number, two.number), (1, 2));
        assert_eq!(reserve("13101").number, 1);
        assert!(bench.store.latest_crl("sign", "").unwrap().is_none());
        assert!(publish(&two));
        assert!(!publish(&one), "a stalled node's older list");
        assert_eq!(
            bench.store.latest_crl("sign", "").unwrap().unwrap().number,
            2
        );
        let found = |number| bench.store.crl("sign", "", number).unwrap();
        assert_eq!(found(1), Some(one));
        let two = found(2).unwrap();
        assert_eq!((two.published, two.ended_before), (true, at(-5)));
        assert_eq!(found(3), None);
    });
}

#[test]
fn the_feed_of_revocations_has_no_gaps_and_names_the_scopes_that_changed() {
    on_both(|bench| {
        for number in 0..20 {
            let mut new = reservation(number);
            new.municipality = Some(if number % 2 == 0 { "13101" } else { "13102" }.to_owned());
            bench.reserve(&new).unwrap();
        }
        thread::scope(|scope| {
            for number in 0..20 {
                scope.spawn(move || assert!(bench.abandon(&reservation(number))));
            }
        });
        let changed = |scope: &str, after| {
            let part = (!scope.is_empty()).then(|| scope.parse().unwrap());
            bench.store.changed("sign", part, after).unwrap()
        };
        let scopes = ["", "13101", "13102", "13103", "13101-2"];
        let after = |position| scopes.map(|scope| changed(scope, position));
        assert_eq!(after(0), [true, true, true, false, false]);
        assert_eq!(after(20), [false; 5]);
        let [all, one, other, ..] = after(19);
        assert!(all && one != other, "the last one was of one municipality");
    });
}

#[test]
fn transactions_of_many_threads_are_all_there_and_each_has_its_row_in_the_chain() {
    on_both(|bench| {
        thread::scope(|scope| {
            for worker in 0..8 {
                scope.spawn(move || {
                    for count in 0..25 {
                        let new = reservation(worker * 1_000 + count);
                        bench.reserve(&new).unwrap();
                        assert_eq!(bench.complete(&new), Complete::Completed);
                    }
                });
            }
        });
        let outcomes = bench.outcomes();
        let count = |event: &str| outcomes.iter().filter(|(name, _)| name == event).count();
        assert_eq!(
            (count("issue.reserve"), count("issue.complete")),
            (200, 200)
        );
        // Each lane counts from 1 without a gap, and ends where its state says.
        let rows = bench.store.audit(None, 100_000).unwrap();
        for (lane, sequence, mac) in bench.store.audit_ends().unwrap() {
            let of_lane: Vec<_> = rows.iter().filter(|row| row.lane == lane).collect();
            assert_eq!(of_lane.len() as u64, sequence);
            assert!(
                of_lane
                    .iter()
                    .zip(1..)
                    .all(|(row, number)| row.sequence == number)
            );
            assert!(of_lane.last().is_none_or(|row| row.mac == mac));
        }
    });
}

#[test]
fn two_programs_of_one_node_share_the_chain() {
    on_both(|bench| {
        let other = open(&bench.url, "node");
        for _ in 0..5 {
            bench.store.record(entry("first")).unwrap();
            other.record(entry("second")).unwrap();
        }
        let total: u64 = bench
            .store
            .audit_ends()
            .unwrap()
            .iter()
            .map(|(_, sequence, _)| sequence)
            .sum();
        assert_eq!(total, bench.outcomes().len() as u64);
        assert_eq!(bench.outcomes().len(), 11);
    });
}

#[test]
fn two_nodes_racing_for_one_key_reserve_one_serial() {
    on_both(|bench| {
        let other = open(&bench.url, "other");
        for round in 0..10 {
            let (mut mine, mut theirs) = (reservation(round * 2), reservation(round * 2 + 1));
            theirs.key_sha256 = mine.key_sha256;
            mine.holder = None;
            theirs.holder = None;
            let store = &bench.store;
            let reserved = thread::scope(|scope| {
                let calls = [
                    scope.spawn(move || store.reserve(mine, entry("issue.reserve"))),
                    scope.spawn(|| other.reserve(theirs, entry("issue.reserve"))),
                ];
                calls
                    .into_iter()
                    .map(|call| call.join().unwrap().unwrap())
                    .filter(|outcome| matches!(outcome, Reserve::Reserved))
                    .count()
            });
            assert_eq!(reserved, 1);
        }
    });
}

#[test]
fn parties_are_enrolled_once_and_suspended_by_name() {
    on_both(|bench| {
        let party = Party {
            kind: "terminal".to_owned(),
            id: "131010001".to_owned(),
            municipality: Some("13101".to_owned()),
            label: "窓口".to_owned(),
            certificate: b"certificate".to_vec(),
            certificate_sha256: [3; 32],
            public_key: b"key".to_vec(),
            active: true,
        };
        let enrol = |party: &Party, replace| {
            bench
                .store
                .enrol(party.clone(), at(0), replace, entry("enrol"))
                .unwrap()
        };
        assert!(enrol(&party, false));
        assert!(!enrol(&party, false));
        let replaced = Party {
            certificate_sha256: [4; 32],
            ..party.clone()
        };
        assert!(enrol(&replaced, true));
        assert!(
            bench
                .store
                .party_by_certificate(&[3; 32])
                .unwrap()
                .is_none()
        );
        let set = |id: &str| {
            bench
                .store
                .set_party("terminal", id, false, at(1), entry("party.suspend"))
                .unwrap()
        };
        assert!(set("131010001") && !set("131010002"));
        let found = bench.store.party("terminal", "131010001").unwrap().unwrap();
        assert!(!found.active);
        assert_eq!(
            bench.store.party_by_certificate(&[4; 32]).unwrap(),
            Some(found)
        );
    });
}

#[test]
fn a_lease_has_one_holder_until_it_runs_out() {
    on_both(|bench| {
        let take = |holder: &str, now: i64, until: i64| {
            bench
                .store
                .take_lease("publisher", holder, at(now), at(until))
                .unwrap()
        };
        assert!(take("a", 0, 10));
        assert!(!take("b", 5, 15));
        assert!(take("a", 5, 20));
        assert!(!take("b", 15, 25));
        assert!(take("b", 20, 30));
    });
}

#[test]
fn an_issuers_name_stands_for_one_certificate() {
    on_both(|bench| {
        let other = Issuer {
            name: "sign".to_owned(),
            kind: IssuerKind::Signing,
            certificate: b"another".to_vec(),
            key_id: vec![2; 20],
        };
        assert!(
            !bench
                .store
                .register_issuer(other, entry("issuer.register"))
                .unwrap()
        );
        assert!(
            bench
                .outcomes()
                .iter()
                .any(|(_, outcome)| outcome == "another-certificate")
        );
    });
}

#[test]
fn a_transaction_that_fails_leaves_no_row_and_takes_no_other_with_it() {
    on_both(|bench| {
        let good = reservation(1);
        let mut bad = reservation(2);
        bad.issuer = "nobody".to_owned();
        let rows = bench.outcomes().len();
        let (bad, good_outcome) = thread::scope(|scope| {
            let bad = scope.spawn(|| bench.store.reserve(bad, entry("issue.reserve")).map(drop));
            let good = scope.spawn(|| bench.reserve(&good));
            (bad.join().unwrap(), good.join().unwrap())
        });
        assert!(matches!(bad, Err(StoreError::Broken(_))), "{bad:?}");
        good_outcome.unwrap();
        assert_eq!(bench.outcomes().len(), rows + 1);
        let stored = bench
            .store
            .complete(completion(&good), entry("issue.complete"));
        assert_eq!(stored.unwrap(), Complete::Completed);
    });
}
