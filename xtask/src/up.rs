//! `cargo xtask up`: everything running in the foreground, its data kept; with `--training` a place where
//! clerks can learn.

use std::path::Path;
use std::thread;

use crate::fault::Result;
use crate::report::Report;
use crate::stack::layout::Database;
use crate::stack::{Options, Stack};
use crate::workspace::{Profile, Programs};
use crate::{setup, signals};

/// Starts everything and stays until SIGINT or SIGTERM, which end it with exit code 0.
pub fn run(
    report: &Report,
    state: &Path,
    database: Option<Database>,
    training: bool,
) -> Result<()> {
    report.section("準備  Set-up");
    setup::run(report)?;
    let programs = Programs::build(report, Profile::Dev)?;
    report.section("起動  Start everything on loopback");
    let mut options = Options::new(state, database);
    options.settings.console = true;
    options.settings.follow_register = true;
    options.settings.training = training;
    options.settings.user_authentication = true;
    let stack = Stack::start(&programs, &options, report)?;
    report.line("");
    for (what, address) in stack.addresses() {
        report.aside(&format!("    {what:<26} {address}"));
    }
    report.line("\n  Everything stays up until Ctrl-C.");
    signals::regular_end();
    loop {
        thread::park();
    }
}
