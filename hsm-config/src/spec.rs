//! The `[token]` table as people write it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// A token as a configuration file names it. Unknown keys are refused.
///
/// ```toml
/// [token]
/// module = "/usr/lib/softhsm/libsofthsm2.so"
/// label = "ca"                     # or: serial = "c0ffee…"
/// pin_file = "pin"                 # or: pin_env = "CA_PIN"; neither: asked for on the terminal
/// sessions = 2
/// call_timeout_ms = 5000
/// environment = { SOFTHSM2_CONF = "softhsm2.conf" }
/// worker = "/usr/libexec/jitsuin/hsm"
/// ```
///
/// There is no slot number, on purpose: SoftHSM renumbers its slots, and so do
/// network HSMs. There is no PIN either.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// The vendor's PKCS#11 module. Relative paths are relative to the configuration file.
    pub module: PathBuf,
    /// The token's label (at most 32 bytes). Exactly one of `label` and `serial`.
    pub label: Option<String>,
    /// The token's serial number (at most 16 bytes).
    pub serial: Option<String>,
    /// A file whose first line is the user PIN.
    pub pin_file: Option<PathBuf>,
    /// An environment variable of this program that holds the user PIN.
    pub pin_env: Option<String>,
    /// Sessions that sign side by side, 1–64.
    #[serde(default = "two_sessions")]
    pub sessions: u16,
    /// How long one call may take in the token, 100–600,000 ms. A call that
    /// takes longer is taken as hung: the child process is killed.
    #[serde(default = "five_seconds")]
    pub call_timeout_ms: u64,
    /// Environment variables of the child process alone. A value that names an
    /// existing file beside the configuration file becomes its full path.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The `hsm` program; by default the one beside the running program.
    pub worker: Option<PathBuf>,
}

fn two_sessions() -> u16 {
    2
}

fn five_seconds() -> u64 {
    5_000
}
