//! Disclosure and correction on the clerk's screens: the list, the request, the hand-over.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use pki_core::calendar::JapaneseDay;
use pki_core::disclosure::{
    Correction, Delivery, Identification, Person, Proxy, RequestContent, Wish,
};
use pki_core::id::ApplicationId;
use schema::wire::v1::disclosure::DisclosureLine;
use schema::wire::v1::ra::RegisterLookupRequest;

use super::answer::{Answer, answer, render, telling};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::intake::look_up;
use super::press::document;
use super::walk::{Document, Typed, nothing, photo_documents};
use crate::counter::Counter;
use crate::counter::acts::random_id;
use crate::counter::http::{Window, id};
use crate::local::{Fields, Kind, Problem};

/// A request in the list.
struct Line {
    id: String,
    number: String,
    wish: String,
    step: String,
    requested_on: String,
    due: String,
    left: String,
    /// `late`, `soon`, `calm`
    look: &'static str,
    addressee: String,
}

fn line(line: DisclosureLine) -> Line {
    Line {
        number: line.id.get(..8).unwrap_or(&line.id).to_uppercase(),
        requested_on: days::day(&line.requested_on),
        due: line.due.as_deref().map(days::day).unwrap_or_default(),
        look: match line.days_left {
            Some(left) if left <= 0 && line.step == "open" => "late",
            Some(left) if left <= 7 && line.step == "open" => "soon",
            _ => "calm",
        },
        left: line
            .days_left
            .filter(|_| line.step == "open")
            .map(|left| left.to_string())
            .unwrap_or_default(),
        id: line.id,
        wish: line.wish,
        step: line.step,
        addressee: line.addressee,
    }
}

#[derive(Template)]
#[template(path = "counter/disclosures.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
}

fn frame(counter: &Counter, desk: &Desk) -> Frame {
    Frame::new(counter, desk, "disclosure.title").back_to("/screens/disclosures")
}

/// The requests of the municipality.
pub async fn list(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        let list = counter.disclosures()?;
        let page = ListPage {
            frame: frame(counter, desk).back_to("/screens/applications"),
            lines: list.disclosures.into_iter().map(line).collect(),
        };
        render(&page, None)
    })
    .await
}

/// What was typed, shown again after a fault.
#[derive(Default)]
struct Form {
    id: String,
    /// The disclosure that a correction speaks of; else empty.
    about: String,
    name: String,
    birth_date: String,
    address: String,
    resident: String,
    serial: String,
    requested_on: String,
    by_post: bool,
    purport: String,
    reason: String,
    disclosed_on: String,
    proxy_name: String,
    proxy_address: String,
    power_of_attorney: bool,
    seal_certificate: bool,
    inquiry_reply: bool,
}

impl Form {
    fn fresh(about: &str) -> Result<Self, Problem> {
        Ok(Self {
            id: ApplicationId::from_bytes(random_id()?).to_string(),
            about: about.to_owned(),
            requested_on: days::era(days::today()),
            ..Self::default()
        })
    }

    fn of(fields: &Fields) -> Self {
        let text = |name| fields.text(name).to_owned();
        Self {
            id: text("id"),
            about: text("about"),
            name: text("name"),
            birth_date: text("birth_date"),
            address: text("address"),
            resident: text("resident"),
            serial: text("serial"),
            requested_on: text("requested_on"),
            by_post: fields.text("delivery") == "post",
            purport: text("purport"),
            reason: text("reason"),
            disclosed_on: text("disclosed_on"),
            proxy_name: text("proxy_name"),
            proxy_address: text("proxy_address"),
            power_of_attorney: fields.ticked("power_of_attorney"),
            seal_certificate: fields.ticked("seal_certificate"),
            inquiry_reply: fields.ticked("inquiry_reply"),
        }
    }
}

#[derive(Template)]
#[template(path = "counter/disclose.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    documents: Vec<Document>,
    typed: Typed,
}

fn form(
    counter: &Counter,
    desk: &Desk,
    form: Form,
    typed: Typed,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    counter.token()?;
    let page = FormPage {
        frame: frame(counter, desk).telling(problem),
        form,
        documents: photo_documents(desk),
        typed,
    };
    render(&page, problem)
}

/// A new request for disclosure.
pub async fn new(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        form(counter, desk, Form::fresh("")?, Typed::default(), None)
    })
    .await
}

/// A request for correction of what was disclosed.
pub async fn correction(
    window: Window,
    desk: Desk,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let about = id(&path)?.to_string();
        form(counter, desk, Form::fresh(&about)?, Typed::default(), None)
    })
    .await
}

#[derive(Template)]
#[template(path = "counter/disclosed.html")]
struct TakenPage {
    frame: Frame,
    line: Line,
}

/// The two buttons of the form: copy from the register, or take the request in.
pub async fn take(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let typed = Typed::of(&fields);
        if fields.text("do") == "fill" {
            return fill(counter, desk, &fields, typed);
        }
        let taken = content(&fields).and_then(|(id, content)| counter.disclose(id, &content));
        match taken {
            Ok(taken) => {
                let page = TakenPage {
                    frame: frame(counter, desk),
                    line: line(taken),
                };
                render(&page, None)
            }
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            Err(problem) => form(counter, desk, Form::of(&fields), typed, Some(&problem)),
        }
    })
    .await
}

