//! Configuration files: what is written (`…Spec`, unknown keys refused with
//! their line) and what is used (`…Config`, checked, paths absolute).

mod issue;
mod office;
mod status;

use std::{net::SocketAddr, path::Path};

use hsm_config::{TokenConfig, TokenSpec};
pub use issue::{
    CrlConfig, FeedConfig, IssueConfig, IssuerConfig, LimitConfig, RegisterConfig, RegisterSource,
    UserAuthenticationConfig,
};
pub use office::OfficeConfig;
use pki_core::certificate::issuer::Access;
use serde::Deserialize;
pub use service::config::ConfigError;
use service::config::{base, certificate, database, file, read, table, value, within};
pub use status::{RegisteredConfig, ResponderConfig, StatusConfig};

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

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn token(spec: &TokenSpec, base: &Path) -> Result<TokenConfig, ConfigError> {
    spec.check(base).map_err(table("token"))
}
