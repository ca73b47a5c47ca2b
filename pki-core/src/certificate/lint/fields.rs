//! Lints of the fields of TBSCertificate.

use super::Lint;
use super::facts::Facts;
use crate::certificate::asn1;
use crate::certificate::key_fitness;
use crate::certificate::profile::SubjectKind;
use crate::certificate::serial::Serial;
use crate::certificate::user::opaque;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "canonical",
        sentence: "The bytes to sign and what their extensions hold are DER (RFC 5280 §4.1, X.690 §10, §11).",
        holds: canonical,
    },
    Lint {
        name: "version",
        sentence: "When extensions are used, version MUST be 3 (RFC 5280 §4.1.2.1).",
        holds: |facts| facts.tbs.version == 2,
    },
    Lint {
        name: "serial-positive",
        sentence: "The serial number MUST be a positive integer (RFC 5280 §4.1.2.2).",
        holds: |facts| {
            facts
                .tbs
                .serial
                .first()
                .is_some_and(|first| first & 0x80 == 0)
                && facts.tbs.serial.iter().any(|octet| *octet != 0)
        },
    },
    Lint {
        name: "serial-length",
        sentence: "Conforming CAs MUST NOT use serialNumber values longer than 20 octets (RFC 5280 §4.1.2.2).",
        holds: |facts| facts.tbs.serial.len() <= 20,
    },
    Lint {
        name: "serial-random",
        sentence: "A serial number carries at least 64 random bits (policy): its DER is longer than 8 octets.",
        holds: |facts| facts.tbs.serial.len() > 8,
    },
    Lint {
        name: "signature-algorithm",
        sentence: "The signature field is the algorithm with which the CA signs (RFC 5280 §4.1.2.3), as the profile sets it.",
        holds: |facts| facts.tbs.signature == facts.profile.signature_der(),
    },
    Lint {
        name: "issuer-name",
        sentence: "The issuer field is the issuer's subject, byte for byte (RFC 5280 §4.1.2.4, §6.1.3).",
        holds: |facts| facts.tbs.issuer == facts.issuer.subject().as_der(),
    },
    Lint {
        name: "time-form",
        sentence: "Validity is UTCTime through 2049 and GeneralizedTime from 2050, with seconds and Z (RFC 5280 §4.1.2.5).",
        holds: time_form,
    },
    Lint {
        name: "validity-order",
        sentence: "notBefore lies before notAfter (RFC 5280 §4.1.2.5).",
        holds: |facts| match (facts.not_before, facts.not_after) {
            (Some(before), Some(after)) => before < after,
            _ => true,
        },
    },
    Lint {
        name: "validity-rule",
        sentence: "notAfter is 23:59:59 in Japan of the last day that the profile allows, the day of issue counted (Act Art 5).",
        holds: |facts| match (facts.not_before, facts.not_after) {
            (Some(before), Some(after)) if before < after => {
                after == facts.profile.validity().end(before)
            }
            _ => true,
        },
    },
    Lint {
        name: "validity-within-issuer",
        sentence: "A certificate lives within the validity of its issuer's (policy).",
        holds: |facts| match (facts.not_before, facts.not_after, facts.issuer.validity()) {
            (Some(before), Some(after), Some((first, last))) => first <= before && after <= last,
            _ => true,
        },
    },
    Lint {
        name: "subject-base",
        sentence: "The subject begins with the attributes that the profile sets (policy).",
        holds: subject_base,
    },
    Lint {
        name: "subject-form",
        sentence: "A resident's subject ends L, L, CN; a user's and a party's CN; an authority's is its issuer field (policy; RFC 5280 §4.1.2.6).",
        holds: subject_form,
    },
    Lint {
        name: "subject-strings",
        sentence: "C is a PrintableString and every other attribute a UTF8String (RFC 5280 §4.1.2.4, appendix A.1).",
        holds: |facts| {
            facts.subject.iter().flatten().all(|attribute| {
                (attribute.tag == asn1::PRINTABLE_STRING) == (attribute.key == "C")
                    && matches!(attribute.tag, asn1::PRINTABLE_STRING | asn1::UTF8_STRING)
            })
        },
    },
    Lint {
        name: "subject-lengths",
        sentence: "Attributes keep their upper bounds (RFC 5280 appendix A.1): C 2, O, OU and CN 64, L 128 characters.",
        holds: |facts| {
            facts.subject.iter().flatten().all(|attribute| {
                let longest = match attribute.key.as_str() {
                    "C" => 2,
                    "L" => 128,
                    _ => 64,
                };
                (1..=longest).contains(&attribute.value.chars().count())
            })
        },
    },
    Lint {
        name: "common-name",
        sentence: "A resident's common name is the time of the request, a number and the window, 28 characters (policy).",
        holds: |facts| {
            !facts.is(SubjectKind::Subscriber)
                || facts.subject_values("CN").len() != 1
                || facts.number.is_some()
        },
    },
    Lint {
        name: "user-name",
        sentence: "A user's common name is 14 characters that the serial number determines, so that nothing of the person is in them, and the window (policy).",
        holds: |facts| {
            let (true, Ok(serial)) = (
                facts.is(SubjectKind::User) && facts.subject_values("CN").len() == 1,
                Serial::from_octets(facts.tbs.serial),
            ) else {
                return true;
            };
            facts
                .user
                .as_ref()
                .is_some_and(|user| user.opaque == opaque(&serial))
        },
    },
    Lint {
        name: "request-time",
        sentence: "The request was made before the certificate's validity begins (policy; 10 minutes for clocks that differ).",
        holds: |facts| match (&facts.number, facts.not_before) {
            (Some(number), Some(before)) if facts.is(SubjectKind::Subscriber) => {
                number.requested_at.as_second() <= before.as_second() + 600
            }
            _ => true,
        },
    },
    Lint {
        name: "subject-key",
        sentence: "The key is of a kind and size that the profile certifies (policy), encoded as RFC 3279 and RFC 5480 say.",
        holds: |facts| {
            facts
                .key
                .as_ref()
                .is_some_and(|key| facts.profile.accepts_key(key.kind()))
        },
    },
    Lint {
        name: "authority-key",
        sentence: "An authority's own certificate carries the key that signs it, and no other certificate does (policy).",
        holds: |facts| {
            facts.key.as_ref().is_none_or(|key| {
                (key == facts.issuer.public_key()) == facts.is(SubjectKind::Authority)
            })
        },
    },
    Lint {
        name: "subject-key-fit",
        sentence: "The key has exponent 65537, no small factor and not the ROCA fingerprint (policy).",
        holds: |facts| match &facts.key {
            Some(key) if facts.profile.accepts_key(key.kind()) => key_fitness::check(key).is_ok(),
            _ => true,
        },
    },
];

