//! `ra.toml`: what is written ([`Spec`], unknown keys refused with their line) and what
//! is used ([`Config`], checked, paths absolute).

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use hsm_config::{TokenConfig, TokenSpec};
use pki_core::{
    application::{inquiry::REPLY_DAYS, lapse::OPEN_DAYS},
    certificate::{CertificateImage, Name, PublicKey},
    mode::Mode,
    person::municipality::PrefectureCode,
    release::Officers,
};
use serde::Deserialize;
use service::config::{base, certificate, database, table, value, within};
use service::tls::KeyFilesSpec;
pub use service::{config::ConfigError, tls::KeyFiles};

use crate::http::lane::LaneConfig;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    #[serde(default = "one")]
    node: String,
    prefecture: String,
    #[serde(default = "signature")]
    profile: String,
    database: String,
    #[serde(default = "eight")]
    database_connections: u32,
    /// Beside those: for notices alone.
    #[serde(default = "four")]
    notice_connections: u32,
    register: PathBuf,
    /// Certificate of the signing CA, DER or PEM: what issued certificates must come from.
    issuer: PathBuf,
    user_authentication: Option<UserAuthenticationSpec>,
    /// Certificate of the infrastructure CA, DER or PEM: whom to speak with at all.
    trust: PathBuf,
    #[serde(default)]
    listen: ListenSpec,
    tls: KeyFilesSpec,
    ca: AuthoritySpec,
    token: TokenSpec,
    #[serde(default)]
    sessions: SessionSpec,
    #[serde(default)]
    limits: LimitSpec,
    #[serde(default)]
    procedures: ProcedureSpec,
    #[serde(default)]
    mode: Mode,
    /// Online revocation by holders; not served where it is left out.
    online: Option<OnlineSpec>,
    #[serde(default)]
    officers: OfficerSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OfficerSpec {
    unit: String,
}

impl Default for OfficerSpec {
    fn default() -> Self {
        Self {
            unit: "Officers".into(),
        }
    }
}

/// 利用者証明用電子証明書, where it is issued.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserAuthenticationSpec {
    profile: String,
    /// Certificate of its CA, DER or PEM.
    issuer: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProcedureSpec {
    inquiry_days: u16,
    open_days: u16,
}

