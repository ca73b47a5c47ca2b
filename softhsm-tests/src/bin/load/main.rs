//! The load generator of `cargo xtask bench`: each command measures one thing and prints one JSON object.
//!
//! `load raw …` signs through the vendor's module directly (the yardstick); `load issue …` asks a CA for
//! certificates over mutual TLS; `load ocsp …` asks a status server; `load hash …` hashes, and writes with fsync;
//! `load commits …` commits rows to a database; `load plan …` plans and assembles certificates.

mod commits;
mod crl;
mod issue;
mod keys;
mod ocsp;
mod plan;
mod raw;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use xtask::fault::{Fault, Result};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<serde_json::Value> {
    let (command, rest) = words
        .split_first()
        .ok_or_else(|| Fault::new("load raw|issue|ocsp --option value …"))?;
    let options = Options::parse(rest)?;
    match command.as_str() {
        "raw" => raw::run(&options),
        "issue" => issue::run(&options),
        "commits" => commits::run(&options),
        "plan" => plan::run(&options),
        "hash" => crl::hash(&options),
        "rows" => crl::rows(&options),
        "feed" => crl::feed(&options),
        "ocsp" => ocsp::run(&options),
        other => Err(Fault::new(format!("there is no command {other}"))),
    }
}

/// `--name value` pairs.
pub struct Options(BTreeMap<String, String>);

impl Options {
    fn parse(words: &[String]) -> Result<Self> {
        let mut options = BTreeMap::new();
        for pair in words.chunks(2) {
            match pair {
                [name, value] if name.starts_with("--") => {
                    options.insert(name[2..].to_owned(), value.clone())
                }
                _ => return Err(Fault::new(format!("{} needs a value", pair[0]))),
            };
        }
        Ok(Self(options))
    }

    /// The value of an option that has to be there.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| Fault::new(format!("--{name} is missing")))
    }

    /// A path.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<usize> {
        let text = self.text(name)?;
        text.parse()
            .map_err(|_| Fault::new(format!("--{name} {text} is no number")))
    }
}

/// CPU time of this process so far, in seconds.
#[allow(unsafe_code)]
pub fn own_cpu() -> f64 {
    // SAFETY: getrusage fills the struct that is handed to it and nothing else.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The value below which `share` of the sorted figures lie.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return 0.0;
    }
    let at = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[at]
}
