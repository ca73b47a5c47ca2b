//! `ca.toml`: the configuration of `ca-server issue` and of the officers' commands.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use hsm_config::{TokenConfig, TokenSpec};
use pki_core::{
    certificate::{
        Profile,
        distribution_point::Place,
        image::CertificateImage,
        issuer::{Access, Issuer, Publication},
        partition::PartitionNumber,
        profile::SubjectKind,
    },
    mode::Mode,
    person::{
        merger::Mergers,
        municipality::{MunicipalityCode, PrefectureCode},
    },
    revocation::register_brake::{Brake, WHOLE},
};
use serde::Deserialize;
use service::tls::{KeyFiles, KeyFilesSpec};

use super::{AccessSpec, ConfigError, access, base, certificate, value, within};
use crate::app::{enrol::KINDS, verifier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    node: String,
    prefecture: String,
    prefecture_name: String,
    #[serde(default)]
    mode: Mode,
    database: String,
    #[serde(default = "four")]
    database_readers: u32,
    #[serde(default = "two")]
    database_writers: u32,
    access: AccessSpec,
    public_url: Option<String>,
    #[serde(default)]
    listen: ListenSpec,
    tls: KeyFilesSpec,
    token: TokenSpec,
    signing: SigningSpec,
    user_authentication: Option<UserAuthenticationSpec>,
    infrastructure: InfrastructureSpec,
    vault: KeySpec,
    audit: AuditSpec,
    crl: CrlSpec,
    register: Option<RegisterSpec>,
    #[serde(default)]
    limits: LimitSpec,
    #[serde(default)]
    office: super::office::OfficeSpec,
    municipality: Vec<MunicipalitySpec>,
}

