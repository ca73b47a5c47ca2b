//! PostgreSQL at size: how it gets at the rows of the statements that run at every request, at every
//! list and at every look of the background jobs. The plans are those of the statements as the store
//! sends them, written down by PostgreSQL itself (auto_explain), on tables of a hundred thousand rows
//! with fresh statistics and every setting as it comes.

use std::{collections::BTreeSet, fs, path::PathBuf};

use ca_server::{
    port::{
        retention::{Records, Retention},
        store::*,
    },
    testing::world::Folder,
};
use xtask::stack::postgres::Cluster;

use super::backends::{Bench, at, bench, completion, entry, reservation, start_cluster};

/// Tables that grow with the years.
const BIG: &[&str] = &[
    "certificate",
    "revocation",
    "audit",
    "proof",
    "crl",
    "register_event",
];
/// Rows of each of the first three, and how many of the certificates are revoked.
const ROWS: u32 = 100_000;

/// A database with rows in number, and the log in which PostgreSQL says how it got at them.
struct Explained {
    bench: Bench,
    log: PathBuf,
    cluster: Cluster,
    _folder: Folder,
}

impl Explained {
    fn new() -> Self {
        let (folder, cluster) = start_cluster();
        let sql = |database: &str, statement: &str| {
            cluster
                .sql(database, statement)
                .unwrap_or_else(|fault| panic!("{fault}"))
        };
        cluster.ensure_database("sized").unwrap();
        schema::ca::migrate(&cluster.url("sized")).unwrap();
        sql(
            "sized",
            "INSERT INTO issuer (name, kind, certificate, key_id)
             VALUES ('sign', 'signing', 'certificate', decode(repeat('01', 20), 'hex'))",
        );
        for statement in rows() {
            sql("sized", &statement);
        }
        sql("sized", "ANALYZE");
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
        ] {
            sql("postgres", &format!("ALTER DATABASE sized SET {setting}"));
        }
        let log = folder.path().join("postgres.log");
        let bench = bench(Folder::new(), cluster.url("sized"), "node");
        Self {
            bench,
            log,
            cluster,
            _folder: folder,
        }
    }

    /// The indexes by which the big tables were read while this ran. It runs often enough for
    /// PostgreSQL to go over to plans that do not know the values.
    fn indexes(&self, what: &str, run: impl Fn(u32)) -> BTreeSet<String> {
        let before = fs::read_to_string(&self.log).unwrap().len();
        for number in 0..8 {
            run(number);
        }
        let log = fs::read_to_string(&self.log).unwrap();
        let plans = &log[before..];
        assert!(
            plans.contains("Query Text:"),
            "{what}: no plan was written down"
        );
        let mut indexes = BTreeSet::new();
        for line in plans.lines() {
            for table in BIG {
                let scanned = |word: &str| line.contains(&format!("Seq Scan on {table}{word}"));
                assert!(
                    !line.ends_with(&format!("Seq Scan on {table}")) && !scanned(" "),
                    "{what} reads all of {table}:\n{plans}"
                );
            }
            let named = ["Index Scan using ", "Index Only Scan using "]
                .iter()
                .find_map(|word| line.split_once(word))
                .or_else(|| line.split_once("Index Scan Backward using "))
                .or_else(|| line.split_once("Index Only Scan Backward using "))
                .or_else(|| line.split_once("Bitmap Index Scan on "));
            if let Some((_, rest)) = named {
                indexes.extend(rest.split_whitespace().next().map(str::to_owned));
            }
        }
        indexes
    }

    /// These indexes, and no other of the big tables, are how it gets at its rows.
    fn reads_by(&self, what: &str, wanted: &[&str], run: impl Fn(u32)) {
        let indexes: Vec<String> = self.indexes(what, run).into_iter().collect();
        for wanted in wanted {
            assert!(
                indexes.iter().any(|index| index == wanted),
                "{what}: {wanted} is not among {indexes:?}"
            );
        }
    }
}

