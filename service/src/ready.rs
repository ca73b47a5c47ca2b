//! The ready file: written once, whole, when a server answers.

use std::{collections::BTreeMap, fs, io, path::Path};

/// Writes `{"pid": …, "listen": {name: base URL}}` atomically.
///
/// # Errors
/// Those of the file system; nothing is left half-written under `path`.
pub fn write(path: &Path, listen: &BTreeMap<&'static str, String>) -> io::Result<()> {
    let pid = std::process::id();
    let ready = serde_json::json!({ "pid": pid, "listen": listen });
    let mut beside = path.to_owned();
    beside.as_mut_os_string().push(format!(".{pid}"));
    fs::write(&beside, format!("{ready}\n"))?;
    fs::rename(&beside, path)
}
