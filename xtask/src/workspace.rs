//! The checkout: its root, its built programs, and how they are built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fault::{Fault, Result};
use crate::process::Start;
use crate::report::Report;

/// The programs that a stack consists of.
pub const PROGRAMS: &[&str] = &[
    "hsm",
    "ca-server",
    "ra-gateway",
    "counter-terminal",
    "keygen-kiosk",
    "virtual-card",
];

/// Crates whose binaries [`PROGRAMS`] are.
const CRATES: &[&str] = &["hsm-config", "ca-server", "ra-gateway", "terminal"];

/// Root of the checkout.
pub fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let at_run_time = manifest
        .as_deref()
        .and_then(Path::parent)
        .filter(|dir| dir.join("xtask/Cargo.toml").is_file());
    let at_build_time = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    at_run_time
        .or(at_build_time)
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// How the programs are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    Dev,
    /// What is measured and run for real.
    Release,
}

/// The directory of the build's output, `target` unless it was moved.
pub fn target_dir() -> PathBuf {
    let built = std::env::current_exe().ok();
    built
        .as_deref()
        .and_then(Path::parent)
        .map(|dir| {
            if dir.ends_with("deps") {
                dir.parent().unwrap_or(dir)
            } else {
                dir
            }
        })
        .and_then(Path::parent)
        .map_or_else(|| root().join("target"), Path::to_owned)
}

/// Where the built programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    dir: PathBuf,
    /// What each is started with.
    environment: Vec<(String, OsString)>,
}

impl Programs {
    /// Builds what has changed and says where the programs are.
    pub fn build(report: &Report, profile: Profile) -> Result<Self> {
        let name = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        let programs = Self {
            dir: target_dir().join(name),
            environment: Vec::new(),
        };
        if std::env::var_os("JITSUIN_BUILT").is_some() && programs.all_there() {
            return Ok(programs);
        }
        report.long_step(&format!("build the programs ({name})"), || {
            let mut command = cargo();
            command.args(["build", "--locked", "--bins"]);
            for name in CRATES {
                command.args(["-p", name]);
            }
            if profile == Profile::Release {
                command.arg("--release");
            }
            shown(&mut command)
        })?;
        Ok(programs)
    }

    /// The path of one program.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The same programs, started with these variables.
    #[must_use]
    pub fn with_environment(&self, environment: Vec<(String, OsString)>) -> Self {
        Self {
            dir: self.dir.clone(),
            environment,
        }
    }

    /// One program as a command.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.path(name));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// One program to be started; `called` is used in messages, output goes to `log`.
    pub fn start(&self, called: &str, name: &str, log: PathBuf) -> Start {
        let start = Start::new(called, self.path(name), log);
        self.environment
            .iter()
            .fold(start, |start, (name, value)| start.env(name, value))
    }

    fn all_there(&self) -> bool {
        PROGRAMS.iter().all(|name| self.path(name).is_file())
    }
}

/// `cargo` in the root of the checkout.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // Set for this program by `cargo run`; they would make the inner build differ from the outer one.
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
        "CARGO_PKG_VERSION",
        "CARGO_MANIFEST_PATH",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs a command that shows its own progress.
pub fn shown(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| {
        Fault::new(format!(
            "{} cannot be run: {error}",
            crate::process::told(command)
        ))
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Fault::new(format!(
            "{} failed ({status}); what it printed is above",
            crate::process::told(command)
        )))
    }
}
