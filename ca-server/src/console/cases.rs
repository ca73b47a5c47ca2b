//! Requests for disclosure and correction: the list by date, and one with its records.

use actix_web::{HttpResponse, web};
use askama::Template;
use pki_core::{
    application::identity::DocumentKind,
    disclosure::{Case, Delivery, Happening, Step, Term, Wish},
    id::ApplicationId,
    office_day::last_open,
    person::{era::BirthDate, municipality::Municipality},
};

use super::{
    answer::{Answer, Frame, answer, render},
    desk::{Desk, Fields},
    fault::Fault,
    text,
    words::Words,
};
use crate::app::{decide, letter, records::Record};

/// A request in the list. Names nobody: the list is no view of a record.
struct Line {
    id: String,
    number: String,
    wish: &'static str,
    place: String,
    requested_on: String,
    due: String,
    left: Option<i32>,
    waiting: i32,
    look: &'static str,
    extended: bool,
    proxy: bool,
}

#[derive(Template)]
#[template(path = "console/cases.html")]
struct CasesPage {
    frame: Frame,
    step: String,
    lines: Vec<Line>,
}

fn place(case: &Case) -> String {
    let code = case.receipt.municipality;
    Municipality::find(code).map_or_else(|| code.to_string(), |place| place.name.clone())
}

fn line(words: Words, case: &Case, now: jiff::Timestamp) -> Line {
    let (due, left, waiting) = match case.term(now) {
        Term::Days { due, left } => (text::day(words, due), Some(left), 0),
        Term::WithoutDelay { waiting } => (words.t("case.without-delay").to_owned(), None, waiting),
    };
    Line {
        id: case.receipt.id.to_string(),
        number: letter::number(case),
        wish: wish(case),
        place: place(case),
        requested_on: text::day(words, case.request.requested_on),
        due,
        look: match left {
            Some(left) if left <= 0 => "late",
            Some(left) if left <= 7 => "soon",
            _ => "calm",
        },
        left,
        waiting,
        extended: case.extension.is_some(),
        proxy: case.request.proxy.is_some(),
    }
}

fn wish(case: &Case) -> &'static str {
    match case.request.wish {
        Wish::Disclosure => "disclosure",
        Wish::Correction(_) => "correction",
    }
}

/// Requests of one step, those that are owed first.
pub async fn list(desk: Desk, query: web::Query<Fields>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let now = desk.app.clock.now();
        let step = match query.get("step").map(String::as_str) {
            Some("answered") => Step::Answered,
            Some("delivered") => Step::Delivered,
            _ => Step::Open,
        };
        let cases = decide::list(&desk.app, step.as_str())?;
        let page = CasesPage {
            lines: cases
                .iter()
                .map(|case| line(desk.words, case, now))
                .collect(),
            step: step.as_str().to_owned(),
            frame: Frame::new(desk, "disclosures", "cases.title"),
        };
        render(&page, None)
    })
    .await
}

/// One certificate on the page.
struct Shown {
    serial: String,
    items: Vec<(&'static str, String)>,
    from: String,
    until: String,
    status: &'static str,
    revocation: Option<(String, String)>,
    lists: Vec<String>,
    by_register: bool,
    same_person: bool,
    disclosed: bool,
}

struct Entry {
    at: String,
    by: String,
    what: String,
    more: String,
}

#[derive(Template)]
#[template(path = "console/case.html")]
struct CasePage {
    frame: Frame,
    id: String,
    version: u32,
    line: Line,
    work_to: String,
    step: &'static str,
    person: Vec<(&'static str, String)>,
    request: Vec<(&'static str, String)>,
    records: Vec<Shown>,
    history: Vec<Entry>,
    correction: bool,
    by_post: bool,
    can_extend: bool,
    can_hand_over: bool,
    any_disclosed: bool,
}

/// The id of an address.
pub fn id(text: &str) -> Result<ApplicationId, Fault> {
    text.parse().map_err(|_| Fault::nothing())
}

/// A request with everything that is recorded about the person. Looking is in the audit log.
pub async fn page(desk: Desk, path: web::Path<String>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let id = id(&path)?;
        let seen = decide::view(&desk.app, &desk.officer.actor(), id)?;
        let (words, case) = (desk.words, &seen.case);
        let now = desk.app.clock.now();
        let person = &case.request.person;
        let born = BirthDate::from_code(&person.birth_date)
            .map_or_else(|_| person.birth_date.clone(), |date| date.to_string());
        let mut shown = vec![
            ("item.name", person.name.clone()),
            ("item.birth-date", born),
            ("item.address", person.address.clone()),
        ];
        if let Some(number) = &person.resident {
            shown.push(("item.resident", number.as_str().to_owned()));
        }
        if let Some(serial) = &person.serial {
            shown.push(("item.serial", serial.to_string()));
        }
        let page = CasePage {
            id: id.to_string(),
            version: seen.stored.version,
            line: line(words, case, now),
            work_to: case
                .due()
                .map(|due| text::day(words, last_open(due)))
                .unwrap_or_default(),
            step: case.step.as_str(),
            person: shown,
            request: request(words, case),
            any_disclosed: seen.records.iter().any(Record::is_disclosed),
            records: seen
                .records
                .iter()
                .map(|record| record_shown(words, record))
                .collect(),
            history: case
                .history
                .iter()
                .map(|event| Entry {
                    at: text::moment(words, event.at),
                    by: event.by.clone(),
                    what: happening(words, &event.what),
                    more: more(words, &event.what),
                })
                .collect(),
            correction: matches!(case.request.wish, Wish::Correction(_)),
            by_post: case.request.delivery == Delivery::Post,
            can_extend: case.extension.is_none()
                && case
                    .first_due()
                    .is_some_and(|due| pki_core::calendar::JapaneseDay::of(now) <= due),
            can_hand_over: case.addressee != desk.app.office.addressee,
            frame: Frame::new(desk, "disclosures", "case.title"),
        };
        render(&page, None)
    })
    .await
}

fn request(words: Words, case: &Case) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("case.addressee", case.addressee.name().to_owned()),
        (
            "case.delivery",
            words
                .t(match case.request.delivery {
                    Delivery::Window => "delivery.window",
                    Delivery::Post => "delivery.post",
                })
                .to_owned(),
        ),
        (
            "case.identified",
            format!(
                "{}（{}）",
                document(words, &case.request.identification.document),
                case.receipt.operator
            ),
        ),
    ];
    if let Some(proxy) = &case.request.proxy {
        rows.push(("case.proxy", format!("{}　{}", proxy.name, proxy.address)));
    }
    if let Wish::Correction(correction) = &case.request.wish {
        rows.push(("case.disclosed", correction.disclosure.to_string()));
        rows.push(("case.purport", correction.purport.clone()));
        rows.push(("case.reason", correction.reason.clone()));
    }
    rows
}

