//! The promises of the store, kept by SQLite and by PostgreSQL.

mod support;

use std::{sync::Arc, thread};

use jiff::Timestamp;
use pki_core::{
    application::{cause::ApplicationKind, fee::close},
    calendar::JapaneseDay,
    certificate::CheckCode,
    id::{ApplicationId, CardId, IdempotencyKey, NoticeId, VisitId},
};
use ra_gateway::port::{
    AdvanceError, AuditEntry, Challenge, Change, Effect, Index, KioskRecord, Masters, NewFee,
    NoticeChange, OpenedNotice, Party, PartyKind, Received, Session, Store, StoredApplication,
    StoredNotice, WrappedKey,
};
use support::{Folder, MemoryMasters, later};
use xtask::stack::postgres::{Cluster, Settings};

type Promise = fn(&Arc<dyn Store>, &MemoryMasters);

const PROMISES: &[(&str, Promise)] = &[
    (
        "a_challenge_is_given_away_once",
        a_challenge_is_given_away_once,
    ),
    (
        "sessions_end_with_their_operator",
        sessions_end_with_their_operator,
    ),
    (
        "a_party_keeps_its_status",
        a_party_keeps_its_status_when_its_certificate_is_renewed,
    ),
    (
        "a_repeat_is_known",
        a_repeated_receipt_gives_the_first_application,
    ),
    (
        "another_municipality_finds_nothing",
        another_municipality_finds_nothing,
    ),
    (
        "one_of_two_changes_wins",
        of_two_changes_of_one_version_one_wins,
    ),
    (
        "a_key_belongs_to_one",
        a_key_or_visit_belongs_to_one_application,
    ),
    (
        "receipts_have_no_gaps",
        receipt_numbers_have_no_gaps_and_no_doubles,
    ),
    ("a_stop_holds", a_stop_holds_until_it_is_released),
    ("records_once", a_kiosk_record_is_kept_once),
    ("no_audit_no_act", what_cannot_be_audited_does_not_happen),
    ("one_first_key", the_first_data_key_is_made_once),
    (
        "a_notice_is_one",
        a_notice_is_one_under_its_key_and_one_change_of_a_version_wins,
    ),
    (
        "a_certificate_is_found",
        a_certificate_is_found_in_its_municipality_alone,
    ),
];

#[test]
fn sqlite_keeps_the_promises() {
    for (name, promise) in PROMISES {
        let folder = Folder::new();
        let masters = MemoryMasters::with(&["vault-master"]);
        let url = format!("sqlite:{}", folder.path("ra.db").display());
        let store = support::database(&url, Arc::clone(&masters) as Arc<dyn Masters>);
        println!("{name}");
        promise(&store, &masters);
    }
}

#[test]
fn postgres_keeps_the_promises() {
    let folder = Folder::new();
    let mut cluster = Cluster::start(
        &folder.path("postgres"),
        folder.path("postgres.log"),
        "secret",
        &Settings::default(),
    )
    .unwrap();
    for (name, promise) in PROMISES {
        cluster.ensure_database(name).unwrap();
        let masters = MemoryMasters::with(&["vault-master"]);
        let store = support::database(&cluster.url(name), Arc::clone(&masters) as Arc<dyn Masters>);
        println!("{name}");
        promise(&store, &masters);
    }
    cluster.end().unwrap();
}

fn now() -> Timestamp {
    "2026-11-22T05:00:00.123456Z".parse().unwrap()
}

fn entry(act: &'static str) -> AuditEntry {
    AuditEntry {
        act,
        ..AuditEntry::default()
    }
}

fn party(kind: PartyKind, id: &str, certificate: u8) -> Party {
    Party {
        kind,
        id: id.into(),
        municipality: "13101".parse().unwrap(),
        label: "霞が関窓口 1".into(),
        certificate: vec![certificate; 40],
        suspended: false,
        role: None,
    }
}

