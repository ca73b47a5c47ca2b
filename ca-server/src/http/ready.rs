//! The ready file: written once, whole, when a server answers.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

/// What a ready file says.
#[derive(Serialize)]
struct Ready<'a> {
    pid: u32,
    listen: &'a BTreeMap<&'static str, String>,
}

/// Write `{"pid": …, "listen": {name: base URL}}` atomically.
pub fn write(path: &Path, listen: &BTreeMap<&'static str, String>) -> io::Result<()> {
    let ready = Ready {
        pid: std::process::id(),
        listen,
    };
    let mut beside: PathBuf = path.to_owned();
    beside.as_mut_os_string().push(format!(".{}", ready.pid));
    fs::write(
        &beside,
        serde_json::to_vec(&ready).map_err(io::Error::other)?,
    )?;
    fs::rename(&beside, path)
}