fn canonical(facts: &Facts<'_>) -> bool {
    asn1::check_canonical(facts.tbs.raw).is_ok()
        && facts
            .tbs
            .extensions
            .iter()
            .all(|extension| asn1::check_canonical(extension.value).is_ok())
}

fn time_form(facts: &Facts<'_>) -> bool {
    let well_formed = |element: &asn1::Element<'_>| {
        element
            .time()
            .is_ok_and(|time| asn1::time(time) == element.raw)
    };
    well_formed(&facts.tbs.not_before) && well_formed(&facts.tbs.not_after)
}

fn subject_base(facts: &Facts<'_>) -> bool {
    let base = facts.profile.subject_base().attributes();
    let subject = facts.subject.as_deref().unwrap_or_default();
    subject.len() >= base.len()
        && base
            .iter()
            .zip(subject)
            .all(|(wanted, found)| wanted.key == found.key && wanted.value == found.value)
}

fn subject_form(facts: &Facts<'_>) -> bool {
    let Some(subject) = &facts.subject else {
        return false;
    };
    let base = facts.profile.subject_base().attributes().len();
    let keys: Vec<&str> = subject
        .iter()
        .skip(base)
        .map(|attribute| attribute.key.as_str())
        .collect();
    match facts.profile.subject_kind() {
        SubjectKind::Subscriber => keys == ["L", "L", "CN"],
        SubjectKind::User | SubjectKind::Party => keys == ["CN"],
        SubjectKind::Authority => facts.tbs.subject == facts.issuer.subject().as_der(),
    }
}
