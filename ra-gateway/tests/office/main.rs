//! What is done around the walk: roles, a second person's approval, money, the office.

#[path = "../support/mod.rs"]
mod support;

mod approval;
mod paper;
mod place;
mod registration;
mod staff;
mod taken_back;
mod till;

use std::sync::Arc;

use ra_gateway::port::{AuditEntry, Masters, Store};
use support::{Folder, MemoryMasters};
use xtask::stack::postgres::{Cluster, Settings};

type Promise = fn(&Arc<dyn Store>);

/// Promises of the store about the office, and stories that need all of it.
const PROMISES: &[(&str, Promise)] = &[
    ("decided_and_spent_once", approval::decided_and_spent_once),
    ("requests_have_a_limit", approval::requests_have_a_limit),
    (
        "paper_orders",
        paper::orders_are_given_once_and_outlive_the_paper,
    ),
    ("roles_are_kept", staff::roles_are_kept),
    ("closed_days", till::a_closed_day_stays_as_it_was),
    (
        "one_truth",
        till::entries_and_a_close_at_once_leave_one_truth,
    ),
    (
        "final_months",
        till::a_month_is_final_and_corrections_come_later,
    ),
    (
        "taken_back",
        taken_back::an_entry_and_its_application_change_together,
    ),
    (
        "two_officers",
        registration::a_party_comes_in_by_two_officers,
    ),
    ("last_file", place::the_file_loaded_last_counts),
];

#[test]
fn sqlite_keeps_the_promises() {
    for (name, promise) in PROMISES {
        let folder = Folder::new();
        let masters = MemoryMasters::with(&["vault-master"]);
        let url = format!("sqlite:{}", folder.path("ra.db").display());
        let store = support::database(&url, masters as Arc<dyn Masters>);
        println!("{name}");
        promise(&store);
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
        let store = support::database(&cluster.url(name), masters as Arc<dyn Masters>);
        println!("{name}");
        promise(&store);
    }
    cluster.end().unwrap();
}

fn entry(act: &'static str) -> AuditEntry {
    AuditEntry {
        act,
        ..AuditEntry::default()
    }
}
