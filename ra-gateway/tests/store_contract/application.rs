//! Promises about applications and what is found of them.

use std::sync::Arc;
use std::thread;

use pki_core::certificate::CheckCode;
use pki_core::id::{ApplicationId, CardId, IdempotencyKey, VisitId};
use ra_gateway::port::{AdvanceError, Change, Effect, Index, Received, Store, StoredApplication};

use crate::support::{MemoryMasters, later};
use crate::{entry, now};

pub fn application(number: u8) -> StoredApplication {
    StoredApplication {
        id: ApplicationId::from_bytes([number; 16]),
        municipality: "13101".parse().unwrap(),
        receive_key: IdempotencyKey::from_bytes([number; 16]),
        step: "received".into(),
        open: true,
        version: 1,
        terminal: "131010001".parse().unwrap(),
        operator: "13101-0001".parse().unwrap(),
        received_at: later(now(), i64::from(number)),
        changed_at: now(),
        index: Index::default(),
        sealed: vec![number; 100],
    }
}

pub fn change(number: u8, expected: u64) -> Change {
    Change {
        id: ApplicationId::from_bytes([number; 16]),
        municipality: "13101".parse().unwrap(),
        expected,
        step: "identified".into(),
        open: true,
        now: later(now(), 1),
        index: Index::default(),
        sealed: vec![number, 1],
        effects: Vec::new(),
    }
}

pub fn receive(store: &Arc<dyn Store>, number: u8) {
    assert!(matches!(
        store
            .receive(&application(number), &entry("receive"))
            .unwrap(),
        Received::New
    ));
}

pub fn read(store: &Arc<dyn Store>, number: u8) -> StoredApplication {
    store
        .application(
            &ApplicationId::from_bytes([number; 16]),
            &"13101".parse().unwrap(),
        )
        .unwrap()
        .unwrap()
}

pub fn a_repeated_receipt_gives_the_first_application(store: &Arc<dyn Store>, _: &MemoryMasters) {
    receive(store, 1);
    let repeat = StoredApplication {
        id: ApplicationId::from_bytes([99; 16]),
        ..application(1)
    };
    match store.receive(&repeat, &entry("receive")).unwrap() {
        Received::Known(known) => assert!(*known == application(1)),
        Received::New => panic!("stored twice"),
    }
    assert!(
        store
            .application(&repeat.id, &repeat.municipality)
            .unwrap()
            .is_none()
    );
}

pub fn another_municipality_finds_nothing(store: &Arc<dyn Store>, _: &MemoryMasters) {
    receive(store, 1);
    receive(store, 2);
    let other = "13102".parse().unwrap();
    let id = ApplicationId::from_bytes([1; 16]);
    assert!(store.application(&id, &other).unwrap().is_none());
    assert!(store.applications(&other, false, 10).unwrap().is_empty());
    let foreign = Change {
        municipality: other,
        ..change(1, 1)
    };
    assert!(matches!(
        store.advance(&foreign, &entry("identify")),
        Err(AdvanceError::Stale)
    ));
    assert_eq!(read(store, 1).version, 1);
    let mine = store
        .applications(&"13101".parse().unwrap(), true, 10)
        .unwrap();
    assert_eq!(mine.len(), 2);
    assert_eq!(
        mine[0].id,
        ApplicationId::from_bytes([2; 16]),
        "newest first"
    );
}

pub fn of_two_changes_of_one_version_one_wins(store: &Arc<dyn Store>, _: &MemoryMasters) {
    receive(store, 1);
    let racers: Vec<_> = (0..6)
        .map(|_| {
            let store = Arc::clone(store);
            thread::spawn(move || store.advance(&change(1, 1), &entry("identify")))
        })
        .collect();
    let outcomes: Vec<_> = racers
        .into_iter()
        .map(|racer| racer.join().unwrap())
        .collect();
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
    assert!(
        outcomes
            .iter()
            .all(|o| matches!(o, Ok(()) | Err(AdvanceError::Stale)))
    );
    let stored = read(store, 1);
    assert_eq!((stored.version, stored.step.as_str()), (2, "identified"));
    assert_eq!(stored.sealed, [1, 1]);
}

pub fn a_key_or_visit_belongs_to_one_application(store: &Arc<dyn Store>, _: &MemoryMasters) {
    receive(store, 1);
    receive(store, 2);
    let with_key = |number, expected| Change {
        index: Index {
            spki_sha256: Some([5; 32]),
            ..Index::default()
        },
        ..change(number, expected)
    };
    store
        .advance(&with_key(1, 1), &entry("read-public-key"))
        .unwrap();
    assert!(matches!(
        store.advance(&with_key(2, 1), &entry("read-public-key")),
        Err(AdvanceError::Taken)
    ));
    assert_eq!(read(store, 2).version, 1);
    let with_visit = |number, expected| Change {
        effects: vec![Effect::OpenVisit {
            visit: VisitId::from_bytes([6; 16]),
            card: CardId::from_bytes([3; 16]),
            kiosk: "13101K001".parse().unwrap(),
        }],
        ..change(number, expected)
    };
    store
        .advance(&with_visit(1, 2), &entry("prepare-card"))
        .unwrap();
    assert!(matches!(
        store.advance(&with_visit(2, 1), &entry("prepare-card")),
        Err(AdvanceError::Taken)
    ));
    assert!(matches!(
        store.advance(&with_visit(1, 3), &entry("prepare-card")),
        Err(AdvanceError::Taken)
    ));
}

pub fn a_certificate_is_found_in_its_municipality_alone(store: &Arc<dyn Store>, _: &MemoryMasters) {
    let card = CardId::from_bytes([3; 16]);
    let visit = VisitId::from_bytes([6; 16]);
    let code = CheckCode::of(&[0xAB; 32]);
    receive(store, 1);
    receive(store, 2);
    let certified = Change {
        index: Index {
            resident_hash: Some([8; 32]),
            visit: Some(visit),
            serial: Some("0a0b".into()),
            ..Index::default()
        },
        effects: vec![
            Effect::OpenVisit {
                visit,
                card,
                kiosk: "13101K001".parse().unwrap(),
            },
            Effect::NoteCheckCode(code),
        ],
        ..change(1, 1)
    };
    store.advance(&certified, &entry("issue")).unwrap();
    for (place, expected) in [("13101", 1), ("13102", 0)] {
        let place = place.parse().unwrap();
        let found = [
            store.certified_on_card(&card, &place).unwrap(),
            store.certified_of_resident(&[8; 32], &place).unwrap(),
            store.certified_by_check_code(&code, &place).unwrap(),
        ];
        for found in found {
            assert_eq!(found.len(), expected);
            assert!(found.iter().all(|a| a.id.as_bytes()[0] == 1));
        }
    }
}
