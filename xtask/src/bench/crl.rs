//! A CRL of n entries, against hashing that many bytes, one signature and one fsynced write.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Figure, Room, cpu};
use crate::fault::{Fault, Result};
use crate::local::Local;
use crate::process::Start;
use crate::report::Report;
use crate::stack::ISSUER;
use crate::stack::layout::Database;
use crate::workspace::Programs;

/// Measures on SQLite, with entries that the load generator puts into the table.
pub fn run(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for entries in [10_000usize, 100_000] {
        let name = format!("crl.{entries}");
        let room = Room::open(programs, &dir.join(&name), Database::Sqlite, "rsa-2048")?;
        report.long_step(
            &format!("{name}: {entries} revocations in the table"),
            || seed(&room, entries),
        )?;
        let (took, bytes, peak) =
            report.long_step(&format!("{name}: published"), || publish(&room))?;
        let yardstick = hash_sign_write(&room, bytes)?;
        report.detail(&format!("{bytes} bytes"));
        figures.push(Figure {
            name: format!("{name}.time"),
            unit: "s, against SHA-256 + one signature + one fsynced write",
            figure: took.as_secs_f64(),
            yardstick,
            higher_is_better: false,
            floor: None,
        });
        figures.push(Figure {
            name: format!("{name}.memory"),
            unit: "bytes, peak anonymous memory of the publishing process, against the CRL's size",
            figure: peak as f64,
            yardstick: bytes as f64,
            higher_is_better: false,
            floor: None,
        });
        room.close()?;
    }
    Ok(figures)
}

fn seed(room: &Room, entries: usize) -> Result<()> {
    let mut load = room.load("revoked");
    load.args([
        "--database",
        &format!("sqlite:{}", room.layout().path("ca/ca.sqlite").display()),
    ]);
    load.args(["--issuer", ISSUER, "--entries", &entries.to_string()]);
    super::room::told(&mut load).map(drop)
}

/// Publishes through the officer's command and gives the time it took, the full CRL's size, and the most
/// anonymous memory that the command held.
fn publish(room: &Room) -> Result<(Duration, usize, u64)> {
    let begun = Instant::now();
    let mut program = Start::new(
        "ca-server crl publish",
        room.programs().path("ca-server"),
        room.layout().log("crl-publish")?,
    )
    .args(["crl", "--config"])
    .args([room.layout().path("ca/ca.toml")])
    .args(["publish"])
    .start()?;
    let mut peak = 0;
    let status = loop {
        peak = peak.max(cpu::anonymous_memory(program.pid()));
        if let Some(status) = program.poll()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = begun.elapsed();
    if !status.success() {
        return Err(Fault::new(format!("publishing failed ({status})")).with_log(program.log()));
    }
    let crl = Local::new(room.public(), None)
        .get(&format!("/crl/{ISSUER}.crl"))?
        .ok()?;
    if crl.len() < 10_000 {
        return Err(Fault::new("the published CRL does not have the entries"));
    }
    Ok((took, crl.len(), peak))
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
