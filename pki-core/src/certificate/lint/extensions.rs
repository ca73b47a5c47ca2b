//! Lints of the extensions.

use super::Lint;
use super::facts::Facts;
use crate::certificate::asn1;
use crate::certificate::distribution_point::DistributionPoint;
use crate::certificate::image::{Purpose, key_usage};
use crate::certificate::oid;
use crate::certificate::partition::{Partition, PartitionNumber};
use crate::certificate::profile::{AuthorityKeyIdForm, ExtensionKind, SubjectKind};

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "extensions-once",
        sentence: "A certificate MUST NOT include more than one instance of an extension (RFC 5280 §4.2).",
        holds: |facts| {
            let extensions = &facts.tbs.extensions;
            extensions
                .iter()
                .enumerate()
                .all(|(at, one)| extensions[..at].iter().all(|other| other.name != one.name))
        },
    },
    Lint {
        name: "extensions-known",
        sentence: "No extension stands in the certificate that the profile does not list (policy; basicConstraints has its own lint).",
        holds: |facts| {
            facts.tbs.extensions.iter().all(|extension| {
                extension.name == oid::BASIC_CONSTRAINTS
                    || facts.profile.line(extension.name).is_some()
            })
        },
    },
    Lint {
        name: "extensions-complete",
        sentence: "Every extension of the profile is there (policy); information access only where access is open.",
        holds: |facts| {
            facts.profile.lines().all(|(line, _)| {
                matches!(
                    line.name,
                    ExtensionKind::AuthorityInfoAccess | ExtensionKind::BasicConstraints
                ) || facts.tbs.extension(line.name.oid()).is_some()
            })
        },
    },
    Lint {
        name: "extensions-order",
        sentence: "Extensions stand in the order of the profile, which is the order on real cards (policy).",
        holds: order,
    },
    Lint {
        name: "extensions-criticality",
        sentence: "Extensions are critical where the profile says so and nowhere else (RFC 5280 §4.2.1; policy).",
        holds: |facts| {
            facts.tbs.extensions.iter().all(|extension| {
                facts
                    .profile
                    .line(extension.name)
                    .is_none_or(|line| line.critical == extension.critical)
            })
        },
    },
    Lint {
        name: "key-usage",
        sentence: "keyUsage has the bits of the profile (RFC 5280 §4.2.1.3).",
        holds: |facts| {
            facts.tbs.value(oid::KEY_USAGE).is_none_or(|value| {
                let mut wanted = facts.profile.key_usage().to_vec();
                wanted.sort();
                key_usage(value).is_ok_and(|found| found == wanted)
            })
        },
    },
    Lint {
        name: "basic-constraints",
        sentence: "Only an authority's certificate says cA TRUE (RFC 5280 §4.2.1.9), and nothing has basicConstraints that the profile does not list.",
        holds: |facts| {
            let wanted = facts
                .profile
                .line(oid::BASIC_CONSTRAINTS)
                .and_then(|line| facts.profile.fixed_value(line.name));
            facts.tbs.value(oid::BASIC_CONSTRAINTS) == wanted.as_deref()
        },
    },
    Lint {
        name: "extended-key-usage",
        sentence: "extendedKeyUsage has the purposes of the profile (RFC 5280 §4.2.1.12).",
        holds: |facts| fixed(facts, ExtensionKind::ExtendedKeyUsage),
    },
    Lint {
        name: "certificate-policies",
        sentence: "certificatePolicies names this environment's policy and its statement, once (RFC 5280 §4.2.1.4; policy).",
        holds: |facts| fixed(facts, ExtensionKind::CertificatePolicies),
    },
    Lint {
        name: "ocsp-no-check",
        sentence: "id-pkix-ocsp-nocheck holds NULL (RFC 6960 §4.2.2.2.1).",
        holds: |facts| fixed(facts, ExtensionKind::OcspNoCheck),
    },
    Lint {
        name: "subject-key-id",
        sentence: "subjectKeyIdentifier is the SHA-1 of the key's BIT STRING (RFC 5280 §4.2.1.2 (1)).",
        holds: |facts| match (facts.tbs.value(oid::SUBJECT_KEY_IDENTIFIER), &facts.key) {
            (Some(value), Some(key)) => value == asn1::octet_string(&key.key_id()),
            _ => true,
        },
    },
    Lint {
        name: "authority-key-id",
        sentence: "authorityKeyIdentifier names the issuer's key, and in its full form the issuer's certificate (RFC 5280 §4.2.1.1).",
        holds: |facts| {
            facts
                .tbs
                .value(oid::AUTHORITY_KEY_IDENTIFIER)
                .is_none_or(|value| {
                    value
                        == match facts.profile.authority_key_id() {
                            Some(AuthorityKeyIdForm::Full) => {
                                &facts.issuer.full_authority_key_id[..]
                            }
                            _ => &facts.issuer.short_authority_key_id,
                        }
                })
        },
    },
    Lint {
        name: "issuer-alternative-name",
        sentence: "issuerAltName is the issuer's subjectAltName: the governor's name in Japanese (規則16②一).",
        holds: |facts| {
            facts
                .tbs
                .value(oid::ISSUER_ALT_NAME)
                .is_none_or(|value| Some(value) == facts.issuer.alternative_name.as_deref())
        },
    },
    Lint {
        name: "authority-alternative-name",
        sentence: "An authority's subjectAltName is its name in Japanese, which its certificates repeat (policy).",
        holds: |facts| {
            !facts.is(SubjectKind::Authority)
                || facts
                    .tbs
                    .value(oid::SUBJECT_ALT_NAME)
                    .is_none_or(|value| Some(value) == facts.issuer.alternative_name.as_deref())
        },
    },
    Lint {
        name: "distribution-point",
        sentence: "There is one distribution point, a full name of one directory name and at most one URI (RFC 5280 §4.2.1.13; policy).",
        holds: |facts| {
            facts
                .tbs
                .value(oid::CRL_DISTRIBUTION_POINTS)
                .is_none_or(|value| point(facts).is_some_and(|point| point.to_extension() == value))
        },
    },
    Lint {
        name: "distribution-point-base",
        sentence: "The directory name lies where the profile places partitions; an authority's is its own name (policy).",
        holds: distribution_point_base,
    },
    Lint {
        name: "distribution-point-municipality",
        sentence: "The partition is that of the municipality in the subject (policy).",
        holds: distribution_point_municipality,
    },
    Lint {
        name: "distribution-point-uri",
        sentence: "The URI is that of the same list: the partition of the window's municipality, and none where access is registered (policy).",
        holds: distribution_point_uri,
    },
    Lint {
        name: "authority-information-access",
        sentence: "OCSP and the issuer's certificate are named where access is open, and nowhere else (policy; RFC 5280 §4.2.2.1).",
        holds: |facts| {
            let listed = facts.profile.line(oid::AUTHORITY_INFO_ACCESS).is_some();
            let wanted = facts.issuer.information_access.as_deref();
            facts.tbs.value(oid::AUTHORITY_INFO_ACCESS) == wanted.filter(|_| listed)
                // One that the profile does not list is another lint's fault.
                || !listed
        },
    },
    Lint {
        name: "server-names",
        sentence: "A server's subjectAltName holds DNS names in lower case and addresses, and nothing else (RFC 5280 §4.2.1.6).",
        holds: server_names,
    },
];

