//! Terminals, kiosks and operators come in by two officers.

use std::sync::Arc;

use pki_core::operator::Role;
use ra_gateway::port::{Party, PartyKind, Registration, Store};

use crate::{entry, staff::CHIEF};

pub fn a_party_comes_in_by_two_officers(store: &Arc<dyn Store>) {
    let now = "2026-11-22T05:00:00Z".parse().unwrap();
    let asked = Registration {
        id: "0a0b0c0d".into(),
        record: "{}".into(),
        party: format!("operator {CHIEF}"),
        role: Some(Role::Supervisor),
        requested_by: "佐藤".into(),
        requested_at: now,
    };
    store
        .request_registration(&asked, &entry("request-registration"))
        .unwrap();
    assert_eq!(store.registrations().unwrap(), std::slice::from_ref(&asked));
    let party = Party {
        kind: PartyKind::Operator,
        id: CHIEF.into(),
        municipality: "13101".parse().unwrap(),
        label: "責任者".into(),
        certificate: vec![1; 40],
        suspended: false,
        role: Some(Role::Supervisor),
    };
    let approve = |id: &str, by: &str| {
        store
            .approve_registration(id, by, &party, now, &entry("register-party"))
            .unwrap()
    };
    let there = || store.party(PartyKind::Operator, CHIEF).unwrap().is_some();
    assert!(!approve(&asked.id, "佐藤"), "two officers are two persons");
    assert!(!approve("00000000", "鈴木"));
    assert!(!there());
    assert!(approve(&asked.id, "鈴木"));
    assert!(there());
    assert!(store.registrations().unwrap().is_empty());
    assert!(!approve(&asked.id, "鈴木"), "once");
}
