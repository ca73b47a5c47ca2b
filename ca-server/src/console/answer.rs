//! From a template, or a fault, to the answer.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::LOCATION},
    web,
};
use askama::Template;

use super::{desk::Desk, fault::Fault, words::Words};

/// The frame of a page.
pub struct Frame {
    pub words: Words,
    pub title: &'static str,
    /// Which of the areas it belongs to.
    pub area: &'static str,
    pub officer: String,
    pub label: String,
    pub auditor: bool,
    pub prefecture: String,
    /// Marked as for training.
    pub training: bool,
    pub here: String,
    pub fault: Option<(String, String)>,
}

impl Frame {
    /// The frame of a page in an area.
    pub fn new(desk: &Desk, area: &'static str, title: &'static str) -> Self {
        Self {
            words: desk.words,
            title,
            area,
            officer: desk.officer.id.to_string(),
            label: desk.officer.label.clone(),
            auditor: desk.officer.auditor,
            prefecture: desk.app.office.governor.clone(),
            training: desk.app.mode.is_training(),
            here: desk.here.clone(),
            fault: None,
        }
    }

    /// The same, telling a fault.
    pub fn telling(mut self, fault: Option<&Fault>) -> Self {
        self.fault = fault.map(|fault| {
            let say = match self.words {
                Words::Japanese => fault.say[0],
                Words::English => fault.say[1],
            };
            (say.to_owned(), fault.detail.clone())
        });
        self
    }

    /// A text in the reader's language.
    pub fn t<'k>(&self, key: &'k str) -> &'k str {
        self.words.t(key)
    }

    /// A text of a family: `step.open`.
    pub fn of(&self, family: &str, key: &str) -> String {
        self.words.t(&format!("{family}.{key}")).to_owned()
    }
}

/// A page, or the way to another.
pub enum Answer {
    Page(StatusCode, String),
    Go(String),
    File(&'static str, String, Vec<u8>),
}

#[derive(Template)]
#[template(path = "console/fault.html")]
struct FaultPage {
    frame: Frame,
}

/// A page from its template.
pub fn render(template: &impl Template, fault: Option<&Fault>) -> Result<Answer, Fault> {
    let html = template.render().map_err(|error| Fault::internal(&error))?;
    Ok(Answer::Page(
        fault.map_or(StatusCode::OK, |fault| fault.status),
        html,
    ))
}

/// Runs `work` off the server's threads and answers; a fault that no page tells of becomes
/// a page of its own.
pub async fn answer(
    desk: Desk,
    work: impl FnOnce(&Desk) -> Result<Answer, Fault> + Send + 'static,
) -> Result<HttpResponse, Fault> {
    let done = web::block(move || {
        work(&desk).or_else(|fault| {
            let frame = Frame::new(&desk, "", "fault.title").telling(Some(&fault));
            render(&FaultPage { frame }, Some(&fault))
        })
    })
    .await
    .map_err(|error| Fault::internal(&error))??;
    Ok(match done {
        Answer::Page(status, html) => HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .body(html),
        Answer::Go(address) => HttpResponse::SeeOther()
            .insert_header((LOCATION, address))
            .finish(),
        Answer::File(media_type, name, bytes) => HttpResponse::Ok()
            .content_type(media_type)
            .insert_header((
                "Content-Disposition",
                format!("inline; filename=\"{name}\""),
            ))
            .body(bytes),
    })
}
