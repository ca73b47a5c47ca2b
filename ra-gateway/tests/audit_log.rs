//! The audit as it is exported and verified, on SQLite and PostgreSQL.

mod support;

use std::sync::Arc;

use jiff::Timestamp;
use ra_gateway::{
    adapter::{database::Database, vault::TokenAuditMac},
    app::export_audit,
    port::{AuditEntry, AuditLog, Masters, Store},
};
use service::audit::{AuditFault, Verified};
use support::{
    Folder, MemoryMasters, later,
    window::{TERMINAL, World, refusal},
};
use xtask::stack::postgres::{Cluster, Settings};

/// Two nodes that write into one database.
struct Nodes {
    first: Database,
    second: Database,
    mac: Arc<TokenAuditMac>,
}

/// A log as it was exported.
struct Exported {
    log: String,
    head: String,
}

fn now() -> Timestamp {
    "2026-11-22T05:00:00.123456Z".parse().unwrap()
}

fn mac(label_key: u8) -> Arc<TokenAuditMac> {
    let masters = MemoryMasters::default();
    masters.set("vault-master", [label_key; 32]);
    Arc::new(TokenAuditMac::new(Arc::new(masters) as Arc<dyn Masters>))
}

impl Nodes {
    fn on(url: &str) -> Self {
        schema::ra::migrate(url).unwrap();
        let mac = mac(1);
        let node = |name| Database::open(url, 2, name, Arc::clone(&mac) as _).unwrap();
        let nodes = Self {
            first: node("gateway-1"),
            second: node("gateway-2"),
            mac,
        };
        nodes.write();
        nodes
    }

    /// Three rows of each node, mixed in time.
    fn write(&self) {
        for number in 0..3 {
            for node in [&self.first, &self.second] {
                let entry = AuditEntry {
                    act: "identify",
                    refused: (number == 1).then(|| "items-invalid".to_owned()),
                    terminal: Some(TERMINAL.parse().unwrap()),
                    reference: (number == 2).then(String::new),
                    ..AuditEntry::default()
                };
                node.audit(&entry, later(now(), number)).unwrap();
            }
        }
    }

    fn export(&self) -> Exported {
        let mut log = Vec::new();
        let head = export_audit::export(&self.first, &*self.mac, now(), &mut log).unwrap();
        Exported {
            log: String::from_utf8(log).unwrap(),
            head,
        }
    }

