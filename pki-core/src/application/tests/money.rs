//! What a counter-entry does to the application whose fee it takes back.

use super::given::*;
use crate::application::fee::taken_back::owing;
use crate::application::fee::{Correction, FeeEntry, Ledger};
use crate::application::states::*;
use crate::application::{Application, Due, Step};
use crate::calendar::JapaneseDay;
use crate::id::IdempotencyKey;
use crate::revocation::ground::Ground;

/// The entry of the payment of [`payment`], under another number.
fn entry(number: u8, amount_yen: u32) -> FeeEntry {
    let case = case();
    FeeEntry {
        number: format!("13101-2026-{number:06}"),
        application: case.id,
        kind: case.kind,
        idempotency_key: IdempotencyKey::from_bytes([number; 16]),
        amount_yen,
        operator: case.operator,
        at: at(16 + i64::from(number)),
        booked_on: JapaneseDay::new(2026, 11, 22).unwrap(),
        counters: None,
    }
}

fn counter(book: &mut Ledger, countered: u8, number: u8) {
    let entry = entry(number, 0);
    let correction = Correction {
        number: entry.number,
        idempotency_key: entry.idempotency_key,
        operator: entry.operator,
        at: entry.at,
        booked_on: entry.booked_on,
    };
    book.counter(&format!("13101-2026-{countered:06}"), correction)
        .unwrap();
}

#[test]
fn a_fee_that_was_taken_back_is_due_again_before_the_card_is_handed_over() {
    let mut book = Ledger::default();
    book.enter(entry(1, 500)).unwrap();
    let stands = Application::from(paid()).after_correction(&book);
    assert_eq!(stands, paid().into(), "as long as the entry stands");
    counter(&mut book, 1, 2);
    let again = Application::from(paid()).after_correction(&book);
    assert_eq!((again.step(), again.due()), (Step::Written, Due::TakeFee));
    assert_eq!(again.fee_taken_back(), Some("13101-2026-000001"));
    assert!(again.payment().is_none());
    let stored = Application::from_stored(&again.to_stored()).unwrap();
    assert_eq!(stored, again);
    // Taken anew it stands, though the first entry is taken back for ever.
    book.enter(entry(3, 500)).unwrap();
    let second = Payment {
        number: "13101-2026-000003".to_owned(),
        ..payment(500)
    };
    let paid_again = again.into_written().unwrap().pay(second, 500).unwrap();
    let stands = Application::from(paid_again.clone()).after_correction(&book);
    assert_eq!(stands, paid_again.clone().into());
    counter(&mut book, 3, 4);
    let twice = Application::from(paid_again).after_correction(&book);
    assert_eq!(twice.fee_taken_back(), Some("13101-2026-000003"));
}

#[test]
fn what_is_free_what_was_handed_over_and_what_was_revoked_stay_where_they_are() {
    let mut free = Ledger::default();
    free.enter(entry(1, 0)).unwrap();
    counter(&mut free, 1, 2);
    let gift: Application = written().pay(payment(0), 0).unwrap().into();
    assert_eq!(gift.clone().after_correction(&free), gift);
    assert!(owing(free.entries().to_vec()).is_empty());
    let mut book = Ledger::default();
    book.enter(entry(1, 500)).unwrap();
    assert!(owing(book.entries().to_vec()).is_empty());
    counter(&mut book, 1, 2);
    let ended: [Application; 3] = [
        paid().hand_over(at(17)).into(),
        paid().revoke(revocation(Ground::Article9)).unwrap().into(),
        written().into(),
    ];
    for application in ended {
        assert_eq!(application.clone().after_correction(&book), application);
    }
    let owes = owing(book.entries().to_vec());
    assert_eq!(owes.into_iter().collect::<Vec<_>>(), [case().id]);
}
