//! Certificate profiles as data: a TOML file, checked once when it is loaded.

use const_oid::ObjectIdentifier;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::asn1;
use super::image::{KeyUsage, Purpose};
use super::name::{Name, NameFault};
use super::oid;
use super::public_key::{KeyKind, SignatureAlgorithm};
use super::tbs;
use crate::calendar::JapaneseDay;

macro_rules! sample {
    ($file:literal) => {
        ($file, include_str!(concat!("../../profiles/", $file)))
    };
}

/// Whom a profile certifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A resident: municipality and request number in the subject, the four items
    /// in subjectAltName.
    Subscriber,
    /// A resident who signs in: the subject is an opaque name, and nothing of the person
    /// stands in the certificate.
    User,
    /// A CA, certified by itself.
    Authority,
    /// A terminal, kiosk, operator, gateway, server or OCSP responder: `CN` = its id.
    Party,
}

/// A key that a profile certifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubjectKey {
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    #[serde(rename = "p256")]
    P256,
    #[serde(rename = "p384")]
    P384,
}

impl SubjectKey {
    fn kind(self) -> KeyKind {
        match self {
            Self::Rsa2048 => KeyKind::Rsa { bits: 2048 },
            Self::Rsa3072 => KeyKind::Rsa { bits: 3072 },
            Self::Rsa4096 => KeyKind::Rsa { bits: 4096 },
            Self::P256 => KeyKind::P256,
            Self::P384 => KeyKind::P384,
        }
    }
}

/// How long a certificate is in effect. The day of issue counts and the last day
/// ends at 23:59:59 in Japan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// Whole years (three for residents: Art 5 of the Act of 2002).
    Years(u16),
    /// Whole days.
    Days(u16),
}

impl Validity {
    /// End of a validity that begins at `not_before`.
    pub fn end(self, not_before: Timestamp) -> Timestamp {
        let first = JapaneseDay::of(not_before);
        match self {
            Self::Years(years) => first.last_day_of_years(years),
            Self::Days(days) => first.last_day_of_days(days),
        }
        .last_second()
    }
}

/// What authorityKeyIdentifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorityKeyIdForm {
    /// Key identifier, issuer's issuer and issuer's serial number.
    Full,
    /// Key identifier alone.
    KeyId,
}

/// An extension that a profile knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExtensionKind {
    KeyUsage,
    SubjectAltName,
    CertificatePolicies,
    IssuerAltName,
    CrlDistributionPoints,
    AuthorityKeyIdentifier,
    SubjectKeyIdentifier,
    BasicConstraints,
    ExtendedKeyUsage,
    OcspNoCheck,
    AuthorityInfoAccess,
}

impl ExtensionKind {
    pub(crate) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::KeyUsage => oid::KEY_USAGE,
            Self::SubjectAltName => oid::SUBJECT_ALT_NAME,
            Self::CertificatePolicies => oid::CERTIFICATE_POLICIES,
            Self::IssuerAltName => oid::ISSUER_ALT_NAME,
            Self::CrlDistributionPoints => oid::CRL_DISTRIBUTION_POINTS,
            Self::AuthorityKeyIdentifier => oid::AUTHORITY_KEY_IDENTIFIER,
            Self::SubjectKeyIdentifier => oid::SUBJECT_KEY_IDENTIFIER,
            Self::BasicConstraints => oid::BASIC_CONSTRAINTS,
            Self::ExtendedKeyUsage => oid::EXTENDED_KEY_USAGE,
            Self::OcspNoCheck => oid::OCSP_NO_CHECK,
            Self::AuthorityInfoAccess => oid::AUTHORITY_INFO_ACCESS,
        }
    }
}

/// One line of a profile's list of extensions, which is also their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionLine {
    /// Which.
    pub name: ExtensionKind,
    /// Whether a verifier that does not know it must refuse the certificate.
    #[serde(default)]
    pub critical: bool,
}

/// Certificate policy and its statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// Dotted object identifier, of the environment's own arc.
    pub oid: String,
    /// URI of the practice statement.
    pub cps: String,
}

/// A profile as written in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Spec {
    name: String,
    version: u32,
    subject: SubjectKind,
    /// Attributes before those of the subject itself, `KEY=value`.
    #[serde(default)]
    subject_base: Vec<String>,
    signature: SignatureAlgorithm,
    subject_keys: Vec<SubjectKey>,
    validity: Validity,
    key_usage: Vec<KeyUsage>,
    #[serde(default)]
    extended_key_usage: Vec<Purpose>,
    authority_key_identifier: Option<AuthorityKeyIdForm>,
    path_length: Option<u8>,
    /// Name under which the municipalities' partitions stand.
    distribution_points: Option<Vec<String>>,
    policy: Option<PolicySpec>,
    extensions: Vec<ExtensionLine>,
}

