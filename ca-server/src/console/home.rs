//! What is to be done today, and whether everything runs.

use actix_web::HttpResponse;
use askama::Template;
use pki_core::{disclosure::Term, officer::State};

use super::{
    answer::{Frame, answer, render},
    desk::Desk,
    fault::Fault,
    lists, register,
};
use crate::app::{decide, officer};

#[derive(Template)]
#[template(path = "console/home.html")]
struct HomePage {
    frame: Frame,
    open: usize,
    late: usize,
    soon: usize,
    answered: usize,
    awaiting: usize,
    suspended: usize,
    stops: usize,
    token: Option<String>,
    database: Option<String>,
    lists_late: usize,
    lists: usize,
    registers: usize,
    registers_waiting: usize,
}

/// The first page.
pub async fn page(desk: Desk) -> Result<HttpResponse, Fault> {
    answer(desk, |desk| {
        let app = &desk.app;
        let now = app.clock.now();
        let database = app.store.probe().err().map(|error| error.to_string());
        let token = app.signer.trouble();
        // Requests are sealed: without the token only their number could be told.
        let cases = |step| decide::list(app, step).unwrap_or_default();
        let open = cases("open");
        let left: Vec<i32> = open
            .iter()
            .filter_map(|case| match case.term(now) {
                Term::Days { left, .. } => Some(left),
                Term::WithoutDelay { .. } => None,
            })
            .collect();
        let awaiting = officer::acts(app, Some(State::Awaiting)).unwrap_or_default();
        let lists = lists::states(app).unwrap_or_default();
        let parties = app.store.parties().unwrap_or_default();
        let (registers, registers_waiting) = register::waiting(desk);
        let page = HomePage {
            registers,
            registers_waiting,
            late: left.iter().filter(|left| **left <= 0).count(),
            soon: left.iter().filter(|left| (1..=7).contains(*left)).count(),
            open: open.len(),
            answered: cases("answered").len(),
            awaiting: awaiting.len(),
            stops: app.store.stops(true, 200).unwrap_or_default().len(),
            suspended: parties.iter().filter(|party| !party.active).count(),
            lists_late: lists.iter().filter(|list| list.late).count(),
            lists: lists.len(),
            token,
            database,
            frame: Frame::new(desk, "home", "home.title"),
        };
        render(&page, None)
    })
    .await
}
