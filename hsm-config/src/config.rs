//! The checked form of a [`TokenSpec`].

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::pin::{Pin, PinFault, PinSource};
use crate::spec::TokenSpec;

/// Which token of a module is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenName {
    /// `CK_TOKEN_INFO.label`, without its padding.
    Label(String),
    /// `CK_TOKEN_INFO.serialNumber`, without its padding.
    Serial(String),
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => write!(f, "token {label:?}"),
            Self::Serial(serial) => write!(f, "token with serial {serial:?}"),
        }
    }
}

/// A token that can be opened. Made by [`TokenSpec::check`] alone.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    pub(crate) module: PathBuf,
    pub(crate) name: TokenName,
    pub(crate) pin: PinSource,
    pub(crate) sessions: u16,
    pub(crate) call_timeout: Duration,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) worker: PathBuf,
}

impl TokenConfig {
    /// The module's path.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// The token's name.
    pub fn name(&self) -> &TokenName {
        &self.name
    }

    /// How long one call may take in the token.
    pub fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    /// Reads the user PIN from its source.
    ///
    /// # Errors
    /// [`PinFault`]; the PIN is in no message.
    pub fn pin(&self) -> Result<Pin, PinFault> {
        self.pin.read()
    }

    /// The PIN file, when others than its owner can read it.
    pub fn exposed_pin_file(&self) -> Option<&Path> {
        let PinSource::File(path) = &self.pin else {
            return None;
        };
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o077 != 0).then_some(path)
    }

    /// The same token with another source for its PIN.
    #[must_use]
    pub fn with_pin(mut self, pin: PinSource) -> Self {
        self.pin = pin;
        self
    }
}

/// Why a `[token]` table cannot be used. Says which key to change.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// Neither or both of label and serial.
    #[error("token: name exactly one of `label` and `serial`")]
    Name,
    /// PKCS#11 fields are 32 bytes (label) and 16 bytes (serial).
    #[error("token: `{key}` must be 1 to {longest} bytes long")]
    NameLength {
        /// The key.
        key: &'static str,
        /// Longest value in bytes.
        longest: usize,
    },
    /// Both sources of the PIN are named.
    #[error("token: name at most one of `pin_file` and `pin_env`")]
    Pin,
    /// A figure is out of its range.
    #[error("token: `{key}` must be {least} to {most}")]
    Range {
        /// The key.
        key: &'static str,
        /// Least value.
        least: u64,
        /// Greatest value.
        most: u64,
    },
    /// An environment variable cannot be set.
    #[error("token: `environment` has the unusable name {0:?}")]
    Environment(String),
    /// The `hsm` program is not where it should be.
    #[error("token: the program {0} is not there; set `worker` to the path of `hsm`")]
    Worker(PathBuf),
}

impl TokenSpec {
    /// Checks the table. Touches no token and reads no PIN; `base` is the
    /// folder of the configuration file, against which paths are taken.
    ///
    /// # Errors
    /// [`ConfigFault`], naming the key to change.
    pub fn check(&self, base: &Path) -> Result<TokenConfig, ConfigFault> {
        let name = match (&self.label, &self.serial) {
            (Some(label), None) => TokenName::Label(bounded("label", label, 32)?),
            (None, Some(serial)) => TokenName::Serial(bounded("serial", serial, 16)?),
            _ => return Err(ConfigFault::Name),
        };
        let pin = match (&self.pin_file, &self.pin_env) {
            (Some(path), None) => PinSource::File(base.join(path)),
            (None, Some(name)) => PinSource::Environment(name.clone()),
            (None, None) => PinSource::Prompt(OnceLock::new()),
            (Some(_), Some(_)) => return Err(ConfigFault::Pin),
        };
        ranged("sessions", u64::from(self.sessions), 1, 64)?;
        ranged("call_timeout_ms", self.call_timeout_ms, 100, 600_000)?;
        let mut environment = BTreeMap::new();
        for (name, value) in &self.environment {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(ConfigFault::Environment(name.clone()));
            }
            let beside = base.join(value);
            let value = if !value.is_empty() && beside.is_file() {
                beside.to_string_lossy().into_owned()
            } else {
                value.clone()
            };
            environment.insert(name.clone(), value);
        }
        let worker = match &self.worker {
            Some(path) => base.join(path),
            None => worker_beside_this_program(),
        };
        if !worker.is_file() {
            return Err(ConfigFault::Worker(worker));
        }
        Ok(TokenConfig {
            module: base.join(&self.module),
            name,
            pin,
            sessions: self.sessions,
            call_timeout: Duration::from_millis(self.call_timeout_ms),
            environment,
            worker,
        })
    }
}

