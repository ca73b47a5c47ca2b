//! Configuration files: TOML, unknown keys refused with their line, relative paths
//! taken from the file's own folder. What is written is a program's own `Spec`, what is
//! used its own `Config`; this is how one becomes the other.

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

use pki_core::certificate::pem;
use serde::de::DeserializeOwned;

/// Why a configuration cannot be used. Says where.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is not there or not readable.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The cause names line and column.
    #[error("{} is not as expected", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A table that another part checks.
    #[error("[{name}]")]
    Table {
        /// The table.
        name: &'static str,
        /// What that part says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// One key.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it must be.
        reason: String,
    },
}

/// A fault of one key.
pub fn value(key: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        key,
        reason: reason.into(),
    }
}

/// A fault of a table that another part checks.
pub fn table<E: Error + Send + Sync + 'static>(
    name: &'static str,
) -> impl FnOnce(E) -> ConfigError {
    move |source| ConfigError::Table {
        name,
        source: Box::new(source),
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ConfigError {
    let path = path.to_owned();
    |source| ConfigError::Read { path, source }
}

/// Reads a configuration file.
///
/// # Errors
/// [`ConfigError::Read`], [`ConfigError::Toml`].
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = fs::read_to_string(path).map_err(unreadable(path))?;
    toml::from_str(&text).map_err(|source| ConfigError::Toml {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// The folder that relative paths of a configuration file start from, absolute.
pub fn base(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

/// Reads a file that a configuration names.
///
/// # Errors
/// [`ConfigError::Read`].
pub fn file(path: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(unreadable(path))
}

/// Reads a certificate file, DER or PEM, as DER.
///
/// # Errors
/// [`ConfigError::Read`]; [`ConfigError::Value`] for broken PEM.
pub fn certificate(path: &Path) -> Result<Vec<u8>, ConfigError> {
    pem::decode_or_der(pem::CERTIFICATE, &file(path)?)
        .map_err(|fault| value("certificate", format!("{}: {fault}", path.display())))
}

/// Checks that only its owner can read a file that holds a secret.
///
/// # Errors
/// [`ConfigError::Value`] naming the mode that was found, [`ConfigError::Read`].
pub fn owner_only(key: &'static str, path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)
        .map_err(unreadable(path))?
        .permissions()
        .mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(value(
        key,
        format!(
            "{} can be read by others (mode {:o}); set it to 600",
            path.display(),
            mode & 0o777
        ),
    ))
}

/// A database's URL, an SQLite path made absolute.
///
/// # Errors
/// [`ConfigError::Value`] for another engine.
pub fn database(url: &str, base: &Path) -> Result<String, ConfigError> {
    match url.strip_prefix("sqlite:") {
        Some(path) => Ok(format!("sqlite:{}", base.join(path).display())),
        None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(url.to_owned())
        }
        None => Err(value("database", "must begin with sqlite: or postgres://")),
    }
}

/// A number within its limits, both of which are allowed.
///
/// # Errors
/// [`ConfigError::Value`].
pub fn within<T: PartialOrd + std::fmt::Display + Copy>(
    key: &'static str,
    number: T,
    least: T,
    most: T,
) -> Result<T, ConfigError> {
    if number < least || number > most {
        return Err(value(key, format!("must be {least} to {most}")));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde::Deserialize;

    use super::*;
    use crate::log::causes;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code)]
        listen: String,
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("jitsuin-config-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let folder = Folder::new("key");
        let path = folder.0.join("sample.toml");
        fs::write(&path, "listen = \"127.0.0.1:0\"\n\nlisten_to = 3\n").unwrap();
        let told = causes(&read::<Sample>(&path).unwrap_err());
        assert!(told.contains("line 3"), "{told}");
        assert!(told.contains("listen_to"), "{told}");
    }

    #[test]
    fn a_sqlite_path_is_relative_to_the_file_and_another_engine_is_refused() {
        let base = Path::new("/etc/jitsuin");
        assert_eq!(
            database("sqlite:ra.db", base).unwrap(),
            "sqlite:/etc/jitsuin/ra.db"
        );
        assert!(database("postgres://db/ra", base).is_ok());
        assert!(database("mysql://x", base).is_err());
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_its_mode() {
        let folder = Folder::new("mode");
        let path = folder.0.join("key");
        fs::write(&path, "secret").unwrap();
        for (mode, well) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match owner_only("tls.key", &path) {
                Ok(()) => assert!(well, "{mode:o}"),
                Err(fault) => {
                    assert!(!well, "{mode:o}");
                    assert!(fault.to_string().contains(&format!("{mode:o}")), "{fault}");
                }
            }
        }
    }

    #[test]
    fn limits_are_allowed_and_what_lies_beyond_is_not() {
        assert_eq!(within("n", 2, 2, 4).unwrap(), 2);
        assert_eq!(within("n", 4, 2, 4).unwrap(), 4);
        assert!(within("n", 1, 2, 4).is_err());
        assert!(within("n", 5, 2, 4).is_err());
    }
}