/// Why a file is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFault {
    /// Not TOML of the expected form; says the line.
    #[error("the profile cannot be read")]
    Toml(#[from] toml::de::Error),
    /// A name cannot be written.
    #[error("a name in the profile cannot be written")]
    Name(#[from] NameFault),
    /// Settings contradict one another.
    #[error("profile `{profile}`: {reason}")]
    Contradiction {
        /// The profile's name.
        profile: String,
        /// What contradicts what.
        reason: &'static str,
    },
}

/// A checked profile.
#[derive(Clone, Debug)]
pub struct Profile {
    spec: Spec,
    hash: [u8; 32],
    subject_base: Name,
    distribution_points: Option<Name>,
    /// Extensions that are the same in every certificate, encoded whole; `None` for the others.
    fixed: Vec<Option<Vec<u8>>>,
    signature_der: Vec<u8>,
}

impl Profile {
    /// Reads and checks a profile.
    pub fn parse(text: &str) -> Result<Self, ProfileFault> {
        let spec: Spec = toml::from_str(text)?;
        if let Some(reason) = contradiction(&spec) {
            return Err(ProfileFault::Contradiction {
                profile: spec.name,
                reason,
            });
        }
        let canonical = serde_json::to_vec(&spec)
            .expect("a profile is made of text, numbers and lists, which JSON can write");
        let mut profile = Self {
            hash: Sha256::digest(&canonical).into(),
            subject_base: Name::parse(&spec.subject_base)?,
            distribution_points: match &spec.distribution_points {
                Some(base) => Some(Name::parse(base)?),
                None => None,
            },
            fixed: Vec::new(),
            signature_der: spec.signature.identifier_der(),
            spec,
        };
        profile.fixed = profile
            .spec
            .extensions
            .iter()
            .map(|line| {
                profile
                    .fixed_value(line.name)
                    .map(|value| tbs::extension(&line.name.oid(), line.critical, &value))
            })
            .collect();
        Ok(profile)
    }

    /// Value of an extension that depends on the profile alone.
    pub(crate) fn fixed_value(&self, kind: ExtensionKind) -> Option<Vec<u8>> {
        match kind {
            ExtensionKind::KeyUsage => Some(asn1::named_bits(
                self.spec.key_usage.iter().map(|usage| usage.bit()),
            )),
            ExtensionKind::ExtendedKeyUsage => {
                let purposes: Vec<u8> = self
                    .spec
                    .extended_key_usage
                    .iter()
                    .flat_map(|purpose| asn1::oid(&purpose.oid()))
                    .collect();
                Some(asn1::sequence(&[&purposes]))
            }
            ExtensionKind::BasicConstraints if self.spec.subject == SubjectKind::Authority => {
                let path = self
                    .spec
                    .path_length
                    .map(|length| asn1::integer(&[length]))
                    .unwrap_or_default();
                Some(asn1::sequence(&[&asn1::boolean(true), &path]))
            }
            // cA is FALSE by default, and DER leaves defaults out.
            ExtensionKind::BasicConstraints => Some(asn1::sequence(&[])),
            ExtensionKind::OcspNoCheck => Some(asn1::null()),
            ExtensionKind::CertificatePolicies => {
                let policy = self.spec.policy.as_ref()?;
                let name = ObjectIdentifier::new(&policy.oid).ok()?;
                let cps = asn1::tlv(asn1::IA5_STRING, &[policy.cps.as_bytes()]);
                let qualifier = asn1::sequence(&[&asn1::oid(&oid::CPS_QUALIFIER), &cps]);
                let information =
                    asn1::sequence(&[&asn1::oid(&name), &asn1::sequence(&[&qualifier])]);
                Some(asn1::sequence(&[&information]))
            }
            _ => None,
        }
    }

    /// Lines of the extensions with what is fixed of them.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&ExtensionLine, Option<&[u8]>)> {
        self.spec
            .extensions
            .iter()
            .zip(self.fixed.iter().map(Option::as_deref))
    }

    /// Its name (`signature`).
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// SHA-256 over the profile's settings: nodes with different hashes do not work together.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Whom it certifies.
    pub fn subject_kind(&self) -> SubjectKind {
        self.spec.subject
    }

    /// With which algorithm its certificates are signed.
    pub fn signature(&self) -> SignatureAlgorithm {
        self.spec.signature
    }

    pub(crate) fn signature_der(&self) -> &[u8] {
        &self.signature_der
    }

    /// Whether it certifies keys of that kind.
    pub fn accepts_key(&self, kind: KeyKind) -> bool {
        self.spec.subject_keys.iter().any(|key| key.kind() == kind)
    }

    /// Its rule of validity.
    pub fn validity(&self) -> Validity {
        self.spec.validity
    }

    /// keyUsage bits.
    pub fn key_usage(&self) -> &[KeyUsage] {
        &self.spec.key_usage
    }

    /// Purposes of extendedKeyUsage.
    pub fn purposes(&self) -> &[Purpose] {
        &self.spec.extended_key_usage
    }

    /// Attributes with which its subjects begin.
    pub fn subject_base(&self) -> &Name {
        &self.subject_base
    }

    /// Name under which the municipalities' CRL partitions stand.
    pub fn distribution_points(&self) -> Option<&Name> {
        self.distribution_points.as_ref()
    }

    /// Form of authorityKeyIdentifier.
    pub fn authority_key_id(&self) -> Option<AuthorityKeyIdForm> {
        self.spec.authority_key_identifier
    }

    /// Policy of its certificates.
    pub fn policy(&self) -> Option<&PolicySpec> {
        self.spec.policy.as_ref()
    }

    pub(crate) fn line(&self, name: ObjectIdentifier) -> Option<&ExtensionLine> {
        self.spec
            .extensions
            .iter()
            .find(|line| line.name.oid() == name)
    }
}

