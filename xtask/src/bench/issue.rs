//! Issuing, durable and with every check on: what a certificate costs beyond its signature, and how
//! many there are in a second.

use std::path::Path;

use super::room::{number, told};
use super::{Figure, Room, cpu};
use crate::fault::Result;
use crate::report::Report;
use crate::stack::layout::Database;
use crate::workspace::Programs;

/// Certificates per measurement, after a tenth as many to warm up.
const COUNT: usize = 1_500;
/// Connections of the gateway that is played.
const CONNECTIONS: usize = 16;
/// Measurements, of which the middle one counts.
const ROUNDS: usize = 3;
/// What plan, lints and assembly of one certificate may take, in seconds.
const PURE: f64 = 100e-6;

/// One measurement.
struct Round {
    /// Certificates in a second, and what they are held against.
    rate: f64,
    rate_yardstick: f64,
    /// CPU seconds of the server, its workers and the database per certificate, beyond the token's
    /// raw signature.
    beyond: f64,
    /// CPU seconds of one raw signature of this token.
    raw_cpu: f64,
}

/// Measures both databases with both kinds of issuer, and the pure part by itself.
pub fn run(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    // CPU time of one raw RSA-2048 signature: the yardstick of work for every kind of issuer.
    let mut rsa_cpu = None;
    for issuer_key in ["rsa-2048", "p256"] {
        let rsa = issuer_key.starts_with("rsa");
        for database in [Database::Sqlite, Database::Postgres] {
            let name = format!("issue.{}.{}", issuer_key.replace('-', ""), database.name());
            let room = Room::open(programs, &dir.join(&name), database, issuer_key)?;
            room.issue(1, COUNT / 10, CONNECTIONS)?;
            let mut rounds = Vec::with_capacity(ROUNDS);
            for at in 1..=ROUNDS {
                rounds.push(
                    report.long_step(&format!("{name}: {COUNT} certificates, {at}"), || {
                        round(&room, rsa, at)
                    })?,
                );
            }
            let raw_cpu = middle(rounds.iter().map(|round| round.raw_cpu));
            let rsa_cpu = *rsa_cpu.get_or_insert(raw_cpu);
            let rate = middle(rounds.iter().map(|round| round.rate / round.rate_yardstick));
            let rate_yardstick = middle(rounds.iter().map(|round| round.rate_yardstick));
            figures.push(Figure {
                name: format!("{name}.rate"),
                unit: if rsa {
                    "1/s, against the token's raw signatures"
                } else {
                    "1/s, beside durable commits of one row over one connection"
                },
                figure: rate * rate_yardstick,
                yardstick: rate_yardstick,
                higher_is_better: true,
                floor: rsa.then_some(0.45),
            });
            figures.push(Figure {
                name: format!("{name}.cpu"),
                unit: "s CPU beyond the signature, against one raw RSA-2048 signature",
                figure: middle(rounds.iter().map(|round| round.beyond)),
                yardstick: rsa_cpu,
                higher_is_better: false,
                floor: Some(if rsa { 1.0 } else { 1.1 }),
            });
            if figures.len() == 2 {
                figures.push(pure(report, &room)?);
            }
            room.close()?;
        }
    }
    Ok(figures)
}

fn round(room: &Room, rsa: bool, at: usize) -> Result<Round> {
    let (raw_rate, raw_cpu) = room.raw_issuer()?;
    let rate_yardstick = if rsa { raw_rate } else { room.commits()? };
    // The load generator's own time is not in it: it is no child of these.
    let before = cpu::spent(&room.pids());
    let issued = room.issue(1 + at * COUNT, COUNT, CONNECTIONS)?;
    let spent = cpu::spent(&room.pids()) - before;
    Ok(Round {
        rate: number(&issued, "rate")?,
        rate_yardstick,
        beyond: spent / number(&issued, "issued")? - raw_cpu,
        raw_cpu,
    })
}

fn pure(report: &Report, room: &Room) -> Result<Figure> {
    let seconds = report.long_step("issue.pure: plan, lints, assembly", || {
        let mut load = room.load("plan");
        load.args(["--count", "1000"]);
        number(&told(&mut load)?, "seconds")
    })?;
    Ok(Figure {
        name: "issue.pure".to_owned(),
        unit: "s for plan, lints and assembly",
        figure: seconds,
        yardstick: PURE,
        higher_is_better: false,
        floor: Some(1.0),
    })
}

/// The middle one of an odd number of figures.
fn middle(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