/// Whether an extension that the profile fixes has that value, if it is there and listed.
fn fixed(facts: &Facts<'_>, kind: ExtensionKind) -> bool {
    match (facts.tbs.value(kind.oid()), facts.profile.line(kind.oid())) {
        (Some(value), Some(_)) => facts.profile.fixed_value(kind).as_deref() == Some(value),
        _ => true,
    }
}

/// Known extensions, each at its first place, stand in the profile's order.
fn order(facts: &Facts<'_>) -> bool {
    let mut found = Vec::with_capacity(facts.tbs.extensions.len());
    for extension in &facts.tbs.extensions {
        let place = facts
            .profile
            .lines()
            .position(|(line, _)| line.name.oid() == extension.name);
        found.extend(place.filter(|place| !found.contains(place)));
    }
    found.is_sorted()
}

/// The one distribution point, if it is made of one directory name and at most one URI.
fn point(facts: &Facts<'_>) -> Option<DistributionPoint> {
    let image = facts.point.as_ref()?;
    match (&image.name, &image.uris[..]) {
        (Some(name), []) => Some(DistributionPoint::new(name.clone(), None)),
        (Some(name), [uri]) => Some(DistributionPoint::new(name.clone(), Some(uri.clone()))),
        _ => None,
    }
}

fn distribution_point_base(facts: &Facts<'_>) -> bool {
    let Some(point) = point(facts) else {
        return true;
    };
    match facts.profile.distribution_points() {
        None => point.name() == facts.issuer.subject(),
        Some(base) => {
            let found = point.name().attributes();
            let base = base.attributes();
            found.len() == base.len() + 2
                && found.starts_with(&base)
                && found[base.len()].key == "OU"
                && found[base.len() + 1].key == "CN"
        }
    }
}

fn distribution_point_municipality(facts: &Facts<'_>) -> bool {
    let places = facts.subject_values("L");
    let (Some(point), [prefecture, municipality]) = (point(facts), &places[..]) else {
        return true;
    };
    if !facts.is(SubjectKind::Subscriber) || !distribution_point_base(facts) {
        return true;
    }
    point.name().last("OU").as_deref() == Some(prefecture)
        && point
            .name()
            .last("CN")
            .as_deref()
            .and_then(PartitionNumber::read_common_name)
            .is_some_and(|(name, _)| name == *municipality)
}

fn distribution_point_uri(facts: &Facts<'_>) -> bool {
    let Some(point) = point(facts) else {
        return true;
    };
    let publication = facts.issuer.publication();
    let wanted = match (facts.profile.subject_kind(), facts.window()) {
        (SubjectKind::Subscriber | SubjectKind::User, Some(window)) => {
            // Of which part the list is, its common name says.
            let number = point
                .name()
                .last("CN")
                .as_deref()
                .and_then(PartitionNumber::read_common_name)
                .map_or(PartitionNumber::FIRST, |(_, number)| number);
            publication.partition_crl(Partition {
                municipality: window.municipality(),
                number,
            })
        }
        (SubjectKind::Subscriber | SubjectKind::User, None) => return true,
        _ => publication.full_crl(),
    };
    point.uri() == wanted.as_deref()
}

fn server_names(facts: &Facts<'_>) -> bool {
    let Some(value) = facts.tbs.value(oid::SUBJECT_ALT_NAME) else {
        return true;
    };
    if !facts.is(SubjectKind::Party) || !facts.profile.purposes().contains(&Purpose::ServerAuth) {
        return true;
    }
    let Ok(names) = asn1::Element::parse_as(value, asn1::SEQUENCE)
        .and_then(|list| list.inside())
        .and_then(asn1::Cursor::rest)
    else {
        return false;
    };
    const DNS: u8 = asn1::implicit(2);
    const ADDRESS: u8 = asn1::implicit(7);
    !names.is_empty()
        && names.iter().all(|name| match name.tag {
            DNS => {
                std::str::from_utf8(name.content).is_ok_and(crate::certificate::plan::is_dns_name)
            }
            ADDRESS => matches!(name.content.len(), 4 | 16),
            _ => false,
        })
}
