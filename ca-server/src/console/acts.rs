//! Acts: what waits for a second officer, the journal, and the page on which one signs.

use actix_web::{HttpResponse, web};
use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use pki_core::officer::{Part, State};

use super::{
    answer::{Answer, Frame, answer, render},
    cases,
    desk::{Desk, Fields, field},
    fault::Fault,
    text,
};
use crate::app::officer::{self, Known};

struct Line {
    id: String,
    deed: String,
    subject: String,
    proposer: String,
    second: String,
    at: String,
    outcome: String,
}

#[derive(Template)]
#[template(path = "console/acts.html")]
struct ActsPage {
    frame: Frame,
    awaiting: Vec<Line>,
    journal: Vec<Line>,
}

fn line(desk: &Desk, known: &Known) -> Line {
    let act = &known.act;
    Line {
        id: hex::encode(act.id),
        deed: known.deed.name().to_owned(),
        subject: known.deed.subject(),
        proposer: act.proposer.clone(),
        second: act.second.clone().unwrap_or_default(),
        at: text::moment(desk.words, act.since),
        outcome: match (act.state, &act.outcome) {
            (State::Rejected, _) => "rejected".to_owned(),
            (State::Done, Some(outcome)) if outcome == "done" => "done".to_owned(),
            (State::Done, _) => "failed".to_owned(),
            (State::Awaiting | State::Unsigned, _) => "awaiting".to_owned(),
        },
    }
}

/// What waits, and what was done.
pub async fn list(desk: Desk) -> Result<HttpResponse, Fault> {
    answer(desk, |desk| {
        let awaiting = officer::acts(&desk.app, Some(State::Awaiting))?;
        let journal = officer::acts(&desk.app, None)?;
        let page = ActsPage {
            awaiting: awaiting.iter().map(|known| line(desk, known)).collect(),
            journal: journal
                .iter()
                .filter(|known| known.act.state != State::Awaiting)
                .map(|known| line(desk, known))
                .collect(),
            frame: Frame::new(desk, "acts", "acts.title"),
        };
        render(&page, None)
    })
    .await
}

#[derive(Template)]
#[template(path = "console/act.html")]
struct ActPage {
    frame: Frame,
    id: String,
    line: Line,
    rows: Vec<(&'static str, String)>,
    awaiting: bool,
    mine: bool,
}

/// One act.
pub async fn page(desk: Desk, path: web::Path<String>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let known = officer::act(&desk.app, cases::id(&path)?)?;
        let page = ActPage {
            id: hex::encode(known.act.id),
            line: line(desk, &known),
            rows: text::deed(desk.words, &known.deed),
            awaiting: known.act.state == State::Awaiting,
            mine: known.act.proposer == desk.officer.id.to_string(),
            frame: Frame::new(desk, "acts", "act.title"),
        };
        render(&page, None)
    })
    .await
}

#[derive(Template)]
#[template(path = "console/sign.html")]
struct SignPage {
    frame: Frame,
    id: String,
    part: &'static str,
    deed: String,
    rows: Vec<(&'static str, String)>,
    statement: String,
    two: bool,
}

fn part(name: &str) -> Result<(Part, &'static str), Fault> {
    match name {
        "propose" => Ok((Part::Propose, "propose")),
        "approve" => Ok((Part::Approve, "approve")),
        "reject" => Ok((Part::Reject, "reject")),
        _ => Err(Fault::nothing()),
    }
}

fn shown(desk: &Desk, path: &(String, String), fault: Option<&Fault>) -> Result<Answer, Fault> {
    let known = officer::act(&desk.app, cases::id(&path.0)?)?;
    let (part, name) = part(&path.1)?;
    let statement = officer::statement(&desk.app, &desk.officer, &known, part);
    let page = SignPage {
        frame: Frame::new(desk, "acts", "sign.title").telling(fault),
        id: hex::encode(known.act.id),
        part: name,
        deed: known.deed.name().to_owned(),
        rows: text::deed(desk.words, &known.deed),
        statement: String::from_utf8_lossy(&statement.to_payload()).into_owned(),
        two: known.deed.needs_second(),
    };
    render(&page, fault)
}

/// The page on which one signs.
pub async fn signing(desk: Desk, path: web::Path<(String, String)>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| shown(desk, &path, None)).await
}

/// The statement as a file, for the program that signs it.
pub async fn statement(
    desk: Desk,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let path = path.into_inner();
        let known = officer::act(&desk.app, cases::id(&path.0)?)?;
        let (part, name) = part(&path.1)?;
        let statement = officer::statement(&desk.app, &desk.officer, &known, part);
        let file = format!("{name}-{}.json", hex::encode(known.act.id));
        Ok(Answer::File(
            "application/json",
            file,
            statement.to_payload(),
        ))
    })
    .await
}

/// Takes the signature.
pub async fn sign(
    desk: Desk,
    path: web::Path<(String, String)>,
    fields: web::Form<Fields>,
) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let path = path.into_inner();
        let id = cases::id(&path.0)?;
        let (part, _) = part(&path.1)?;
        let compact: String = field(&fields, "signature")
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let signed = STANDARD
            .decode(compact)
            .map_err(|_| {
                Fault::field(
                    [
                        "署名（base64）を貼り付けてください。",
                        "Paste the signature in base64.",
                    ],
                    "not base64",
                )
            })
            .and_then(|signature| {
                Ok(officer::sign(
                    &desk.app,
                    &desk.officer,
                    id,
                    part,
                    &signature,
                )?)
            });
        match signed {
            Ok(_) => Ok(Answer::Go(format!("/acts/{id}"))),
            Err(fault) => shown(desk, &path, Some(&fault)),
        }
    })
    .await
}
