//! Promises about what is recorded: receipts, stops, kiosk records, the audit, keys.

use std::sync::Arc;
use std::thread;

use pki_core::application::cause::ApplicationKind;
use pki_core::application::fee::close;
use pki_core::calendar::JapaneseDay;
use pki_core::id::{ApplicationId, IdempotencyKey, VisitId};
use ra_gateway::port::{AdvanceError, Change, Effect, KioskRecord, NewFee, Store, WrappedKey};

use crate::application::{application, change, receive};
use crate::support::MemoryMasters;
use crate::{entry, now};

fn fee(number: u8, key: u8) -> NewFee {
    NewFee {
        application: ApplicationId::from_bytes([number; 16]),
        municipality: "13101".parse().unwrap(),
        kind: ApplicationKind::First,
        day: JapaneseDay::of(now()),
        amount_yen: 500,
        idempotency_key: IdempotencyKey::from_bytes([key; 16]),
        counter_of: None,
        operator: "13101-0001".parse().unwrap(),
        at: now(),
    }
}

pub fn receipt_numbers_have_no_gaps_and_no_doubles(store: &Arc<dyn Store>, _: &MemoryMasters) {
    for number in 1..=5 {
        receive(store, number);
    }
    // The third finds its application changed: its number must not be lost.
    let racers: Vec<_> = (1..=5_u8)
        .map(|number| {
            let store = Arc::clone(store);
            thread::spawn(move || {
                let expected = if number == 3 { 9 } else { 1 };
                store
                    .enter_fee(&fee(number, number), &entry("take-fee"), &mut |_| {
                        change(number, expected)
                    })
                    .map(|entered| entered.number)
            })
        })
        .collect();
    let mut numbers: Vec<String> = racers
        .into_iter()
        .filter_map(|racer| racer.join().unwrap().ok())
        .collect();
    numbers.sort();
    assert_eq!(
        numbers,
        [
            "13101-2026-000001",
            "13101-2026-000002",
            "13101-2026-000003",
            "13101-2026-000004"
        ]
    );
    assert!(matches!(
        store.enter_fee(&fee(3, 1), &entry("take-fee"), &mut |_| change(3, 1)),
        Err(AdvanceError::Taken)
    ));
    let counter = NewFee {
        counter_of: Some(numbers[0].clone()),
        ..fee(1, 77)
    };
    let first_owner = store
        .fee_by_key(&IdempotencyKey::from_bytes([1; 16]))
        .unwrap()
        .unwrap();
    assert_eq!(first_owner.amount_yen, 500);
    let entered = store
        .enter_fee(&counter, &entry("counter-entry"), &mut |_| change(1, 2))
        .unwrap();
    assert_eq!(entered.number, "13101-2026-000005");
    let again = NewFee {
        idempotency_key: IdempotencyKey::from_bytes([78; 16]),
        ..counter
    };
    assert!(
        matches!(
            store.enter_fee(&again, &entry("counter-entry"), &mut |_| change(1, 3)),
            Err(AdvanceError::Taken)
        ),
        "an entry is taken back once"
    );
    let entries = store.fees(&ApplicationId::from_bytes([1; 16])).unwrap();
    assert_eq!(close::sum(&entries), 0);
}

pub fn a_stop_holds_until_it_is_released(store: &Arc<dyn Store>, _: &MemoryMasters) {
    receive(store, 1);
    assert!(store.stops().unwrap().is_empty());
    let trip = Change {
        effects: vec![Effect::TripBreaker {
            id: "stop-1".into(),
            serial: "0a".into(),
            terminal: "131010001".parse().unwrap(),
            operator: "13101-0001".parse().unwrap(),
        }],
        ..change(1, 1)
    };
    store.advance(&trip, &entry("confirm-image")).unwrap();
    assert_eq!(store.stops().unwrap()[0].serial, "0a");
    let release = |id: &str| {
        let audit = entry("release-breaker");
        store
            .release_stop(id, "OFF-1 OFF-2", "looked at it", "{}", now(), &audit)
            .unwrap()
    };
    assert!(!release("stop-2"), "another stop releases nothing");
    assert_eq!(store.stops().unwrap().len(), 1);
    assert!(release("stop-1"));
    assert!(store.stops().unwrap().is_empty());
    assert!(!release("stop-1"));
}

pub fn a_kiosk_record_is_kept_once(store: &Arc<dyn Store>, _: &MemoryMasters) {
    let record = KioskRecord {
        visit: VisitId::from_bytes([4; 16]),
        kiosk: "13101K001".parse().unwrap(),
        record: b"{}\nsignature".to_vec(),
        received_at: now(),
    };
    let keep = || {
        store
            .keep_kiosk_record(&record, &entry("kiosk-record"))
            .unwrap()
    };
    assert!(keep());
    assert!(!keep());
}

pub fn what_cannot_be_audited_does_not_happen(store: &Arc<dyn Store>, masters: &MemoryMasters) {
    // The audit's key was never fetched: the token is away from the start.
    masters.away(true);
    assert!(store.receive(&application(1), &entry("receive")).is_err());
    masters.away(false);
    assert!(
        store
            .application(&application(1).id, &application(1).municipality)
            .unwrap()
            .is_none()
    );
    receive(store, 1);
}

pub fn the_first_data_key_is_made_once(store: &Arc<dyn Store>, _: &MemoryMasters) {
    let key = |byte| WrappedKey {
        id: 1,
        wrapped: vec![byte; 40],
    };
    assert!(store.add_data_key(&key(1), now()).unwrap());
    assert!(!store.add_data_key(&key(2), now()).unwrap());
    assert_eq!(store.data_keys().unwrap()[0].wrapped, [1; 40]);
}
