//! The officers' console, and two officers with what their browsers need.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::authority::{Authority, Party};
use super::by_name;
use super::layout::Layout;
use super::place::address;
use crate::fault::Result;
use crate::process::{self, Program};

/// Who decides, and who agrees as the second.
pub const OFFICERS: [&str; 2] = ["OFF-1", "OFF-2"];
/// Password of the officers' PKCS#12 files, which lie beside the bare keys: it protects nothing, but
/// browsers ask for one.
pub const IMPORT_PASSWORD: &str = "officer";

/// The running console; ended when dropped.
pub struct Console {
    pub(super) program: Program,
    /// Base URL (mutual TLS).
    pub base: String,
}

/// A file of an officer: `pem`, `key`, `p12`.
pub fn file(layout: &Layout, officer: &str, kind: &str) -> PathBuf {
    layout.path(&format!("officers/{officer}.{kind}"))
}

/// Enrols the officers that are not enrolled yet, and starts `ca-server console`.
pub(super) fn start(authority: &Authority<'_>, layout: &Layout) -> Result<Console> {
    for officer in OFFICERS {
        if !file(layout, officer, "p12").exists() {
            enrol(authority, layout, officer)?;
        }
    }
    let (program, ready) = authority.start_console()?;
    Ok(Console {
        program,
        base: by_name(&address(&ready, "console")?),
    })
}

fn enrol(authority: &Authority<'_>, layout: &Layout, officer: &str) -> Result<()> {
    let label = format!("認証局担当者 {officer}");
    let party = Party {
        kind: "officer",
        id: officer,
        municipality: None,
        label: &label,
    };
    let key = file(layout, officer, "key");
    // A key without a certificate is from a start that was broken off.
    let _ = std::fs::remove_file(&key);
    let (key, request) =
        authority.key_and_request("ca-server", officer, &format!("officers/{officer}"))?;
    let (certificate, _) = authority.enrol(&party, &request)?;
    export(&key, &certificate, &file(layout, officer, "p12"))
}

/// Key and certificate in the one file that browsers take.
fn export(key: &Path, certificate: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new("openssl");
    command
        .args(["pkcs12", "-export", "-passout"])
        .arg(format!("pass:{IMPORT_PASSWORD}"))
        .arg("-inkey")
        .arg(key)
        .arg("-in")
        .arg(certificate)
        .arg("-out")
        .arg(to);
    process::run(&mut command).map(drop)
}
