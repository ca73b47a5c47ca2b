//! What was acknowledged is there after a power cut, on both databases with the settings that the product
//! sets; and the test would notice if it were not, which it shows with those settings taken away.
//!
//! A kill alone would prove little: the kernel keeps what a killed process wrote. Here the processes write
//! to a disk that forgets every write that was not synced (see `shim.c`).

mod authority;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use softhsm_tests::power::{ForgetfulDisk, Unsynced};
use xtask::process::{self, Start};
use xtask::stack::postgres::{Cluster, Settings};
use xtask::test::long;

const COMMITTER: &str = env!("CARGO_BIN_EXE_committer");

/// Rows that are acknowledged before a cut.
const ROWS: u64 = 60;
/// More rows than are ever committed: the cut comes in the middle of a commit.
const WITHOUT_END: u64 = 1_000_000;

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("jitsuin-power-{}-{name}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Rows acknowledged before the cut, and rows found after it.
struct Outcome {
    acknowledged: u64,
    found: u64,
}

fn last_number(log: &Path) -> u64 {
    let text = fs::read_to_string(log).unwrap_or_default();
    // A line without its end is a number still being written.
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .filter_map(|line| line.trim().parse().ok())
        .next_back()
        .unwrap_or(0)
}

fn counted(url: &str) -> u64 {
    let said = process::run(Command::new(COMMITTER).args(["count", url])).unwrap();
    let said = String::from_utf8(said).unwrap();
    let mut numbers = said
        .split_whitespace()
        .map(|number| number.parse::<u64>().unwrap());
    let (rows, highest) = (numbers.next().unwrap(), numbers.next().unwrap());
    assert_eq!(rows, highest, "a row in the middle is missing");
    rows
}

fn sqlite_round(dir: &Path, synchronous: &str, rows: u64, unsynced: Unsynced) -> Outcome {
    let (live, shadow, log) = (
        dir.join("live"),
        dir.join("shadow"),
        dir.join("acknowledged"),
    );
    let url = format!("sqlite:{}", live.join("kept.sqlite").display());
    let fresh = !live.exists();
    fs::create_dir_all(&live).unwrap();
    if fresh {
        // The table is made before the disk becomes forgetful: it is the rows that are under test.
        let mut first = Start::new("committer", COMMITTER, log.clone())
            .args(["commit", &url, "FULL", "3"])
            .start()
            .unwrap();
        first
            .wait_until("committing", Duration::from_secs(20), || {
                (last_number(&log) >= 3).then_some(())
            })
            .unwrap();
        first.kill().unwrap();
    }
    let disk = ForgetfulDisk::new(&live, &shadow).unwrap();
    let before = last_number(&log);
    let mut committer = Start::new("committer", COMMITTER, log.clone()).args([
        "commit",
        &url,
        synchronous,
        &rows.to_string(),
    ]);
    for (name, value) in disk.environment_here() {
        committer = committer.env(&name, value);
    }
    let mut committer = committer.start().unwrap();
    committer
        .wait_until("committing", Duration::from_secs(30), || {
            (last_number(&log) >= before + ROWS).then_some(())
        })
        .unwrap();
    committer.kill().unwrap();
    let acknowledged = last_number(&log);
    disk.cut(unsynced).unwrap();
    Outcome {
        acknowledged,
        found: counted(&url),
    }
}

#[test]
fn sqlite_keeps_every_acknowledged_row_over_power_cuts() {
    let dir = scratch("sqlite");
    for round in 0..if long() { 40 } else { 6 } {
        let unsynced = if round % 2 == 0 {
            Unsynced::Gone
        } else {
            Unsynced::Some(0x5EED + round)
        };
        let outcome = sqlite_round(&dir, "keep", WITHOUT_END, unsynced);
        assert!(
            outcome.found >= outcome.acknowledged,
            "round {round} ({unsynced:?}): {} of {}",
            outcome.found,
            outcome.acknowledged
        );
        // One row may be on the disk whose acknowledgement was not yet written down.
        assert!(
            outcome.found <= outcome.acknowledged + 1,
            "round {round}: rows from nowhere"
        );
    }
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn the_cut_is_real_sqlite_with_synchronous_off_loses_acknowledged_rows() {
    for synchronous in ["OFF", "NORMAL"] {
        let dir = scratch(&format!("sqlite-{synchronous}"));
        // No more rows than these: at 1,000 pages SQLite carries its log over into the database and syncs it
        // whatever it was told, and a cut right after that finds nothing to lose.
        let outcome = sqlite_round(&dir, synchronous, ROWS, Unsynced::Gone);
        assert!(
            outcome.found < outcome.acknowledged,
            "synchronous={synchronous} lost nothing: the disk does not forget ({} of {})",
            outcome.found,
            outcome.acknowledged
        );
        fs::remove_dir_all(dir).unwrap();
    }
}

fn postgres_round(dir: &Path, fsync: &str, unsynced: Unsynced) -> Outcome {
    let (log, acknowledged_log) = (dir.join("log"), dir.join("acknowledged"));
    let home = dir.join("postgres");
    // Only the run that is cut off has to be durable; the others may be quick.
    let plain = Settings {
        extra: vec!["fsync=off".into()],
        ..Settings::default()
    };
    // Made and stopped in order first, so that what is there counts as synced.
    let mut cluster = Cluster::start(&home, log.clone(), "secret", &plain).unwrap();
    cluster.ensure_database("kept").unwrap();
    cluster
        .sql(
            "kept",
            "create table if not exists kept (n bigint primary key, weight text not null)",
        )
        .unwrap();
    cluster.end().unwrap();
    let disk = ForgetfulDisk::new(&home.join("data"), &home.join("shadow")).unwrap();
    let (live, shadow) = Cluster::seen_data(&home, "shadow");
    let settings = Settings {
        extra: vec![format!("fsync={fsync}")],
        environment: disk.environment(&live, &shadow),
    };
    let mut cluster = Cluster::start(&home, log.clone(), "secret", &settings).unwrap();
    let before = last_number(&acknowledged_log);
    let mut committer = Start::new("committer", COMMITTER, acknowledged_log.clone())
        .args([
            "commit",
            &cluster.url("kept"),
            "keep",
            &WITHOUT_END.to_string(),
        ])
        .start()
        .unwrap();
    committer
        .wait_until("committing", Duration::from_secs(60), || {
            (last_number(&acknowledged_log) >= before + ROWS).then_some(())
        })
        .unwrap();
    cluster.kill().unwrap();
    committer.kill().unwrap();
    drop(cluster);
    let acknowledged = last_number(&acknowledged_log);
    disk.cut(unsynced).unwrap();
    fs::remove_dir_all(home.join("shadow")).unwrap();
    let mut cluster = Cluster::start(&home, log, "secret", &plain).unwrap();
    let found = counted(&cluster.url("kept"));
    cluster.end().unwrap();
    Outcome {
        acknowledged,
        found,
    }
}

#[test]
fn postgresql_keeps_every_acknowledged_row_over_power_cuts() {
    let dir = scratch("postgres");
    for round in 0..if long() { 20 } else { 3 } {
        let unsynced = if round % 2 == 0 {
            Unsynced::Gone
        } else {
            Unsynced::Some(0x5EED + round)
        };
        let outcome = postgres_round(&dir, "on", unsynced);
        assert!(
            outcome.found >= outcome.acknowledged,
            "round {round} ({unsynced:?}): {} of {}",
            outcome.found,
            outcome.acknowledged
        );
        assert!(
            outcome.found <= outcome.acknowledged + 1,
            "round {round}: rows from nowhere"
        );
    }
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn the_cut_is_real_postgresql_with_fsync_off_loses_acknowledged_rows() {
    let dir = scratch("postgres-off");
    let outcome = postgres_round(&dir, "off", Unsynced::Gone);
    assert!(
        outcome.found < outcome.acknowledged,
        "fsync=off lost nothing: the disk does not forget ({} of {})",
        outcome.found,
        outcome.acknowledged
    );
    fs::remove_dir_all(dir).unwrap();
}
