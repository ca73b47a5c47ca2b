//! `status.toml`: the configuration of `ca-server status`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use hsm_config::{TokenConfig, TokenSpec};
use serde::Deserialize;

use service::tls::KeyFiles;

use super::{AccessSpec, ConfigError, base, value, within};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    /// As in `ca.toml`: it decides what certificates carry, and here who is let in.
    access: AccessSpec,
    /// With registered access: the server's certificate and key, and whose clients it lets in.
    tls: Option<RegisteredSpec>,
    database: String,
    #[serde(default = "readers")]
    database_readers: u32,
    crl_folder: PathBuf,
    #[serde(default)]
    listen: ListenSpec,
    token: TokenSpec,
    issuer: Vec<IssuerSpec>,
    #[serde(default)]
    limits: LimitSpec,
}

fn readers() -> u32 {
    4
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ListenSpec {
    public: SocketAddr,
    admin: SocketAddr,
}

impl Default for ListenSpec {
    fn default() -> Self {
        Self {
            public: super::loopback(),
            admin: super::loopback(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisteredSpec {
    certificate: PathBuf,
    key: PathBuf,
    /// Certificate of the infrastructure CA, which certifies verifiers.
    authority: PathBuf,
}

/// How registered verifiers reach this node.
#[derive(Clone, Debug)]
pub struct RegisteredConfig {
    pub tls: KeyFiles,
    /// Certificate of the CA of verifiers, DER.
    pub authority: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerSpec {
    name: String,
    certificate: PathBuf,
    ocsp: Option<OcspSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OcspSpec {
    /// Label of the responder's key in this node's token.
    key: String,
    /// The responder's certificate, made by `ca-server enrol --kind ocsp-responder`.
    certificate: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitSpec {
    workers: usize,
    connections: usize,
    /// Per address of the asker.
    requests_per_second: u32,
    /// How long an answer may be kept by caches, in seconds.
    ocsp_validity_s: u32,
    /// How long an answer is given from memory; half of its validity unless set.
    ocsp_reuse_s: Option<u32>,
    /// Most memory for answers, about, in MiB.
    ocsp_memory_mib: u32,
    /// Answers that are signed per second at the most; beyond that it says `tryLater`.
    ocsp_signatures_per_second: u32,
}

impl Default for LimitSpec {
    fn default() -> Self {
        Self {
            workers: 2,
            connections: 4096,
            requests_per_second: 200,
            ocsp_validity_s: 60,
            ocsp_reuse_s: None,
            ocsp_memory_mib: 64,
            ocsp_signatures_per_second: 1000,
        }
    }
}

/// An issuer whose lists and answers this node gives.
#[derive(Clone, Debug)]
pub struct ResponderConfig {
    pub name: String,
    /// The issuer's certificate, DER.
    pub certificate: Vec<u8>,
    /// Key label and responder certificate (DER), where this node answers OCSP for it.
    pub ocsp: Option<(String, Vec<u8>)>,
}

/// The checked `status.toml`.
#[derive(Clone, Debug)]
pub struct StatusConfig {
    /// Mutual TLS for registered verifiers; `None` where access is open.
    pub registered: Option<RegisteredConfig>,
    pub database: String,
    pub database_readers: u32,
    pub crl_folder: PathBuf,
    pub listen_public: SocketAddr,
    pub listen_admin: SocketAddr,
    pub token: TokenConfig,
    pub issuers: Vec<ResponderConfig>,
    pub workers: usize,
    pub connections: usize,
    pub requests_per_second: u32,
    /// From thisUpdate to nextUpdate of an OCSP answer.
    pub ocsp_validity: std::time::Duration,
    /// How long it is given from memory.
    pub ocsp_reuse: std::time::Duration,
    /// Most memory for answers, about, in bytes.
    pub ocsp_memory: u64,
    pub ocsp_signatures_per_second: u32,
}

impl StatusConfig {
    /// The `[token]` table alone: before the responder has a certificate the rest
    /// of the file cannot be checked.
    pub fn load_token(path: &Path) -> Result<TokenConfig, ConfigError> {
        #[derive(Deserialize)]
        struct TokenOnly {
            token: TokenSpec,
        }
        let only: TokenOnly = super::read(path)?;
        super::token(&only.token, &base(path))
    }

    /// Read and check the file and the files it names; changes nothing.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let spec: Spec = super::read(path)?;
        let base = base(path);
        let mut issuers: Vec<ResponderConfig> = Vec::new();
        for issuer in &spec.issuer {
            if issuers.iter().any(|known| known.name == issuer.name) {
                return Err(value(
                    "issuer",
                    format!("{:?} is listed twice", issuer.name),
                ));
            }
            issuers.push(ResponderConfig {
                name: issuer.name.clone(),
                certificate: super::certificate(&base.join(&issuer.certificate))?,
                ocsp: match &issuer.ocsp {
                    Some(ocsp) => Some((
                        ocsp.key.clone(),
                        super::certificate(&base.join(&ocsp.certificate))?,
                    )),
                    None => None,
                },
            });
        }
        let validity = within(
            "limits.ocsp_validity_s",
            spec.limits.ocsp_validity_s,
            1,
            86_400,
        )?;
        let reuse = within(
            "limits.ocsp_reuse_s",
            spec.limits.ocsp_reuse_s.unwrap_or((validity / 2).max(1)),
            1,
            validity,
        )?;
        let memory = within(
            "limits.ocsp_memory_mib",
            spec.limits.ocsp_memory_mib,
            1,
            65_536,
        )?;
        let registered = match (spec.access, spec.tls) {
            (AccessSpec::Open, None) => None,
            (AccessSpec::Registered, Some(tls)) => Some(RegisteredConfig {
                authority: super::certificate(&base.join(&tls.authority))?,
                tls: KeyFiles {
                    certificate: base.join(tls.certificate),
                    key: base.join(tls.key),
                },
            }),
            (AccessSpec::Open, Some(_)) => {
                return Err(value(
                    "tls",
                    "belongs to access = \"registered\": open access is plain HTTP",
                ));
            }
            (AccessSpec::Registered, None) => {
                return Err(value("tls", "is needed with access = \"registered\""));
            }
        };
        Ok(Self {
            registered,
            database: super::database(&spec.database, &base)?,
            database_readers: within("database_readers", spec.database_readers, 1, 64)?,
            crl_folder: base.join(&spec.crl_folder),
            listen_public: spec.listen.public,
            listen_admin: spec.listen.admin,
            token: super::token(&spec.token, &base)?,
            issuers,
            workers: within("limits.workers", spec.limits.workers, 1, 64)?,
            connections: within("limits.connections", spec.limits.connections, 4, 100_000)?,
            requests_per_second: within(
                "limits.requests_per_second",
                spec.limits.requests_per_second,
                1,
                1_000_000,
            )?,
            ocsp_validity: std::time::Duration::from_secs(validity.into()),
            ocsp_reuse: std::time::Duration::from_secs(reuse.into()),
            ocsp_memory: u64::from(memory) << 20,
            ocsp_signatures_per_second: within(
                "limits.ocsp_signatures_per_second",
                spec.limits.ocsp_signatures_per_second,
                1,
                1_000_000,
            )?,
        })
    }
}
