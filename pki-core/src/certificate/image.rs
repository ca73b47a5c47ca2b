//! The certificate image: everything that is shown, printed or compared comes
//! from the DER alone (invariant: shown = printed = written = read back).

use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::asn1::{self, Cursor, DerFault, Element};
use super::name::{Name, NameFault};
use super::oid;
use super::public_key::{PublicKey, PublicKeyFault, SignatureAlgorithm, SignatureInvalid};
use super::serial::{Serial, SerialFault};
use super::subscriber::{SubscriberNumber, other_names, personal_data};
use super::tbs::{SignedParts, Tbs, split_signed};
use super::user::UserName;
use crate::calendar::JapaneseDay;
use crate::person::certificate_items::CertificateItemsText;
use crate::person::era::BirthDate;
use crate::person::municipality::MunicipalityCode;

/// Longest certificate that is read, in octets.
pub const MAX_OCTETS: usize = 16 * 1024;

/// Why bytes are no certificate that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageFault {
    /// Longer than [`MAX_OCTETS`].
    #[error("a certificate has at most {MAX_OCTETS} octets")]
    TooLong,
    /// Not a certificate in DER.
    #[error("not a certificate")]
    Encoding(#[from] DerFault),
    /// Inner and outer signature algorithm differ.
    #[error("the signature algorithm inside differs from the one outside")]
    Algorithm,
    /// The serial number is malformed.
    #[error("the serial number is malformed")]
    Serial(#[from] SerialFault),
    /// A name cannot be read.
    #[error("a name cannot be read")]
    Name(#[from] NameFault),
    /// The public key cannot be read.
    #[error("the public key cannot be read")]
    PublicKey(#[from] PublicKeyFault),
}

/// One bit of keyUsage (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyUsage {
    DigitalSignature,
    NonRepudiation,
    KeyEncipherment,
    DataEncipherment,
    KeyAgreement,
    KeyCertSign,
    CrlSign,
}

impl KeyUsage {
    const ALL: [Self; 7] = [
        Self::DigitalSignature,
        Self::NonRepudiation,
        Self::KeyEncipherment,
        Self::DataEncipherment,
        Self::KeyAgreement,
        Self::KeyCertSign,
        Self::CrlSign,
    ];

    /// Number of the bit.
    pub(crate) fn bit(self) -> u8 {
        self as u8
    }
}

/// A purpose of extendedKeyUsage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    ServerAuth,
    ClientAuth,
    OcspSigning,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::ServerAuth, Self::ClientAuth, Self::OcspSigning];

    pub(crate) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::ServerAuth => oid::SERVER_AUTH,
            Self::ClientAuth => oid::CLIENT_AUTH,
            Self::OcspSigning => oid::OCSP_SIGNING,
        }
    }
}

/// One policy and where its practice statement is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Dotted object identifier.
    pub oid: String,
    /// URI of the certification practice statement.
    pub cps: Option<String>,
}

/// One distribution point as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionPointImage {
    /// Its directory name.
    pub name: Option<Name>,
    /// Its URIs.
    pub uris: Vec<String>,
}

/// The issuer's key as authorityKeyIdentifier names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorityKeyId {
    /// Key identifier.
    pub key_id: Option<Vec<u8>>,
    /// Name in the issuer's certificate's issuer field.
    pub issuer: Option<Name>,
    /// Serial number of the issuer's certificate, content octets.
    pub serial: Option<Vec<u8>>,
}

