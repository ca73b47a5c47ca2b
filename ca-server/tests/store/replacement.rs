//! A certificate that takes another's place: Art 6 holds before, at and after the completion.

use ca_server::port::store::*;
use pki_core::revocation::register_event::RegisterEventKind as Kind;

use super::backends::{Bench, at, completion, entry, on_both, open, reservation};

/// A reservation by the holder of `old`, in its place.
fn in_place_of(old: &Reservation, number: u32) -> Reservation {
    let mut new = reservation(number);
    let mut holder = old.holder.clone().unwrap();
    holder.replaces = Some(old.serial.clone());
    new.holder = Some(holder);
    new
}

fn complete(bench: &Bench, new: &Reservation, second: i64) -> Complete {
    let replaced = new.holder.as_ref().unwrap().replaces.clone();
    let completion = Completion {
        at: at(second),
        replaces: replaced.map(|serial| Replaced {
            serial,
            ground: "article9-renewal".to_owned(),
            reason: 4,
            audit: entry("issue.replace"),
        }),
        ..completion(new)
    };
    bench
        .store
        .complete(completion, entry("issue.complete"))
        .unwrap()
}

fn issued(bench: &Bench, number: u32) -> Reservation {
    let new = reservation(number);
    bench.reserve(&new).unwrap();
    assert_eq!(bench.complete(&new), Complete::Completed);
    new
}

fn status(bench: &Bench, of: &Reservation) -> Status {
    bench
        .store
        .status("sign", std::slice::from_ref(&of.serial))
        .unwrap()
        .remove(0)
}

fn in_effect(bench: &Bench, of: &Reservation) -> bool {
    let stored = bench.store.certificate("sign", &of.serial).unwrap();
    stored.unwrap().in_effect
}

fn ground(status: &Status) -> &str {
    match status {
        Status::Revoked(revoked) => &revoked.ground,
        _ => "none",
    }
}

#[test]
fn the_old_one_goes_out_of_effect_in_the_transaction_that_completes_the_new_one() {
    on_both(|bench| {
        let old = issued(bench, 1);
        let new = in_place_of(&old, 2);
        bench.reserve(&new).unwrap();
        assert_eq!(status(bench, &old), Status::Good, "only reserved so far");
        assert_eq!(complete(bench, &new, 10), Complete::Completed);
        assert_eq!(status(bench, &new), Status::Good);
        let Status::Revoked(revoked) = status(bench, &old) else {
            panic!("the old one is still good");
        };
        assert_eq!(
            (revoked.ground.as_str(), revoked.reason),
            ("article9-renewal", Some(4))
        );
        assert_eq!(revoked.revoked_at, at(10));
        assert_eq!(
            (in_effect(bench, &old), in_effect(bench, &new)),
            (false, true)
        );
        assert_eq!(bench.listed(None, 0), std::slice::from_ref(&old.serial));
        let rows = bench.outcomes();
        let count = |event: &str| rows.iter().filter(|(name, _)| name == event).count();
        assert_eq!((count("issue.replace"), count("issue.complete")), (1, 2));
        // And the new one can be replaced in its turn.
        let third = in_place_of(&new, 3);
        bench.reserve(&third).unwrap();
        assert_eq!(complete(bench, &third, 11), Complete::Completed);
        assert_eq!(bench.listed(None, 0).len(), 2);
    });
}

#[test]
fn while_nothing_is_completed_the_old_one_stays() {
    on_both(|bench| {
        let old = issued(bench, 1);
        let new = in_place_of(&old, 2);
        bench.reserve(&new).unwrap();
        assert!(bench.abandon(&new));
        assert_eq!(complete(bench, &new, 10), Complete::NotReserved);
        assert_eq!(status(bench, &old), Status::Good);
        assert!(in_effect(bench, &old));
        let rows = bench.outcomes();
        assert!(!rows.iter().any(|(event, _)| event == "issue.replace"));
    });
}

#[test]
fn only_what_is_in_effect_for_this_resident_is_replaced() {
    on_both(|bench| {
        let (mine, theirs) = (issued(bench, 1), issued(bench, 2));
        let mut new = in_place_of(&mine, 3);
        new.holder.as_mut().unwrap().replaces = Some(theirs.serial.clone());
        let refusal = Err(ReserveRefusal::NothingToReplace);
        assert_eq!(bench.reserve(&new), refusal, "another resident's");
        new.holder.as_mut().unwrap().replaces = None;
        assert_eq!(bench.reserve(&new), Err(ReserveRefusal::InEffect));
        new.holder.as_mut().unwrap().replaces = Some(mine.serial.clone());
        new.at = at(1_001);
        assert_eq!(bench.reserve(&new), refusal, "it has run out");
        new.at = at(0);
        bench.revoke(&mine, "article9");
        assert_eq!(bench.reserve(&new), refusal, "it was revoked");
        assert_eq!(status(bench, &theirs), Status::Good);
        // Rows come lane by lane, not in the order of their making.
        let rows = bench.outcomes();
        let told = rows.iter().filter(|(_, told)| told == "nothing-to-replace");
        assert_eq!(told.count(), 3, "each refusal has its row");
    });
}

