//! SoftHSM tokens, each in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use crate::fault::{OnPath, Result};
use crate::workspace::Programs;
use crate::{process, text};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// One token with its configuration and PIN files.
#[derive(Debug, Clone)]
pub struct Token {
    dir: PathBuf,
    label: String,
    worker: PathBuf,
}

impl Token {
    /// The token of that label below the stack's directory, made when it is not there.
    pub fn ensure(layout: &Layout, programs: &Programs, label: &str) -> Result<Self> {
        let dir = layout.folder(&format!("tokens/{label}"))?;
        let token = Self {
            dir: dir.clone(),
            label: label.to_owned(),
            worker: programs.path("hsm"),
        };
        if token.config().exists() {
            return Ok(token);
        }
        let store = layout.folder(&format!("tokens/{label}/store"))?;
        let below = |name: &str| format!("tokens/{label}/{name}");
        layout.write_private(
            &below("softhsm2.conf"),
            &format!(
                "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
                store.display()
            ),
        )?;
        layout.write_private(&below("pin"), &format!("{}\n", text::random_hex(8)?))?;
        let so_pin =
            layout.write_private(&below("so-pin"), &format!("{}\n", text::random_hex(8)?))?;
        let config = layout.write_private(&below("hsm.toml"), &token.table(2))?;
        let made = process::run(
            programs
                .command("hsm")
                .args(["init", "--config"])
                .arg(&config)
                .arg("--so-pin-file")
                .arg(&so_pin),
        );
        if made.is_err() {
            // So that the next start does not take the token as made.
            let _ = fs::remove_file(&config);
        }
        made.map(|_| token)
    }

    /// The `[token]` table of a configuration file, with `sessions` sessions.
    pub fn table(&self, sessions: u16) -> String {
        self.named_table("token", sessions)
    }

    /// The same under another name.
    pub fn named_table(&self, name: &str, sessions: u16) -> String {
        let quoted = |path: &Path| text::toml(&path.to_string_lossy());
        format!(
            "[{name}]\nmodule = {}\nlabel = {}\npin_file = {}\nsessions = {sessions}\ncall_timeout_ms = 5000\n\
             environment = {{ SOFTHSM2_CONF = {} }}\nworker = {}\n",
            text::toml(MODULE),
            text::toml(&self.label),
            quoted(&self.dir.join("pin")),
            quoted(&self.dir.join("softhsm2.conf")),
            quoted(&self.worker),
        )
    }

    /// Its `hsm.toml`.
    pub fn config(&self) -> PathBuf {
        self.dir.join("hsm.toml")
    }

    /// Where SoftHSM keeps its files: moved away, the token is gone.
    pub fn store(&self) -> PathBuf {
        self.dir.join("store")
    }

    /// `SOFTHSM2_CONF` for tools that are not of this project.
    pub fn softhsm_conf(&self) -> PathBuf {
        self.dir.join("softhsm2.conf")
    }

    /// The user PIN, for tools that are not of this project.
    pub fn pin(&self) -> Result<String> {
        let path = self.dir.join("pin");
        Ok(fs::read_to_string(&path).on(&path)?.trim().to_owned())
    }
}
