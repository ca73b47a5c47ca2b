//! A CRL of n entries after one more revocation, against hashing that many bytes, one signature and one
//! fsynced write.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Figure, Room, cpu};
use crate::fault::{Fault, Result};
use crate::local::Local;
use crate::report::Report;
use crate::stack::ISSUER;
use crate::stack::layout::Database;
use crate::workspace::Programs;

/// How long the publisher may take to notice and to publish.
const PATIENCE: Duration = Duration::from_secs(300);
/// Revocations one after the other; the median is the figure.
const ROUNDS: usize = 3;

/// Measures on SQLite, with entries that the load generator puts into the table: the running authority publishes.
pub fn run(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for entries in [100_000usize, 1_000_000] {
        let name = format!("crl.{entries}");
        let room = Room::open(programs, &dir.join(&name), Database::Sqlite, "rsa-2048")?;
        report.long_step(
            &format!("{name}: {entries} revocations in the table"),
            || revoke(&room, entries),
        )?;
        let first = report.long_step(
            &format!("{name}: published from the database alone"),
            || published(&room, entries),
        )?;
        let idle = cpu::anonymous_memory(room.issue.pid());
        let mut rounds = Vec::new();
        report.long_step(
            &format!("{name}: published after one more revocation"),
            || {
                for round in 1..=ROUNDS {
                    revoke(&room, 1)?;
                    rounds.push(published(&room, entries + round)?);
                }
                Ok(())
            },
        )?;
        rounds.sort_by(|one, other| one.took.total_cmp(&other.took));
        let peak = rounds.iter().map(|round| round.peak).max().unwrap_or(0);
        let bytes = Local::new(room.public(), None)
            .get(&format!("/crl/{ISSUER}.crl"))?
            .ok()?
            .len();
        let yardstick = hash_sign_write(&room, bytes)?;
        report.detail(&format!(
            "{bytes} bytes; {:.2} s from the database alone; {} bytes of memory when idle",
            first.took, idle
        ));
        figures.push(Figure {
            name: format!("{name}.time"),
            unit: "s, against SHA-256 + one signature + one fsynced write",
            figure: rounds[ROUNDS / 2].took,
            yardstick,
            higher_is_better: false,
            floor: Some(4.0),
        });
        figures.push(Figure {
            name: format!("{name}.memory"),
            unit: "bytes, peak anonymous memory above idle, against the CRL's size",
            figure: peak.saturating_sub(idle) as f64,
            yardstick: bytes as f64,
            higher_is_better: false,
            floor: Some(1.0),
        });
        room.close()?;
    }
    Ok(figures)
}

fn revoke(room: &Room, entries: usize) -> Result<()> {
    let mut load = room.load("revoked");
    load.args(["--database", &room.database_url()]);
    load.args(["--issuer", ISSUER, "--entries", &entries.to_string()]);
    super::room::told(&mut load).map(drop)
}

struct Round {
    /// Seconds from the reservation of the number to the file in its place.
    took: f64,
    /// Most anonymous memory of the process, in bytes.
    peak: u64,
}

/// Waits until the full list has so many entries.
fn published(room: &Room, entries: usize) -> Result<Round> {
    let admin = Local::new(room.admin(), None);
    let begun = Instant::now();
    let mut peak = 0;
    loop {
        for _ in 0..20 {
            peak = peak.max(cpu::anonymous_memory(room.issue.pid()));
            std::thread::sleep(Duration::from_millis(2));
        }
        let text = admin.get("/metrics")?.ok()?;
        let text = String::from_utf8_lossy(&text);
        if gauge(&text, "jitsuin_crl_entries") == Some(entries as f64) {
            let took = gauge(&text, "jitsuin_crl_seconds")
                .ok_or_else(|| Fault::new("the authority does not say how long a list took"))?;
            return Ok(Round { took, peak });
        }
        if begun.elapsed() > PATIENCE {
            return Err(
                Fault::new(format!("no list of {entries} entries was published"))
                    .with_log(room.issue.log()),
            );
        }
    }
}

/// A gauge of the residents' full list.
fn gauge(metrics: &str, name: &str) -> Option<f64> {
    metrics
        .lines()
        .filter(|line| line.starts_with(name))
        .find(|line| line.contains(&format!("issuer=\"{ISSUER}\"")) && line.contains("scope=\"\""))
        .and_then(|line| line.rsplit(' ').next()?.parse().ok())
}

fn hash_sign_write(room: &Room, bytes: usize) -> Result<f64> {
    let mut load = room.load("hash");
    load.args(["--bytes", &bytes.to_string()])
        .arg("--file")
        .arg(room.layout().path("load/hashed"));
    let hashed = super::room::number(&super::room::told(&mut load)?, "seconds")?;
    let (_, signature) = room.raw_issuer()?;
    Ok(hashed + signature)
}
