//! Revocation at the window: the certificate by its serial number or its application,
//! the statutory ground, the applicant's identity.

use actix_web::HttpResponse;
use askama::Template;
use pki_core::certificate::CheckCode;
use pki_core::certificate::image::CertificateImage;
use pki_core::id::ApplicationId;
use schema::wire::v1::ca::CertificateRecord;
use schema::wire::v1::ra::{
    CardService, CertificateKind, CertificateSearchRequest, FoundCertificate, RegisterLookupRequest,
};
use serde_json::{Value, json};

use super::answer::{Answer, answer, render, telling};
use super::case::{Items, certificate_key, short};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::intake::look_up;
use super::press::document;
use super::walk::{Document, Typed, nothing, photo_documents};
use super::which::{Wanted, Which, kind, which};
use crate::counter::http::Window;
use crate::counter::issue::Revocation;
use crate::counter::notices::{NewNotice, Typed as TypedPasswords};
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
    /// It is revoked, and lies in the reader with its key.
    erase: bool,
    /// Key of the kind of certificate.
    certificate: &'static str,
}

/// A certificate of a person.
struct Line {
    name: String,
    serial: String,
    serial_end: String,
    until: String,
    standing: String,
    /// Key of the kind of certificate.
    certificate: &'static str,
}

#[derive(Template)]
#[template(path = "counter/find_person.html")]
struct PersonPage {
    frame: Frame,
    lines: Option<Vec<Line>>,
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
    /// The card with the key lies in the reader.
    card: bool,
    /// Key of the kind of certificate.
    certificate: &'static str,
    /// The certificate is issued again without a fee.
    reissue: bool,
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
    let user = &image["user"]["name"];
    Found {
        certificate: certificate_key(match user.is_string() {
            true => CertificateKind::UserAuthentication,
            false => CertificateKind::Signature,
        }),
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
        erase: false,
    }
}

/// A certificate for signing in says nothing of its holder: the gateway's record does.
fn with_holder(counter: &Counter, mut found: Found, image: &Value) -> Result<Found, Problem> {
    let Some(name) = image["user"]["name"].as_str() else {
        return Ok(found);
    };
    let asked = CertificateSearchRequest {
        serial: Some(found.serial.clone()),
        ..CertificateSearchRequest::default()
    };
    let holder = counter.find_certificates(&asked)?.into_iter().next();
    found.items = match holder.map(|holder| Items::of(&holder.items)) {
        Some(holder) => vec![
            ("item.name", holder.name),
            ("item.birth-date", holder.birth_date),
            ("item.address", holder.address),
        ],
        // Issued in another municipality: what is on the certificate is all there is here.
        None => Vec::new(),
    };
    found.items.push(("image.user-name", name.to_owned()));
    Ok(found)
}

fn found(counter: &Counter, fields: &Fields, serial: Option<String>) -> Result<Found, Problem> {
    if let Some(application) = fields.filled("application") {
        let id: ApplicationId = application.parse().map_err(|_| nothing())?;
        let image = counter.image(&id)?;
        return with_holder(counter, shown(&image, &application, None), &image);
    }
    let serial = match serial {
        Some(serial) => serial,
        None => printed(counter, fields)?,
    };
    let token = counter.token()?;
    let path = format!("/v1/certificates/{serial}");
    let record: CertificateRecord = counter.again(|| counter.gateway().get(&path, Some(&token)))?;
    let decoded = CertificateImage::decode(&record.certificate.0)
        .map_err(|error| Problem::internal(&error))?;
    let revoked = record.revocation.map(|r| days::moment(&r.revoked_at));
    let image = image::shown(&decoded);
    let mut found = with_holder(counter, shown(&image, "", revoked), &image)?;
    found.erase = found.revoked.is_some() && on_card_here(counter, &found.serial);
    Ok(found)
}

/// The serial number by what is printed on the copy: the check code, or the number itself.
fn printed(counter: &Counter, fields: &Fields) -> Result<String, Problem> {
    let typed = match fields.text("printed") {
        "" => fields.text("serial"),
        typed => typed,
    };
    if let Ok(code) = typed.parse::<CheckCode>() {
        let asked = CertificateSearchRequest {
            check_code: Some(code.to_string()),
            ..CertificateSearchRequest::default()
        };
        let found = counter.find_certificates(&asked)?.into_iter().next();
        return found.map(|found| found.serial).ok_or_else(|| {
            Problem::new(
                Kind::NotFound,
                "no certificate here has this check code",
                "この確認コードの証明書はありません。写しを見て入力し直すか、カードまたは氏名で探してください。",
                "No certificate here has this code. Type it again, or search by card or person.",
            )
        });
    }
    let serial: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .flat_map(char::to_lowercase)
        .collect();
    if serial.is_empty() || serial.len() > 64 || !serial.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Problem::at(
            "/serial",
            "neither a check code nor a serial number",
            "証明書の写しにある確認コード（4文字×4組）か発行番号（0～9とa～f）を入力してください。",
            "Enter the check code (four groups of four) or the serial number from the printed copy.",
        ));
    }
    Ok(serial)
}