fn fill(counter: &Counter, desk: &Desk, fields: &Fields, typed: Typed) -> Result<Answer, Problem> {
    let mut filled = Form::of(fields);
    let asked = RegisterLookupRequest {
        resident: fields.filled("resident"),
        name: fields.filled("name").filter(|_| filled.resident.is_empty()),
        birth_date: fields
            .filled("birth_date")
            .filter(|_| filled.resident.is_empty()),
        address: None,
    };
    let found = match look_up(counter, &asked) {
        Ok(found) => found,
        Err(problem) if problem.kind() == Kind::SignInNeeded => return Err(problem),
        Err(problem) => return form(counter, desk, filled, typed, Some(&problem)),
    };
    let [one] = found.as_slice() else {
        let problem = Problem::at(
            "/resident",
            format!("{} residents fit", found.len()),
            "一人に決まりません。住民番号を入力するか、記録がない人はそのまま記入してください。",
            "Not one resident. Enter the register number, or go on by hand for somebody not in it.",
        );
        return form(counter, desk, filled, typed, Some(&problem));
    };
    filled.resident.clone_from(&one.resident);
    filled.name.clone_from(&one.name);
    filled.birth_date = days::birth(&one.birth_date);
    filled.address.clone_from(&one.address);
    form(counter, desk, filled, typed, None)
}

fn content(fields: &Fields) -> Result<(ApplicationId, RequestContent), Problem> {
    let day = |name: &str, pointer: &str| -> Result<JapaneseDay, Problem> {
        let date = days::read(fields.text(name), pointer)?;
        JapaneseDay::new(date.year(), date.month(), date.day()).ok_or_else(nothing)
    };
    let id: ApplicationId = fields.text("id").parse().map_err(|_| nothing())?;
    let wish = match fields.filled("about") {
        None => Wish::Disclosure,
        Some(about) => Wish::Correction(Correction {
            disclosure: about.parse().map_err(|_| nothing())?,
            disclosed_on: day("disclosed_on", "/disclosed_on")?,
            purport: fields.text("purport").to_owned(),
            reason: fields.text("reason").to_owned(),
        }),
    };
    let born = fields.text("birth_date");
    let person = Person {
        name: fields.text("name").to_owned(),
        birth_date: born
            .parse::<pki_core::person::era::BirthDate>()
            .map_or_else(|_| born.to_owned(), |date| date.code()),
        address: fields.text("address").to_owned(),
        resident: match fields.filled("resident") {
            None => None,
            Some(number) => Some(number.parse().map_err(|_| {
                Problem::at(
                    "/resident",
                    "not a register number",
                    "住民番号を確かめてください。",
                    "Check the register number.",
                )
            })?),
        },
        serial: match fields.filled("serial") {
            None => None,
            Some(serial) => Some(
                serial
                    .to_lowercase()
                    .replace([' ', ':'], "")
                    .parse()
                    .map_err(|_| {
                        Problem::at(
                            "/serial",
                            "not a serial number",
                            "証明書の写しにある発行番号を入力してください。",
                            "Enter the serial number from the printed copy.",
                        )
                    })?,
            ),
        },
    };
    let proxy = fields.filled("proxy_name").map(|name| Proxy {
        name,
        address: fields.text("proxy_address").to_owned(),
        power_of_attorney: fields.ticked("power_of_attorney"),
        seal_certificate: fields.ticked("seal_certificate"),
        inquiry_reply: fields.ticked("inquiry_reply"),
    });
    let content = RequestContent {
        version: 1,
        wish,
        person,
        proxy,
        requested_on: day("requested_on", "/requested_on")?,
        delivery: if fields.text("delivery") == "post" {
            Delivery::Post
        } else {
            Delivery::Window
        },
        identification: identification(fields)?,
    };
    Ok((id, content))
}

fn identification(fields: &Fields) -> Result<Identification, Problem> {
    let shown = document(fields)?;
    Ok(Identification {
        document: shown.kind,
        issuer: shown.issuer,
        expires_on: shown.expires_on.and_then(|day| day.parse().ok()),
        face_matches: fields.ticked("face"),
    })
}

#[derive(Template)]
#[template(path = "counter/deliver.html")]
struct DeliverPage {
    frame: Frame,
    line: Line,
    documents: Vec<Document>,
    typed: Typed,
}

fn handing_over(
    counter: &Counter,
    desk: &Desk,
    id: &ApplicationId,
    typed: Typed,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let page = DeliverPage {
        line: line(counter.disclosure(id)?),
        frame: frame(counter, desk).telling(problem),
        documents: photo_documents(desk),
        typed,
    };
    render(&page, problem)
}

/// Who fetches the answer.
pub async fn delivery(
    window: Window,
    desk: Desk,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        handing_over(counter, desk, &id(&path)?, Typed::default(), None)
    })
    .await
}

#[derive(Template)]
#[template(path = "counter/delivered.html")]
struct DeliveredPage {
    frame: Frame,
    line: Line,
}

/// Fetches the answer and shows where it is printed.
pub async fn deliver(
    window: Window,
    desk: Desk,
    path: Path<String>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let id = id(&path)?;
        let typed = Typed::of(&fields);
        let done = identification(&fields).and_then(|shown| counter.deliver_disclosure(id, &shown));
        match done {
            Ok(delivered) => {
                let page = DeliveredPage {
                    frame: frame(counter, desk),
                    line: line(delivered),
                };
                render(&page, None)
            }
            Err(problem) => telling(problem, |problem| {
                handing_over(counter, desk, &id, typed, Some(problem))
            }),
        }
    })
    .await
}
