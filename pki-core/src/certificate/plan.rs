//! Planning a certificate: from what was decided to the bytes to sign.
//!
//! The only way to bytes to sign is through the lints: [`plan`] builds and lints,
//! [`Unsigned::from_stored`] parses and lints again.

use std::net::IpAddr;

use jiff::Timestamp;

use super::asn1;
use super::distribution_point::Place;
use super::issuer::Issuer;
use super::name::{Name, NameFault};
use super::profile::{AuthorityKeyIdForm, ExtensionKind, Profile, SubjectKind};
use super::public_key::PublicKey;
use super::serial::Serial;
use super::subscriber;
use super::tbs::extension;
use super::unsigned::{LintFaults, Unsigned};
use super::user;
use crate::id::TerminalId;
use crate::person::certificate_items::CertificateItems;

/// Everything that a certificate is made from.
pub struct PlanInput<'a> {
    /// What kind of certificate.
    pub profile: &'a Profile,
    /// Who signs it.
    pub issuer: &'a Issuer,
    /// Its number, fresh.
    pub serial: &'a Serial,
    /// The moment of issue; fractions of a second are cut off.
    pub now: Timestamp,
    /// The key to certify, its possession proved.
    pub public_key: &'a PublicKey,
    /// Whose key it is.
    pub subject: Subject<'a>,
}

/// Whose key is certified.
pub enum Subject<'a> {
    /// A resident.
    Subscriber(Subscriber<'a>),
    /// A resident who signs in.
    User(User<'a>),
    /// A terminal, kiosk, operator, gateway, server or responder.
    Party(Party<'a>),
    /// The issuer itself.
    Authority,
}

/// A resident's part.
pub struct Subscriber<'a> {
    /// The four items and their substitution flags.
    pub items: &'a CertificateItems,
    /// The municipality of residence.
    pub place: &'a Place,
    /// The window (受付窓口識別記号) of that municipality.
    pub terminal: TerminalId,
    /// When the request was made at the window.
    pub requested_at: Timestamp,
    /// Number that tells apart requests of one second; its last five digits are used.
    pub sequence: u32,
}

/// The part of a resident who signs in: nothing of the person.
pub struct User<'a> {
    /// The municipality of residence.
    pub place: &'a Place,
    /// The window (受付窓口識別記号) of that municipality.
    pub terminal: TerminalId,
}

/// A party's part.
pub struct Party<'a> {
    /// Its id, which becomes the common name.
    pub id: &'a str,
    /// dNSNames, for servers.
    pub dns_names: &'a [String],
    /// iPAddresses, for servers.
    pub ip_addresses: &'a [IpAddr],
}

