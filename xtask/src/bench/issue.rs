//! Issuing, durable and with every check on, against the token's raw signing rate.

use std::path::Path;

use super::room::number;
use super::{Figure, Room, cpu};
use crate::fault::Result;
use crate::report::Report;
use crate::stack::layout::Database;
use crate::workspace::Programs;

/// Certificates per measurement, after a tenth as many to warm up.
const COUNT: usize = 1_500;
/// Connections of the gateway that is played.
const CONNECTIONS: usize = 16;

/// Measures both databases with both kinds of issuer.
pub fn run(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    // CPU time of one raw RSA-2048 signature: the yardstick of work for every kind of issuer.
    let mut rsa_cpu = None;
    for issuer_key in ["rsa-2048", "p256"] {
        for database in [Database::Sqlite, Database::Postgres] {
            let name = format!("issue.{}.{}", issuer_key.replace('-', ""), database.name());
            let room = Room::open(programs, &dir.join(&name), database, issuer_key)?;
            let (raw_rate, raw_cpu) = report.long_step(
                &format!("{name}: raw signatures over 1, 2 and 4 sessions"),
                || room.raw_issuer(),
            )?;
            let rsa_cpu = *rsa_cpu.get_or_insert(raw_cpu);
            let (issued, spent) =
                report.long_step(&format!("{name}: {COUNT} certificates"), || {
                    room.issue(1, COUNT / 10, CONNECTIONS)?;
                    // The load generator's own time is not in it: it is no child of these.
                    let before = cpu::spent(&room.pids());
                    let issued = room.issue(1 + COUNT, COUNT, CONNECTIONS)?;
                    Ok((issued, cpu::spent(&room.pids()) - before))
                })?;
            report.detail(&format!(
                "p50 {:.1} ms, p99 {:.1} ms",
                number(&issued, "p50_ms")?,
                number(&issued, "p99_ms")?
            ));
            figures.push(Figure {
                name: format!("{name}.rate"),
                unit: "1/s",
                figure: number(&issued, "rate")?,
                yardstick: raw_rate,
                higher_is_better: true,
                floor: None,
            });
            figures.push(Figure {
                name: format!("{name}.cpu"),
                unit: "s CPU, against one raw RSA-2048 signature",
                figure: spent / number(&issued, "issued")?,
                yardstick: rsa_cpu,
                higher_is_better: false,
                floor: None,
            });
            room.close()?;
        }
    }
    Ok(figures)
}
