//! A new application: the person is found in the register, the items are taken over
//! from there and held beside the paper form.

use actix_web::HttpResponse;
use askama::Template;
use pki_core::id::ApplicationId;
use schema::wire::v1::ra::{
    ApplicationKind, FourItemsMessage, RegisterEntryMessage, RegisterLookupRequest,
    RegisterLookupResponse,
};

use super::answer::{Answer, answer, render};
use super::case::Items;
use super::days;
use super::desk::Desk;
use super::frame::Frame;
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
}

#[derive(Template)]
#[template(path = "counter/items.html")]
struct ItemsPage {
    frame: Frame,
    resident: String,
    items: Items,
    wish: String,
    today: String,
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
    let found: RegisterLookupResponse = serde_json::from_value(counter.look_up(asked)?)
        .map_err(|error| Problem::internal(&error))?;
    Ok(found.entries)
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
        let looked = look_up(counter, &asked);
        let (found, problem) = match looked {
            Ok(found) => (Some(found), None),
            Err(problem) if problem.kind() == Kind::SignInNeeded => return Err(problem),
            Err(problem) => (None, Some(problem)),
        };
        let found = found.map(|entries| {
            let found = entries.into_iter().map(|entry| Found {
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
    resident: &str,
    wish: String,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let items = registered(counter, resident)?;
    let page = ItemsPage {
        frame: frame(counter, desk)
            .back_to("/screens/new")
            .telling(problem),
        resident: resident.to_owned(),
        items: Items::of(&items),
        wish,
        today: days::era(days::today()),
    };
    render(&page, problem)
}

/// The items taken over, beside the paper.
pub async fn items(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let wish = hex::encode(random_id()?);
        form(counter, desk, fields.text("resident"), wish, None)
    })
    .await
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
        kind: ApplicationKind::First,
        resident: Some(resident.to_owned()),
        items,
        applied_on: applied_on.to_string(),
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
            Err(problem) => form(
                counter,
                desk,
                fields.text("resident"),
                wish.to_owned(),
                Some(&problem),
            ),
        }
    })
    .await
}