#[test]
fn a_record_that_came_between_stands() {
    on_both(|bench| {
        let old = issued(bench, 1);
        let new = in_place_of(&old, 2);
        bench.reserve(&new).unwrap();
        bench.revoke(&old, "article10-leak");
        assert_eq!(complete(bench, &new, 10), Complete::Completed);
        assert_eq!(ground(&status(bench, &old)), "article10-leak");
        assert_eq!(status(bench, &new), Status::Good);
        assert_eq!(bench.listed(None, 0).len(), 1);
    });
}

#[test]
fn one_that_runs_out_between_is_not_revoked() {
    on_both(|bench| {
        let old = issued(bench, 1);
        let mut new = in_place_of(&old, 2);
        (new.at, new.not_after) = (at(1_000), at(2_000));
        bench.reserve(&new).unwrap();
        assert_eq!(complete(bench, &new, 1_001), Complete::Completed);
        assert!(bench.listed(None, 0).is_empty());
        assert_eq!(
            (in_effect(bench, &old), in_effect(bench, &new)),
            (false, true)
        );
    });
}

#[test]
fn two_windows_that_renew_at_once_make_one_certificate() {
    on_both(|bench| {
        let other = open(&bench.url, "other");
        for round in 0..5 {
            let old = issued(bench, 100 * round);
            let news = [1, 2].map(|number| in_place_of(&old, 100 * round + number));
            let completed: usize = std::thread::scope(|scope| {
                let calls = [
                    scope.spawn(|| renew(&*bench.store, &news[0])),
                    scope.spawn(|| renew(&other, &news[1])),
                ];
                calls.map(|call| call.join().unwrap()).into_iter().sum()
            });
            assert_eq!(completed, 1);
            let standing = news.iter().filter(|new| {
                let stored = bench.store.certificate("sign", &new.serial).unwrap();
                stored.is_some_and(|stored| stored.in_effect)
            });
            assert_eq!((standing.count(), in_effect(bench, &old)), (1, false));
        }
    });

    fn renew(store: &dyn Store, new: &Reservation) -> usize {
        let reserved = store.reserve(new.clone(), entry("issue.reserve")).unwrap();
        if !matches!(reserved, Reserve::Reserved) {
            return 0;
        }
        let completion = Completion {
            replaces: Some(Replaced {
                serial: new.holder.clone().unwrap().replaces.unwrap(),
                ground: "article9-renewal".to_owned(),
                reason: 4,
                audit: entry("issue.replace"),
            }),
            ..completion(new)
        };
        let done = store.complete(completion, entry("issue.complete")).unwrap();
        usize::from(done == Complete::Completed)
    }
}

#[test]
fn one_that_came_into_effect_between_keeps_the_other_out() {
    on_both(|bench| {
        // As two nodes do that looked at the same moment: both have reserved, under numbers that
        // a merger has made one since.
        let (first, second) = (reservation(1), reservation(2));
        bench.reserve(&first).unwrap();
        bench.reserve(&second).unwrap();
        assert_eq!(bench.complete(&first), Complete::Completed);
        let merger = NewRegisterEvent {
            sequence: 1,
            kind: Kind::Merger,
            resident: second.holder.as_ref().unwrap().resident,
            former: Some(first.holder.as_ref().unwrap().resident),
            // Before both were identified, and told only now.
            recorded_at: at(-10),
            audit: entry("register.event"),
        };
        let before = RegisterPosition::default();
        let after = RegisterPosition {
            sequence: 1,
            ..before.clone()
        };
        bench
            .store
            .apply_register_events(
                &["sign".to_owned()],
                "13101",
                &before,
                &after,
                vec![merger],
                at(2),
            )
            .unwrap();
        assert_eq!(bench.complete(&second), Complete::InEffect);
        assert!(bench.abandon(&second));
        assert!(in_effect(bench, &first));
        let refused = (
            "issue.complete".to_owned(),
            "certificate-in-effect".to_owned(),
        );
        assert!(bench.outcomes().contains(&refused));
    });
}

#[test]
fn the_acts_are_kept_beside_what_they_brought_about() {
    on_both(|bench| {
        let new = issued(bench, 1);
        let revocation = Revocation {
            issuer: "sign".to_owned(),
            serial: new.serial.clone(),
            ground: "article9".to_owned(),
            reason: Some(5),
            at: at(3),
            municipalities: None,
            proof: Some(Proof {
                sealed: false,
                act: b"act".to_vec(),
            }),
        };
        for _ in 0..2 {
            bench
                .store
                .revoke(revocation.clone(), entry("revoke"))
                .unwrap();
        }
        let kept = bench.store.proofs("sign", &new.serial).unwrap();
        let said: Vec<_> = kept
            .iter()
            .map(|kept| (kept.deed, kept.proof.sealed, kept.proof.act.as_slice()))
            .collect();
        assert_eq!(
            said,
            [
                (ProvedDeed::Issue, true, &b"sealed act"[..]),
                (ProvedDeed::Revoke, false, b"act"),
            ]
        );
        assert!(bench.store.proofs("sign", b"none").unwrap().is_empty());
    });
}