/// Rows as years of work leave them, of the issuer with which the tests go on.
fn rows() -> Vec<String> {
    let digest = |kind: &str, of: &str| format!("sha256(('{kind}' || {of})::bytea)");
    let half = |kind: &str, of: &str| format!("substring({} for 16)", digest(kind, of));
    let (serial, key, resident) = (
        half("serial", "i"),
        digest("key", "i"),
        digest("resident", "i"),
    );
    vec![
        format!(
            "INSERT INTO certificate (issuer, serial, state, node, profile, profile_sha256, municipality, not_after,
                 key_sha256, application, idempotency_key, wish_sha256, resident, in_effect, tbs, der, reserved_at,
                 ended_at, identified_at)
             SELECT 'sign', {serial}, 'completed', 'n', 'signature', {key}, (13101 + i % 62)::text,
                 1800000000000000 + i * 1000000000::bigint, {key}, {}, {}, {key}, {resident}, i % 2 = 0, NULL, 'x', i, i, i
             FROM generate_series(1, {ROWS}) i",
            half("application", "i"),
            half("request", "i"),
        ),
        format!(
            "INSERT INTO revocation (issuer, serial, feed, revoked_at, ground, reason, municipality, not_after)
             SELECT 'sign', {serial}, i, i, 'article9', 5, (13101 + i % 62)::text,
                 1800000000000000 + i * 1000000000::bigint
             FROM generate_series(1, {ROWS}, 2) i",
        ),
        format!(
            "INSERT INTO audit (lane, sequence, at, event, outcome, actor, subject, detail, mac)
             SELECT 'n/' || i % 4, i, i, 'e', 'done', 'a', 's' || i, '{{}}', {key}
             FROM generate_series(1, {ROWS}) i",
        ),
        format!(
            "INSERT INTO register_event (municipality, sequence, kind, resident, bears, recorded_at, applied_at, outcome)
             SELECT (13101 + i % 62)::text, i, 'move-out', {resident}, i % 3 > 0, i, i, 'nothing'
             FROM generate_series(1, {ROWS}) i",
        ),
        format!(
            "INSERT INTO crl (issuer, scope, number, state, node, feed, this_update, next_update, entries)
             SELECT 'sign', (13101 + i % 62)::text, i, 'published', 'n', i, i, i + 10, 0
             FROM generate_series(1, {ROWS}) i",
        ),
        format!(
            "UPDATE issuer SET revocations = {ROWS} WHERE name = 'sign'"
        ),
    ]
}

fn part(text: &str) -> pki_core::certificate::Partition {
    text.parse().unwrap()
}

