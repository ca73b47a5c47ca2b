//! Configuration files: what is written (`…Spec`, unknown keys refused with
//! their line) and what is used (`…Config`, checked, paths absolute).

mod issue;
mod status;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use hsm_config::{ConfigFault as TokenFault, TokenConfig, TokenSpec};
pub use issue::{CrlConfig, IssueConfig, IssuerConfig, LimitConfig};
use pki_core::certificate::issuer::Access;
use serde::{Deserialize, de::DeserializeOwned};
pub use status::{ResponderConfig, StatusConfig};

/// Why a configuration cannot be used. Says where.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The cause names line and column.
    #[error("{} is not as expected", path.display())]
    Toml {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("[token]")]
    Token(#[source] TokenFault),
    #[error("{key}: {reason}")]
    Value { key: &'static str, reason: String },
}

fn value(key: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        key,
        reason: reason.into(),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| ConfigError::Toml {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// The folder that relative paths of a configuration file are relative to.
fn base(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

fn file(path: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })
}

/// A certificate file, DER or PEM.
fn certificate(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let bytes = file(path)?;
    if !bytes.starts_with(b"-----BEGIN") {
        return Ok(bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    pki_core::certificate::pem::decode(pki_core::certificate::pem::CERTIFICATE, &text)
        .map_err(|error| value("certificate", format!("{}: {error}", path.display())))
}

fn database(url: &str, base: &Path) -> Result<String, ConfigError> {
    match url.strip_prefix("sqlite:") {
        Some(path) => Ok(format!("sqlite:{}", base.join(path).display())),
        None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(url.to_owned())
        }
        None => Err(value("database", "must begin with sqlite: or postgres://")),
    }
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(
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

/// Who may ask for revocation information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AccessSpec {
    /// Plain HTTP, as in the web PKI; certificates carry URIs.
    Open,
    /// Registered verifiers only (Arts 17, 18, 21); certificates carry none.
    Registered,
}

fn access(spec: AccessSpec, public_url: Option<&str>) -> Result<Access, ConfigError> {
    match (spec, public_url) {
        (AccessSpec::Registered, None) => Ok(Access::Registered),
        (AccessSpec::Registered, Some(_)) => Err(value(
            "public_url",
            "belongs to access = \"open\": registered access puts no URI in certificates",
        )),
        (AccessSpec::Open, None) => Err(value("public_url", "is needed with access = \"open\"")),
        (AccessSpec::Open, Some(url)) => Ok(Access::Open {
            base_url: url.trim_end_matches('/').to_owned(),
        }),
    }
}

/// Certificate and private key of a TLS server, PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsSpec {
    certificate: PathBuf,
    key: PathBuf,
}

/// Where a TLS server's certificate and key are; read when the server starts.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl TlsSpec {
    fn check(self, base: &Path) -> TlsConfig {
        TlsConfig {
            certificate: base.join(self.certificate),
            key: base.join(self.key),
        }
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn token(spec: &TokenSpec, base: &Path) -> Result<TokenConfig, ConfigError> {
    spec.check(base).map_err(ConfigError::Token)
}