/// A certificate as decoded from its DER.
#[derive(Clone)]
pub struct CertificateImage {
    /// The DER itself.
    pub der: Vec<u8>,
    /// Serial number.
    pub serial: Serial,
    /// Signature algorithm; `None` for one that this CA does not verify.
    pub signature_algorithm: Option<SignatureAlgorithm>,
    /// Issuer's name.
    pub issuer: Name,
    /// Subject's name.
    pub subject: Name,
    /// Begin of validity.
    pub not_before: Timestamp,
    /// End of validity, that second included.
    pub not_after: Timestamp,
    /// The certified key.
    pub public_key: PublicKey,
    /// keyUsage bits that are set, in bit order.
    pub key_usage: Vec<KeyUsage>,
    /// Known purposes of extendedKeyUsage.
    pub purposes: Vec<Purpose>,
    /// basicConstraints: cA and pathLenConstraint.
    pub basic_constraints: Option<(bool, Option<u64>)>,
    /// The four items, where the certificate is a resident's for signatures.
    pub personal: Option<CertificateItemsText>,
    /// The common name taken apart, where it has the form of a resident's.
    pub number: Option<SubscriberNumber>,
    /// The common name taken apart, where it has the form of one who signs in.
    pub user: Option<UserName>,
    /// Policies in order.
    pub policies: Vec<Policy>,
    /// directoryName of subjectAltName (a CA's Japanese name).
    pub subject_directory_name: Option<Name>,
    /// dNSNames of subjectAltName.
    pub dns_names: Vec<String>,
    /// iPAddresses of subjectAltName.
    pub ip_addresses: Vec<IpAddr>,
    /// directoryName of issuerAltName (the issuer's Japanese name).
    pub issuer_directory_name: Option<Name>,
    /// Where the CRL is found.
    pub distribution_points: Vec<DistributionPointImage>,
    /// Where OCSP is found.
    pub ocsp: Vec<String>,
    /// Where the issuer's certificate is found.
    pub ca_issuers: Vec<String>,
    /// authorityKeyIdentifier.
    pub authority_key_id: Option<AuthorityKeyId>,
    /// subjectKeyIdentifier.
    pub subject_key_id: Option<Vec<u8>>,
    /// id-pkix-ocsp-nocheck is present.
    pub ocsp_no_check: bool,
    /// All extensions in order: dotted identifier and criticality.
    pub extensions: Vec<(String, bool)>,
}

impl CertificateImage {
    /// Decodes a certificate. What cannot be understood is a fault; extensions that
    /// this CA does not write are listed and otherwise left alone.
    pub fn decode(der: &[u8]) -> Result<Self, ImageFault> {
        if der.len() > MAX_OCTETS {
            return Err(ImageFault::TooLong);
        }
        let SignedParts {
            signed, algorithm, ..
        } = split_signed(der)?;
        let tbs = Tbs::parse(signed)?;
        if tbs.signature != algorithm {
            return Err(ImageFault::Algorithm);
        }
        let subject = Name::from_der(tbs.subject)?;
        let mut image = Self {
            der: der.to_vec(),
            serial: Serial::from_octets(tbs.serial)?,
            signature_algorithm: SignatureAlgorithm::from_identifier_der(algorithm),
            issuer: Name::from_der(tbs.issuer)?,
            number: subject
                .last("CN")
                .and_then(|text| SubscriberNumber::parse(&text)),
            user: subject.last("CN").and_then(|text| UserName::parse(&text)),
            subject,
            not_before: tbs.not_before.time()?,
            not_after: tbs.not_after.time()?,
            public_key: PublicKey::from_spki_der(tbs.spki)?,
            key_usage: Vec::new(),
            purposes: Vec::new(),
            basic_constraints: None,
            personal: None,
            policies: Vec::new(),
            subject_directory_name: None,
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            issuer_directory_name: None,
            distribution_points: Vec::new(),
            ocsp: Vec::new(),
            ca_issuers: Vec::new(),
            authority_key_id: None,
            subject_key_id: None,
            ocsp_no_check: false,
            extensions: Vec::new(),
        };
        for extension in &tbs.extensions {
            image
                .extensions
                .push((extension.name.to_string(), extension.critical));
            image.take_extension(extension.name, extension.value)?;
        }
        Ok(image)
    }

