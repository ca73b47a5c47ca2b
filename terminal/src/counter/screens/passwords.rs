//! Password services (暗証番号): which one, who is before the clerk, and the holder's typing.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use schema::wire::v1::ra::{CardService, CertificateKind, FoundCertificate, Notice, NoticeStep};

use super::answer::{Answer, answer, render, telling};
use super::case::{Items, certificate_key, short};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::press::document;
use super::walk::{Document, Typed as TypedDocument, nothing, photo_documents};
use super::which::{Wanted, Which, kind, which};
use crate::counter::Counter;
use crate::counter::acts::random_id;
use crate::counter::http::{Window, notice_id};
use crate::counter::notices::{NewNotice, Typed};
use crate::kiosk::password::Password;
use crate::local::{Fields, Kind, Problem};

/// Services of the page, with their keys.
const SERVICES: [(&str, &str); 3] = [("change", "F5"), ("unlock", "F6"), ("initialise", "F8")];

/// A notice in the list.
struct Line {
    id: String,
    service: &'static str,
    /// Key of the kind of certificate.
    certificate: &'static str,
    name: String,
    opened: String,
}

#[derive(Template)]
#[template(path = "counter/passwords.html")]
struct PasswordsPage {
    frame: Frame,
    services: [(&'static str, &'static str); 3],
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "counter/notice_identity.html")]
struct IdentityPage {
    frame: Frame,
    service: &'static str,
    certificate: &'static str,
    items: Items,
    card: String,
    wish: String,
    documents: Vec<Document>,
    typed: TypedDocument,
}

#[derive(Template)]
#[template(path = "counter/notice.html")]
struct NoticePage {
    frame: Frame,
    id: String,
    service: &'static str,
    certificate: &'static str,
    /// The password is a PIN of four digits.
    pin: bool,
    step: &'static str,
    items: Items,
    card: String,
    ended: Option<String>,
}

const fn service_key(service: CardService) -> &'static str {
    match service {
        CardService::Change => "change",
        CardService::Unlock => "unlock",
        CardService::Initialise => "initialise",
        CardService::Erase => "erase",
    }
}

const fn step_key(step: NoticeStep) -> &'static str {
    match step {
        NoticeStep::Open => "open",
        NoticeStep::Interim => "interim",
        NoticeStep::Done => "done",
        NoticeStep::GivenUp => "given-up",
    }
}

fn service(fields: &Fields) -> Result<CardService, Problem> {
    match fields.text("service") {
        "change" => Ok(CardService::Change),
        "unlock" => Ok(CardService::Unlock),
        "initialise" => Ok(CardService::Initialise),
        "erase" => Ok(CardService::Erase),
        _ => Err(nothing()),
    }
}

fn line(notice: Notice) -> Line {
    Line {
        service: service_key(notice.service),
        certificate: certificate_key(notice.certificate_kind),
        name: notice.items.name.clone(),
        opened: days::short(&notice.opened_at),
        id: notice.id,
    }
}

fn choice(counter: &Counter, desk: &Desk, problem: Option<&Problem>) -> Result<Answer, Problem> {
    let page = PasswordsPage {
        lines: counter.open_notices()?.into_iter().map(line).collect(),
        frame: Frame::new(counter, desk, "passwords.title")
            .back_to("/screens/applications")
            .telling(problem),
        services: SERVICES,
    };
    render(&page, problem)
}

/// Which service, and notices that were interrupted.
pub async fn page(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| choice(counter, desk, None)).await
}

fn identity(
    counter: &Counter,
    desk: &Desk,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let service = service(fields)?;
    let wanted = Wanted {
        title: "passwords.title",
        back: "/screens/passwords",
        action: "/screens/passwords/find",
        field: "service",
        value: service_key(service).to_owned(),
    };
    let held = |found: &FoundCertificate| found.standing == "held";
    let found = match which(counter, desk, fields, held, wanted)? {
        Which::One(found) => found,
        Which::Ask(page) => return Ok(page),
    };
    let wish = match fields.filled("wish") {
        Some(wish) => wish,
        None => hex::encode(random_id()?),
    };
    let page = IdentityPage {
        frame: Frame::new(counter, desk, "passwords.title")
            .back_to("/screens/passwords")
            .telling(problem),
        service: service_key(service),
        certificate: certificate_key(found.certificate_kind),
        items: Items::of(&found.items),
        card: short(&found.card),
        wish,
        documents: photo_documents(desk),
        typed: TypedDocument::of(fields),
    };
    render(&page, problem)
}

/// Whose card it is, and the identity check.
pub async fn find(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        match identity(counter, desk, &fields, None) {
            Err(problem) if problem.kind() != Kind::SignInNeeded => {
                choice(counter, desk, Some(&problem)).map_err(|_| problem)
            }
            shown => shown,
        }
    })
    .await
}

fn wished(fields: &Fields) -> Result<NewNotice, Problem> {
    let service = service(fields)?;
    let erasing = service == CardService::Erase;
    if !erasing && !fields.ticked("face") {
        return Err(Problem::at(
            "/face",
            "the face was not compared",
            "顔写真と本人を見比べ、確認欄に印を付けてください。",
            "Compare the face with the photo and tick the box.",
        ));
    }
    Ok(NewNotice {
        idempotency_key: fields.filled("wish"),
        service,
        certificate_kind: kind(fields)?.unwrap_or_default(),
        document: if erasing {
            None
        } else {
            Some(document(fields)?)
        },
        face_matches: !erasing,
    })
}

/// Takes the notice in.
pub async fn open(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        match wished(&fields).and_then(|new| counter.open_notice(new)) {
            Ok(notice) => Ok(Answer::Go(format!("/screens/notices/{}", notice.id))),
            Err(problem) => telling(problem, |problem| {
                identity(counter, desk, &fields, Some(problem))
            }),
        }
    })
    .await
}

fn shown(
    counter: &Counter,
    desk: &Desk,
    id: &str,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let notice = counter.notice(&notice_id(id)?)?;
    let page = NoticePage {
        frame: Frame::new(counter, desk, "passwords.title")
            .back_to("/screens/passwords")
            .telling(problem),
        service: service_key(notice.service),
        certificate: certificate_key(notice.certificate_kind),
        pin: notice.certificate_kind == CertificateKind::UserAuthentication,
        step: step_key(notice.step),
        items: Items::of(&notice.items),
        card: short(&notice.card),
        ended: notice.ended_at.as_deref().map(days::moment),
        id: notice.id,
    };
    render(&page, problem)
}

/// A notice, to be carried out or ended.
pub async fn notice(
    window: Window,
    desk: Desk,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        shown(counter, desk, &path, None)
    })
    .await
}

/// What the holder typed; a field left empty is none.
fn typed(fields: &Fields) -> Typed {
    let password = |name| {
        let text = fields.secret(name);
        (!text.is_empty()).then(|| Password::from(text.as_str()))
    };
    Typed {
        old_password: password("old"),
        new_password: password("new"),
        new_password_again: password("again"),
    }
}

/// The buttons of a notice's page: carry out, give up.
pub async fn press(
    window: Window,
    desk: Desk,
    path: Path<(String, String)>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let (id, button) = path.into_inner();
        let notice = notice_id(&id)?;
        let pressed = match button.as_str() {
            "carry-out" => counter.carry_out(&notice, &typed(&fields)),
            "give-up" => counter.give_up_notice(&notice),
            _ => Err(nothing()),
        };
        match pressed {
            Ok(_) => Ok(Answer::Go(format!("/screens/notices/{id}"))),
            Err(problem) => telling(problem, |problem| shown(counter, desk, &id, Some(problem))),
        }
    })
    .await
}
