//! `counter.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pki_core::id::TerminalId;
use pki_core::mode::Mode;
use serde::Deserialize;

use crate::gateway::GatewaySettings;
use service::config::{self, ConfigError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    terminal: String,
    listen: SocketAddr,
    #[serde(default = "state")]
    state: PathBuf,
    gateway: GatewaySettings,
    readers: Readers,
    #[serde(default)]
    print: Print,
    #[serde(default = "recover_seconds")]
    recover_seconds: u64,
    #[serde(default)]
    mode: Mode,
    #[serde(default = "idle_lock_seconds")]
    idle_lock_seconds: u64,
}

/// `[readers]`: names of the two card readers, or parts of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readers {
    /// Where the resident's card is placed.
    pub resident: String,
    /// Where the operator's card stays.
    pub operator: String,
}

/// `[print]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Print {
    /// Japanese font (TrueType or OpenType) that is embedded in the printed copy.
    pub font: PathBuf,
    /// Name of the issuing window; else the municipality's.
    pub window: Option<String>,
}

impl Default for Print {
    fn default() -> Self {
        Self {
            font: "/usr/share/fonts/opentype/ipaexfont-mincho/ipaexm.ttf".into(),
            window: None,
        }
    }
}

fn state() -> PathBuf {
    "state".into()
}

fn recover_seconds() -> u64 {
    20
}

fn idle_lock_seconds() -> u64 {
    600
}

/// The checked configuration of a window PC.
#[derive(Clone, Debug)]
pub struct CounterConfig {
    /// Terminal id (受付窓口識別記号).
    pub terminal: TerminalId,
    /// Loopback address of the clerk's pages.
    pub listen: SocketAddr,
    /// Folder for acts whose answer is not in yet.
    pub state: PathBuf,
    /// Link to the gateway; its key also signs the acts.
    pub gateway: GatewaySettings,
    /// Card readers.
    pub readers: Readers,
    /// The printed copy.
    pub print: Print,
    /// Whether this window is for training or trials (全国実用試験): every screen is marked so,
    /// and every act says so.
    pub mode: Mode,
    /// Without a key for so long the screen locks.
    pub idle_lock: Duration,
    /// How long one press of a button tries to get a lost answer by itself.
    pub recover: Duration,
}

impl CounterConfig {
    /// Reads and checks a configuration. Touches nothing but the files it names.
    ///
    /// # Errors
    /// With the line or the key that is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let spec: Spec = config::read(path)?;
        let base = config::base(path);
        let wrong = |key, reason: String| ConfigError::Value { key, reason };
        if !spec.listen.ip().is_loopback() {
            return Err(wrong("listen", "has to be a loopback address".to_owned()));
        }
        let mut print = spec.print;
        print.font = base.join(print.font);
        if !print.font.is_file() {
            return Err(wrong(
                "print.font",
                format!("{} is no font file", print.font.display()),
            ));
        }
        if !(1..=3600).contains(&spec.idle_lock_seconds) {
            return Err(wrong(
                "idle_lock_seconds",
                "has to be between 1 and 3600".to_owned(),
            ));
        }
        let config = Self {
            terminal: spec
                .terminal
                .parse()
                .map_err(|error| wrong("terminal", format!("{error}")))?,
            listen: spec.listen,
            state: base.join(spec.state),
            gateway: spec.gateway.resolved(&base),
            readers: spec.readers,
            print,
            mode: spec.mode,
            idle_lock: Duration::from_secs(spec.idle_lock_seconds),
            recover: Duration::from_secs(spec.recover_seconds.clamp(1, 300)),
        };
        config.gateway.check()?;
        config.gateway.check_mode(config.mode)?;
        Ok(config)
    }
}
