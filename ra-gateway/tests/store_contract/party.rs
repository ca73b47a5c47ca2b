//! Promises about parties and who is signed in.

use std::sync::Arc;
use std::thread;

use ra_gateway::port::{Challenge, Party, PartyKind, Session, Store};

use crate::support::{MemoryMasters, later};
use crate::{entry, now};

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

pub fn a_challenge_is_given_away_once(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

pub fn sessions_end_with_their_operator(store: &Arc<dyn Store>, _: &MemoryMasters) {
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

pub fn a_party_keeps_its_status_when_its_certificate_is_renewed(
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
