//! `cargo xtask bench`: figures, each beside a yardstick taken in the same run.

pub mod cpu;
mod crl;
mod issue;
mod ocsp;
mod room;

use std::fs;

use serde_json::{Value, json};

use crate::fault::{Fault, OnPath, Result};
use crate::report::Report;
use crate::workspace::{self, Profile, Programs, cargo, shown};
use crate::{setup, text};

pub use room::Room;

/// One line of the table.
pub struct Figure {
    /// `issue.rsa-2048.postgres.rate`.
    pub name: String,
    /// Unit of figure and yardstick.
    pub unit: &'static str,
    /// What was measured.
    pub figure: f64,
    /// What it is held against, from the same run.
    pub yardstick: f64,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// The least (or greatest) ratio that is accepted, where one is set.
    pub floor: Option<f64>,
}

impl Figure {
    fn ratio(&self) -> f64 {
        if self.yardstick == 0.0 {
            0.0
        } else {
            self.figure / self.yardstick
        }
    }

    fn holds(&self) -> bool {
        match self.floor {
            None => true,
            Some(floor) if self.higher_is_better => self.ratio() >= floor,
            Some(floor) => self.ratio() <= floor,
        }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "figure": self.figure,
            "yardstick": self.yardstick,
            "ratio": self.ratio(),
            "floor": self.floor,
            "better": if self.higher_is_better { "higher" } else { "lower" },
            "holds": self.holds(),
        })
    }
}

/// Benchmarks by name, in the order in which they run.
const NAMES: &[&str] = &["issue", "ocsp", "crl", "startup", "grow"];

/// Runs the named benchmarks, or all.
pub fn run(report: &Report, names: &[&str]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(name)) {
        return Err(Fault::new(format!(
            "there is no benchmark {unknown}; there are {}",
            NAMES.join(", ")
        )));
    }
    report.section("準備  Set-up");
    setup::run(report)?;
    let programs = Programs::build(report, Profile::Release)?;
    report.long_step("build the load generator (release)", || {
        shown(cargo().args([
            "build",
            "--locked",
            "--release",
            "-p",
            "softhsm-tests",
            "--bin",
            "load",
        ]))
    })?;
    let state = workspace::target_dir()
        .join("bench")
        .join(text::random_hex(4)?);
    let mut figures = Vec::new();
    for name in NAMES
        .iter()
        .filter(|name| names.is_empty() || names.contains(name))
    {
        report.section(&format!("計測  {name}"));
        let dir = state.join(name);
        figures.extend(match *name {
            "issue" => issue::run(report, &programs, &dir)?,
            "ocsp" => ocsp::run(report, &programs, &dir)?,
            "crl" => crl::run(report, &programs, &dir)?,
            "startup" => crl::startup(report, &programs, &dir)?,
            _ => crl::grow(report, &programs, &dir)?,
        });
    }
    fs::remove_dir_all(&state).on(&state)?;
    table(report, &figures);
    let list: Vec<Value> = figures.iter().map(Figure::json).collect();
    let path = workspace::target_dir().join("bench.json");
    fs::write(&path, format!("{:#}\n", Value::Array(list))).on(&path)?;
    report.line(&format!("\n  also in {}", path.display()));
    match figures.iter().find(|figure| !figure.holds()) {
        None => Ok(()),
        Some(figure) => Err(Fault::new(format!(
            "{} does not hold its floor",
            figure.name
        ))),
    }
}

fn table(report: &Report, figures: &[Figure]) {
    report.line("");
    report.line(&format!(
        "  {:<36} {:>12} {:>12} {:>8} {:>7}",
        "", "figure", "yardstick", "ratio", "floor"
    ));
    for figure in figures {
        let floor = figure
            .floor
            .map_or_else(|| "–".to_owned(), |floor| format!("{floor:.2}"));
        report.line(&format!(
            "  {:<36} {:>12} {:>12} {:>8.3} {floor:>7}  {}",
            figure.name,
            rounded(figure.figure),
            rounded(figure.yardstick),
            figure.ratio(),
            figure.unit,
        ));
    }
}

fn rounded(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 1.0 => format!("{figure:.2}"),
        _ => format!("{figure:.5}"),
    }
}
