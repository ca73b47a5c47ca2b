//! Everything about a ceremony that can be checked before it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pki_core::certificate::issuer::{Access, Publication};
use pki_core::certificate::name::Name;
use pki_core::certificate::profile::{Profile, SAMPLES, SubjectKind};
use pki_core::certificate::public_key::KeyKind;

use super::spec::{CeremonySpec, CertificateSpec, KeySpec, Officer, RequestSpec};
use crate::config::{ConfigFault, TokenConfig};
use crate::token::KeyAlgorithm;

/// Names of the record's files.
pub const RECORDS: [&str; 2] = ["ceremony-record.json", "ceremony-record.txt"];

/// A ceremony that may be held.
pub struct Plan {
    /// What is done.
    pub title: String,
    /// Whether the officers' confirmations are left out.
    pub rehearsal: bool,
    /// Who holds it.
    pub officers: Vec<Officer>,
    /// SHA-256 of the reviewed file, lower-case hex: what the officers confirm.
    pub sha256: String,
    /// The token.
    pub token: TokenConfig,
    /// Folder that gets the files.
    pub out: PathBuf,
    pub(super) keys: Vec<KeySpec>,
    pub(super) certificates: Vec<PlannedCertificate>,
    pub(super) requests: Vec<RequestSpec>,
}

/// A certificate with its profile and names read.
pub(super) struct PlannedCertificate {
    pub(super) spec: CertificateSpec,
    pub(super) profile: Profile,
    pub(super) subject: Name,
    pub(super) alternative_name: Option<Name>,
    pub(super) publication: Publication,
}