fn bounded(key: &'static str, value: &str, longest: usize) -> Result<String, ConfigFault> {
    if value.is_empty() || value.len() > longest {
        return Err(ConfigFault::NameLength { key, longest });
    }
    Ok(value.to_owned())
}

fn ranged(key: &'static str, value: u64, least: u64, most: u64) -> Result<(), ConfigFault> {
    if value < least || value > most {
        return Err(ConfigFault::Range { key, least, most });
    }
    Ok(())
}

/// `hsm` in the folder of the running program; test programs of cargo lie one
/// folder deeper (`deps/`), so the folder above is looked at as well.
fn worker_beside_this_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let beside = program.with_file_name("hsm");
    if !beside.is_file()
        && let Some(above) = program.parent().and_then(Path::parent)
        && above.join("hsm").is_file()
    {
        return above.join("hsm");
    }
    beside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<TokenConfig, ConfigFault> {
        let text = format!("module = 'm.so'\nworker = '/bin/sh'\n{text}");
        toml::from_str::<TokenSpec>(&text)
            .unwrap()
            .check(Path::new("/etc/jitsuin"))
    }

    #[test]
    fn paths_are_relative_to_the_configuration_file() {
        let config = check("label = 'ca'\npin_file = 'pin'").unwrap();
        assert_eq!(config.module(), Path::new("/etc/jitsuin/m.so"));
        assert!(
            matches!(config.pin, PinSource::File(path) if path == Path::new("/etc/jitsuin/pin"))
        );
        assert_eq!(config.call_timeout, Duration::from_secs(5));
        assert_eq!(config.sessions, 2);
    }

    #[test]
    fn a_token_has_one_name() {
        assert_eq!(check("").unwrap_err(), ConfigFault::Name);
        assert_eq!(
            check("label='a'\nserial='b'").unwrap_err(),
            ConfigFault::Name
        );
        assert!(matches!(
            check("serial='12345678901234567'").unwrap_err(),
            ConfigFault::NameLength { key: "serial", .. }
        ));
    }

    #[test]
    fn figures_out_of_range_are_refused() {
        assert!(matches!(
            check("label='a'\nsessions=0").unwrap_err(),
            ConfigFault::Range {
                key: "sessions",
                ..
            }
        ));
        assert!(matches!(
            check("label='a'\ncall_timeout_ms=5").unwrap_err(),
            ConfigFault::Range {
                key: "call_timeout_ms",
                ..
            }
        ));
    }

    #[test]
    fn a_pin_or_a_slot_in_the_table_is_refused_with_its_line() {
        for key in ["pin = '1234'", "slot = 0"] {
            let fault =
                toml::from_str::<TokenSpec>(&format!("module = 'm.so'\nlabel = 'a'\n{key}"))
                    .unwrap_err()
                    .to_string();
            assert!(
                fault.contains("unknown field") && fault.contains("line 3"),
                "{fault}"
            );
        }
    }

    #[test]
    fn two_sources_of_the_pin_are_one_too_many() {
        assert_eq!(
            check("label='a'\npin_file='x'\npin_env='Y'").unwrap_err(),
            ConfigFault::Pin
        );
    }
}
