//! Style, and how days, moments and deeds are written.

use actix_web::{HttpResponse, web::Path};
use jiff::{Timestamp, tz::Offset};
use pki_core::{
    calendar::JapaneseDay, disclosure::Decision, officer::OfficerDeed, person::era::day_in_era,
};

use super::words::Words;

const ASSETS: [(&str, &str); 4] = [
    (
        "tokens.css",
        include_str!("../../../terminal/assets/shared/tokens.css"),
    ),
    (
        "base.css",
        include_str!("../../../terminal/assets/shared/base.css"),
    ),
    (
        "counter.css",
        include_str!("../../../terminal/assets/counter/counter.css"),
    ),
    (
        "console.css",
        include_str!("../../assets/console/console.css"),
    ),
];

/// A style sheet.
pub async fn asset(name: Path<String>) -> HttpResponse {
    match ASSETS.iter().find(|(known, _)| *known == name.as_str()) {
        Some((_, text)) => HttpResponse::Ok()
            .content_type("text/css; charset=utf-8")
            .body(*text),
        None => HttpResponse::NotFound().finish(),
    }
}

/// A day as the reader writes it.
pub fn day(words: Words, day: JapaneseDay) -> String {
    match words {
        Words::Japanese => day_in_era(day.date()),
        Words::English => day.to_string(),
    }
}

/// A moment on the Japanese clock, to the minute.
pub fn moment(words: Words, at: Timestamp) -> String {
    let local = Offset::constant(9).to_datetime(at);
    let time = format!("{:02}:{:02}", local.hour(), local.minute());
    format!("{} {time}", day(words, JapaneseDay::of(at)))
}

/// What a deed says, row by row: key of the label, and text.
pub fn deed(words: Words, deed: &OfficerDeed) -> Vec<(&'static str, String)> {
    match deed {
        OfficerDeed::Decide { case, decision, .. } => {
            let mut rows = vec![
                ("case.number", case.to_string()),
                (
                    "decision.what",
                    words.t(&format!("decision.{}", decision.name())).to_owned(),
                ),
            ];
            match decision {
                Decision::Disclose | Decision::NoRecord => {}
                Decision::Correct { what, revoke } => {
                    rows.push(("decision.text", what.clone()));
                    if let Some(serial) = revoke {
                        rows.push(("decision.revoke", serial.to_string()));
                    }
                }
                Decision::Refuse { reason } => rows.push(("decision.reason", reason.clone())),
            }
            rows
        }
        OfficerDeed::Extend {
            case,
            reason,
            until,
            ..
        } => vec![
            ("case.number", case.to_string()),
            ("decision.until", day(words, *until)),
            ("decision.reason", reason.clone()),
        ],
        OfficerDeed::HandOver { case, .. } | OfficerDeed::Posted { case, .. } => {
            vec![("case.number", case.to_string())]
        }
        OfficerDeed::Enrol {
            kind,
            id,
            municipality,
            label,
            replace,
            ..
        } => vec![
            ("party.kind", words.t(&format!("kind.{kind}")).to_owned()),
            ("party.id", id.clone()),
            (
                "party.municipality",
                municipality.clone().unwrap_or_else(|| "—".to_owned()),
            ),
            ("party.label", label.clone()),
            (
                "party.replace",
                words.t(if *replace { "yes" } else { "no" }).to_owned(),
            ),
        ],
        OfficerDeed::Suspend { kind, id } | OfficerDeed::Resume { kind, id } => vec![
            ("party.kind", words.t(&format!("kind.{kind}")).to_owned()),
            ("party.id", id.clone()),
        ],
        OfficerDeed::PublishLists => Vec::new(),
        OfficerDeed::ReleaseBatch(held) | OfficerDeed::RefuseBatch(held) => vec![
            ("party.municipality", held.municipality.to_string()),
            ("register.batch", held.batch.to_string()),
            ("register.ends", held.ends.to_string()),
            ("register.sha256", held.sha256.to_string()),
        ],
        OfficerDeed::ReleaseStop {
            gateway,
            stop,
            serial,
            reason,
        } => vec![
            ("stop.gateway", gateway.clone()),
            ("stop.number", stop.clone()),
            ("item.serial", serial.clone()),
            ("stop.reason", reason.clone()),
        ],
    }
}
