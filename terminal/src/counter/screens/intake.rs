//! A new application: the person is found in the register, the items are taken over
//! from there and held beside the paper form.

use actix_web::HttpResponse;
use askama::Template;
use pki_core::id::ApplicationId;
use schema::wire::v1::ra::{
    CertificateKind, FourItemsMessage, GoneResident, ProxyMessage, RegisterEntryMessage,
    RegisterLookupRequest, RegisterLookupResponse,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::{Answer, answer, render};
use super::case::{Items, certificate_key};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::standing::{Choice, Standing, Told, Unfinished, residence_key};
use super::walk::nothing;
use crate::counter::Counter;
use crate::counter::acts::random_id;
use crate::counter::http::Window;
use crate::counter::steps::NewApplication;
use crate::local::{Fields, Kind, Problem};

/// What was searched for, shown again in the form.
#[derive(Default)]
struct Searched {
    resident: String,
    name: String,
    birth_date: String,
}

struct Found {
    resident: String,
    items: Items,
}

#[derive(Template)]
#[template(path = "counter/search.html")]
struct SearchPage {
    frame: Frame,
    searched: Searched,
    found: Option<Vec<Found>>,
    /// Who fits and is no resident any more.
    gone: Vec<Gone>,
}

struct Gone {
    name: String,
    resident: String,
    /// Key: `moved`, `deceased`, `deleted`.
    residence: &'static str,
    /// The last certificate, where there was one.
    told: Option<Told>,
}

#[derive(Template)]
#[template(path = "counter/items.html")]
struct ItemsPage {
    frame: Frame,
    resident: String,
    items: Items,
    wish: String,
    /// Key of the kind of certificate.
    certificate: &'static str,
    /// The other kind, where it is issued.
    other: Option<&'static str>,
    today: String,
    choice: Choice,
    /// There is more than one application to choose from.
    others: bool,
    unfinished: Vec<Unfinished>,
    told: Option<Told>,
    typed: TypedProxy,
}

/// What was typed of a proxy, shown again after a fault.
#[derive(Default)]
struct TypedProxy {
    name: String,
    power_of_attorney_on: String,
    seal_certificate_on: String,
}

impl TypedProxy {
    fn of(fields: &Fields) -> Self {
        let text = |name| fields.text(name).to_owned();
        Self {
            name: text("proxy_name"),
            power_of_attorney_on: text("power_of_attorney_on"),
            seal_certificate_on: text("seal_certificate_on"),
        }
    }

    fn is_empty(&self) -> bool {
        [
            &self.name,
            &self.power_of_attorney_on,
            &self.seal_certificate_on,
        ]
        .into_iter()
        .all(String::is_empty)
    }

    fn message(&self) -> Result<Option<ProxyMessage>, Problem> {
        if self.is_empty() {
            return Ok(None);
        }
        let day = |text: &str, name: &str| days::read(text, name).map(|day| day.to_string());
        Ok(Some(ProxyMessage {
            name: self.name.clone(),
            power_of_attorney_on: day(&self.power_of_attorney_on, "/proxy/power_of_attorney_on")?,
            seal_certificate_on: day(&self.seal_certificate_on, "/proxy/seal_certificate_on")?,
        }))
    }
}

#[derive(Template)]
#[template(path = "counter/choose.html")]
struct ChoosePage {
    frame: Frame,
    resident: String,
    choices: Vec<Choice>,
    unfinished: Vec<Unfinished>,
    told: Option<Told>,
    in_effect: bool,
    /// Key of the kind of certificate.
    certificate: &'static str,
    /// The other kind, where it is issued.
    other: Option<&'static str>,
}

fn frame(counter: &Counter, desk: &Desk) -> Frame {
    Frame::new(counter, desk, "new.title").back_to("/screens/applications")
}

/// The search.
pub async fn page(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        counter.token()?;
        let page = SearchPage {
            frame: frame(counter, desk),
            searched: Searched::default(),
            found: None,
            gone: Vec::new(),
        };
        render(&page, None)
    })
    .await
}

/// Residents who fit.
pub(super) fn look_up(
    counter: &Counter,
    asked: &RegisterLookupRequest,
) -> Result<Vec<RegisterEntryMessage>, Problem> {
    Ok(looked_up(counter, asked)?.entries)
}

fn looked_up(
    counter: &Counter,
    asked: &RegisterLookupRequest,
) -> Result<RegisterLookupResponse, Problem> {
    serde_json::from_value(counter.look_up(asked)?).map_err(|error| Problem::internal(&error))
}

/// Who is gone, with what became of the certificate.
fn gone(counter: &Counter, gone: GoneResident) -> Gone {
    let place = counter.config.terminal.municipality().to_string();
    // What cannot be told now does not keep the search from being shown.
    let told = counter
        .openings(&gone.resident, CertificateKind::Signature)
        .ok();
    Gone {
        residence: residence_key(gone.residence),
        told: told.and_then(|told| Standing::of(told, &place).told),
        name: gone.name,
        resident: gone.resident,
    }
}

fn by_number(resident: &str) -> RegisterLookupRequest {
    RegisterLookupRequest {
        resident: Some(resident.to_owned()),
        ..RegisterLookupRequest::default()
    }
}