    fn take_extension(&mut self, name: ObjectIdentifier, value: &[u8]) -> Result<(), ImageFault> {
        match name {
            oid::KEY_USAGE => self.key_usage = key_usage(value)?,
            oid::EXTENDED_KEY_USAGE => {
                for purpose in Element::parse_as(value, asn1::SEQUENCE)?.inside()?.rest()? {
                    let purpose = purpose.oid()?;
                    self.purposes.extend(
                        Purpose::ALL
                            .into_iter()
                            .find(|known| known.oid() == purpose),
                    );
                }
            }
            oid::BASIC_CONSTRAINTS => self.basic_constraints = Some(basic_constraints(value)?),
            oid::SUBJECT_ALT_NAME => self.take_alternative_names(value)?,
            oid::ISSUER_ALT_NAME => self.issuer_directory_name = directory_name_in(value)?,
            oid::CERTIFICATE_POLICIES => self.policies = policies(value)?,
            oid::CRL_DISTRIBUTION_POINTS => {
                self.distribution_points = distribution_points(value)?;
            }
            oid::AUTHORITY_INFO_ACCESS => {
                for access in Element::parse_as(value, asn1::SEQUENCE)?.inside()?.rest()? {
                    let mut fields = access.expect(asn1::SEQUENCE)?.inside()?;
                    let method = fields.next()?.oid()?;
                    let place = fields.next()?;
                    fields.finish()?;
                    if place.tag == asn1::implicit(6) {
                        let uri = ia5(place.content)?.to_owned();
                        match method {
                            oid::OCSP => self.ocsp.push(uri),
                            oid::CA_ISSUERS => self.ca_issuers.push(uri),
                            _ => {}
                        }
                    }
                }
            }
            oid::AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_id = Some(authority_key_id(value)?);
            }
            oid::SUBJECT_KEY_IDENTIFIER => {
                let id = Element::parse_as(value, asn1::OCTET_STRING)?;
                self.subject_key_id = Some(id.content.to_vec());
            }
            oid::OCSP_NO_CHECK => self.ocsp_no_check = true,
            _ => {}
        }
        Ok(())
    }

    fn take_alternative_names(&mut self, value: &[u8]) -> Result<(), ImageFault> {
        self.subject_directory_name = directory_name_in(value)?;
        for name in Element::parse_as(value, asn1::SEQUENCE)?.inside()?.rest()? {
            if name.tag == asn1::implicit(2) {
                self.dns_names.push(ia5(name.content)?.to_owned());
            } else if name.tag == asn1::implicit(7) {
                self.ip_addresses.push(ip_address(name.content)?);
            }
        }
        self.personal = personal_data(&other_names(value)?);
        Ok(())
    }

    /// True for a certificate whose key may sign certificates.
    pub fn is_authority(&self) -> bool {
        matches!(self.basic_constraints, Some((true, _)))
            && self.key_usage.contains(&KeyUsage::KeyCertSign)
    }

    /// 生年月日 for people, in era form; `None` where there is none or it is no date.
    pub fn birth_date(&self) -> Option<BirthDate> {
        BirthDate::from_code(&self.personal.as_ref()?.birth_date).ok()
    }

    /// First and last day in Japan on which the certificate is in effect.
    pub fn days(&self) -> (JapaneseDay, JapaneseDay) {
        (
            JapaneseDay::of(self.not_before),
            JapaneseDay::of(self.not_after),
        )
    }

    /// The municipality whose window made the request, by the common name.
    pub fn municipality(&self) -> Option<MunicipalityCode> {
        let window = match (&self.number, &self.user) {
            (Some(number), _) => &number.window,
            (None, Some(user)) => &user.window,
            (None, None) => return None,
        };
        Some(window.municipality())
    }

    /// Verifies the signature with the issuer's key. Names, dates and purposes are
    /// other questions.
    pub fn verify_signature(&self, issuer: &PublicKey) -> Result<(), SignatureInvalid> {
        let SignedParts {
            signed, signature, ..
        } = split_signed(&self.der).map_err(|_| SignatureInvalid)?;
        let algorithm = self.signature_algorithm.ok_or(SignatureInvalid)?;
        issuer.verify(algorithm, signed, signature)
    }

    /// Whether `at` lies within the validity.
    pub fn is_in_effect(&self, at: Timestamp) -> bool {
        self.not_before <= at && at.as_second() <= self.not_after.as_second()
    }

    /// SHA-256 of the DER.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }
}

pub(crate) fn key_usage(value: &[u8]) -> Result<Vec<KeyUsage>, DerFault> {
    let bits = Element::parse_as(value, asn1::BIT_STRING)?;
    let octets = bits.content.get(1..).unwrap_or_default();
    Ok(KeyUsage::ALL
        .into_iter()
        .filter(|usage| {
            octets
                .get(usize::from(usage.bit() / 8))
                .is_some_and(|octet| octet & (0x80 >> (usage.bit() % 8)) != 0)
        })
        .collect())
}