/// Why nothing may be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// The profile certifies other subjects.
    #[error("the profile certifies other subjects")]
    SubjectKind,
    /// The profile certifies other keys.
    #[error("the profile does not certify keys of that kind")]
    KeyKind,
    /// The profile signs with an algorithm that the issuer's key cannot make.
    #[error("the issuer's key cannot make the profile's signatures")]
    Algorithm,
    /// The window belongs to another municipality.
    #[error("the window belongs to another municipality")]
    Place,
    /// A name cannot be written.
    #[error("a name cannot be written")]
    Name(#[from] NameFault),
    /// A DNS name is malformed.
    #[error("`{0}` is not a DNS name")]
    DnsName(String),
    /// A server needs a DNS name or an address.
    #[error("a server needs a DNS name or an address")]
    NoServerName,
    /// Lints speak against it.
    #[error(transparent)]
    Lints(#[from] LintFaults),
}

/// Builds the bytes to sign and lints them.
pub fn plan(input: &PlanInput<'_>) -> Result<Unsigned, PlanFault> {
    let PlanInput {
        profile,
        issuer,
        public_key,
        ..
    } = input;
    if !profile.accepts_key(public_key.kind()) {
        return Err(PlanFault::KeyKind);
    }
    if !profile.signature().fits(issuer.public_key().kind()) {
        return Err(PlanFault::Algorithm);
    }
    let subject = subject_name(input)?;
    let not_before = asn1::time(input.now);
    let not_after = asn1::time(profile.validity().end(input.now));
    let mut extensions = Vec::with_capacity(1536);
    for (line, fixed) in profile.lines() {
        if let Some(encoded) = fixed {
            extensions.extend_from_slice(encoded);
        } else if let Some(value) = extension_value(input, line.name)? {
            extensions.extend_from_slice(&extension(&line.name.oid(), line.critical, &value));
        }
    }
    let tbs = asn1::sequence(&[
        &[0xA0, 0x03, 0x02, 0x01, 0x02], // version 3
        &input.serial.to_der(),
        profile.signature_der(),
        issuer.subject().as_der(),
        &asn1::sequence(&[&not_before, &not_after]),
        subject.as_der(),
        public_key.spki_der(),
        &asn1::tlv(asn1::explicit(3), &[&asn1::sequence(&[&extensions])]),
    ]);
    Ok(Unsigned::from_stored(tbs, profile, issuer)?)
}

fn subject_name(input: &PlanInput<'_>) -> Result<Name, PlanFault> {
    let base = input.profile.subject_base();
    match (&input.subject, input.profile.subject_kind()) {
        (Subject::Subscriber(subscriber), SubjectKind::Subscriber) => {
            if subscriber.terminal.municipality() != subscriber.place.code {
                return Err(PlanFault::Place);
            }
            let number = subscriber::common_name(
                subscriber.requested_at,
                subscriber.sequence,
                &subscriber.terminal,
            );
            Ok(base
                .with("L", &subscriber.place.prefecture)?
                .with("L", &subscriber.place.municipality)?
                .with("CN", &number)?)
        }
        (Subject::User(user), SubjectKind::User) => {
            if user.terminal.municipality() != user.place.code {
                return Err(PlanFault::Place);
            }
            Ok(base.with("CN", &user::common_name(input.serial, &user.terminal))?)
        }
        (Subject::Party(party), SubjectKind::Party) => Ok(base.with("CN", party.id)?),
        (Subject::Authority, SubjectKind::Authority) => Ok(input.issuer.subject().clone()),
        _ => Err(PlanFault::SubjectKind),
    }
}

/// Value of an extension that depends on issuer or subject; `None` where it is left out.
fn extension_value(
    input: &PlanInput<'_>,
    kind: ExtensionKind,
) -> Result<Option<Vec<u8>>, PlanFault> {
    let issuer = input.issuer;
    Ok(match kind {
        ExtensionKind::SubjectAltName => match &input.subject {
            Subject::Subscriber(subscriber) => Some(subscriber::general_names(subscriber.items)),
            Subject::User(_) => None,
            Subject::Party(party) => Some(server_names(party)?),
            Subject::Authority => issuer.alternative_name.clone(),
        },
        ExtensionKind::IssuerAltName => issuer.alternative_name.clone(),
        ExtensionKind::CrlDistributionPoints => {
            let point = match (&input.subject, input.profile.distribution_points()) {
                (Subject::Subscriber(subscriber), Some(base)) => {
                    issuer.partition_distribution_point(base, subscriber.place)?
                }
                (Subject::User(user), Some(base)) => {
                    issuer.partition_distribution_point(base, user.place)?
                }
                _ => issuer.full_distribution_point(),
            };
            Some(point.to_extension())
        }
        ExtensionKind::AuthorityKeyIdentifier => match input.profile.authority_key_id() {
            Some(AuthorityKeyIdForm::Full) => Some(issuer.full_authority_key_id.clone()),
            _ => Some(issuer.short_authority_key_id.clone()),
        },
        ExtensionKind::SubjectKeyIdentifier => Some(asn1::octet_string(&input.public_key.key_id())),
        ExtensionKind::AuthorityInfoAccess => issuer.information_access.clone(),
        ExtensionKind::KeyUsage
        | ExtensionKind::CertificatePolicies
        | ExtensionKind::BasicConstraints
        | ExtensionKind::ExtendedKeyUsage
        | ExtensionKind::OcspNoCheck => input.profile.fixed_value(kind),
    })
}

fn server_names(party: &Party<'_>) -> Result<Vec<u8>, PlanFault> {
    let mut names = Vec::new();
    for name in party.dns_names {
        if !is_dns_name(name) {
            return Err(PlanFault::DnsName(name.clone()));
        }
        names.extend_from_slice(&asn1::tlv(asn1::implicit(2), &[name.as_bytes()]));
    }
    for address in party.ip_addresses {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        names.extend_from_slice(&asn1::tlv(asn1::implicit(7), &[&octets]));
    }
    if names.is_empty() {
        return Err(PlanFault::NoServerName);
    }
    Ok(asn1::sequence(&[&names]))
}

/// A DNS name in preferred syntax (RFC 1034 §3.5, RFC 1123 §2.1), lower case, no wildcard.
pub(crate) fn is_dns_name(name: &str) -> bool {
    name.len() <= 253
        && !name.is_empty()
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}
