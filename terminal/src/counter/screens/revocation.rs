//! Revocation at the window: the certificate by its serial number or its application,
//! the statutory ground, the applicant's identity.

use actix_web::HttpResponse;
use askama::Template;
use pki_core::certificate::image::CertificateImage;
use pki_core::id::ApplicationId;
use schema::wire::v1::ca::CertificateRecord;
use serde_json::{Value, json};

use super::answer::{Answer, answer, render};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::press::document;
use super::walk::{Document, Typed, documents, nothing};
use crate::counter::http::Window;
use crate::counter::issue::Revocation;
use crate::counter::{Counter, image};
use crate::local::{Fields, Kind, Problem};

/// Grounds on which a holder applies: Articles 9 and 10.
const GROUNDS: [&str; 4] = [
    "article9",
    "article10-leak",
    "article10-loss",
    "article10-damage",
];

#[derive(Template)]
#[template(path = "counter/find.html")]
struct FindPage {
    frame: Frame,
    sought: String,
}

/// The certificate that was found.
struct Found {
    serial: String,
    application: String,
    items: Vec<(&'static str, String)>,
    until: String,
    check_code: String,
    /// When and why it was revoked already.
    revoked: Option<String>,
}

#[derive(Template)]
#[template(path = "counter/revoke.html")]
struct RevokePage {
    frame: Frame,
    found: Found,
    grounds: [&'static str; 4],
    documents: Vec<Document>,
    typed: Typed,
}

#[derive(Template)]
#[template(path = "counter/revoked.html")]
struct RevokedPage {
    frame: Frame,
    serial: String,
    ground: String,
    at: String,
}

fn frame(counter: &Counter, desk: &Desk) -> Frame {
    Frame::new(counter, desk, "revocation.title").back_to("/screens/applications")
}

/// What is sought.
pub async fn page(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        counter.token()?;
        let page = FindPage {
            frame: frame(counter, desk),
            sought: String::new(),
        };
        render(&page, None)
    })
    .await
}

fn shown(image: &Value, application: &str, revoked: Option<String>) -> Found {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let item = |key: &'static str, name: &str| (key, text(&image["items"][name]["value"]));
    Found {
        serial: text(&image["serial"]),
        application: application.to_owned(),
        items: vec![
            item("item.name", "name"),
            item("item.birth-date", "birth_date"),
            item("item.sex", "sex"),
            item("item.address", "address"),
        ],
        until: text(&image["valid"]["until"]["era"]),
        check_code: text(&image["check_code"]),
        revoked,
    }
}

fn found(counter: &Counter, fields: &Fields) -> Result<Found, Problem> {
    if let Some(application) = fields.filled("application") {
        let id: ApplicationId = application.parse().map_err(|_| nothing())?;
        return Ok(shown(&counter.image(&id)?, &application, None));
    }
    let serial: String = fields
        .text("serial")
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .flat_map(char::to_lowercase)
        .collect();
    if serial.is_empty() || serial.len() > 64 || !serial.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Problem::at(
            "/serial",
            "a serial number has hexadecimal digits",
            "証明書の写しにある発行番号（0～9とa～f）を入力してください。",
            "Enter the serial number from the printed copy: digits 0–9 and a–f.",
        ));
    }
    let token = counter.token()?;
    let path = format!("/v1/certificates/{serial}");
    let record: CertificateRecord = counter.again(|| counter.gateway().get(&path, Some(&token)))?;
    let decoded = CertificateImage::decode(&record.certificate.0)
        .map_err(|error| Problem::internal(&error))?;
    let revoked = record.revocation.map(|r| days::moment(&r.revoked_at));
    Ok(shown(&image::shown(&decoded), "", revoked))
}

fn form(
    counter: &Counter,
    desk: &Desk,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let page = RevokePage {
        found: found(counter, fields)?,
        frame: frame(counter, desk)
            .back_to("/screens/revocation")
            .telling(problem),
        grounds: GROUNDS,
        documents: documents(desk),
        typed: Typed::of(fields),
    };
    render(&page, problem)
}

/// Finds the certificate.
pub async fn find(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        match form(counter, desk, &fields, None) {
            Err(problem) if problem.kind() != Kind::SignInNeeded => {
                let page = FindPage {
                    frame: frame(counter, desk).telling(Some(&problem)),
                    sought: fields.text("serial").to_owned(),
                };
                render(&page, Some(&problem))
            }
            shown => shown,
        }
    })
    .await
}

fn wish(fields: &Fields) -> Result<Revocation, Problem> {
    let ground = fields.text("ground");
    if !GROUNDS.contains(&ground) {
        return Err(Problem::at(
            "/ground",
            "no ground was chosen",
            "失効の理由を選んでください。",
            "Choose the ground of the revocation.",
        ));
    }
    if !fields.ticked("face") {
        return Err(Problem::at(
            "/face",
            "the face was not compared",
            "顔写真と本人を見比べ、確認欄に印を付けてください。",
            "Compare the face with the photo and tick the box.",
        ));
    }
    let application = fields.filled("application");
    let asked = json!({
        "serial": if application.is_some() { None } else { fields.filled("serial") },
        "application": application,
        "ground": ground,
        "document": document(fields)?,
        "face_matches": true,
    });
    serde_json::from_value(asked).map_err(|_| nothing())
}

/// Revokes it.
pub async fn revoke(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        match wish(&fields).and_then(|wish| counter.revoke(wish)) {
            Ok(revoked) => {
                let text = |key: &str| revoked[key].as_str().unwrap_or_default().to_owned();
                let page = RevokedPage {
                    frame: frame(counter, desk),
                    serial: text("serial"),
                    ground: text("ground"),
                    at: days::moment(&text("revoked_at")),
                };
                render(&page, None)
            }
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            Err(problem) => form(counter, desk, &fields, Some(&problem)).map_err(|_| problem),
        }
    })
    .await
}