pub(crate) fn basic_constraints(value: &[u8]) -> Result<(bool, Option<u64>), DerFault> {
    let mut fields = Element::parse_as(value, asn1::SEQUENCE)?.inside()?;
    let authority = match fields.optional(asn1::BOOLEAN)? {
        Some(authority) => authority.boolean()?,
        None => false,
    };
    let path = match fields.optional(asn1::INTEGER)? {
        Some(path) => Some(path.small_integer()?),
        None => None,
    };
    fields.finish()?;
    Ok((authority, path))
}

fn directory_name_in(general_names: &[u8]) -> Result<Option<Name>, ImageFault> {
    let mut names = Element::parse_as(general_names, asn1::SEQUENCE)?.inside()?;
    while !names.is_empty() {
        let name = names.next()?;
        if name.tag == asn1::explicit(4) {
            return Ok(Some(Name::from_der(name.content)?));
        }
    }
    Ok(None)
}

fn policies(value: &[u8]) -> Result<Vec<Policy>, DerFault> {
    let mut policies = Vec::new();
    for information in Element::parse_as(value, asn1::SEQUENCE)?.inside()?.rest()? {
        let mut fields = information.expect(asn1::SEQUENCE)?.inside()?;
        let mut policy = Policy {
            oid: fields.next()?.oid()?.to_string(),
            cps: None,
        };
        if let Some(qualifiers) = fields.optional(asn1::SEQUENCE)? {
            for qualifier in qualifiers.inside()?.rest()? {
                let mut parts = qualifier.expect(asn1::SEQUENCE)?.inside()?;
                if parts.next()?.oid()? == oid::CPS_QUALIFIER {
                    policy.cps = Some(parts.expect(asn1::IA5_STRING)?.text()?.to_owned());
                }
            }
        }
        fields.finish()?;
        policies.push(policy);
    }
    Ok(policies)
}

pub(crate) fn distribution_points(value: &[u8]) -> Result<Vec<DistributionPointImage>, ImageFault> {
    let mut points = Vec::new();
    for point in Element::parse_as(value, asn1::SEQUENCE)?.inside()?.rest()? {
        let mut fields = point.expect(asn1::SEQUENCE)?.inside()?;
        let mut image = DistributionPointImage::default();
        if let Some(choice) = fields.optional(asn1::explicit(0))? {
            image = distribution_point_name(choice.content)?;
        }
        points.push(image);
    }
    Ok(points)
}

/// Reads a DistributionPointName; only fullName occurs here.
pub(crate) fn distribution_point_name(choice: &[u8]) -> Result<DistributionPointImage, ImageFault> {
    let mut image = DistributionPointImage::default();
    let mut names: Cursor<'_> = Element::parse_as(choice, asn1::explicit(0))?.inside()?;
    while !names.is_empty() {
        let name = names.next()?;
        if name.tag == asn1::explicit(4) {
            image.name = Some(Name::from_der(name.content)?);
        } else if name.tag == asn1::implicit(6) {
            image.uris.push(ia5(name.content)?.to_owned());
        }
    }
    Ok(image)
}

fn authority_key_id(value: &[u8]) -> Result<AuthorityKeyId, ImageFault> {
    let mut id = AuthorityKeyId::default();
    for field in Element::parse_as(value, asn1::SEQUENCE)?.inside()?.rest()? {
        if field.tag == asn1::implicit(0) {
            id.key_id = Some(field.content.to_vec());
        } else if field.tag == asn1::explicit(1) {
            let name = field.inside()?.expect(asn1::explicit(4))?;
            id.issuer = Some(Name::from_der(name.content)?);
        } else if field.tag == asn1::implicit(2) {
            id.serial = Some(field.content.to_vec());
        }
    }
    Ok(id)
}

fn ia5(content: &[u8]) -> Result<&str, DerFault> {
    match std::str::from_utf8(content) {
        Ok(text) if text.is_ascii() => Ok(text),
        _ => Err(DerFault::Value("a character outside its string type")),
    }
}

fn ip_address(content: &[u8]) -> Result<IpAddr, DerFault> {
    if let Ok(four) = <[u8; 4]>::try_from(content) {
        Ok(IpAddr::from(four))
    } else if let Ok(sixteen) = <[u8; 16]>::try_from(content) {
        Ok(IpAddr::from(sixteen))
    } else {
        Err(DerFault::Value("an address of neither 4 nor 16 octets"))
    }
}
