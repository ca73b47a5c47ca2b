//! A database that goes away and comes back, and what a status node may read.

use std::{
    thread,
    time::{Duration, Instant},
};

use ca_server::{adapter::database::Database, port::store::*, testing::world::Folder};
use xtask::stack::postgres::{Cluster, Settings};

use super::backends::{bench, entry, open, reservation, start_cluster};

#[test]
fn a_missing_sqlite_file_is_away_and_is_not_made_anew() {
    let folder = Folder::new();
    let path = folder.path().join("ca.sqlite");
    let store = open(&format!("sqlite:{}", path.display()), "node");
    assert!(matches!(
        store.record(entry("start")),
        Err(StoreError::Away(_))
    ));
    assert!(matches!(store.probe(), Err(StoreError::Away(_))));
    assert!(!path.exists());
    // Brought back, it is used without a restart.
    schema::ca::migrate(&format!("sqlite:{}", path.display())).unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    while store.record(entry("start")).is_err() {
        assert!(Instant::now() < until);
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn postgresql_killed_and_started_again_has_everything_that_was_acknowledged() {
    let (folder, mut cluster) = start_cluster();
    cluster.ensure_database("ca").unwrap();
    let bench = bench(Folder::new(), cluster.url("ca"), "node");
    for number in 0..50 {
        bench.reserve(&reservation(number)).unwrap();
    }
    cluster.kill().unwrap();
    let refused = bench.store.reserve(reservation(50), entry("issue.reserve"));
    assert!(matches!(
        refused,
        Err(StoreError::Away(_) | StoreError::Unknown(_))
    ));
    let dir = folder.path().join("postgres");
    let log = folder.path().join("postgres.log");
    let again = Cluster::start(&dir, log, "contract", &Settings::default()).unwrap();
    let store = open(&again.url("ca"), "node");
    assert_eq!(store.reserved_by("node").unwrap().len(), 50);
}

#[test]
fn a_status_node_reads_no_personal_data_and_writes_nothing() {
    let (_folder, cluster) = start_cluster();
    cluster.ensure_database("ca").unwrap();
    let bench = bench(Folder::new(), cluster.url("ca"), "node");
    bench.reserve(&reservation(1)).unwrap();
    bench.complete(&reservation(1));
    cluster
        .sql(
            "ca",
            "CREATE ROLE outer_zone LOGIN PASSWORD 'outer'; GRANT jitsuin_status TO outer_zone",
        )
        .unwrap();
    let url = cluster
        .url("ca")
        .replace("jitsuin:contract", "outer_zone:outer");
    let store = Database::open_to_read(&url, 2).unwrap();
    store.probe().unwrap();
    let serial = reservation(1).serial;
    assert_eq!(
        store.status("sign", std::slice::from_ref(&serial)).unwrap(),
        [Status::Good]
    );
    assert!(matches!(
        store.certificate("sign", &serial),
        Err(StoreError::Broken(_))
    ));
    assert!(matches!(store.audit(None, 1), Err(StoreError::Broken(_))));
    assert!(matches!(
        store.record(entry("start")),
        Err(StoreError::Broken(_))
    ));
}