/// Whether the card in the reader still carries this certificate: no card, or another's,
/// is no fault here.
fn on_card_here(counter: &Counter, serial: &str) -> bool {
    let here = |found: &FoundCertificate| found.serial == serial && found.erased_at.is_none();
    counter
        .certificates_on_card()
        .is_ok_and(|found| found.iter().any(here))
}

fn form(
    counter: &Counter,
    desk: &Desk,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let serial = match fields.text("by") {
        "card" => {
            let wanted = Wanted {
                title: "revocation.title",
                back: "/screens/revocation",
                action: "/screens/revocation/find",
                field: "by",
                value: "card".to_owned(),
            };
            let alive = |found: &FoundCertificate| found.standing != "revoked";
            match which(counter, desk, fields, alive, wanted)? {
                Which::One(found) => Some(found.serial),
                Which::Ask(page) => return Ok(page),
            }
        }
        _ => None,
    };
    let page = RevokePage {
        found: found(counter, fields, serial)?,
        frame: frame(counter, desk)
            .back_to("/screens/revocation")
            .telling(problem),
        grounds: GROUNDS,
        documents: photo_documents(desk),
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
                    sought: fields.text("printed").to_owned(),
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
                    certificate: certificate_key(kind(&fields)?.unwrap_or_default()),
                    card: on_card_here(counter, &text("serial")),
                    reissue: text("ground") == "article10-damage",
                    frame: frame(counter, desk),
                    serial: text("serial"),
                    ground: text("ground"),
                    at: days::moment(&text("revoked_at")),
                };
                render(&page, None)
            }
            Err(problem) => telling(problem, |problem| {
                form(counter, desk, &fields, Some(problem))
            }),
        }
    })
    .await
}

fn person_page(
    counter: &Counter,
    desk: &Desk,
    lines: Option<Vec<Line>>,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let page = PersonPage {
        frame: frame(counter, desk)
            .back_to("/screens/revocation")
            .telling(problem),
        lines,
    };
    render(&page, problem)
}

/// The search by person.
pub async fn person(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        counter.token()?;
        person_page(counter, desk, None, None)
    })
    .await
}

fn line(found: FoundCertificate) -> Line {
    let until = CertificateImage::decode(&found.certificate.0)
        .map(|image| days::moment(&image.not_after.to_string()))
        .unwrap_or_default();
    Line {
        name: found.items.name,
        certificate: certificate_key(found.certificate_kind),
        serial_end: short(&found.serial),
        serial: found.serial,
        until,
        standing: found.standing,
    }
}

fn of_person(counter: &Counter, fields: &Fields) -> Result<Vec<Line>, Problem> {
    let asked = RegisterLookupRequest {
        resident: fields.filled("resident"),
        name: fields.filled("name"),
        birth_date: fields.filled("birth_date"),
        ..RegisterLookupRequest::default()
    };
    let mut lines = Vec::new();
    for entry in look_up(counter, &asked)? {
        let asked = CertificateSearchRequest {
            resident: Some(entry.resident),
            ..CertificateSearchRequest::default()
        };
        lines.extend(counter.find_certificates(&asked)?.into_iter().map(line));
    }
    Ok(lines)
}

/// Certificates of the person that the register has.
pub async fn find_person(
    window: Window,
    desk: Desk,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        match of_person(counter, &fields) {
            Ok(lines) => person_page(counter, desk, Some(lines), None),
            Err(problem) => telling(problem, |problem| {
                person_page(counter, desk, None, Some(problem))
            }),
        }
    })
    .await
}

/// Erases key and certificate from the card in the reader, after the revocation. What is
/// interrupted is taken up again on the notice's page.
pub async fn erase(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, _| {
        let notice = counter.open_notice(NewNotice {
            idempotency_key: None,
            service: CardService::Erase,
            certificate_kind: kind(&fields)?.unwrap_or_default(),
            document: None,
            face_matches: false,
        })?;
        let id = crate::counter::http::notice_id(&notice.id)?;
        let nothing_typed = TypedPasswords {
            old_password: None,
            new_password: None,
            new_password_again: None,
        };
        match counter.carry_out(&id, &nothing_typed) {
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            // The notice stands: its page has the button to go on with.
            Ok(_) | Err(_) => Ok(Answer::Go(format!("/screens/notices/{id}"))),
        }
    })
    .await
}
