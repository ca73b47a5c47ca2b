//! `cargo xtask demo`: two residents through the whole window, on real parts.

mod files;
mod walk;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::browser::Browser;
use crate::fault::{Fault, OnPath, Result};
use crate::report::Report;
use crate::screens::{Album, Screens};
use crate::stack::layout::Database;
use crate::stack::{Options, Stack};
use crate::workspace::{self, Profile, Programs};
use crate::{setup, signals, text};

pub use files::Files;
pub use walk::Walk;

/// What the command line asks for.
pub struct Wish {
    /// End after the walk instead of waiting for Ctrl-C.
    pub once: bool,
    /// Where the files are left.
    pub out: Option<PathBuf>,
    /// Which database the servers use.
    pub database: Database,
}

/// Runs the demo.
pub fn run(report: &Report, wish: &Wish) -> Result<()> {
    report.section("準備  Set-up");
    setup::run(report)?;
    let state = workspace::target_dir()
        .join("demo")
        .join(text::random_hex(4)?);
    let out = wish.out.clone().unwrap_or_else(|| state.join("out"));
    let stack = play(report, &state, &out, wish.database)?;
    if wish.once {
        report.step("end every program", || stack.end())?;
        report.summary(&format!(
            "all went well; the files are in {}",
            out.display()
        ));
        write_transcript(report, &out)?;
        if wish.out.is_some() {
            fs::remove_dir_all(&state).on(&state)?;
        }
        return Ok(());
    }
    report.summary(&format!(
        "all went well; the files are in {}",
        out.display()
    ));
    write_transcript(report, &out)?;
    report.line("");
    report.line("  Everything stays up until Ctrl-C:");
    for (what, address) in stack.addresses() {
        report.aside(&format!("    {what:<26} {address}"));
    }
    signals::regular_end();
    let _stack = stack;
    loop {
        thread::park();
    }
}

/// The demo inside `cargo xtask test`.
pub fn walk_once(report: &Report, out: &Path, database: Database) -> Result<()> {
    let state = workspace::target_dir()
        .join("demo")
        .join(text::random_hex(4)?);
    let stack = play(report, &state, out, database)?;
    report.step("end every program", || stack.end())?;
    fs::remove_dir_all(&state).on(&state)
}

/// Starts everything and walks.
fn play(report: &Report, state: &Path, out: &Path, database: Database) -> Result<Stack> {
    fs::create_dir_all(out).on(out)?;
    let out = fs::canonicalize(out).on(out)?;
    let programs = Programs::build(report, Profile::Dev)?;
    let left = |fault: Fault| {
        let kept = write_transcript(report, &out);
        let _ = kept;
        fault.with_lines(
            &format!("the state is left for a look in {}", state.display()),
            1,
        )
    };
    report.section("起動  Start everything on loopback");
    let options = Options::new(state, Some(database));
    let stack = Stack::start(&programs, &options, report).map_err(left)?;
    report.line("");
    for (what, address) in stack.addresses() {
        report.aside(&format!("    {what:<26} {address}"));
    }
    let files = Files::new(&out, &stack)?;
    walk(report, &stack, &files, &out).map_err(left)?;
    Ok(stack)
}

/// Both applicants, by the screens; the pictures go to `screens` beside the other files.
fn walk(report: &Report, stack: &Stack, files: &Files, out: &Path) -> Result<()> {
    let album = Album::into_folder(&out.join("screens"))?;
    let (browser, screens) = report.step(
        "Chromium, with the counter's and the kiosk's screens",
        || {
            let browser = Browser::start(&stack.layout().folder("browser")?)?;
            let screens = Screens::open(&browser, stack, &album)?;
            Ok((browser, screens))
        },
    )?;
    let walked = Walk::new(stack, &screens, files, report).go();
    drop((screens, browser));
    walked
}

fn write_transcript(report: &Report, out: &Path) -> Result<()> {
    let path = out.join("transcript.txt");
    fs::write(&path, report.text()).on(&path)
}
