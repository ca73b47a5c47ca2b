//! Sign-in, lock, and language.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::answer::{Answer, answer, render};
use super::desk::{Desk, LANGUAGE, inside};
use super::frame::Frame;
use super::words::Language;
use crate::counter::Counter;
use crate::counter::http::Window;
use crate::counter::idle::Reason;
use crate::local::fence::{Fence, closed};
use crate::local::{Fields, Problem};

#[derive(Template)]
#[template(path = "counter/sign_in.html")]
struct SignInPage {
    frame: Frame,
    /// Why nobody is at work, and whose work it is.
    locked: Option<(String, String)>,
    /// Where to go on after the sign-in.
    next: String,
}

/// `/`: on to the list, or how a browser gets there that has not been given the secret.
pub async fn start(fence: Data<Fence>, request: HttpRequest) -> HttpResponse {
    if !fence.knows(&request) {
        return closed(StatusCode::OK);
    }
    HttpResponse::SeeOther()
        .insert_header((LOCATION, "/screens/applications"))
        .finish()
}

fn shown(
    counter: &Counter,
    desk: &Desk,
    next: &str,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let locked = counter.locked().map(|locked| {
        let why = match locked.reason {
            Reason::Pressed => "pressed",
            Reason::Idle => "idle",
            Reason::Suspended => "suspended",
        };
        (why.to_owned(), locked.label)
    });
    let title = match &locked {
        Some((why, _)) if why == "suspended" => "lock.suspended-title",
        Some(_) => "lock.title",
        None => "sign-in.title",
    };
    let frame = Frame::new(counter, desk, title).telling(problem);
    let next = inside(next).to_owned();
    render(
        &SignInPage {
            frame,
            locked,
            next,
        },
        problem,
    )
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    next: String,
}

/// The sign-in.
pub async fn page(
    window: Window,
    desk: Desk,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        shown(counter, desk, &asked.next, None)
    })
    .await
}

/// The lock, once the screen has locked itself or somebody did; a page that is at work is
/// gone back to.
pub async fn locked(
    window: Window,
    desk: Desk,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        counter.watch_idle();
        if counter.operator().is_some() {
            return Ok(Answer::Go(inside(&asked.next).to_owned()));
        }
        shown(counter, desk, &asked.next, None)
    })
    .await
}

/// A key was pressed on a page: what the page's script tells now and then, so that nobody is
/// locked out while typing.
pub async fn awake(window: Window, _: Fields) -> HttpResponse {
    window.awake();
    HttpResponse::NoContent().finish()
}

/// Card and PIN.
pub async fn sign_in(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let next = inside(fields.text("next"));
        match counter.sign_in(&fields.secret("pin")) {
            // Another operator than the one whose work was locked takes the window over.
            Ok(told) if told["another"] == true => {
                Ok(Answer::Go("/screens/office/shift".to_owned()))
            }
            Ok(_) => Ok(Answer::Go(next.to_owned())),
            Err(problem) => shown(counter, desk, next, Some(&problem)),
        }
    })
    .await
}

/// Ends the session; the PIN opens the same page again.
pub async fn lock(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        counter.lock_screen(Reason::Pressed);
        shown(counter, desk, fields.text("here"), None)
    })
    .await
}

/// Changes the language.
pub async fn language(fields: Fields) -> HttpResponse {
    let code = Language::of(fields.text("to")).code();
    let cookie = format!("{LANGUAGE}={code}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000");
    HttpResponse::SeeOther()
        .insert_header((SET_COOKIE, cookie))
        .insert_header((LOCATION, inside(fields.text("here")).to_owned()))
        .finish()
}
