//! From a template, or a fault, to the answer.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web;
use askama::Template;

use super::desk::{Desk, inside};
use super::frame::Frame;
use crate::counter::Counter;
use crate::counter::http::Window;
use crate::local::{Kind, Problem};

/// A page, or the way to another.
pub enum Answer {
    /// A page with its status.
    Page(u16, String),
    /// See there.
    Go(String),
}

#[derive(Template)]
#[template(path = "counter/problem.html")]
struct ProblemPage {
    frame: Frame,
}

/// A page from its template.
///
/// # Errors
/// [`Kind::Internal`]
pub fn render(template: &impl Template, problem: Option<&Problem>) -> Result<Answer, Problem> {
    let html = template
        .render()
        .map_err(|error| Problem::internal(&error))?;
    Ok(Answer::Page(problem.map_or(200, Problem::status), html))
}

/// The page again, telling what went wrong with its button. A clerk who has to sign in is sent
/// there instead; where the page cannot be shown either, the first fault is the one to tell.
///
/// # Errors
/// The problem, where no page tells of it.
pub fn telling(
    problem: Problem,
    page: impl FnOnce(&Problem) -> Result<Answer, Problem>,
) -> Result<Answer, Problem> {
    if problem.kind() == Kind::SignInNeeded {
        return Err(problem);
    }
    page(&problem).map_err(|_| problem)
}

/// Runs `work` off the server's threads and answers with its page. A fault that no page
/// tells of becomes a page of its own; without a session the way leads to the sign-in.
pub async fn answer(
    window: Window,
    desk: Desk,
    work: impl FnOnce(&Counter, &Desk) -> Result<Answer, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let counter = Arc::clone(&window);
    let done = web::block(move || {
        let done = work(&counter, &desk);
        done.or_else(|problem| fault(&counter, &desk, &problem))
    });
    match done.await.map_err(|error| Problem::internal(&error))?? {
        Answer::Page(status, html) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok(HttpResponse::build(status)
                .content_type("text/html; charset=utf-8")
                .body(html))
        }
        Answer::Go(address) => Ok(HttpResponse::SeeOther()
            .insert_header((LOCATION, address))
            .finish()),
    }
}

fn fault(counter: &Counter, desk: &Desk, problem: &Problem) -> Result<Answer, Problem> {
    if problem.kind() == Kind::SignInNeeded {
        let next = inside(&desk.here);
        let door = match counter.locked() {
            Some(_) => "lock",
            None => "sign-in",
        };
        return Ok(Answer::Go(format!("/screens/{door}?next={next}")));
    }
    let frame = Frame::new(counter, desk, "problem.title")
        .back_to("/screens/applications")
        .telling(Some(problem));
    render(&ProblemPage { frame }, Some(problem))
}

/// A paper to be printed.
pub fn pdf(bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header(("Content-Disposition", "inline; filename=\"sheet.pdf\""))
        .body(bytes)
}

/// A table (RFC 4180). The fields are codes and numbers of ours: none needs quotes.
pub fn csv<const N: usize>(name: &str, rows: &[[String; N]]) -> HttpResponse {
    let lines: String = rows.iter().map(|row| row.join(",") + "\r\n").collect();
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((
            "Content-Disposition",
            format!("attachment; filename=\"{name}.csv\""),
        ))
        .body(lines)
}
