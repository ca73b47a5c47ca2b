//! The office's menu, shift change and opening hours.

use actix_web::HttpResponse;
use askama::Template;
use jiff::civil::Time;
use jiff::tz::Offset;
use pki_core::calendar::JapaneseDay;
use schema::wire::v1::ra::{OpeningRequest, PlaceView};

use super::answer::{Answer, answer, render};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use crate::counter::Counter;
use crate::counter::http::Window;
use crate::local::{Fields, Kind, Problem};

#[derive(Template)]
#[template(path = "counter/office.html")]
struct OfficePage {
    frame: Frame,
    waiting: usize,
    /// The day that is still open, where it is not today.
    overdue: Option<String>,
}

struct Shift {
    operator: String,
    before: Option<String>,
    applications: u64,
    at: String,
}

#[derive(Template)]
#[template(path = "counter/office_shift.html")]
struct ShiftPage {
    frame: Frame,
    place: Option<String>,
    version: Option<String>,
    /// When a closed window opens, or what the gateway says instead.
    closed: Option<Result<String, String>>,
    extended: Option<String>,
    shift: Option<Shift>,
    reason: String,
    until: String,
}

/// When a closed window opens, of the gateway's sentence, in era form; another sentence as it is.
fn opening(closed: String) -> Result<String, String> {
    let found = closed.rsplit_once(" opens ").and_then(|(_, at)| {
        let (day, time) = at.split_once(' ')?;
        let day: JapaneseDay = day.parse().ok()?;
        Some(format!("{} {time}", days::era(day.date())))
    });
    found.ok_or(closed)
}

/// The menu.
pub async fn menu(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        let approvals = counter.approvals()?.approvals;
        let till = counter.till(None)?;
        let page = OfficePage {
            frame: Frame::new(counter, desk, "office.title").back_to("/screens/applications"),
            waiting: approvals.iter().filter(|a| a.standing == "waiting").count(),
            overdue: till
                .oldest_open
                .filter(|open| *open != till.today)
                .map(|open| days::day(&open)),
        };
        render(&page, None)
    })
    .await
}

fn page(
    counter: &Counter,
    desk: &Desk,
    place: PlaceView,
    fields: Option<&Fields>,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let typed = |name: &str| fields.map_or_else(String::new, |f| f.text(name).to_owned());
    let page = ShiftPage {
        frame: Frame::new(counter, desk, "shift.title")
            .back_to("/screens/office")
            .telling(problem),
        place: place.name,
        version: place.version,
        closed: place.closed.map(opening),
        extended: place.extended_until.map(|until| days::short(&until)),
        shift: place.shift.map(|shift| Shift {
            operator: shift.operator,
            before: shift.before,
            applications: shift.applications,
            at: days::moment(&shift.at),
        }),
        reason: typed("reason"),
        until: typed("until"),
    };
    render(&page, problem)
}

/// Shift and hours.
pub async fn shift(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        page(counter, desk, counter.place()?, None, None)
    })
    .await
}

/// Takes over.
pub async fn take_over(window: Window, desk: Desk, _: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, _| {
        counter.take_over()?;
        Ok(Answer::Go("/screens/office/shift".to_owned()))
    })
    .await
}

/// `19:00` of today in Japan, as RFC 3339.
fn until(text: &str) -> Option<String> {
    let (hour, minute) = text.split_once(':')?;
    let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
    let moment = Offset::constant(9)
        .to_timestamp(days::today().to_datetime(time))
        .ok()?;
    Some(moment.to_string())
}

/// Keeps the place open longer.
pub async fn extend(window: Window, desk: Desk, fields: Fields) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let wish = until(fields.text("until"))
            .ok_or_else(|| {
                Problem::at(
                    "/until",
                    "not a time of day",
                    "時刻は「19:00」のように入力してください。",
                    "Write the time like 19:00.",
                )
            })
            .map(|until| OpeningRequest {
                until,
                reason: fields.text("reason").to_owned(),
            });
        match wish.and_then(|wish| counter.extend_opening(&wish)) {
            Ok(_) => Ok(Answer::Go("/screens/office/shift".to_owned())),
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            Err(problem) => page(
                counter,
                desk,
                counter.place()?,
                Some(&fields),
                Some(&problem),
            ),
        }
    })
    .await
}
