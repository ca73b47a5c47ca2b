//! OCSP: answers from memory against a fixed body behind the same server and middleware, and answers
//! signed on demand against the responder token's raw signing rate.

use std::path::Path;
use std::time::Duration;

use super::room::number;
use super::{Figure, Room, cpu};
use crate::fault::Result;
use crate::process::{Program, Start};
use crate::report::Report;
use crate::stack::layout::Database;
use crate::stack::place::address;
use crate::workspace::{self, Programs, cargo, shown};

/// Short runs of each kind in turn, so that what else the machine does meets both.
const TURNS: usize = 5;
/// Seconds of one run, and connections.
const SECONDS: usize = 2;
const CONNECTIONS: usize = 8;
/// Workers of a status server that says nothing else.
const WORKERS: &str = "2";

/// Measures the responder on SQLite.
pub fn run(report: &Report, programs: &Programs, dir: &Path) -> Result<Vec<Figure>> {
    report.long_step("build the server of the fixed body (release)", || {
        shown(cargo().args([
            "build",
            "--locked",
            "--release",
            "-p",
            "ca-server",
            "--features",
            "testing",
            "--example",
            "fixed",
        ]))
    })?;
    let room = Room::open(programs, &dir.join("room"), Database::Sqlite, "rsa-2048")?;
    report.long_step("200 certificates to ask about", || room.issue(1, 200, 8))?;
    let mut figures = Vec::new();
    for way in ["post", "get"] {
        let name = format!("ocsp.cached.{way}");
        let (cached, fixed) = report.long_step(&name, || from_memory(report, &room, way))?;
        figures.push(Figure {
            name,
            unit: "answers per second of the server's CPU time, against a fixed body of the same length",
            figure: cached,
            yardstick: fixed,
            higher_is_better: true,
            floor: Some(0.75),
        });
    }
    let (raw, _) = report.long_step("raw P-256 signatures over 1, 2 and 4 sessions", || {
        room.raw("ocsp", "ocsp", false)
    })?;
    let answers = report.long_step("ocsp.p256.signed", || {
        room.ask_ocsp(room.public(), ("post", true), CONNECTIONS, 2 * SECONDS)
    })?;
    figures.push(Figure {
        name: "ocsp.p256.signed".into(),
        unit: "1/s, against raw P-256 signatures",
        figure: number(&answers, "rate")?,
        yardstick: raw,
        higher_is_better: true,
        floor: None,
    });
    room.close()?;
    Ok(figures)
}

/// Answers per second of CPU time: of the responder, and of the fixed body.
fn from_memory(report: &Report, room: &Room, way: &str) -> Result<(f64, f64)> {
    let ask = |public: &str, seconds| room.ask_ocsp(public, (way, false), CONNECTIONS, seconds);
    // Everything that is asked for is in memory, and the length is known.
    let warm = ask(room.public(), SECONDS)?;
    let (mut fixed, address) = fixed_body(room, number(&warm, "length")?)?;
    let measured = |program: &Program, public: &str| -> Result<(f64, f64, f64)> {
        let before = cpu::spent(&[program.pid()]);
        let answers = ask(public, SECONDS)?;
        let spent = cpu::spent(&[program.pid()]) - before;
        Ok((
            number(&answers, "answers")?,
            spent,
            number(&answers, "rate")?,
        ))
    };
    let (mut cached, mut same) = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0));
    let add = |sum: &mut (f64, f64, f64), one: (f64, f64, f64)| {
        *sum = (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2);
    };
    for _ in 0..TURNS {
        add(&mut cached, measured(&room.status, room.public())?);
        add(&mut same, measured(&fixed, &address)?);
    }
    fixed.end()?;
    let turns = TURNS as f64;
    report.detail(&format!(
        "{:.0} answers per second by the clock, {:.0} of the fixed body",
        cached.2 / turns,
        same.2 / turns
    ));
    Ok((cached.0 / cached.1.max(0.01), same.0 / same.1.max(0.01)))
}

fn fixed_body(room: &Room, length: f64) -> Result<(Program, String)> {
    let program = workspace::target_dir().join("release/examples/fixed");
    let mut fixed = Start::new("fixed", &program, room.layout().log("fixed")?)
        .args([format!("{length:.0}"), WORKERS.to_owned()])
        .ready_file(room.layout().ready("fixed")?)
        .start()?;
    let told = fixed.wait_ready(Duration::from_secs(30))?;
    let public = address(&told, "public")?;
    Ok((fixed, public))
}
