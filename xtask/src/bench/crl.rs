//! A CRL of n entries after one more revocation, against hashing that many bytes, one signature and one
//! fsynced write; the same beside many certificates that are in effect; starting with that many entries.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Figure, Room, cpu};
use crate::fault::{Fault, Result};
use crate::local::Local;
use crate::process;
use crate::report::Report;
use crate::stack::ISSUER;
use crate::stack::layout::Database;
use crate::workspace::Programs;

/// How long the publisher may take to notice and to publish.
const PATIENCE: Duration = Duration::from_secs(300);
/// Revocations one after the other, the yardstick after each; the medians are the figures.
const ROUNDS: usize = 5;
/// Entries of the longest list.
const MOST: usize = 1_000_000;

/// Lists of 100,000 and 1,000,000 entries, on SQLite: what is measured is the list and not the database.
pub fn run(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for entries in [MOST / 10, MOST] {
        let name = format!("crl.{entries}");
        let room = filled(
            report,
            programs,
            &dir.join(&name),
            Database::Sqlite,
            entries,
            0,
        )?;
        let lists = lists(report, &room, &name, entries)?;
        figures.extend(lists.figures(&name));
        if entries == MOST {
            figures.extend(starts(report, &room, &name)?);
            read_by_openssl(report, &room, entries + ROUNDS)?;
        }
        room.close()?;
    }
    Ok(figures)
}

/// From start to ready beside the longest list, and what the two servers hold when they are idle.
pub fn startup(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    let name = format!("startup.{MOST}");
    let room = filled(
        report,
        programs,
        &dir.join(&name),
        Database::Sqlite,
        MOST,
        0,
    )?;
    published(&room, MOST)?;
    let figures = starts(report, &room, &name)?;
    room.close()?;
    Ok(figures)
}

/// A list of 100,000 entries beside so many certificates in effect and beside thirty times as many.
pub fn grow(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for database in [Database::Postgres, Database::Sqlite] {
        let mut took = Vec::new();
        for issued in [0, 29 * MOST / 10] {
            let name = format!("grow.crl.{}.{issued}", database.name());
            let entries = MOST / 10;
            let room = filled(
                report,
                programs,
                &dir.join(&name),
                database,
                entries,
                issued,
            )?;
            took.push(lists(report, &room, &name, entries)?.time);
            room.close()?;
        }
        figures.push(Figure {
            name: format!("grow.crl.{}", database.name()),
            unit: "s, 3,000,000 issued, against 100,000 issued",
            figure: took[1],
            yardstick: took[0],
            higher_is_better: false,
            floor: Some(1.1),
        });
    }
    Ok(figures)
}

/// A room that is started with rows in its tables.
fn filled(
    report: &Report,
    programs: &Programs,
    dir: &Path,
    database: Database,
    revoked: usize,
    in_effect: usize,
) -> Result<Room> {
    report.long_step(
        &format!(
            "{revoked} certificates revoked and {in_effect} in effect, on {}",
            database.name()
        ),
        || {
            Room::open_with(programs, dir, database, "rsa-2048", |url| {
                rows(programs, url, revoked, true)?;
                if in_effect > 0 {
                    rows(programs, url, in_effect, false)?;
                }
                Ok(())
            })
        },
    )
}

struct Lists {
    /// Medians: seconds from the reservation of the number to the file in its place, and what it is held against.
    time: f64,
    yardstick: f64,
    /// Most anonymous memory of the process above idle, in bytes.
    peak: u64,
    /// The list's.
    bytes: u64,
}

impl Lists {
    fn figures(&self, name: &str) -> Vec<Figure> {
        vec![
            Figure {
                name: format!("{name}.time"),
                unit: "s, against SHA-256 + one signature + one fsynced write",
                figure: self.time,
                yardstick: self.yardstick,
                higher_is_better: false,
                floor: Some(4.0),
            },
            Figure {
                name: format!("{name}.memory"),
                unit: "bytes, peak anonymous memory above idle, against the CRL's size",
                figure: self.peak as f64,
                yardstick: self.bytes as f64,
                higher_is_better: false,
                floor: Some(1.0),
            },
        ]
    }
}

fn lists(report: &Report, room: &Room, name: &str, entries: usize) -> Result<Lists> {
    let first = report.long_step(
        &format!("{name}: published from the database alone"),
        || published(room, entries),
    )?;
    settled(room)?;
    let idle = cpu::anonymous_memory(room.issue.pid());
    let (_, signature) = room.raw_issuer()?;
    let mut rounds = Vec::new();
    let mut yardsticks = Vec::new();
    report.long_step(
        &format!("{name}: published after one more revocation, {ROUNDS} times"),
        || {
            for round in 1..=ROUNDS {
                rows(room.programs(), &room.database_url(), 1, true)?;
                rounds.push(published(room, entries + round)?);
                // The municipality's list is made after the full one: what is measured next has the machine.
                settled(room)?;
                let bytes = rounds[round - 1].bytes;
                yardsticks.push(hashed(room, bytes)? + signature);
            }
            Ok(())
        },
    )?;
    let peak = rounds.iter().map(|round| round.peak).max().unwrap_or(0);
    let bytes = rounds[ROUNDS - 1].bytes;
    let mut times: Vec<f64> = rounds.iter().map(|round| round.took).collect();
    times.sort_by(f64::total_cmp);
    yardsticks.sort_by(f64::total_cmp);
    report.detail(&format!(
        "{bytes} bytes; {:.2} s from the database alone; {idle} bytes of memory when idle; {times:.3?} s against {yardsticks:.3?} s",
        first.took
    ));
    Ok(Lists {
        time: times[ROUNDS / 2],
        yardstick: yardsticks[ROUNDS / 2],
        peak: peak.saturating_sub(idle),
        bytes,
    })
}

