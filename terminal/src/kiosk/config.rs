//! `kiosk.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use pki_core::id::KioskId;
use pki_core::mode::Mode;
use serde::Deserialize;

use crate::gateway::GatewaySettings;
use service::config::{self, ConfigError};

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    kiosk: String,
    listen: SocketAddr,
    reader: ReaderSpec,
    #[serde(default = "state")]
    state: PathBuf,
    master: PathBuf,
    #[serde(default = "yes")]
    require_locked_memory: bool,
    #[serde(default = "two_minutes")]
    idle_seconds: u64,
    #[serde(default = "one_minute")]
    generate_seconds: u64,
    gateway: GatewaySettings,
    #[serde(default = "half_a_minute")]
    health_seconds: u64,
    #[serde(default = "twelve_hours")]
    link_away_minutes: u64,
    #[serde(default)]
    attendant_pin: Option<Pin>,
    #[serde(default)]
    mode: Mode,
}

/// The attendant's PIN; never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Pin(String);

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl Pin {
    /// Compares in constant time.
    pub fn is(&self, typed: &[u8]) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), typed).is_ok()
    }
}

/// `[reader]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReaderSpec {
    name: String,
}

fn state() -> PathBuf {
    "state".into()
}
fn yes() -> bool {
    true
}
fn half_a_minute() -> u64 {
    30
}
fn one_minute() -> u64 {
    60
}
fn two_minutes() -> u64 {
    120
}
fn twelve_hours() -> u64 {
    12 * 60
}

/// The checked configuration of a kiosk.
#[derive(Clone, Debug)]
pub struct KioskConfig {
    /// Kiosk id.
    pub kiosk: KioskId,
    /// Loopback address of the resident's pages.
    pub listen: SocketAddr,
    /// Part of the card reader's name.
    pub reader: String,
    /// Folder for records not yet sent and for the last contact.
    pub state: PathBuf,
    /// The kiosk master's sealed file (mode 0600).
    pub master: PathBuf,
    /// Whether a kiosk whose memory cannot be locked is out of service.
    pub require_locked_memory: bool,
    /// After so long without a touch a visit ends.
    pub idle: Duration,
    /// Longest time for one generation.
    pub generate: Duration,
    /// Link to the gateway; its key also signs the records.
    pub gateway: GatewaySettings,
    /// Pause between two health reports.
    pub health: Duration,
    /// How long the kiosk works on without the gateway.
    pub link_away: Duration,
    /// Opens `/attendant`; without one that page stays closed.
    pub attendant_pin: Option<Pin>,
    /// Whether this kiosk is for training or trials (全国実用試験): its screens are marked so.
    pub mode: Mode,
}

impl KioskConfig {
    /// Reads and checks a configuration. Touches nothing but the files it names.
    ///
    /// # Errors
    /// With the line or the key that is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let spec: Spec = config::read(path)?;
        let base = config::base(path);
        let wrong = |key, message: &str| ConfigError::Value {
            key,
            reason: message.to_owned(),
        };
        let kiosk = (spec.kiosk.parse())
            .map_err(|_| wrong("kiosk", "has nine characters like 13101K001"))?;
        if !spec.listen.ip().is_loopback() {
            return Err(wrong("listen", "has to be a loopback address"));
        }
        if spec.reader.name.is_empty() {
            return Err(wrong(
                "reader",
                "names the card reader, or a part of its name",
            ));
        }
        if (spec.attendant_pin.as_ref()).is_some_and(|Pin(pin)| {
            !(6..=12).contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit())
        }) {
            return Err(wrong("attendant_pin", "has 6 to 12 digits"));
        }
        let config = Self {
            kiosk,
            listen: spec.listen,
            reader: spec.reader.name,
            state: base.join(spec.state),
            master: base.join(spec.master),
            require_locked_memory: spec.require_locked_memory,
            idle: Duration::from_secs(spec.idle_seconds.clamp(1, 3600)),
            generate: Duration::from_secs(spec.generate_seconds.clamp(1, 600)),
            gateway: spec.gateway.resolved(&base),
            health: Duration::from_secs(spec.health_seconds.clamp(1, 3600)),
            link_away: Duration::from_secs(spec.link_away_minutes.clamp(1, 7 * 24 * 60) * 60),
            attendant_pin: spec.attendant_pin,
            mode: spec.mode,
        };
        config::owner_only("master", &config.master)?;
        config.gateway.check()?;
        config.gateway.check_mode(config.mode)?;
        Ok(config)
    }

    /// The kiosk id as text.
    pub fn id(&self) -> &str {
        self.kiosk.as_str()
    }
}
