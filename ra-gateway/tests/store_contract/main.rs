//! The promises of the store, kept by SQLite and by PostgreSQL.

mod application;
mod notice;
mod party;
mod record;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use jiff::Timestamp;
use ra_gateway::port::{AuditEntry, Masters, Store};
use xtask::stack::postgres::{Cluster, Settings};

use support::{Folder, MemoryMasters};

type Promise = fn(&Arc<dyn Store>, &MemoryMasters);

const PROMISES: &[(&str, Promise)] = &[
    (
        "a_challenge_is_given_away_once",
        party::a_challenge_is_given_away_once,
    ),
    (
        "sessions_end_with_their_operator",
        party::sessions_end_with_their_operator,
    ),
    (
        "a_party_keeps_its_status",
        party::a_party_keeps_its_status_when_its_certificate_is_renewed,
    ),
    (
        "a_repeat_is_known",
        application::a_repeated_receipt_gives_the_first_application,
    ),
    (
        "another_municipality_finds_nothing",
        application::another_municipality_finds_nothing,
    ),
    (
        "one_of_two_changes_wins",
        application::of_two_changes_of_one_version_one_wins,
    ),
    (
        "a_key_belongs_to_one",
        application::a_key_or_visit_belongs_to_one_application,
    ),
    (
        "receipts_have_no_gaps",
        record::receipt_numbers_have_no_gaps_and_no_doubles,
    ),
    ("a_stop_holds", record::a_stop_holds_until_it_is_released),
    ("records_once", record::a_kiosk_record_is_kept_once),
    (
        "no_audit_no_act",
        record::what_cannot_be_audited_does_not_happen,
    ),
    ("one_first_key", record::the_first_data_key_is_made_once),
    (
        "a_notice_is_one",
        notice::a_notice_is_one_under_its_key_and_one_change_of_a_version_wins,
    ),
    (
        "a_certificate_is_found",
        application::a_certificate_is_found_in_its_municipality_alone,
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

pub fn now() -> Timestamp {
    "2026-11-22T05:00:00.123456Z".parse().unwrap()
}

pub fn entry(act: &'static str) -> AuditEntry {
    AuditEntry {
        act,
        ..AuditEntry::default()
    }
}
