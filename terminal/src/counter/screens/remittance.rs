//! The month's remittance to the prefecture (納付): sums, the act, sheet and CSV.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use pki_core::calendar::{JapaneseDay, Month};
use schema::wire::v1::ra::RemittanceView;

use super::answer::{Answer, answer, render};
use super::case::yen_signed;
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::till::Sum;
use crate::counter::Counter;
use crate::counter::http::{Window, blocking};
use crate::counter::sheets;
use crate::local::{Fields, Kind, Problem};

struct Day {
    day: String,
    lines: u64,
    booked: String,
    counted: String,
}

#[derive(Template)]
#[template(path = "counter/remittance.html")]
struct RemittancePage {
    frame: Frame,
    month: String,
    shown_month: String,
    before: String,
    after: Option<String>,
    sums: Vec<Sum>,
    days: Vec<Day>,
    lines: u64,
    booked: String,
    blocked: Option<String>,
    remitted: Option<(String, String)>,
}

fn this_month() -> Month {
    Month::of(JapaneseDay::of(jiff::Timestamp::now()))
}

/// Months on either side; none after this one.
pub(super) fn neighbours(month: &str) -> (String, Option<String>) {
    let month: Month = month.parse().unwrap_or_else(|_| this_month());
    let after = (month < this_month()).then(|| month.after().to_string());
    (month.before().to_string(), after)
}

fn page_of(
    counter: &Counter,
    desk: &Desk,
    view: RemittanceView,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let (before, after) = neighbours(&view.month);
    let page = RemittancePage {
        frame: Frame::new(counter, desk, "remittance.title")
            .back_to("/screens/office")
            .telling(problem),
        shown_month: days::month(&view.month),
        month: view.month,
        before,
        after,
        sums: view.totals.iter().map(Sum::from).collect(),
        days: view
            .days
            .into_iter()
            .map(|day| Day {
                day: days::day(&day.day),
                lines: day.lines,
                booked: yen_signed(day.booked_yen),
                counted: yen_signed(day.counted_yen),
            })
            .collect(),
        lines: view.lines,
        booked: yen_signed(view.booked_yen),
        blocked: view.blocked,
        remitted: view
            .remitted_at
            .map(|at| days::moment(&at))
            .zip(view.remitted_by),
    };
    render(&page, problem)
}

/// The month before this one.
pub async fn last(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, _| {
        counter.token()?;
        let month = this_month().before();
        Ok(Answer::Go(format!("/screens/office/remittance/{month}")))
    })
    .await
}

/// A month.
pub async fn page(
    window: Window,
    desk: Desk,
    month: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        page_of(counter, desk, counter.remittance(&month)?, None)
    })
    .await
}

/// Makes it final.
pub async fn remit(
    window: Window,
    desk: Desk,
    month: Path<String>,
    _: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        match counter.remit(&month) {
            Ok(_) => Ok(Answer::Go(format!("/screens/office/remittance/{month}"))),
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            Err(problem) => {
                let view = counter.remittance(&month).map_err(|_| problem.clone())?;
                page_of(counter, desk, view, Some(&problem))
            }
        }
    })
    .await
}

/// The sheet that goes with the money, as PDF.
pub async fn sheet(window: Window, month: Path<String>) -> Result<HttpResponse, Problem> {
    let pdf = blocking(window, move |counter| {
        let view = counter.remittance(&month)?;
        sheets::remittance(counter, &view)
    })
    .await?;
    Ok(super::answer::pdf(pdf))
}

/// The same as CSV.
pub async fn csv(window: Window, month: Path<String>) -> Result<HttpResponse, Problem> {
    let view = blocking(window, move |counter| counter.remittance(&month)).await?;
    let mut rows = vec![
        [
            "municipality",
            "month",
            "kind",
            "taken",
            "taken_yen",
            "taken_back",
            "taken_back_yen",
            "yen",
        ]
        .map(str::to_owned),
    ];
    for total in &view.totals {
        rows.push([
            view.municipality.clone(),
            view.month.clone(),
            total.kind.clone(),
            total.taken.to_string(),
            total.taken_yen.to_string(),
            total.taken_back.to_string(),
            total.taken_back_yen.to_string(),
            (total.taken_yen - total.taken_back_yen).to_string(),
        ]);
    }
    Ok(super::answer::csv(
        &format!("remittance-{}", view.month),
        &rows,
    ))
}
