//! The commands of `hsm`, for people in the CA room.

pub mod ceremony;
pub mod check;
pub mod init;
pub mod keys;
pub mod rate;

use std::path::{Path, PathBuf};
use std::time::Duration;

use hsm_config::{Health, Refusal, Token, TokenConfig, TokenSpec};
use serde::Deserialize;

/// `hsm.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HsmFile {
    token: TokenSpec,
}

/// What a command failed with: a sentence for the officer, and what to do.
#[derive(Debug)]
pub struct Trouble {
    pub what: String,
    pub advice: Option<String>,
}

impl Trouble {
    pub fn new(what: impl ToString) -> Self {
        Self {
            what: what.to_string(),
            advice: None,
        }
    }

    pub fn with(what: impl ToString, advice: &str) -> Self {
        Self {
            what: what.to_string(),
            advice: Some(advice.to_owned()),
        }
    }
}

/// Reads and checks the configuration file.
pub fn read_config(path: &Path) -> Result<TokenConfig, Trouble> {
    let text = std::fs::read_to_string(path)
        .map_err(|fault| Trouble::new(format!("{} cannot be read: {fault}", path.display())))?;
    let file: HsmFile = toml::from_str(&text)
        .map_err(|fault| Trouble::new(format!("{}: {fault}", path.display())))?;
    let base = folder_of(path)?;
    file.token
        .check(&base)
        .map_err(|fault| Trouble::new(format!("{}: {fault}", path.display())))
}

/// The full path of a file's folder, against which its paths are taken.
pub fn folder_of(path: &Path) -> Result<PathBuf, Trouble> {
    let full = std::path::absolute(path).map_err(Trouble::new)?;
    Ok(full.parent().map_or_else(PathBuf::new, Path::to_owned))
}

/// Opens the token and waits for it.
pub fn open(config: TokenConfig) -> Result<Token, Trouble> {
    let module = config.module().display().to_string();
    let token = Token::open(config);
    match token.wait_settled(Duration::from_secs(30)) {
        Health::Usable(_) => Ok(token),
        Health::Probing => Err(Trouble::with(
            format!("{module} does not answer"),
            "look whether the HSM is reachable; its vendor's own tool says more",
        )),
        Health::Unusable {
            reason, refusal, ..
        } => Err(Trouble {
            advice: Some(advice(&reason, refusal.as_ref()).to_owned()),
            what: reason,
        }),
    }
}

fn advice(reason: &str, refusal: Option<&Refusal>) -> &'static str {
    match refusal {
        Some(Refusal::WrongPin) => {
            "correct the PIN at its source; many tokens lock after a few wrong ones"
        }
        Some(Refusal::PinLocked) => "the security officer unlocks the token with the vendor's tool",
        _ if reason.contains("cannot be loaded") => {
            "set `module` to the vendor's PKCS#11 library, and install what it needs"
        }
        _ if reason.contains("is there") => {
            "compare `label` or `serial` with the vendor's list of tokens; check `environment`; \
             `hsm init` makes an empty token ready"
        }
        _ if reason.contains("PIN") => "name pin_file or pin_env, readable by this user",
        _ => "look whether the HSM is reachable; its vendor's own tool says more",
    }
}