fn two() -> u32 {
    2
}
fn four() -> u32 {
    4
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ListenSpec {
    ca: SocketAddr,
    admin: SocketAddr,
    console: SocketAddr,
}

impl Default for ListenSpec {
    fn default() -> Self {
        Self {
            ca: super::loopback(),
            admin: super::loopback(),
            console: super::loopback(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SigningSpec {
    /// In URLs and file names.
    name: String,
    certificate: PathBuf,
    key: String,
    profile: PathBuf,
    ocsp_responder_profile: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserAuthenticationSpec {
    /// In URLs and file names.
    name: String,
    certificate: PathBuf,
    key: String,
    profile: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InfrastructureSpec {
    name: String,
    certificate: PathBuf,
    key: String,
    /// Kind of party → profile file.
    profiles: BTreeMap<String, PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySpec {
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditSpec {
    /// 64 hexadecimal digits; made by `ca-server migrate` when it is missing.
    mac_key_file: PathBuf,
    /// Label of the key that signs heads.
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CrlSpec {
    folder: PathBuf,
    #[serde(default = "CrlSpec::period")]
    period_s: u32,
    #[serde(default = "CrlSpec::validity")]
    validity_s: u32,
    #[serde(default = "CrlSpec::after_revocation")]
    after_revocation_s: u32,
}

impl CrlSpec {
    fn period() -> u32 {
        24 * 3600
    }
    fn validity() -> u32 {
        48 * 3600
    }
    fn after_revocation() -> u32 {
        60
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterSpec {
    folder: Option<PathBuf>,
    feed: Option<FeedSpec>,
    #[serde(default = "RegisterSpec::interval")]
    interval_s: u32,
    /// Share of a municipality's certificates that its register may end in a day.
    brake_share: Option<f64>,
    /// So many may always be ended.
    brake_least: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedSpec {
    url: String,
    /// Who certified the feed's server, PEM or DER.
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    #[serde(default = "FeedSpec::timeout")]
    timeout_s: u32,
}

impl FeedSpec {
    fn timeout() -> u32 {
        20
    }
}

impl RegisterSpec {
    fn interval() -> u32 {
        60
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitSpec {
    workers: usize,
    body_bytes: usize,
    connections: usize,
    requests_per_second: u32,
    act_skew_s: u32,
}

impl Default for LimitSpec {
    fn default() -> Self {
        Self {
            workers: 2,
            body_bytes: 64 * 1024,
            connections: 1024,
            requests_per_second: 5,
            act_skew_s: 300,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MunicipalitySpec {
    code: String,
    /// Romanised, with its suffix: `Chiyoda-ku`.
    name: String,
    /// The part of its list that new certificates name: 1, or a further one when the list before it
    /// has grown long.
    #[serde(default = "MunicipalitySpec::first")]
    partition: u32,
    /// The municipality that it became part of (合併); the entry stays for as long as
    /// certificates name it.
    successor: Option<String>,
}

impl MunicipalitySpec {
    fn first() -> u32 {
        1
    }
}

/// One CA key, its certificate and how it publishes.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// In URLs and file names.
    pub name: String,
    /// Label of its key in the token.
    pub key: String,
    pub issuer: Issuer,
}

/// 利用者証明用電子証明書, where it is issued.
#[derive(Clone, Debug)]
pub struct UserAuthenticationConfig {
    pub issuer: IssuerConfig,
    pub profile: Profile,
}

/// When CRLs are made.
#[derive(Clone, Debug)]
pub struct CrlConfig {
    pub folder: PathBuf,
    /// A new one at least so often.
    pub period: Duration,
    /// From thisUpdate to nextUpdate; longer than the period, so that they overlap.
    pub validity: Duration,
    /// At the latest so long after a revocation.
    pub after_revocation: Duration,
}

/// Where the resident registers' batches come in.
#[derive(Clone, Debug)]
pub struct RegisterConfig {
    pub source: RegisterSource,
    /// From one look to the next.
    pub interval: Duration,
    pub brake: Brake,
}

/// By which way the batches come.
#[derive(Clone, Debug)]
pub enum RegisterSource {
    /// `<folder>/<municipality>/<number>.csv`
    Folder(PathBuf),
    /// From the register's own server.
    Feed(FeedConfig),
}

/// The register's server, and who we are there.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// Base URL, https, without a slash at its end.
    pub url: String,
    /// Who certified the server, DER.
    pub authority: Vec<u8>,
    pub client: KeyFiles,
    /// For one request.
    pub timeout: Duration,
}

/// Limits of the inner interface.
#[derive(Clone, Debug)]
pub struct LimitConfig {
    /// Threads that serve connections.
    pub workers: usize,
    pub body_bytes: usize,
    pub connections: usize,
    /// Per terminal, with a burst of ten seconds' worth.
    pub requests_per_second: u32,
    /// How far an act's time may be from the CA's clock.
    pub act_skew: Duration,
}

/// The checked `ca.toml`.
#[derive(Clone, Debug)]
pub struct IssueConfig {
    pub node: String,
    pub prefecture: PrefectureCode,
    /// As the policies of the certificates say, too.
    pub mode: Mode,
    pub database: String,
    pub database_readers: u32,
    pub database_writers: u32,
    pub listen_ca: SocketAddr,
    pub listen_admin: SocketAddr,
    /// The officers' console (`ca-server console`).
    pub listen_console: SocketAddr,
    pub tls: KeyFiles,
    pub token: TokenConfig,
    pub signing: IssuerConfig,
    pub signature_profile: Profile,
    /// `None`: this prefecture does not issue it.
    pub user_authentication: Option<UserAuthenticationConfig>,
    pub ocsp_responder_profile: Profile,
    pub infrastructure: IssuerConfig,
    /// Kind of party → profile.
    pub party_profiles: BTreeMap<String, Profile>,
    pub vault_key: String,
    pub audit_mac_key_file: PathBuf,
    pub audit_key: String,
    pub crl: CrlConfig,
    /// `None`: the registers are not followed.
    pub register: Option<RegisterConfig>,
    pub limits: LimitConfig,
    pub office: super::OfficeConfig,
    pub municipalities: Vec<Place>,
    pub mergers: Mergers,
}

impl IssueConfig {
    /// Read and check the file and the files it names; changes nothing.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let spec: Spec = super::read(path)?;
        let base = base(path);
        let access = access(spec.access, spec.public_url.as_deref())?;
        let prefecture: PrefectureCode = spec
            .prefecture
            .parse()
            .map_err(|_| value("prefecture", "must be two digits, 01 to 47"))?;
        let party_profiles = spec
            .infrastructure
            .profiles
            .iter()
            .map(|(kind, path)| {
                if !KINDS.contains(&kind.as_str()) && kind != verifier::KIND {
                    return Err(value(
                        "infrastructure.profiles",
                        format!("no kind of party is called {kind:?}"),
                    ));
                }
                Ok((kind.clone(), profile(&base.join(path))?))
            })
            .collect::<Result<_, _>>()?;
        let node = spec.node;
        if node.is_empty()
            || node.len() > 32
            || !node
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        {
            return Err(value("node", "must be 1 to 32 of A-Z a-z 0-9 - _ ."));
        }
        let config = Self {
            prefecture,
            mode: spec.mode,
            database: super::database(&spec.database, &base)?,
            database_readers: within("database_readers", spec.database_readers, 1, 64)?,
            database_writers: within("database_writers", spec.database_writers, 1, 16)?,
            listen_ca: spec.listen.ca,
            listen_admin: spec.listen.admin,
            listen_console: spec.listen.console,
            tls: spec.tls.check(&base),
            token: super::token(&spec.token, &base)?,
            signing: issuer(
                &spec.signing.name,
                &base.join(&spec.signing.certificate),
                spec.signing.key.clone(),
                access.clone(),
            )?,
            signature_profile: profile(&base.join(&spec.signing.profile))?,
            user_authentication: spec
                .user_authentication
                .map(|user| user_authentication(&spec.signing, user, &base, access.clone()))
                .transpose()?,
            ocsp_responder_profile: profile(&base.join(&spec.signing.ocsp_responder_profile))?,
            infrastructure: issuer(
                &spec.infrastructure.name,
                &base.join(&spec.infrastructure.certificate),
                spec.infrastructure.key,
                access,
            )?,
            party_profiles,
            vault_key: spec.vault.key,
            audit_mac_key_file: base.join(spec.audit.mac_key_file),
            audit_key: spec.audit.key,
            crl: crl(&spec.crl, &base)?,
            register: spec
                .register
                .as_ref()
                .map(|spec| register(spec, &base))
                .transpose()?,
            limits: limits(&spec.limits)?,
            office: spec.office.check(prefecture, &base)?,
            mergers: mergers(&spec.municipality)?,
            municipalities: municipalities(&spec.municipality, prefecture, &spec.prefecture_name)?,
            node,
        };
        config.agrees_on_its_mode()?;
        Ok(config)
    }

    /// The setting says what the policies of the two CAs and of the residents' certificates say.
    fn agrees_on_its_mode(&self) -> Result<(), ConfigError> {
        let of = |issuer: &IssuerConfig| {
            let certificate = issuer
                .issuer
                .certificate_der()
                .map(CertificateImage::decode);
            match certificate {
                Some(Ok(image)) => Mode::of_certificate(&image),
                // An issuer is made from a certificate that was read.
                _ => Mode::Production,
            }
        };
        let mut found = vec![
            ("signing.profile", Mode::of_profile(&self.signature_profile)),
            ("signing.certificate", of(&self.signing)),
            ("infrastructure.certificate", of(&self.infrastructure)),
        ];
        if let Some(user) = &self.user_authentication {
            found.push((
                "user_authentication.profile",
                Mode::of_profile(&user.profile),
            ));
            found.push(("user_authentication.certificate", of(&user.issuer)));
        }
        for (what, theirs) in found {
            self.mode
                .takes(theirs)
                .map_err(|other| value("mode", format!("{what}: {other}")))?;
        }
        Ok(())
    }

    /// The municipality of that code.
    pub fn place(&self, code: MunicipalityCode) -> Option<&Place> {
        self.municipalities.iter().find(|place| place.code == code)
    }
}

fn issuer(
    name: &str,
    path: &Path,
    key: String,
    access: Access,
) -> Result<IssuerConfig, ConfigError> {
    let der = certificate(path)?;
    let publication = Publication {
        access,
        segment: name.to_owned(),
    };
    let issuer = Issuer::from_certificate(&der, publication).map_err(|error| {
        value(
            "certificate",
            format!("{}: {}", path.display(), crate::causes(&error)),
        )
    })?;
    Ok(IssuerConfig {
        name: name.to_owned(),
        key,
        issuer,
    })
}

fn user_authentication(
    signing: &SigningSpec,
    spec: UserAuthenticationSpec,
    base: &Path,
    access: Access,
) -> Result<UserAuthenticationConfig, ConfigError> {
    let wrong = |key, reason: &str| Err(value(key, reason));
    // One key for both would let a login pass for a declaration (ADR 0011).
    if spec.name == signing.name || spec.key == signing.key {
        return wrong(
            "user_authentication",
            "needs a name and a key of its own, other than those of [signing]",
        );
    }
    let profile = profile(&base.join(&spec.profile))?;
    if profile.subject_kind() != SubjectKind::User {
        return wrong(
            "user_authentication.profile",
            "must be a profile with subject = \"user\"",
        );
    }
    Ok(UserAuthenticationConfig {
        issuer: issuer(&spec.name, &base.join(&spec.certificate), spec.key, access)?,
        profile,
    })
}

fn profile(path: &Path) -> Result<Profile, ConfigError> {
    let bytes = super::file(path)?;
    Profile::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        value(
            "profile",
            format!("{}: {}", path.display(), crate::causes(&error)),
        )
    })
}

fn crl(spec: &CrlSpec, base: &Path) -> Result<CrlConfig, ConfigError> {
    const WEEK: u32 = 7 * 24 * 3600;
    let period = within("crl.period_s", spec.period_s, 10, WEEK)?;
    let validity = within("crl.validity_s", spec.validity_s, 20, 2 * WEEK)?;
    if validity < period.saturating_mul(3) / 2 {
        return Err(value(
            "crl.validity_s",
            "must be at least one and a half periods, so that lists overlap",
        ));
    }
    let after = within("crl.after_revocation_s", spec.after_revocation_s, 0, 3600)?;
    Ok(CrlConfig {
        folder: base.join(&spec.folder),
        period: Duration::from_secs(period.into()),
        validity: Duration::from_secs(validity.into()),
        after_revocation: Duration::from_secs(after.into()),
    })
}

fn register(spec: &RegisterSpec, base: &Path) -> Result<RegisterConfig, ConfigError> {
    let interval = within("register.interval_s", spec.interval_s, 1, 24 * 3600)?;
    let source = match (&spec.folder, &spec.feed) {
        (Some(folder), None) => RegisterSource::Folder(base.join(folder)),
        (None, Some(feed)) => RegisterSource::Feed(register_feed(feed, base)?),
        _ => {
            return Err(value(
                "register",
                "either folder or [register.feed]: batches come by one way",
            ));
        }
    };
    let usual = Brake::default();
    let share = match spec.brake_share {
        None => usual.share,
        // Whole millionths.
        Some(share) if (0.0..=1.0).contains(&share) => (share * f64::from(WHOLE)).round() as u32,
        Some(_) => {
            return Err(value(
                "register.brake_share",
                "must be a share from 0 to 1: 0.01 is one in a hundred",
            ));
        }
    };
    Ok(RegisterConfig {
        source,
        interval: Duration::from_secs(interval.into()),
        brake: Brake {
            share,
            least: spec.brake_least.map_or(usual.least, u64::from),
        },
    })
}

fn register_feed(spec: &FeedSpec, base: &Path) -> Result<FeedConfig, ConfigError> {
    let timeout = within("register.feed.timeout_s", spec.timeout_s, 1, 300)?;
    let url = spec.url.trim_end_matches('/');
    let plain = |b: u8| b.is_ascii_graphic() && !b"?#@\\".contains(&b);
    if !url.starts_with("https://") || !url.bytes().all(plain) {
        return Err(value(
            "register.feed.url",
            "must be https://HOST[:PORT][/PATH], without account, query or fragment",
        ));
    }
    Ok(FeedConfig {
        url: url.to_owned(),
        authority: certificate(&base.join(&spec.authority))?,
        client: KeyFiles {
            certificate: base.join(&spec.certificate),
            key: base.join(&spec.key),
        },
        timeout: Duration::from_secs(timeout.into()),
    })
}

fn limits(spec: &LimitSpec) -> Result<LimitConfig, ConfigError> {
    let skew = within("limits.act_skew_s", spec.act_skew_s, 1, 3600)?;
    Ok(LimitConfig {
        workers: within("limits.workers", spec.workers, 1, 64)?,
        body_bytes: within("limits.body_bytes", spec.body_bytes, 8 * 1024, 1024 * 1024)?,
        connections: within("limits.connections", spec.connections, 4, 100_000)?,
        requests_per_second: within(
            "limits.requests_per_second",
            spec.requests_per_second,
            1,
            1_000_000,
        )?,
        act_skew: Duration::from_secs(skew.into()),
    })
}

fn municipalities(
    specs: &[MunicipalitySpec],
    prefecture: PrefectureCode,
    prefecture_name: &str,
) -> Result<Vec<Place>, ConfigError> {
    let mut places: Vec<Place> = Vec::with_capacity(specs.len());
    for spec in specs {
        let code: MunicipalityCode = spec
            .code
            .parse()
            .map_err(|_| value("municipality.code", format!("{:?} is no code", spec.code)))?;
        if code.prefecture() != prefecture {
            return Err(value(
                "municipality.code",
                format!("{code} lies in another prefecture"),
            ));
        }
        if places
            .iter()
            .any(|place| place.code == code || place.municipality == spec.name)
        {
            return Err(value("municipality", format!("{code} is listed twice")));
        }
        places.push(Place {
            code,
            prefecture: prefecture_name.to_owned(),
            municipality: spec.name.clone(),
            partition: PartitionNumber::new(spec.partition)
                .ok_or_else(|| value("municipality.partition", "must be 1 to 99"))?,
        });
    }
    if places.is_empty() {
        return Err(value("municipality", "at least one is needed"));
    }
    Ok(places)
}

fn mergers(specs: &[MunicipalitySpec]) -> Result<Mergers, ConfigError> {
    let code = |text: &str| -> Result<MunicipalityCode, ConfigError> {
        text.parse()
            .map_err(|_| value("municipality", format!("{text:?} is no code")))
    };
    let mut pairs = Vec::new();
    for spec in specs {
        if let Some(successor) = &spec.successor {
            if !specs.iter().any(|other| other.code == *successor) {
                return Err(value(
                    "municipality.successor",
                    format!("{successor:?} is not listed"),
                ));
            }
            pairs.push((code(&spec.code)?, code(successor)?));
        }
    }
    Mergers::new(pairs).map_err(|fault| value("municipality.successor", fault.to_string()))
}