/// The profiles that come with the product, as file name and text. An operator copies
/// them and changes names, policies and algorithms.
pub const SAMPLES: [(&str, &str); 17] = [
    sample!("signature.toml"),
    sample!("signature-training.toml"),
    sample!("user-authentication.toml"),
    sample!("user-authentication-training.toml"),
    sample!("signing-ca.toml"),
    sample!("signing-ca-training.toml"),
    sample!("infrastructure-ca.toml"),
    sample!("infrastructure-ca-training.toml"),
    sample!("ocsp-responder.toml"),
    sample!("server.toml"),
    sample!("gateway.toml"),
    sample!("terminal.toml"),
    sample!("kiosk.toml"),
    sample!("operator.toml"),
    sample!("officer.toml"),
    sample!("auditor.toml"),
    sample!("verifier.toml"),
];

/// The first contradiction among a profile's settings.
fn contradiction(spec: &Spec) -> Option<&'static str> {
    use ExtensionKind as E;
    let has = |kind| spec.extensions.iter().any(|line| line.name == kind);
    let is_critical = |kind| {
        spec.extensions
            .iter()
            .any(|line| line.name == kind && line.critical)
    };
    let authority = spec.subject == SubjectKind::Authority;
    let of_resident = matches!(spec.subject, SubjectKind::Subscriber | SubjectKind::User);
    let signs_certificates = spec.key_usage.contains(&KeyUsage::KeyCertSign);
    let policy_oid = spec
        .policy
        .as_ref()
        .map(|policy| ObjectIdentifier::new(&policy.oid));
    let checks: [(bool, &'static str); 23] = [
        (
            spec.name.is_empty() || spec.name.len() > 40,
            "its name has 1 to 40 characters",
        ),
        (spec.subject_keys.is_empty(), "it certifies no kind of key"),
        (
            matches!(spec.validity, Validity::Years(0 | 31..) | Validity::Days(0)),
            "a validity is 1 day to 30 years",
        ),
        (
            spec.extensions
                .iter()
                .enumerate()
                .any(|(at, line)| spec.extensions[..at].iter().any(|e| e.name == line.name)),
            "an extension is listed twice",
        ),
        (
            spec.key_usage.is_empty() || !has(E::KeyUsage),
            "key-usage is missing",
        ),
        (
            !is_critical(E::KeyUsage),
            "key-usage is critical (RFC 5280 §4.2.1.3)",
        ),
        (
            !has(E::SubjectKeyIdentifier),
            "subject-key-identifier is missing",
        ),
        (
            !authority && !has(E::AuthorityKeyIdentifier),
            "authority-key-identifier is missing (RFC 5280 §4.2.1.1)",
        ),
        (
            has(E::AuthorityKeyIdentifier) != spec.authority_key_identifier.is_some(),
            "authority-key-identifier has its form and its line, or neither",
        ),
        (
            authority != signs_certificates,
            "key-cert-sign belongs to authorities, and to them always",
        ),
        (
            authority && !is_critical(E::BasicConstraints),
            "an authority has critical basic-constraints (RFC 5280 §4.2.1.9)",
        ),
        (
            !authority && spec.path_length.is_some(),
            "path-length belongs to authorities",
        ),
        (
            has(E::ExtendedKeyUsage) == spec.extended_key_usage.is_empty(),
            "extended-key-usage has its purposes and its line, or neither",
        ),
        (
            has(E::CertificatePolicies) != spec.policy.is_some(),
            "certificate-policies has its policy and its line, or neither",
        ),
        (
            matches!(policy_oid, Some(Err(_))),
            "the policy's object identifier is malformed",
        ),
        (
            matches!(&policy_oid, Some(Ok(policy))
                if policy.as_bytes().starts_with(oid::JPKI_POLICIES.as_bytes())),
            "the policy lies in the arc of the national service",
        ),
        (
            spec.policy
                .as_ref()
                .is_some_and(|policy| !policy.cps.is_ascii() || policy.cps.len() > 200),
            "the practice statement's URI is ASCII of at most 200 characters",
        ),
        (
            of_resident && has(E::CrlDistributionPoints) != spec.distribution_points.is_some(),
            "crl-distribution-points has its base name and its line, or neither",
        ),
        (
            has(E::OcspNoCheck) && !spec.extended_key_usage.contains(&Purpose::OcspSigning),
            "ocsp-no-check belongs to OCSP responders",
        ),
        (
            spec.subject == SubjectKind::Subscriber && !has(E::SubjectAltName),
            "a resident's certificate carries the four items",
        ),
        (
            spec.subject == SubjectKind::User && has(E::SubjectAltName),
            "a user-authentication certificate carries nothing of the person",
        ),
        (
            spec.subject == SubjectKind::User && spec.key_usage != [KeyUsage::DigitalSignature],
            "a key for signing in declares nothing: digital-signature alone",
        ),
        (
            spec.subject == SubjectKind::User && spec.extended_key_usage != [Purpose::ClientAuth],
            "a key for signing in serves client-auth and nothing else",
        ),
    ];
    checks
        .into_iter()
        .find(|(wrong, _)| *wrong)
        .map(|(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature() -> &'static str {
        SAMPLES[0].1
    }

    #[test]
    fn every_profile_that_comes_with_the_product_is_sound_and_named_like_its_file() {
        for (file, text) in SAMPLES {
            let profile = Profile::parse(text).unwrap_or_else(|fault| panic!("{file}: {fault:?}"));
            assert_eq!(format!("{}.toml", profile.name()), file);
        }
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_line() {
        let fault = Profile::parse(&format!("colour = 1\n{}", signature())).unwrap_err();
        let ProfileFault::Toml(cause) = fault else {
            panic!("{fault:?}")
        };
        assert!(cause.to_string().contains("line 1"), "{cause}");
    }

    #[test]
    fn comments_do_not_change_the_hash_and_settings_do() {
        let hash = |text: &str| Profile::parse(text).unwrap().hash();
        assert_eq!(hash(signature()), hash(&format!("# more\n{}", signature())));
        let longer = signature().replace("years = 3", "years = 4");
        assert_ne!(hash(signature()), hash(&longer));
    }

    #[test]
    fn a_profile_for_signing_in_certifies_nothing_of_the_person_and_no_other_use() {
        let text = SAMPLES
            .into_iter()
            .find(|(file, _)| *file == "user-authentication.toml")
            .unwrap()
            .1;
        for (from, to) in [
            (
                "    { name = \"extended-key-usage\" },",
                "    { name = \"extended-key-usage\" },\n    { name = \"subject-alt-name\" },",
            ),
            (
                "[\"digital-signature\"]",
                "[\"digital-signature\", \"non-repudiation\"]",
            ),
            ("[\"client-auth\"]", "[\"client-auth\", \"server-auth\"]"),
            ("    { name = \"crl-distribution-points\" },\n", ""),
        ] {
            let wrong = text.replace(from, to);
            assert_ne!(text, wrong, "{from}");
            let fault = Profile::parse(&wrong);
            assert!(
                matches!(fault, Err(ProfileFault::Contradiction { .. })),
                "{from} -> {to}: {fault:?}"
            );
        }
    }

    #[test]
    fn settings_that_contradict_one_another_are_refused() {
        for (from, to) in [
            ("2026.1.0.20", "x"),
            ("1.3.6.1.4.1.99999.2026.1.0.20", "1.2.392.200149.8.5.1.1.20"),
            ("years = 3", "years = 0"),
            ("\"non-repudiation\"", "\"key-cert-sign\""),
            (
                "{ name = \"key-usage\", critical = true }",
                "{ name = \"key-usage\" }",
            ),
            ("    { name = \"subject-alt-name\" },\n", ""),
            ("    { name = \"subject-key-identifier\" },\n", ""),
            ("    { name = \"authority-key-identifier\" },\n", ""),
            ("authority-key-identifier = \"full\"\n", ""),
            ("[\"rsa-2048\"]", "[]"),
            (
                "{ name = \"subject-alt-name\" }",
                "{ name = \"key-usage\", critical = true }",
            ),
        ] {
            let text = signature().replace(from, to);
            assert_ne!(text, signature(), "{from}");
            let fault = Profile::parse(&text);
            assert!(
                matches!(fault, Err(ProfileFault::Contradiction { .. })),
                "{from} -> {to}: {fault:?}"
            );
        }
    }
}