#[test]
fn no_statement_that_is_often_sent_reads_a_big_table_from_end_to_end() {
    let sized = Explained::new();
    let (bench, store) = (&sized.bench, &sized.bench.store);

    // Issuing: idempotency, duplicate key, one in effect, one in work, the serial.
    sized.reads_by(
        "reserving",
        &[
            "certificate_request",
            "certificate_key",
            "certificate_pkey",
            "register_event_resident",
            "register_event_former",
        ],
        |n| bench.reserve(&reservation(n)).unwrap(),
    );
    // What is reserved and not completed yet is little and has an index of its own.
    sized.reads_by("completing", &["certificate_reserved"], |n| {
        let done = completion(&reservation(n));
        assert_eq!(
            store.complete(done, entry("issue.complete")).unwrap(),
            Complete::Completed
        );
    });
    sized.reads_by("looking a request up", &["certificate_request"], |n| {
        let found = store.certificate_of_request(&reservation(n).idempotency_key);
        assert!(found.unwrap().is_some());
    });
    sized.reads_by(
        "reserving for one who has one",
        &["certificate_in_effect"],
        |n| {
            let mut again = reservation(1_000 + n);
            again.holder = reservation(n).holder;
            assert_eq!(bench.reserve(&again), Err(ReserveRefusal::InEffect));
        },
    );
    sized.reads_by(
        "looking up what a node reserved",
        &["certificate_reserved"],
        |_| {
            store.reserved_by("node").unwrap();
        },
    );
    sized.reads_by("looking a certificate up", &["certificate_pkey"], |n| {
        store
            .certificate("sign", &reservation(n).serial)
            .unwrap()
            .unwrap();
    });

    // Status.
    sized.reads_by(
        "asking for the status",
        &["certificate_pkey", "revocation_pkey"],
        |n| {
            let serials = [reservation(n).serial, vec![9; 16]];
            store.status("sign", &serials).unwrap();
        },
    );
    sized.reads_by("revoking", &["certificate_pkey", "revocation_pkey"], |n| {
        assert!(matches!(
            bench.revoke(&reservation(n), "article9"),
            Revoke::Revoked(_)
        ));
    });

    // Lists.
    let scope = |partition: Option<&str>, after: u64| CrlScope {
        issuer: "sign".to_owned(),
        partition: partition.map(part),
        ended_before: at(0),
        after,
        up_to: u64::MAX >> 1,
    };
    sized.reads_by("what is new for the full list", &["revocation_feed"], |n| {
        store
            .revocations(&scope(None, 99_900 + u64::from(n)), &mut |_| {})
            .unwrap();
    });
    sized.reads_by(
        "what is new for a part",
        &["revocation_partition_feed"],
        |n| {
            store
                .revocations(&scope(Some("13106"), 90_000 + u64::from(n)), &mut |_| {})
                .unwrap();
        },
    );
    let ended = |partition: Option<&str>, from: i64| EndedScope {
        issuer: "sign".to_owned(),
        partition: partition.map(part),
        ended: at(from)..at(from + 86_400),
        up_to: u64::MAX >> 1,
    };
    sized.reads_by("what left the full list", &["revocation_ended"], |n| {
        store
            .ended_revocations(&ended(None, i64::from(n) * 86_400), &mut |_| {})
            .unwrap();
    });
    sized.reads_by("what left a part", &["revocation_partition_ended"], |n| {
        store
            .ended_revocations(&ended(Some("13106"), i64::from(n) * 86_400), &mut |_| {})
            .unwrap();
    });
    sized.reads_by(
        "whether a part changed",
        &["revocation_partition_feed"],
        |n| {
            store
                .changed("sign", Some(part("13106")), 50_000 + u64::from(n))
                .unwrap();
        },
    );
    sized.reads_by("when a part ends", &["certificate_partition_end"], |_| {
        assert!(store.last_end("sign", part("13106")).unwrap().is_some());
    });
    sized.reads_by(
        "which parts there are",
        &["certificate_partition_end"],
        |_| {
            let newest = store.newest_partition("sign", part("13106").municipality);
            assert!(newest.unwrap().is_some());
        },
    );
    sized.reads_by("the newest list", &["crl_pkey"], |_| {
        store.latest_crl("sign", "13106").unwrap().unwrap();
    });
    sized.reads_by("the base of a delta", &["crl_holding"], |_| {
        store.delta_base("sign", "13106", at(0)).unwrap();
    });

    // Background: the audit log's tail, records whose years are over.
    sized.reads_by("the audit log's next rows", &["audit_pkey"], |n| {
        let rows = store
            .audit(Some(("n/2", 99_000 + u64::from(n))), 500)
            .unwrap();
        assert_eq!(rows.len(), 500);
    });
    for records in [Records::Disclosures, Records::OfficerActs, Records::Stops] {
        sized.indexes("records whose years are over", |_| {
            assert!(store.ended_before(records, at(0), 100).unwrap().is_empty());
        });
    }

    // This test can say no: a search that has no index.
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        sized.indexes("a search by actor", |_| {
            let search = "SELECT count(*) FROM audit WHERE actor = 'nobody'";
            sized.cluster.sql("sized", search).unwrap();
        });
    }));
    let said = caught.expect_err("it reads all of audit");
    let said = said.downcast_ref::<String>().unwrap();
    assert!(said.contains("reads all of audit"), "{said}");
}
