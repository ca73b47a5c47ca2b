//! Promises about notices.

use std::sync::Arc;
use std::thread;

use pki_core::id::{ApplicationId, CardId, IdempotencyKey, NoticeId};
use ra_gateway::port::{AdvanceError, NoticeChange, OpenedNotice, Store, StoredNotice};

use crate::support::{MemoryMasters, later};
use crate::{entry, now};

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

pub fn a_notice_is_one_under_its_key_and_one_change_of_a_version_wins(
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