/// The name of a kind of document.
fn document(words: Words, code: &str) -> &str {
    match (DocumentKind::find(code), words) {
        (Some(kind), Words::Japanese) => &kind.japanese,
        (Some(kind), Words::English) => &kind.english,
        (None, _) => code,
    }
}

fn record_shown(words: Words, record: &Record) -> Shown {
    let items = record.certificate.personal.as_ref();
    let born = items
        .and_then(|items| BirthDate::from_code(&items.birth_date).ok())
        .map_or_else(String::new, |date| date.to_string());
    let item = |text: Option<&String>| text.cloned().unwrap_or_default();
    Shown {
        serial: record.serial.to_string(),
        items: vec![
            ("item.name", item(items.map(|items| &items.name))),
            ("item.birth-date", born),
            ("item.address", item(items.map(|items| &items.address))),
        ],
        from: text::moment(words, record.certificate.not_before),
        until: text::moment(words, record.certificate.not_after),
        status: record.status,
        revocation: record.revocation.as_ref().map(|revoked| {
            (
                revoked.ground.clone(),
                text::moment(words, revoked.revoked_at),
            )
        }),
        lists: record
            .lists
            .iter()
            .map(|span| {
                let scope = if span.scope.is_empty() {
                    words.t("lists.full").to_owned()
                } else {
                    span.scope.clone()
                };
                format!("{scope}: {}–{} ({})", span.first, span.last, span.count)
            })
            .collect(),
        by_register: record.by_register,
        same_person: record.same_person,
        disclosed: record.is_disclosed(),
    }
}

fn happening(words: Words, what: &Happening) -> String {
    let key = match what {
        Happening::Received => "happening.received",
        Happening::Forwarded { .. } => "happening.forwarded",
        Happening::HandedOver { .. } => "happening.handed-over",
        Happening::Extended(_) => "happening.extended",
        Happening::Decided(_) => "happening.decided",
        Happening::Delivered => "happening.delivered",
        Happening::PrintedAgain => "happening.printed-again",
    };
    words.t(key).to_owned()
}

fn more(words: Words, what: &Happening) -> String {
    match what {
        Happening::Forwarded { to } => to.name().to_owned(),
        Happening::HandedOver { from, to } => format!("{} → {}", from.name(), to.name()),
        Happening::Extended(extension) => {
            format!(
                "{}　{}",
                text::day(words, extension.until),
                extension.reason
            )
        }
        Happening::Decided(decision) => {
            words.t(&format!("decision.{}", decision.name())).to_owned()
        }
        Happening::Received | Happening::Delivered | Happening::PrintedAgain => String::new(),
    }
}

/// The answer on paper.
pub async fn answer_pdf(desk: Desk, path: web::Path<String>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let id = id(&path)?;
        let pdf = decide::answer(&desk.app, &desk.officer.actor(), id)?;
        Ok(Answer::File(
            "application/pdf",
            format!("answer-{id}.pdf"),
            pdf,
        ))
    })
    .await
}

/// The letter that tells of an extension.
pub async fn extension_pdf(desk: Desk, path: web::Path<String>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let id = id(&path)?;
        let pdf = decide::extension(&desk.app, &desk.officer.actor(), id)?;
        Ok(Answer::File(
            "application/pdf",
            format!("extension-{id}.pdf"),
            pdf,
        ))
    })
    .await
}