/// Finds residents.
pub async fn search(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let asked = RegisterLookupRequest {
            resident: fields.filled("resident"),
            name: fields.filled("name"),
            birth_date: fields.filled("birth_date"),
            address: None,
        };
        let looked = looked_up(counter, &asked);
        let (found, problem) = match looked {
            Ok(found) => (Some(found), None),
            Err(problem) if problem.kind() == Kind::SignInNeeded => return Err(problem),
            Err(problem) => (None, Some(problem)),
        };
        let mut left = Vec::new();
        let found = found.map(|answer| {
            left = answer.gone;
            let found = answer.entries.into_iter().map(|entry| Found {
                items: Items::of(&as_items(&entry)),
                resident: entry.resident,
            });
            found.collect()
        });
        let page = SearchPage {
            frame: frame(counter, desk).telling(problem.as_ref()),
            searched: Searched {
                resident: asked.resident.unwrap_or_default(),
                name: asked.name.unwrap_or_default(),
                birth_date: asked.birth_date.unwrap_or_default(),
            },
            found,
            gone: left.into_iter().map(|one| gone(counter, one)).collect(),
        };
        render(&page, problem.as_ref())
    })
    .await
}

pub(super) fn as_items(entry: &RegisterEntryMessage) -> FourItemsMessage {
    FourItemsMessage {
        name: entry.name.clone(),
        birth_date: entry.birth_date.clone(),
        sex: entry.sex.clone(),
        address: entry.address.clone(),
    }
}

fn registered(counter: &Counter, resident: &str) -> Result<FourItemsMessage, Problem> {
    look_up(counter, &by_number(resident))?
        .first()
        .map(as_items)
        .ok_or_else(|| {
            Problem::new(
                Kind::NotFound,
                "the register has no resident of that number",
                "該当する住民がありません。検索し直してください。",
                "There is no such resident. Search again.",
            )
        })
}

fn form(
    counter: &Counter,
    desk: &Desk,
    fields: &Fields,
    wish: String,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let resident = fields.text("resident");
    let items = registered(counter, resident)?;
    let place = counter.config.terminal.municipality().to_string();
    let kind = certificate_kind(fields)?;
    let told = counter.openings(resident, kind)?;
    // The other certificate of the same card, where it is issued here.
    let other = told
        .issued_here
        .iter()
        .find(|other| **other != kind)
        .map(|other| certificate_key(*other));
    let standing = Standing::of(told, &place);
    let chosen = match fields.filled("kind") {
        Some(kind) => standing.chosen(&kind, fields.text("evidence")),
        None if standing.unfinished.is_empty() => standing.proposed(),
        None => None,
    };
    let frame = frame(counter, desk)
        .back_to("/screens/new")
        .telling(problem);
    let Some(choice) = chosen.cloned().filter(|_| !fields.ticked("choose")) else {
        let page = ChoosePage {
            frame,
            resident: resident.to_owned(),
            in_effect: standing.told.as_ref().is_some_and(|told| told.in_effect),
            choices: standing.choices,
            unfinished: standing.unfinished,
            told: standing.told,
            certificate: certificate_key(kind),
            other,
        };
        return render(&page, problem);
    };
    let page = ItemsPage {
        frame,
        resident: resident.to_owned(),
        items: Items::of(&items),
        wish,
        certificate: certificate_key(kind),
        other,
        today: days::era(days::today()),
        others: standing.choices.len() > 1,
        unfinished: standing.unfinished,
        told: standing.told,
        choice,
        typed: TypedProxy::of(fields),
    };
    render(&page, problem)
}

/// The items taken over, beside the paper; or what is open, where a choice is due.
pub async fn items(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let wish = hex::encode(random_id()?);
        form(counter, desk, &fields, wish, None)
    })
    .await
}

/// A word of the wire that a form carries back.
fn named<T: DeserializeOwned>(word: &str) -> Result<T, Problem> {
    serde_json::from_value(Value::String(word.to_owned())).map_err(|_| nothing())
}

/// Which certificate a form is about: the one for signatures where it does not say.
fn certificate_kind(fields: &Fields) -> Result<CertificateKind, Problem> {
    match fields.filled("certificate") {
        Some(word) => named(&word),
        None => Ok(CertificateKind::Signature),
    }
}

fn take_in(counter: &Counter, fields: &Fields, wish: &str) -> Result<ApplicationId, Problem> {
    let resident = fields.text("resident");
    let applied_on = days::read(fields.text("applied_on"), "/applied_on")?;
    let mut items = registered(counter, resident)?;
    // What stands otherwise on the paper goes in as written there: the identity check
    // stops on it.
    let written = [
        ("name", &mut items.name),
        ("birth_date", &mut items.birth_date),
        ("sex", &mut items.sex),
        ("address", &mut items.address),
    ];
    for (field, item) in written {
        if let Some(text) = fields.filled(field) {
            *item = text;
        }
    }
    let received = counter.receive(NewApplication {
        idempotency_key: Some(wish.to_owned()),
        kind: named(fields.text("kind"))?,
        certificate_kind: certificate_kind(fields)?,
        resident: Some(resident.to_owned()),
        items,
        applied_on: applied_on.to_string(),
        evidence: fields
            .filled("evidence")
            .map(|word| named(&word))
            .transpose()?,
        proxy: TypedProxy::of(fields).message()?,
    })?;
    let id = received["id"].as_str().unwrap_or_default();
    id.parse().map_err(|error| Problem::internal(&error))
}

/// Takes the application in.
pub async fn receive(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let wish = fields.text("wish");
        match take_in(counter, &fields, wish) {
            Ok(id) => Ok(Answer::Go(format!("/screens/applications/{id}"))),
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            Err(problem) => form(counter, desk, &fields, wish.to_owned(), Some(&problem)),
        }
    })
    .await
}