    fn verify(&self, log: &str, head: &str) -> Result<Verified, AuditFault> {
        let ends = self.first.audit_ends().unwrap();
        export_audit::verify(&mut log.as_bytes(), head, &*self.mac, Some(&ends))
    }
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn what_is_exported_is_right_and_every_change_is_seen(nodes: &Nodes) {
    let exported = nodes.export();
    let right = nodes.verify(&exported.log, &exported.head).unwrap();
    assert_eq!((right.rows, right.lanes), (6, 2));
    let rows: Vec<&str> = exported.log.lines().collect();

    let changed = exported.log.replacen("identify", "identifx", 1);
    assert!(matches!(
        nodes.verify(&changed, &exported.head),
        Err(AuditFault::Mac(1))
    ));
    let absent = exported
        .log
        .replacen("\"reference\":\"\"", "\"reference\":null", 1);
    assert!(
        matches!(
            nodes.verify(&absent, &exported.head),
            Err(AuditFault::Mac(3))
        ),
        "absent is not empty"
    );
    let mut dropped = rows.clone();
    dropped.remove(1);
    assert!(matches!(
        nodes.verify(&lines(&dropped), &exported.head),
        Err(AuditFault::Gap {
            line: 2,
            before: 1,
            now: 3,
            ..
        })
    ));
    let mut reordered = rows.clone();
    reordered.swap(0, 1);
    assert!(matches!(
        nodes.verify(&lines(&reordered), &exported.head),
        Err(AuditFault::Gap {
            line: 1,
            before: 0,
            now: 2,
            ..
        })
    ));
    assert!(matches!(
        nodes.verify(&lines(&rows[..5]), &exported.head),
        Err(AuditFault::Size { head: 6, log: 5 })
    ));
    assert!(
        matches!(
            nodes.verify(&lines(&rows[..3]), &exported.head),
            Err(AuditFault::Size { head: 6, log: 3 })
        ),
        "a whole node is missing"
    );
    let mut mixed = rows.clone();
    mixed.rotate_left(3);
    assert!(
        matches!(
            nodes.verify(&lines(&mixed), &exported.head),
            Err(AuditFault::Root)
        ),
        "other lines than those of the head"
    );
    assert!(matches!(
        nodes.verify(exported.log.trim_end(), &exported.head),
        Err(AuditFault::Line(6))
    ));

    let smaller = exported.head.replacen("\n6\n", "\n5\n", 1);
    assert!(matches!(
        nodes.verify(&lines(&rows[..5]), &smaller),
        Err(AuditFault::Signature)
    ));
    assert!(matches!(
        nodes.verify(&exported.log, "nothing"),
        Err(AuditFault::Head)
    ));
    let other = export_audit::verify(&mut exported.log.as_bytes(), &exported.head, &*mac(2), None);
    assert!(matches!(other, Err(AuditFault::Mac(1))), "another token");

    nodes.write();
    let still = nodes.verify(&exported.log, &exported.head).unwrap();
    assert_eq!(still.rows, 6, "what came since does not count");
}

/// Rows cut off in the database, with the state that tells where it ends: only an
/// export from before knows.
fn a_database_that_lost_rows_is_seen(nodes: &Nodes) {
    let exported = nodes.export();
    let mut ends = nodes.first.audit_ends().unwrap();
    ends[1].1 -= 1;
    let cut = export_audit::verify(
        &mut exported.log.as_bytes(),
        &exported.head,
        &*nodes.mac,
        Some(&ends),
    );
    assert!(matches!(cut, Err(AuditFault::Cut { .. })));
    ends.truncate(1);
    let gone = export_audit::verify(
        &mut exported.log.as_bytes(),
        &exported.head,
        &*nodes.mac,
        Some(&ends),
    );
    assert!(matches!(gone, Err(AuditFault::Cut { stored: 0, .. })));
}

#[test]
fn sqlite_gives_a_log_that_shows_every_change() {
    for story in [
        what_is_exported_is_right_and_every_change_is_seen,
        a_database_that_lost_rows_is_seen,
    ] {
        let folder = Folder::new();
        story(&Nodes::on(&format!(
            "sqlite:{}",
            folder.path("ra.db").display()
        )));
    }
}

#[test]
fn postgres_gives_a_log_that_shows_every_change() {
    let folder = Folder::new();
    let mut cluster = Cluster::start(
        &folder.path("postgres"),
        folder.path("postgres.log"),
        "secret",
        &Settings::default(),
    )
    .unwrap();
    cluster.ensure_database("one").unwrap();
    cluster.ensure_database("two").unwrap();
    what_is_exported_is_right_and_every_change_is_seen(&Nodes::on(&cluster.url("one")));
    a_database_that_lost_rows_is_seen(&Nodes::on(&cluster.url("two")));
    cluster.end().unwrap();
}

#[test]
fn strangers_are_summed_up_and_a_known_party_that_knocks_on_has_few_rows() {
    let world = World::on(None);
    let url = format!("sqlite:{}", world.folder.path("ra.db").display());
    let mac = Arc::new(TokenAuditMac::new(
        Arc::clone(&world.masters) as Arc<dyn Masters>
    ));
    let log = Database::open(&url, 1, "reader", mac).unwrap();
    let rows = || log.audit_rows(None, 1_000).unwrap();
    let before = rows().len();

    for _ in 0..100 {
        assert_eq!(
            refusal(world.app.terminal(b"a certificate")),
            "party-unknown"
        );
    }
    assert_eq!(rows().len(), before, "a flood of strangers fills no log");
    for _ in 0..100 {
        assert_eq!(refusal(world.app.kiosk(&world.terminal.1)), "wrong-party");
    }
    let known = rows().split_off(before);
    assert!((10..=12).contains(&known.len()), "{}", known.len());
    assert!(
        known
            .iter()
            .all(|row| row.reason.as_deref() == Some("wrong-party"))
    );

    let summed = world.app.sum_up_knocks().unwrap();
    assert_eq!(summed, 200 - known.len() as u64);
    let last = rows().pop().unwrap();
    assert_eq!(last.reason.as_deref(), Some("party-unknown"));
    assert_eq!(last.reference, Some(format!("{summed} requests")));
    assert_eq!(world.app.sum_up_knocks().unwrap(), 0);
    assert_eq!(rows().len(), before + known.len() + 1);
}
