//! A fee that is taken back is due again, unless the card was handed over.

use std::sync::Arc;

use pki_core::{approval::Standing, id::IdempotencyKey, operator::Role};
use ra_gateway::port::{AdvanceError, Change, Index, NewFee, Store};
use schema::wire::v1::ra;

use crate::{
    approval::approved,
    entry,
    staff::{CHIEF, Staff, enlist},
    support::window::{World, refusal},
    till::{self, ask, paid},
};

/// The clerk takes an entry back with the chief's approval.
fn take_back(world: &World, chief: &Staff, application: &str, number: &str) -> ra::TillEntry {
    let clerk = world.clerk();
    let wish = ask("fee-correction", Some(application), number, "金種の誤り");
    let request = ra::FeeCorrectionRequest {
        number: number.into(),
        reason: "金種の誤り".into(),
        approval: Some(approved(world, &clerk, chief, &wish)),
        idempotency_key: world.wish(),
    };
    let done = world.app.correct_fee(&clerk, &request).unwrap();
    assert_eq!(world.app.correct_fee(&clerk, &request).unwrap(), done);
    done
}

#[test]
fn a_fee_taken_back_is_due_again_and_nothing_is_handed_over_before() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let (first, _) = paid(&world);
    let clerk = world.clerk();
    let id = first.id.as_str();
    let number = first.receipt.unwrap().number;
    let entry = world.app.fee_entry(&clerk, &number).unwrap();
    assert!(entry.due_again && !entry.handed_over);
    take_back(&world, &chief, id, &number);
    let again = world.app.application(&clerk, id).unwrap();
    assert_eq!(again.step, ra::Step::Written);
    assert_eq!(again.fee_taken_back.as_deref(), Some(number.as_str()));
    assert!(again.receipt.is_none());
    let hand_over = || world.app.hand_over(&clerk, id, &ra::HandOverRequest {});
    assert_eq!(refusal(hand_over()), "step-not-due");
    let take = |idempotency_key: String| {
        let request = ra::FeeRequest {
            amount_yen: 500,
            idempotency_key,
        };
        world.app.take_fee(&clerk, id, &request)
    };
    let key = world.wish();
    let second = take(key.clone()).unwrap().receipt.unwrap();
    assert_ne!(second.number, number);
    assert_eq!(take(key).unwrap().receipt.unwrap(), second);
    let entry = world.app.fee_entry(&clerk, &number).unwrap();
    assert!(!entry.handed_over && entry.countered_by.is_some());
    let done = hand_over().unwrap();
    assert_eq!(done.step, ra::Step::HandedOver);
    let till = world.app.till(&clerk, None).unwrap();
    assert_eq!((till.booked_yen, till.entries.len()), (500, 3));
    assert!(till.handed_over_unpaid.is_empty(), "it was paid in the end");
}

#[test]
fn a_repeat_of_the_first_taking_takes_nothing_after_it_was_taken_back() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let clerk = world.clerk();
    let (first, idempotency_key) = paid(&world);
    let number = first.receipt.unwrap().number;
    let book = world.app.till(&clerk, None).unwrap();
    take_back(&world, &chief, &first.id, &number);
    let late = ra::FeeRequest {
        amount_yen: 500,
        idempotency_key,
    };
    let taken = world.app.take_fee(&clerk, &first.id, &late);
    assert_eq!(refusal(taken), "idempotency-key-reused");
    let after = world.app.till(&clerk, None).unwrap();
    assert_eq!(after.entries.len(), book.entries.len() + 1);
    assert_eq!(after.booked_yen, 0);
}

#[test]
fn what_was_handed_over_stays_so_and_the_days_book_tells_it() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let (paid, _) = paid(&world);
    let clerk = world.clerk();
    world
        .app
        .hand_over(&clerk, &paid.id, &ra::HandOverRequest {})
        .unwrap();
    let number = paid.receipt.unwrap().number;
    let entry = world.app.fee_entry(&clerk, &number).unwrap();
    assert!(entry.handed_over && !entry.due_again);
    // Taken back a day later: the book of that day tells it.
    world.clock.advance(86_400);
    let counter = take_back(&world, &chief, &paid.id, &number);
    assert_eq!(counter.booked_on, "2026-11-23");
    let clerk = world.clerk();
    let stands = world.app.application(&clerk, &paid.id).unwrap();
    assert_eq!(stands.step, ra::Step::HandedOver);
    assert_eq!(stands.receipt.unwrap().number, number);
    let till = |day: &str| world.app.till(&clerk, Some(day)).unwrap();
    assert_eq!(till("2026-11-23").handed_over_unpaid, [paid.id]);
    assert!(till("2026-11-22").handed_over_unpaid.is_empty());
    let elsewhere = world.clerk_elsewhere();
    let theirs = world.app.till(&elsewhere, Some("2026-11-23")).unwrap();
    assert!(theirs.handed_over_unpaid.is_empty());
}

pub fn an_entry_and_its_application_change_together(store: &Arc<dyn Store>) {
    let municipality = "13101".parse().unwrap();
    let change = |number: u8, expected: u64, step: &str| Change {
        id: till::fee(number, till::now()).application,
        municipality,
        expected,
        step: step.into(),
        open: step != "handed-over",
        now: till::now(),
        index: Index::default(),
        sealed: vec![2],
        effects: Vec::new(),
    };
    for number in [1, 2] {
        till::receive(store, number);
        till::enter(store, &till::fee(number, till::now()));
    }
    let counter = |number: u8| NewFee {
        counter_of: Some(format!("13101-2026-{number:06}")),
        idempotency_key: IdempotencyKey::from_bytes([70 + number; 16]),
        ..till::fee(number, till::now())
    };
    let application = |number: u8| {
        let id = till::fee(number, till::now()).application;
        store.application(&id, &municipality).unwrap().unwrap()
    };
    // Handed over, say, since it was read: nothing of it happens.
    let approval = till::approval(store, 5);
    let entry = entry("correct-fee");
    let taken_back = |number: u8, change: Option<&Change>| {
        store.counter_fee(&counter(number), change, &approval, &entry)
    };
    let late = taken_back(1, Some(&change(1, 1, "written")));
    assert!(matches!(late, Err(AdvanceError::Stale)));
    let kept = store.approval(&approval, &municipality).unwrap().unwrap();
    assert_eq!(kept.approval.standing, Standing::Approved);
    let fees = |number: u8| store.fees(&application(number).id).unwrap().len();
    assert_eq!((fees(1), application(1).step.as_str()), (1, "paid"));
    taken_back(1, Some(&change(1, 2, "written"))).unwrap();
    let stands = application(1);
    assert_eq!((stands.step.as_str(), stands.version), ("written", 3));
    assert_eq!((fees(1), stands.sealed), (2, vec![2]));
    // The other is handed over, and its entry taken back on another day.
    let handed_over = change(2, 2, "handed-over");
    store.advance(&handed_over, &entry).unwrap();
    let on = |day: &str, limit| {
        store
            .taken_back_after_hand_over(&municipality, till::day(day), limit)
            .unwrap()
    };
    assert!(on("2026-11-22", 10).is_empty());
    let counter = NewFee {
        day: till::day("2026-11-23"),
        ..counter(2)
    };
    let approval = till::approval(store, 6);
    store
        .counter_fee(&counter, None, &approval, &entry)
        .unwrap();
    assert_eq!(application(2).step, "handed-over");
    assert!(on("2026-11-22", 10).is_empty());
    let entries = on("2026-11-23", 10);
    let of = application(2).id;
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.application == of));
    assert_eq!(on("2026-11-23", 1).len(), 1);
}
