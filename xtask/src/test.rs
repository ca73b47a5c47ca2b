//! `cargo xtask test`: everything that continuous integration runs, in the order in which it fails fastest.

use std::fs;

use crate::browser::axe;
use crate::demo;
use crate::fault::Result;
use crate::report::Report;
use crate::stack::layout::Database;
use crate::workspace::{self, Profile, Programs, cargo, shown};
use crate::{setup, text};

/// What tells the tests that there is time: see [`long`].
const LONG: &str = "JITSUIN_LONG";

/// Whether the long versions of tests are asked for (`cargo xtask test --long`): more rounds of what
/// depends on when something happens.
pub fn long() -> bool {
    std::env::var_os(LONG).is_some_and(|said| !said.is_empty())
}

/// Runs it. `long` lets kills, power cuts and the like come a hundred times and not a dozen.
pub fn run(report: &Report, long: bool) -> Result<()> {
    report.section("準備  Set-up");
    setup::run_for_tests(report)?;
    report.step("axe-core, which examines the screens", || {
        axe::script().map(drop)
    })?;

    report.section("形式  Formatting and lints");
    report.step("cargo fmt --check", || {
        shown(cargo().args(["fmt", "--all", "--check"]))
    })?;
    report.long_step("cargo clippy, warnings denied", || {
        shown(cargo().args([
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    })?;

    report.section("構築  Build");
    Programs::build(report, Profile::Dev)?;
    let mut command = cargo();
    command.env("JITSUIN_BUILT", "1");
    if long {
        command.env(LONG, "1");
    }
    let nextest = setup::find_program("cargo-nextest").is_some();
    if nextest {
        report.long_step("compile the tests", || {
            shown(cargo().args(["nextest", "run", "--locked", "--workspace", "--no-run"]))
        })?;
        command.args(["nextest", "run", "--locked", "--workspace"]);
        if long {
            command.args(["--profile", "long"]);
        }
    } else {
        report.long_step("compile the tests", || {
            shown(cargo().args(["test", "--locked", "--workspace", "--no-run", "--quiet"]))
        })?;
        // A PKCS#11 module is initialised once per process: without nextest, tests of one program share it.
        command.args([
            "test",
            "--locked",
            "--workspace",
            "--quiet",
            "--no-fail-fast",
            "--",
            "--test-threads=2",
        ]);
    }

    report.section("試験  Tests");
    let runner = if nextest {
        "cargo nextest"
    } else {
        "cargo test"
    };
    report.long_step(&format!("{runner}, the whole workspace"), || {
        shown(&mut command)
    })?;

    let out = workspace::target_dir().join(format!("test-demo-{}", text::random_hex(4)?));
    demo::walk_once(report, &out, Database::Sqlite)?;
    fs::remove_dir_all(&out)?;

    report.summary("everything passed");
    Ok(())
}
