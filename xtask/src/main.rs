//! `cargo xtask …`: see [`USAGE`].

use std::path::PathBuf;
use std::process::ExitCode;

use xtask::demo::{self, Wish};
use xtask::fault::{Fault, Result};
use xtask::report::Report;
use xtask::stack::layout::Database;
use xtask::{bench, manual, setup, signals, test, up};

const USAGE: &str = "\
cargo xtask <command>        each command does its own set-up first

  demo [--once] [--out DIR] [--database sqlite|postgres]
        start everything on loopback and carry two applicants through the municipal window;
        stays up until Ctrl-C, or ends after the walk with --once; leaves its files in DIR
  up --state DIR [--database sqlite|postgres] [--training]
        start everything and stay up until SIGINT or SIGTERM; data are kept in DIR,
        addresses are written to DIR/endpoints.json
  test [--long]
        everything that continuous integration runs; --long with many more kills and power cuts
  manual [--out DIR]
        make docs/manual anew: what the screens say and how they look today; leaves every
        screen of the walk in full size, and every paper, in DIR
  bench [issue] [ocsp] [crl] [startup] [grow]
        measure, each figure beside its yardstick; also written to target/bench.json
  setup
        install what the system lacks";

fn main() -> ExitCode {
    if let Err(error) = signals::install() {
        eprintln!("signals cannot be taken over: {error}");
        return ExitCode::FAILURE;
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    let report = Report::on_stdout();
    match run(&words, &report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("\n  ✗ {fault}\n");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String], report: &Report) -> Result<()> {
    let (command, rest) = words.split_first().ok_or_else(|| Fault::new(USAGE))?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match command.as_str() {
        "setup" => {
            Options::parse(&rest, &[], &[])?;
            setup::run(report)
        }
        "demo" => {
            let options = Options::parse(&rest, &["--once"], &["--out", "--database"])?;
            let wish = Wish {
                once: options.has("--once"),
                out: options.path("--out"),
                database: options.database()?.unwrap_or(Database::Sqlite),
            };
            demo::run(report, &wish)
        }
        "up" => {
            let options = Options::parse(&rest, &["--training"], &["--state", "--database"])?;
            let state = options
                .path("--state")
                .ok_or_else(|| Fault::new(format!("up needs --state DIR\n\n{USAGE}")))?;
            up::run(
                report,
                &state,
                options.database()?,
                options.has("--training"),
            )
        }
        "test" => {
            let options = Options::parse(&rest, &["--long"], &[])?;
            test::run(report, options.has("--long"))
        }
        "manual" => {
            let options = Options::parse(&rest, &[], &["--out"])?;
            manual::run(report, options.path("--out").as_deref())
        }
        "bench" => {
            let options = Options::parse(&rest, &["WORDS"], &[])?;
            bench::run(report, &options.words)
        }
        "help" | "--help" | "-h" => {
            report.line(USAGE);
            Ok(())
        }
        other => Err(Fault::new(format!(
            "there is no command {other}\n\n{USAGE}"
        ))),
    }
}

/// What stands behind a command.
struct Options<'a> {
    words: Vec<&'a str>,
    flags: Vec<&'a str>,
    values: Vec<(&'a str, &'a str)>,
}

impl<'a> Options<'a> {
    /// Takes `--flag` and `--name value` as listed; anything else beginning with `-` is refused.
    fn parse(rest: &[&'a str], flags: &[&str], values: &[&str]) -> Result<Self> {
        let words = flags.contains(&"WORDS");
        let mut options = Self {
            words: vec![],
            flags: vec![],
            values: vec![],
        };
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            if flags.contains(word) {
                options.flags.push(word);
            } else if values.contains(word) {
                let value = rest
                    .next()
                    .ok_or_else(|| Fault::new(format!("{word} needs a value\n\n{USAGE}")))?;
                options.values.push((word, value));
            } else if word.starts_with('-') {
                return Err(Fault::new(format!("{word} is not known here\n\n{USAGE}")));
            } else if words {
                options.words.push(word);
            } else {
                return Err(Fault::new(format!(
                    "{word} is one word too many\n\n{USAGE}"
                )));
            }
        }
        Ok(options)
    }

    fn database(&self) -> Result<Option<Database>> {
        let name = self.values.iter().rfind(|(n, _)| *n == "--database");
        name.map(|(_, value)| Database::parse(value)).transpose()
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.values
            .iter()
            .rfind(|(n, _)| *n == name)
            .map(|(_, value)| PathBuf::from(value))
    }
}