fn application(number: u8) -> StoredApplication {
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

fn change(number: u8, expected: u64) -> Change {
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

fn receive(store: &Arc<dyn Store>, number: u8) {
    assert!(matches!(
        store
            .receive(&application(number), &entry("receive"))
            .unwrap(),
        Received::New
    ));
}

fn read(store: &Arc<dyn Store>, number: u8) -> StoredApplication {
    store
        .application(
            &ApplicationId::from_bytes([number; 16]),
            &"13101".parse().unwrap(),
        )
        .unwrap()
        .unwrap()
}

fn a_challenge_is_given_away_once(store: &Arc<dyn Store>, _: &MemoryMasters) {
    let challenge = Challenge {
        id: "00".repeat(16),
        operator: "13101-0001".parse().unwrap(),
        terminal: "131010001".parse().unwrap(),
        challenge: [7; 32],
        expires_at: later(now(), 60),
    };
    store.put_challenge(&challenge, now()).unwrap();
    let takers: Vec<_> = (0..4)
        .map(|_| {
            let (store, id) = (Arc::clone(store), challenge.id.clone());
            thread::spawn(move || store.take_challenge(&id).unwrap().is_some())
        })
        .collect();
    let got = takers
        .into_iter()
        .map(|taker| taker.join().unwrap())
        .filter(|got| *got)
        .count();
    assert_eq!(got, 1);
    // One that ran out is forgotten when the next comes.
    store.put_challenge(&challenge, now()).unwrap();
    let next = Challenge {
        id: "11".repeat(16),
        expires_at: later(now(), 120),
        ..challenge.clone()
    };
    store.put_challenge(&next, later(now(), 61)).unwrap();
    assert!(store.take_challenge(&challenge.id).unwrap().is_none());
    assert!(store.take_challenge(&next.id).unwrap() == Some(next));
}

fn sessions_end_with_their_operator(store: &Arc<dyn Store>, _: &MemoryMasters) {
    store
        .register_party(
            &party(PartyKind::Operator, "13101-0001", 1),
            now(),
            &entry("register-party"),
        )
        .unwrap();
    let session = Session {
        token_sha256: [9; 32],
        operator: "13101-0001".parse().unwrap(),
        terminal: "131010001".parse().unwrap(),
        terminal_certificate_sha256: [8; 32],
        opened_at: now(),
        seen_at: now(),
        expires_at: later(now(), 3600),
    };
    store.open_session(&session, &entry("sign-in")).unwrap();
    assert!(store.session(&[9; 32]).unwrap() == Some(session));
    store.touch_session(&[9; 32], later(now(), 90)).unwrap();
    assert_eq!(
        store.session(&[9; 32]).unwrap().unwrap().seen_at,
        later(now(), 90)
    );
    let suspend = |suspended| {
        store
            .set_suspended(
                PartyKind::Operator,
                "13101-0001",
                suspended,
                now(),
                &entry("suspend-party"),
            )
            .unwrap()
    };
    assert!(suspend(true));
    assert!(store.session(&[9; 32]).unwrap().is_none());
    assert!(suspend(false));
    assert!(store.session(&[9; 32]).unwrap().is_none());
    assert!(
        !store
            .set_suspended(PartyKind::Kiosk, "13101K009", true, now(), &entry("x"))
            .unwrap()
    );
}

fn a_party_keeps_its_status_when_its_certificate_is_renewed(
    store: &Arc<dyn Store>,
    _: &MemoryMasters,
) {
    use sha2::{Digest, Sha256};
    let sha = |byte: u8| Sha256::digest(vec![byte; 40]).into();
    let register = |byte| {
        store
            .register_party(
                &party(PartyKind::Kiosk, "13101K001", byte),
                now(),
                &entry("register-party"),
            )
            .unwrap();
    };
    register(1);
    let municipality = "13101".parse().unwrap();
    assert_eq!(store.kiosks(&municipality).unwrap().len(), 1);
    store
        .set_suspended(PartyKind::Kiosk, "13101K001", true, now(), &entry("s"))
        .unwrap();
    register(2);
    assert!(store.party_by_certificate(&sha(1)).unwrap().is_none());
    assert!(
        store
            .party_by_certificate(&sha(2))
            .unwrap()
            .unwrap()
            .suspended
    );
    assert!(store.kiosks(&municipality).unwrap().is_empty());
}

fn a_repeated_receipt_gives_the_first_application(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

fn another_municipality_finds_nothing(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

fn of_two_changes_of_one_version_one_wins(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

fn a_key_or_visit_belongs_to_one_application(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

fn notice(number: u8, key: u8) -> StoredNotice {
    StoredNotice {
        id: NoticeId::from_bytes([number; 16]),
        municipality: "13101".parse().unwrap(),
        idempotency_key: IdempotencyKey::from_bytes([key; 16]),
        service: "unlock".into(),
        step: "open".into(),
        open: true,
        version: 1,
        application: ApplicationId::from_bytes([1; 16]),
        card: CardId::from_bytes([3; 16]),
        terminal: "131010001".parse().unwrap(),
        operator: "13101-0001".parse().unwrap(),
        opened_at: later(now(), i64::from(number)),
        changed_at: now(),
        sealed: vec![number; 100],
    }
}

fn a_notice_is_one_under_its_key_and_one_change_of_a_version_wins(
    store: &Arc<dyn Store>,
    _: &MemoryMasters,
) {
    let here = "13101".parse().unwrap();
    let open = |notice: &StoredNotice| store.open_notice(notice, &entry("open-notice")).unwrap();
    assert!(matches!(open(&notice(1, 1)), OpenedNotice::New));
    assert!(matches!(open(&notice(2, 2)), OpenedNotice::New));
    let OpenedNotice::Known(known) = open(&notice(3, 1)) else {
        panic!("the key was used")
    };
    assert!(*known == notice(1, 1));
    let change = || NoticeChange {
        id: NoticeId::from_bytes([1; 16]),
        municipality: here,
        expected: 1,
        step: "done".into(),
        open: false,
        now: later(now(), 9),
        sealed: vec![9],
    };
    let racers: Vec<_> = (0..6)
        .map(|_| {
            let (store, change) = (Arc::clone(store), change());
            thread::spawn(move || store.change_notice(&change, &entry("notice-on-card")))
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
    let elsewhere = NoticeChange {
        id: NoticeId::from_bytes([2; 16]),
        municipality: "13102".parse().unwrap(),
        ..change()
    };
    assert!(matches!(
        store.change_notice(&elsewhere, &entry("notice-on-card")),
        Err(AdvanceError::Stale)
    ));
    let ids = |open_only| -> Vec<u8> {
        let notices = store.notices(&here, open_only, 10).unwrap();
        notices.iter().map(|n| n.id.as_bytes()[0]).collect()
    };
    assert_eq!(ids(false), [2, 1], "newest first");
    assert_eq!(ids(true), [2]);
    let about = ApplicationId::from_bytes([1; 16]);
    assert_eq!(store.notices_about(&about).unwrap().len(), 2);
    let other = "13102".parse().unwrap();
    assert!(store.notices(&other, false, 10).unwrap().is_empty());
    let id = NoticeId::from_bytes([1; 16]);
    assert!(store.notice(&id, &other).unwrap().is_none());
    let read = store.notice(&id, &here).unwrap().unwrap();
    assert_eq!(
        (read.version, read.step.as_str(), read.open),
        (2, "done", false)
    );
}

fn a_certificate_is_found_in_its_municipality_alone(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

fn receipt_numbers_have_no_gaps_and_no_doubles(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

fn a_stop_holds_until_it_is_released(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

fn a_kiosk_record_is_kept_once(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

fn what_cannot_be_audited_does_not_happen(store: &Arc<dyn Store>, masters: &MemoryMasters) {
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

fn the_first_data_key_is_made_once(store: &Arc<dyn Store>, _: &MemoryMasters) {
    let key = |byte| WrappedKey {
        id: 1,
        wrapped: vec![byte; 40],
    };
    assert!(store.add_data_key(&key(1), now()).unwrap());
    assert!(!store.add_data_key(&key(2), now()).unwrap());
    assert_eq!(store.data_keys().unwrap()[0].wrapped, [1; 40]);
}