/// Both servers ended and started again beside the list.
fn starts(report: &Report, room: &Room, name: &str) -> Result<Vec<Figure>> {
    // The status server has served the list; both are idle.
    Local::new(room.public(), None)
        .get(&format!("/crl/{ISSUER}.crl"))?
        .ok()?;
    settled(room)?;
    report.detail(&format!("ready after {:.2?}", room.starts));
    let servers = [
        ("issue", room.starts[0], room.issue.pid()),
        ("status", room.starts[1], room.status.pid()),
    ];
    Ok(servers
        .into_iter()
        .flat_map(|(server, ready, pid)| {
            [
                Figure {
                    name: format!("{name}.{server}.ready"),
                    unit: "s from start to ready, against 2 s",
                    figure: ready.as_secs_f64(),
                    yardstick: 2.0,
                    higher_is_better: false,
                    floor: Some(1.0),
                },
                Figure {
                    name: format!("{name}.{server}.idle"),
                    unit: "bytes of anonymous memory when idle, against 60 MiB",
                    figure: cpu::anonymous_memory(pid) as f64,
                    yardstick: 60.0 * 1024.0 * 1024.0,
                    higher_is_better: false,
                    floor: Some(1.0),
                },
            ]
        })
        .collect())
}

/// `openssl crl` reads the list: its number, how many entries it has, and every thousandth serial are those of the
/// database.
fn read_by_openssl(report: &Report, room: &Room, entries: usize) -> Result<()> {
    report.long_step(
        &format!("OpenSSL reads the list of {entries} entries"),
        || {
            let list = room.layout().path("ca/crl").join(format!("{ISSUER}.crl"));
            let mut openssl = Command::new("openssl");
            openssl
                .args(["crl", "-inform", "DER", "-noout", "-text", "-in"])
                .arg(&list);
            let said = process::run(&mut openssl)?;
            let said = String::from_utf8_lossy(&said);
            let serials: Vec<&str> = said
                .lines()
                .filter_map(|line| line.trim().strip_prefix("Serial Number: "))
                .collect();
            if serials.len() != entries {
                return Err(Fault::new(format!(
                    "OpenSSL sees {} entries",
                    serials.len()
                )));
            }
            let number = said
                .lines()
                .skip_while(|line| !line.contains("X509v3 CRL Number"))
                .nth(1)
                .and_then(|line| line.trim().parse::<f64>().ok());
            let admin = Local::new(room.admin(), None);
            let text = admin.get("/metrics")?.ok()?;
            if number != gauge(&String::from_utf8_lossy(&text), "jitsuin_crl_number") {
                return Err(Fault::new(format!("OpenSSL sees number {number:?}")));
            }
            let mut load = room.load("feed");
            load.args(["--database", &room.database_url(), "--issuer", ISSUER]);
            load.args(["--every", "1000"]);
            let told = super::room::told(&mut load)?;
            for (at, serial) in told["serials"].as_array().into_iter().flatten().enumerate() {
                let serial = serial.as_str().unwrap_or_default();
                let seen = serials[(at + 1) * 1_000 - 1];
                if !seen.eq_ignore_ascii_case(serial) {
                    return Err(Fault::new(format!(
                        "entry {} is {seen} to OpenSSL and {serial} in the database",
                        (at + 1) * 1_000
                    )));
                }
            }
            Ok(())
        },
    )
}

fn rows(programs: &Programs, url: &str, entries: usize, revoked: bool) -> Result<()> {
    let mut load = Command::new(programs.path("load"));
    load.args(["rows", "--database", url, "--issuer", ISSUER]);
    load.args(["--entries", &entries.to_string()]);
    load.args(["--revoked", if revoked { "yes" } else { "no" }]);
    super::room::told(&mut load).map(drop)
}

struct Round {
    /// Seconds from the reservation of the number to the file in its place.
    took: f64,
    /// Most anonymous memory of the process, in bytes.
    peak: u64,
    /// The list's.
    bytes: u64,
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
            let said = |name: &str| {
                gauge(&text, name)
                    .ok_or_else(|| Fault::new(format!("the authority does not say {name}")))
            };
            return Ok(Round {
                took: said("jitsuin_crl_seconds")?,
                peak,
                bytes: said("jitsuin_crl_octets")? as u64,
            });
        }
        if begun.elapsed() > PATIENCE {
            return Err(
                Fault::new(format!("no list of {entries} entries was published"))
                    .with_log(room.issue.log()),
            );
        }
    }
}

/// Waits until the authority has spent no time for a second: nothing more is published.
fn settled(room: &Room) -> Result<()> {
    let begun = Instant::now();
    let mut before = cpu::spent(&[room.issue.pid()]);
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let spent = cpu::spent(&[room.issue.pid()]);
        if spent - before < 0.05 {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(
                Fault::new("the authority does not come to rest").with_log(room.issue.log())
            );
        }
        before = spent;
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

/// SHA-256 of so many bytes and one fsynced write of them.
fn hashed(room: &Room, bytes: u64) -> Result<f64> {
    let mut load = room.load("hash");
    load.args(["--bytes", &bytes.to_string()])
        .arg("--file")
        .arg(room.layout().path("load/hashed"));
    super::room::number(&super::room::told(&mut load)?, "seconds")
}
