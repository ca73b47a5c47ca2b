//! The audit log by what it says, and what was found as a file.

use actix_web::{HttpResponse, web};
use askama::Template;
use pki_core::calendar::JapaneseDay;
use serde_json::json;

use super::{
    answer::{Answer, Frame, answer, render},
    desk::{Desk, Fields, field},
    fault::Fault,
    text,
};
use crate::port::{
    officer::AuditFilter,
    store::{AuditEntry, AuditRecord},
};

/// Rows on a page.
const PAGE: u32 = 200;
/// Rows in a file; the whole log is exported at the command line, with its signed head.
const FILE: u32 = 10_000;

struct Line {
    at: String,
    event: String,
    outcome: String,
    refused: bool,
    actor: String,
    subject: String,
    place: String,
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage {
    frame: Frame,
    typed: Fields,
    lines: Vec<Line>,
    full: bool,
    query: String,
}

impl AuditPage {
    fn typed(&self, name: &str) -> String {
        field(&self.typed, name)
    }
}

fn day(fields: &Fields, name: &str) -> Result<Option<JapaneseDay>, Fault> {
    match field(fields, name).as_str() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Fault::field(
                [
                    "日付は 2026-11-22 のように入力してください。",
                    "Enter days like 2026-11-22.",
                ],
                "not a day of the calendar",
            )
        }),
    }
}

fn filter(fields: &Fields, limit: u32) -> Result<AuditFilter, Fault> {
    let text = |name: &str| Some(field(fields, name)).filter(|text| !text.is_empty());
    Ok(AuditFilter {
        event: text("event"),
        actor: text("actor"),
        subject: text("subject"),
        refused: field(fields, "refused") == "yes",
        from: day(fields, "from")?.map(JapaneseDay::first_second),
        until: day(fields, "until")?.map(JapaneseDay::last_second),
        limit,
    })
}

fn line(desk: &Desk, record: AuditRecord) -> Line {
    Line {
        at: text::moment(desk.words, record.at),
        refused: record.outcome != "done",
        event: record.event,
        outcome: record.outcome,
        actor: record.actor,
        subject: record.subject,
        place: format!("{} #{}", record.lane, record.sequence),
    }
}

/// The newest rows that fit.
pub async fn page(
    desk: Desk,
    request: actix_web::HttpRequest,
    query: web::Query<Fields>,
) -> Result<HttpResponse, Fault> {
    let text = request.query_string().to_owned();
    answer(desk, move |desk| {
        let typed = query.into_inner();
        let (found, fault) = match filter(&typed, PAGE) {
            Ok(filter) => (desk.app.store.search_audit(&filter)?, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let page = AuditPage {
            frame: Frame::new(desk, "audit", "audit.title").telling(fault.as_ref()),
            full: found.len() == PAGE as usize,
            lines: found.into_iter().map(|record| line(desk, record)).collect(),
            typed,
            query: text,
        };
        render(&page, fault.as_ref())
    })
    .await
}

/// What was found, as JSON lines. Taking it is itself in the log.
pub async fn export(desk: Desk, query: web::Query<Fields>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let found = desk.app.store.search_audit(&filter(&query, FILE)?)?;
        desk.app.store.record(AuditEntry {
            at: desk.app.clock.now(),
            event: "audit.extract",
            outcome: "done".to_owned(),
            actor: desk.officer.actor(),
            subject: "audit".to_owned(),
            detail: json!({ "rows": found.len() }),
        })?;
        let mut file = Vec::new();
        for record in &found {
            let line = json!({
                "lane": record.lane, "sequence": record.sequence, "at": record.at.to_string(),
                "event": record.event, "outcome": record.outcome, "actor": record.actor,
                "subject": record.subject, "detail": record.detail, "mac": hex::encode(record.mac),
            });
            file.extend_from_slice(line.to_string().as_bytes());
            file.push(b'\n');
        }
        Ok(Answer::File(
            "application/jsonl",
            "audit-rows.jsonl".to_owned(),
            file,
        ))
    })
    .await
}
