//! OCSP answers signed on demand, against the responder token's raw signing rate.

use std::path::Path;

use super::room::number;
use super::{Figure, Room};
use crate::fault::Result;
use crate::report::Report;
use crate::stack::layout::Database;
use crate::workspace::Programs;

/// Measures the responder on SQLite.
pub fn run(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    let room = Room::open(programs, &dir.join("room"), Database::Sqlite, "rsa-2048")?;
    report.long_step("200 certificates to ask about", || room.issue(1, 200, 8))?;
    let (raw, _) = report.long_step("raw P-256 signatures over 1, 2 and 4 sessions", || {
        room.raw("ocsp", "ocsp", false)
    })?;
    let mut figures = Vec::new();
    for (name, nonce) in [
        ("ocsp.p256.signed", true),
        ("ocsp.p256.without-nonce", false),
    ] {
        let answers = report.long_step(name, || room.ask_ocsp(nonce, 8, 4))?;
        figures.push(Figure {
            name: name.into(),
            unit: "1/s, against raw P-256 signatures",
            figure: number(&answers, "rate")?,
            yardstick: raw,
            higher_is_better: true,
            floor: None,
        });
    }
    room.close()?;
    Ok(figures)
}
