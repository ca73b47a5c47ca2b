//! Lints of a resident's items in subjectAltName.

use super::Lint;
use super::facts::Facts;
use crate::calendar::JapaneseDay;
use crate::certificate::asn1;
use crate::certificate::oid;
use crate::certificate::profile::SubjectKind;
use crate::certificate::subscriber::ORDER;
use crate::person::certificate_items::CertificateItemsText;
use crate::person::era::BirthDate;
use crate::person::four_items::{Address, Name};
use crate::person::repertoire;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "items-six",
        sentence: "subjectAltName holds the six otherNames of JPKI as UTF8String, each once, in the order of real cards, and nothing else.",
        holds: six,
    },
    Lint {
        name: "items-name",
        sentence: "氏名 is family and given name separated by U+3000, in the form of certificates.",
        holds: |facts| {
            items(facts).is_none_or(|items| {
                outside_repertoire(&items.name)
                    || Name::parse(&items.name).is_ok_and(|name| name.as_str() == items.name)
            })
        },
    },
    Lint {
        name: "items-address",
        sentence: "住所 is in the full-width form of certificates.",
        holds: |facts| {
            items(facts).is_none_or(|items| {
                outside_repertoire(&items.address)
                    || Address::parse(&items.address)
                        .is_ok_and(|address| address.as_str() == items.address)
            })
        },
    },
    Lint {
        name: "items-repertoire",
        sentence: "Names and addresses are written in JIS X 0208 and JIS X 0212.",
        holds: |facts| {
            items(facts).is_none_or(|items| {
                !outside_repertoire(&items.name) && !outside_repertoire(&items.address)
            })
        },
    },
    Lint {
        name: "items-sex",
        sentence: "性別 is 1 or 2.",
        holds: |facts| items(facts).is_none_or(|items| matches!(items.sex.as_str(), "1" | "2")),
    },
    Lint {
        name: "items-birth-date",
        sentence: "生年月日 is era and date, EYYYYMMDD, of a day that was or of an unknown one.",
        holds: |facts| {
            items(facts).is_none_or(|items| BirthDate::from_code(&items.birth_date).is_ok())
        },
    },
    Lint {
        name: "items-born",
        sentence: "The resident was born before the certificate was issued.",
        holds: |facts| match (
            items(facts).map(|items| BirthDate::from_code(&items.birth_date)),
            facts.not_before,
        ) {
            (Some(Ok(birth)), Some(issued)) => !birth.is_after(JapaneseDay::of(issued)),
            _ => true,
        },
    },
    Lint {
        name: "substitution-length",
        sentence: "代替文字使用位置 has one digit per character of its item.",
        holds: |facts| {
            items(facts).is_none_or(|items| {
                let fits = |flags: &str, text: &str| flags.chars().count() == text.chars().count();
                fits(&items.name_substitution, &items.name)
                    && fits(&items.address_substitution, &items.address)
            })
        },
    },
    Lint {
        name: "substitution-digits",
        sentence: "代替文字使用位置 is made of 0 and 1.",
        holds: |facts| {
            items(facts).is_none_or(|items| {
                items
                    .name_substitution
                    .chars()
                    .chain(items.address_substitution.chars())
                    .all(|digit| matches!(digit, '0' | '1'))
            })
        },
    },
];

fn items<'a>(facts: &'a Facts<'_>) -> Option<&'a CertificateItemsText> {
    facts
        .items
        .as_ref()
        .filter(|_| facts.is(SubjectKind::Subscriber))
}

fn outside_repertoire(text: &str) -> bool {
    !text.chars().all(repertoire::allows)
}

fn six(facts: &Facts<'_>) -> bool {
    if !facts.is(SubjectKind::Subscriber) {
        return true;
    }
    let Some(value) = facts.tbs.value(oid::SUBJECT_ALT_NAME) else {
        return true; // that it lacks is another lint's fault
    };
    let count = asn1::Element::parse_as(value, asn1::SEQUENCE)
        .and_then(|names| names.inside())
        .and_then(asn1::Cursor::rest)
        .map(|names| names.len());
    count == Ok(6)
        && facts
            .other_names
            .as_ref()
            .is_some_and(|names| names.len() == 6 && names.iter().map(|(name, _)| *name).eq(ORDER))
}