/// Why a ceremony must not be held as written.
#[derive(Debug, thiserror::Error)]
pub enum PlanFault {
    /// The file is no ceremony.
    #[error("the ceremony file cannot be used")]
    File(#[source] Box<toml::de::Error>),
    /// Its token cannot be used.
    #[error("the ceremony's token cannot be used")]
    Token(#[from] ConfigFault),
    /// The two-person rule.
    #[error("a ceremony is held by at least two different officers, each with name and role")]
    Officers,
    /// Nothing to do.
    #[error("the ceremony makes no key")]
    Empty,
    /// Two keys or two files of the same name.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// A certificate or request names a key that this ceremony does not make.
    #[error("`{0}` is no key pair of this ceremony")]
    NoKey(String),
    /// A file name that leaves the folder.
    #[error("`{0}` is no plain file name")]
    FileName(String),
    /// Something would be overwritten.
    #[error("{0} exists already; a ceremony overwrites nothing")]
    Exists(PathBuf),
    /// A profile cannot be used.
    #[error("profile `{name}` {reason}")]
    Profile {
        /// The profile.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A CA's name cannot be written.
    #[error("the name of the CA with key `{key}` cannot be written")]
    Name {
        /// Label of its key.
        key: String,
        /// Why.
        #[source]
        source: pki_core::certificate::name::NameFault,
    },
}

impl Plan {
    /// Reads and checks a ceremony. Touches neither token nor folder; `base` is the folder
    /// of the file.
    ///
    /// # Errors
    /// [`PlanFault`], naming what to change.
    pub fn check(text: &str, base: &Path, out: &Path) -> Result<Self, PlanFault> {
        let spec: CeremonySpec =
            toml::from_str(text).map_err(|fault| PlanFault::File(Box::new(fault)))?;
        let token = spec.token.check(base)?;
        let people: BTreeSet<&str> = spec
            .officers
            .iter()
            .filter(|officer| !officer.role.trim().is_empty())
            .map(|officer| officer.name.trim())
            .filter(|name| !name.is_empty())
            .collect();
        if people.len() < 2 || people.len() != spec.officers.len() {
            return Err(PlanFault::Officers);
        }
        if spec.keys.is_empty() {
            return Err(PlanFault::Empty);
        }
        let mut labels = BTreeSet::new();
        for key in &spec.keys {
            if !labels.insert(key.label.as_str()) {
                return Err(PlanFault::Twice(key.label.clone()));
            }
        }
        let certificates = spec
            .certificates
            .iter()
            .map(|certificate| planned(&spec, certificate, base))
            .collect::<Result<Vec<_>, _>>()?;
        for request in &spec.requests {
            pair(&spec, &request.key)?;
        }
        check_files(&spec, out)?;
        Ok(Self {
            sha256: sha256(text.as_bytes()),
            title: spec.title,
            rehearsal: spec.rehearsal,
            officers: spec.officers,
            token,
            out: out.to_owned(),
            keys: spec.keys,
            certificates,
            requests: spec.requests,
        })
    }

    /// What will be done, a line each, for the officers to read.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("in {}", self.token.name())];
        for key in &self.keys {
            lines.push(format!("make key {:?}, {}", key.label, key.algorithm));
        }
        for certificate in &self.certificates {
            lines.push(format!(
                "sign certificate {} with key {:?} by profile {}",
                certificate.spec.out.display(),
                certificate.spec.key,
                certificate.profile.name()
            ));
        }
        for request in &self.requests {
            lines.push(format!(
                "make request {} with key {:?} for {:?}",
                request.out.display(),
                request.key,
                request.common_name
            ));
        }
        lines
    }
}

/// Lower-case hex of SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

fn pair(spec: &CeremonySpec, label: &str) -> Result<KeyAlgorithm, PlanFault> {
    spec.keys
        .iter()
        .find(|key| key.label == label && key.algorithm.is_pair())
        .map(|key| key.algorithm)
        .ok_or_else(|| PlanFault::NoKey(label.to_owned()))
}

fn planned(
    spec: &CeremonySpec,
    certificate: &CertificateSpec,
    base: &Path,
) -> Result<PlannedCertificate, PlanFault> {
    let wrong = |reason: String| PlanFault::Profile {
        name: certificate.profile.clone(),
        reason,
    };
    let algorithm = pair(spec, &certificate.key)?;
    let profile = read_profile(&certificate.profile, base).map_err(wrong)?;
    let kind = match algorithm {
        KeyAlgorithm::P256 => KeyKind::P256,
        KeyAlgorithm::P384 => KeyKind::P384,
        other => KeyKind::Rsa {
            bits: other
                .rsa_bits()
                .and_then(|bits| bits.try_into().ok())
                .unwrap_or(0),
        },
    };
    if profile.subject_kind() != SubjectKind::Authority {
        return Err(wrong("is not for a CA's own certificate".into()));
    }
    if !profile.accepts_key(kind) || !profile.signature().fits(kind) {
        return Err(wrong(format!("does not fit a key of kind {algorithm}")));
    }
    let name = |attributes: &[String]| {
        Name::parse(attributes).map_err(|source| PlanFault::Name {
            key: certificate.key.clone(),
            source,
        })
    };
    let access = match &spec.publication.base_url {
        Some(base_url) => Access::Open {
            base_url: base_url.clone(),
        },
        None => Access::Registered,
    };
    Ok(PlannedCertificate {
        subject: name(&certificate.subject)?,
        alternative_name: certificate
            .alternative_name
            .as_deref()
            .map(name)
            .transpose()?,
        publication: Publication {
            access,
            segment: certificate.segment.clone(),
        },
        profile,
        spec: certificate.clone(),
    })
}

fn read_profile(name: &str, base: &Path) -> Result<Profile, String> {
    let text = if name.ends_with(".toml") {
        std::fs::read_to_string(base.join(name))
            .map_err(|fault| format!("cannot be read: {fault}"))?
    } else {
        let file = format!("{name}.toml");
        SAMPLES
            .iter()
            .find(|(sample, _)| *sample == file)
            .map(|(_, text)| (*text).to_owned())
            .ok_or("does not come with the product; name a file that ends in .toml")?
    };
    Profile::parse(&text).map_err(|fault| format!("is faulty: {fault}"))
}

fn check_files(spec: &CeremonySpec, out: &Path) -> Result<(), PlanFault> {
    let made = spec.certificates.iter().map(|certificate| &certificate.out);
    let made = made.chain(spec.requests.iter().map(|request| &request.out));
    let records = RECORDS.map(PathBuf::from);
    let mut seen = BTreeSet::new();
    for file in records.iter().chain(made) {
        let plain = file
            .file_name()
            .is_some_and(|name| name == file.as_os_str());
        if !plain {
            return Err(PlanFault::FileName(file.display().to_string()));
        }
        if !seen.insert(file) {
            return Err(PlanFault::Twice(file.display().to_string()));
        }
        if out.join(file).symlink_metadata().is_ok() {
            return Err(PlanFault::Exists(out.join(file)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "title = 't'\nofficers = [{ name = 'A', role = 'x' }, { name = 'B', role = 'y' }]\n";
    const TOKEN: &str = "[token]\nmodule = 'm'\nlabel = 'ca'\npin_file = 'p'\nworker = '/bin/sh'\n";
    const KEY: &str = "[[key]]\nlabel = 'sign'\nalgorithm = 'rsa-2048'\n";

    fn check(text: &str) -> Result<Plan, PlanFault> {
        Plan::check(text, Path::new("/"), Path::new("/nowhere"))
    }

    fn certificate(profile: &str, out: &str) -> String {
        format!(
            "{HEAD}{TOKEN}{KEY}[[certificate]]\nkey = 'sign'\nprofile = '{profile}'\n\
             subject = ['C=JP', 'O=X']\nsegment = 'sign'\nout = '{out}'\n"
        )
    }

    #[test]
    fn two_different_people_hold_a_ceremony() {
        for officers in [
            "[]",
            "[{ name = 'A', role = 'x' }]",
            "[{ name = 'A', role = 'x' }, { name = ' A', role = 'y' }]",
            "[{ name = 'A', role = 'x' }, { name = 'B', role = '' }]",
        ] {
            let text = format!("title = 't'\nofficers = {officers}\n{TOKEN}{KEY}");
            assert!(
                matches!(check(&text), Err(PlanFault::Officers)),
                "{officers}"
            );
        }
        assert!(check(&format!("{HEAD}{TOKEN}{KEY}")).is_ok());
    }

    #[test]
    fn keys_and_files_are_named_once_and_files_stay_in_the_folder() {
        assert!(matches!(
            check(&format!("{HEAD}{TOKEN}{KEY}{KEY}")),
            Err(PlanFault::Twice(_))
        ));
        assert!(matches!(
            check(&certificate("signing-ca", "../a.cer")),
            Err(PlanFault::FileName(_))
        ));
        assert!(matches!(
            check(&certificate("signing-ca", "ceremony-record.txt")),
            Err(PlanFault::Twice(_))
        ));
        assert!(matches!(
            check(&format!("{HEAD}{TOKEN}")),
            Err(PlanFault::Empty)
        ));
    }

    #[test]
    fn a_certificate_needs_a_fitting_profile_and_a_key_of_the_ceremony() {
        check(&certificate("signing-ca", "a.cer")).unwrap_or_else(|fault| panic!("{fault}"));
        for profile in [
            "infrastructure-ca",
            "terminal",
            "no-such",
            "/nowhere/x.toml",
        ] {
            assert!(
                matches!(
                    check(&certificate(profile, "a.cer")),
                    Err(PlanFault::Profile { .. })
                ),
                "{profile}"
            );
        }
        let other = certificate("signing-ca", "a.cer").replace("key = 'sign'", "key = 'other'");
        assert!(matches!(check(&other), Err(PlanFault::NoKey(_))));
    }

    #[test]
    fn an_unknown_key_in_the_file_is_refused_with_its_line() {
        let Err(PlanFault::File(fault)) = check(&format!("{HEAD}pin = '1'\n{TOKEN}{KEY}")) else {
            panic!("taken");
        };
        assert!(fault.to_string().contains("line 3"), "{fault}");
    }

    #[test]
    fn the_examples_are_ceremonies() {
        let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
        let mut seen = 0;
        for entry in std::fs::read_dir(&specs).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replace("[token]\n", "[token]\nworker = '/bin/sh'\n");
            if let Err(fault) = Plan::check(&text, &specs, Path::new("/nowhere")) {
                panic!("{}: {fault:?}", path.display());
            }
            seen += 1;
        }
        assert!(seen >= 2);
    }
}