impl Default for ProcedureSpec {
    fn default() -> Self {
        Self {
            inquiry_days: REPLY_DAYS,
            open_days: OPEN_DAYS,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlineSpec {
    listen: SocketAddr,
    /// What holders' programs trust; by default the certificate of `[tls]`.
    tls: Option<KeyFilesSpec>,
    #[serde(default = "ten_a_minute")]
    per_minute: NonZeroU32,
}

const fn ten_a_minute() -> NonZeroU32 {
    match NonZeroU32::new(10) {
        Some(ten) => ten,
        None => NonZeroU32::MIN,
    }
}

fn one() -> String {
    "gateway-1".into()
}

fn signature() -> String {
    "signature".into()
}

const fn eight() -> u32 {
    8
}

const fn four() -> u32 {
    4
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ListenSpec {
    gateway: SocketAddr,
    admin: SocketAddr,
}

impl Default for ListenSpec {
    fn default() -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            gateway: loopback,
            admin: loopback,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthoritySpec {
    url: String,
    /// The gateway's own certificate and key as a client; by default those of `[tls]`.
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(default = "ten_seconds")]
    timeout_ms: u64,
    #[serde(default = "three")]
    attempts: u32,
}

const fn ten_seconds() -> u64 {
    10_000
}

const fn three() -> u32 {
    3
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SessionSpec {
    longest_s: i64,
    idle_s: i64,
}

impl Default for SessionSpec {
    fn default() -> Self {
        Self {
            longest_s: 10 * 3600,
            idle_s: 30 * 60,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitSpec {
    workers: usize,
    body_bytes: usize,
    connections: usize,
    terminal_per_second: NonZeroU32,
    terminal_burst: NonZeroU32,
    operator_per_second: NonZeroU32,
    operator_burst: NonZeroU32,
    act_skew_s: i64,
    lane_window: usize,
    lane_notices: usize,
    lane_papers: usize,
}

impl Default for LimitSpec {
    fn default() -> Self {
        let number = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            workers: 2,
            body_bytes: 64 * 1024,
            connections: 1024,
            terminal_per_second: number(20),
            terminal_burst: number(100),
            operator_per_second: number(10),
            operator_burst: number(60),
            act_skew_s: 300,
            lane_window: LaneConfig::default().window,
            lane_notices: LaneConfig::default().notices,
            lane_papers: LaneConfig::default().papers,
        }
    }
}

/// The signing CA.
#[derive(Clone)]
pub struct IssuerConfig {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Its name.
    pub subject: Name,
    /// Its key.
    pub public_key: PublicKey,
}

/// The authority as a server.
#[derive(Clone, Debug)]
pub struct AuthorityConfig {
    /// Base URL, `https://`.
    pub url: String,
    /// The gateway as its client.
    pub client: KeyFiles,
    /// Longest time for one attempt.
    pub timeout: Duration,
    /// Most attempts for one request.
    pub attempts: u32,
}

/// Limits.
#[derive(Clone, Debug)]
pub struct LimitConfig {
    /// Threads that serve HTTP.
    pub workers: usize,
    /// Largest body.
    pub body_bytes: usize,
    /// Most connections at once.
    pub connections: usize,
    /// Requests of one terminal or kiosk per second, and in a burst.
    pub terminal: (NonZeroU32, NonZeroU32),
    /// Requests of one operator per second, and in a burst.
    pub operator: (NonZeroU32, NonZeroU32),
    /// How far an act's time may be from now, in seconds.
    pub act_skew_s: i64,
    /// How many use-cases each lane works at once.
    pub lanes: LaneConfig,
}

/// The public listener.
#[derive(Clone, Debug)]
pub struct OnlineConfig {
    /// Where holders come.
    pub listen: SocketAddr,
    /// The server's certificate there.
    pub tls: KeyFiles,
    /// Requests of one address in a minute.
    pub per_minute: NonZeroU32,
}

/// The configuration of a gateway.
pub struct Config {
    /// Name of this node in the audit.
    pub node: String,
    /// The prefecture that the gateway belongs to.
    pub prefecture: PrefectureCode,
    /// Name of the certificate profile that is applied for.
    pub profile: String,
    /// Database URL.
    pub database: String,
    /// Most connections to the database.
    pub database_connections: u32,
    /// Most connections of the notices' lane beside them.
    pub notice_connections: u32,
    /// The register file.
    pub register: PathBuf,
    /// The signing CA.
    pub issuer: IssuerConfig,
    /// `None`: the certificate for signing in is not issued here.
    pub user_authentication: Option<UserAuthenticationConfig>,
    /// Where terminals and kiosks come.
    pub listen_gateway: SocketAddr,
    /// Where the machine's keepers come.
    pub listen_admin: SocketAddr,
    /// As the policies of issuer and infrastructure CA say, too.
    pub mode: Mode,
    /// Where holders revoke online, if they may.
    pub online: Option<OnlineConfig>,
    /// The server's certificate.
    pub tls: KeyFiles,
    /// Certificate of the infrastructure CA, DER.
    pub infrastructure_ca: Vec<u8>,
    /// The authority.
    pub authority: AuthorityConfig,
    /// The gateway's token.
    pub token: TokenConfig,
    /// A session ends after so many seconds.
    pub session_s: i64,
    /// A session ends after so many seconds without use.
    pub session_idle_s: i64,
    /// Limits.
    pub limits: LimitConfig,
    /// By what officers of the authority are known.
    pub officers: Officers,
    /// Periods of the procedures.
    pub procedures: ProcedureConfig,
}

/// 利用者証明用電子証明書: its profile and what it must come from.
#[derive(Clone)]
pub struct UserAuthenticationConfig {
    /// Name of the profile that is applied for.
    pub profile: String,
    /// Its CA, another than that of signature certificates.
    pub issuer: IssuerConfig,
}

/// Periods of the procedures, in days, the first day counted.
#[derive(Clone, Copy, Debug)]
pub struct ProcedureConfig {
    /// In which the reply to a written inquiry is to be brought.
    pub inquiry_days: u16,
    /// For which an application stays open at one step.
    pub open_days: u16,
}

/// The database alone, for commands that need nothing else to be in place.
pub fn database_of(path: &Path) -> Result<String, ConfigError> {
    let (spec, base) = read(path)?;
    database(&spec.database, &base)
}

/// The token alone, for the commands that make and export masters.
pub fn token_of(path: &Path) -> Result<TokenConfig, ConfigError> {
    let (spec, base) = read(path)?;
    spec.token.check(&base).map_err(table("token"))
}

fn read(path: &Path) -> Result<(Spec, PathBuf), ConfigError> {
    Ok((service::config::read(path)?, base(path)))
}

fn issuer(key: &'static str, path: &Path) -> Result<IssuerConfig, ConfigError> {
    let certificate = certificate(path)?;
    let image =
        CertificateImage::decode(&certificate).map_err(|fault| value(key, fault.to_string()))?;
    Ok(IssuerConfig {
        certificate,
        subject: image.subject,
        public_key: image.public_key,
    })
}

fn user_authentication(
    spec: UserAuthenticationSpec,
    base: &Path,
    signature_profile: &str,
    signing: &IssuerConfig,
) -> Result<UserAuthenticationConfig, ConfigError> {
    let issuer = issuer("user_authentication.issuer", &base.join(&spec.issuer))?;
    if spec.profile == signature_profile || issuer.public_key == signing.public_key {
        return Err(value(
            "user_authentication",
            "has a profile and a CA of its own, other than those of signature certificates",
        ));
    }
    Ok(UserAuthenticationConfig {
        profile: spec.profile,
        issuer,
    })
}

impl Config {
    /// Reads and checks a configuration file. Opens nothing but the files it names.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let (spec, base) = read(path)?;
        if spec.node.is_empty() || spec.node.len() > 32 || !spec.node.is_ascii() {
            return Err(value("node", "must be 1 to 32 ASCII characters"));
        }
        let issuer = issuer("issuer", &base.join(&spec.issuer))?;
        let user_authentication = spec
            .user_authentication
            .map(|user| user_authentication(user, &base, &spec.profile, &issuer))
            .transpose()?;
        let tls = spec.tls.check(&base);
        let client = match (spec.ca.certificate, spec.ca.key) {
            (Some(certificate), Some(key)) => KeyFiles {
                certificate: base.join(certificate),
                key: base.join(key),
            },
            (None, None) => tls.clone(),
            _ => {
                return Err(value(
                    "ca.certificate",
                    "name certificate and key, or neither",
                ));
            }
        };
        let infrastructure_ca = certificate(&base.join(&spec.trust))?;
        // A setting that the certificates contradict would lead to the wrong authority.
        let users = user_authentication
            .as_ref()
            .map(|user| ("user_authentication.issuer", &user.issuer.certificate));
        for (what, der) in [
            ("issuer", &issuer.certificate),
            ("trust", &infrastructure_ca),
        ]
        .into_iter()
        .chain(users)
        {
            let image =
                CertificateImage::decode(der).map_err(|fault| value(what, fault.to_string()))?;
            spec.mode
                .takes(Mode::of_certificate(&image))
                .map_err(|other| value("mode", format!("{what}: {other}")))?;
        }
        if !spec.ca.url.starts_with("https://") {
            return Err(value("ca.url", "must begin with https://"));
        }
        let prefecture: PrefectureCode = spec
            .prefecture
            .parse()
            .map_err(|fault| value("prefecture", format!("{fault}")))?;
        let infrastructure_ca = certificate(&base.join(&spec.trust))?;
        let trust = CertificateImage::decode(&infrastructure_ca)
            .map_err(|fault| value("trust", fault.to_string()))?;
        if spec.officers.unit.is_empty() {
            return Err(value(
                "officers.unit",
                "must be the organisational unit of officers' certificates",
            ));
        }
        Ok(Self {
            officers: Officers {
                issuer: trust.subject,
                key: trust.public_key,
                unit: spec.officers.unit,
                prefecture: prefecture.to_string(),
            },
            prefecture,
            profile: spec.profile,
            database: database(&spec.database, &base)?,
            database_connections: within("database_connections", spec.database_connections, 2, 64)?,
            notice_connections: within("notice_connections", spec.notice_connections, 1, 64)?,
            register: base.join(&spec.register),
            issuer,
            user_authentication,
            listen_gateway: spec.listen.gateway,
            listen_admin: spec.listen.admin,
            online: spec.online.map(|online| OnlineConfig {
                listen: online.listen,
                tls: online
                    .tls
                    .map_or_else(|| tls.clone(), |files| files.check(&base)),
                per_minute: online.per_minute,
            }),
            mode: spec.mode,
            infrastructure_ca,
            tls,
            authority: AuthorityConfig {
                url: spec.ca.url.trim_end_matches('/').to_owned(),
                client,
                timeout: Duration::from_millis(within(
                    "ca.timeout_ms",
                    spec.ca.timeout_ms,
                    500,
                    120_000,
                )?),
                attempts: within("ca.attempts", spec.ca.attempts, 1, 10)?,
            },
            token: spec.token.check(&base).map_err(table("token"))?,
            session_s: within("sessions.longest_s", spec.sessions.longest_s, 60, 86_400)?,
            session_idle_s: within("sessions.idle_s", spec.sessions.idle_s, 60, 86_400)?,
            procedures: ProcedureConfig {
                inquiry_days: within(
                    "procedures.inquiry_days",
                    spec.procedures.inquiry_days,
                    7,
                    90,
                )?,
                open_days: within("procedures.open_days", spec.procedures.open_days, 7, 366)?,
            },
            limits: LimitConfig {
                workers: within("limits.workers", spec.limits.workers, 1, 64)?,
                body_bytes: within("limits.body_bytes", spec.limits.body_bytes, 16_384, 1 << 20)?,
                connections: within("limits.connections", spec.limits.connections, 8, 65_536)?,
                terminal: (spec.limits.terminal_per_second, spec.limits.terminal_burst),
                operator: (spec.limits.operator_per_second, spec.limits.operator_burst),
                act_skew_s: within("limits.act_skew_s", spec.limits.act_skew_s, 5, 3600)?,
                lanes: LaneConfig {
                    window: within("limits.lane_window", spec.limits.lane_window, 1, 256)?,
                    notices: within("limits.lane_notices", spec.limits.lane_notices, 1, 256)?,
                    papers: within("limits.lane_papers", spec.limits.lane_papers, 1, 64)?,
                },
            },
            node: spec.node,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Spec, toml::de::Error> {
        toml::from_str(text)
    }

    const SAMPLE: &str = include_str!("../samples/ra.toml");

    #[test]
    fn the_sample_has_every_key_that_is_needed() {
        let spec = parse(SAMPLE).unwrap();
        assert_eq!(spec.prefecture, "13");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let text = SAMPLE.replace("node =", "nodes =");
        let line = 1 + text
            .lines()
            .position(|line| line.starts_with("nodes"))
            .unwrap();
        let fault = parse(&text).err().unwrap().to_string();
        assert!(fault.contains("unknown field"), "{fault}");
        assert!(fault.contains(&format!("line {line}")), "{fault}");
    }
}
