//! Configuration files: TOML, unknown keys refused with their line, relative paths
//! taken from the file's own folder.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a configuration does not do.
#[derive(Debug, Error)]
pub enum SettingsFault {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The text is not what is expected; the message names the line.
    #[error("{path}: {message}")]
    Text {
        /// The configuration file.
        path: PathBuf,
        /// The reader's message, with line and column.
        message: String,
    },
    /// A value cannot be used.
    #[error("{key}: {message}")]
    Value {
        /// Key in the file.
        key: &'static str,
        /// What is wrong and what is expected.
        message: String,
    },
}

/// Reads a configuration file.
///
/// # Errors
/// [`SettingsFault::Read`], [`SettingsFault::Text`].
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, SettingsFault> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsFault::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| SettingsFault::Text {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

/// The folder that relative paths of a configuration start from.
pub fn base(config: &Path) -> PathBuf {
    config
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Reads a file named in a configuration.
///
/// # Errors
/// [`SettingsFault::Read`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, SettingsFault> {
    std::fs::read(path).map_err(|source| SettingsFault::Read {
        path: path.to_owned(),
        source,
    })
}

/// Checks that only the owner can read a file that holds a secret.
///
/// # Errors
/// [`SettingsFault::Value`] naming the mode that was found.
pub fn check_private(key: &'static str, path: &Path) -> Result<(), SettingsFault> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)
        .map_err(|source| SettingsFault::Read {
            path: path.to_owned(),
            source,
        })?
        .permissions()
        .mode();
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(SettingsFault::Value {
            key,
            message: format!(
                "{} can be read by others (mode {:o}); set it to 600",
                path.display(),
                mode & 0o777
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Sample {
        listen: String,
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let dir = std::env::temp_dir().join(format!("jitsuin-settings-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("sample.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:0\"\n\nlisten_to = 3\n").unwrap();
        let fault = read::<Sample>(&file).unwrap_err().to_string();
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(
            fault.contains("line 3") && fault.contains("listen_to"),
            "{fault}"
        );
    }
}
