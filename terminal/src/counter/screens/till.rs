//! The till on the screen (収納・締め): the day's book, the count, corrections.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use schema::wire::v1::ra::{
    ApprovalRequest, FeeView, KindTotalMessage, TillCloseRequest, TillDay, TillEntry,
};

use super::answer::{Answer, answer, render};
use super::case::{short, yen_signed};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::walk::nothing;
use crate::counter::Counter;
use crate::counter::http::{Window, blocking};
use crate::counter::sheets;
use crate::local::{Fields, Kind, Problem};

/// One line of the book as shown.
pub(super) struct Line {
    pub number: String,
    pub application: String,
    pub kind: String,
    pub amount: String,
    pub counter_of: Option<String>,
    pub operator: String,
    pub at: String,
}

impl From<TillEntry> for Line {
    fn from(entry: TillEntry) -> Self {
        Self {
            application: short(&entry.application),
            amount: yen_signed(entry.amount_yen),
            at: days::short(&entry.at),
            number: entry.number,
            kind: entry.kind,
            counter_of: entry.counter_of,
            operator: entry.operator,
        }
    }
}

/// Sums of one kind as shown.
pub(super) struct Sum {
    pub kind: String,
    pub taken: u32,
    pub taken_yen: String,
    pub taken_back: u32,
    pub taken_back_yen: String,
    pub yen: String,
}

impl From<&KindTotalMessage> for Sum {
    fn from(total: &KindTotalMessage) -> Self {
        Self {
            kind: total.kind.clone(),
            taken: total.taken,
            taken_yen: yen_signed(total.taken_yen),
            taken_back: total.taken_back,
            taken_back_yen: yen_signed(-total.taken_back_yen),
            yen: yen_signed(total.taken_yen - total.taken_back_yen),
        }
    }
}

/// How a day was closed, as shown.
struct Closed {
    at: String,
    operator: String,
    counted: String,
    difference: Option<String>,
    reason: Option<String>,
}

#[derive(Template)]
#[template(path = "counter/till.html")]
struct TillPage {
    frame: Frame,
    day: String,
    shown_day: String,
    sums: Vec<Sum>,
    lines: Vec<Line>,
    booked: String,
    closed: Option<Closed>,
    /// The day can be closed now.
    may_close: bool,
    /// What was counted is not what was booked.
    difference: Option<String>,
    counted: String,
    reason: String,
    /// Applications that were handed over and whose fee was taken back.
    unpaid: Vec<String>,
}

#[derive(Template)]
#[template(path = "counter/fee_entry.html")]
struct EntryPage {
    frame: Frame,
    line: Line,
    countered_by: Option<String>,
    /// Taken back, it makes the fee of its application due again.
    due_again: bool,
    /// Its application was handed over.
    handed_over: bool,
    reason: String,
}

fn page_of(
    counter: &Counter,
    desk: &Desk,
    till: TillDay,
    fields: Option<&Fields>,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let counted = fields.and_then(|fields| amount(fields.text("counted")));
    let difference = counted
        .map(|counted| counted - till.booked_yen)
        .filter(|difference| *difference != 0);
    let page = TillPage {
        frame: Frame::new(counter, desk, "till.title")
            .back_to("/screens/office")
            .telling(problem),
        shown_day: days::day(&till.day),
        sums: till.totals.iter().map(Sum::from).collect(),
        booked: yen_signed(till.booked_yen),
        may_close: till.close.is_none()
            && till.day <= till.today
            && till
                .oldest_open
                .as_ref()
                .is_none_or(|open| *open >= till.day),
        closed: till.close.map(|close| Closed {
            at: days::moment(&close.closed_at),
            operator: close.operator,
            counted: yen_signed(close.counted_yen),
            difference: (close.difference_yen != 0).then(|| yen_signed(close.difference_yen)),
            reason: close.reason,
        }),
        unpaid: till.handed_over_unpaid.iter().map(|id| short(id)).collect(),
        lines: till.entries.into_iter().map(Line::from).collect(),
        day: till.day,
        difference: difference.map(yen_signed),
        counted: fields.map_or_else(String::new, |fields| fields.text("counted").to_owned()),
        reason: fields.map_or_else(String::new, |fields| fields.text("reason").to_owned()),
    };
    render(&page, problem)
}

/// The day that is to be closed next.
pub async fn next(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, desk| {
        page_of(counter, desk, counter.till(None)?, None, None)
    })
    .await
}

/// A day.
pub async fn page(window: Window, desk: Desk, day: Path<String>) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        page_of(counter, desk, counter.till(Some(&day))?, None, None)
    })
    .await
}

/// `12,500` or `-500`
fn amount(text: &str) -> Option<i64> {
    let plain: String = text.chars().filter(|c| *c != ',' && *c != '円').collect();
    plain.trim().parse().ok()
}

/// Closes the day, or where the cash is not what was booked, asks a second person.
pub async fn close(
    window: Window,
    desk: Desk,
    day: Path<String>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        match closed(counter, &day, &fields) {
            Ok(address) => Ok(Answer::Go(address)),
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            Err(problem) => {
                let till = counter.till(Some(&day)).map_err(|_| problem.clone())?;
                page_of(counter, desk, till, Some(&fields), Some(&problem))
            }
        }
    })
    .await
}

fn closed(counter: &Counter, day: &str, fields: &Fields) -> Result<String, Problem> {
    let counted_yen = amount(fields.text("counted")).ok_or_else(|| {
        Problem::at(
            "/counted",
            "not an amount of yen",
            "数えた現金の額を、数字で入力してください。",
            "Enter the cash that was counted, in digits.",
        )
    })?;
    let booked_yen = counter.till(Some(day))?.booked_yen;
    if counted_yen == booked_yen {
        let close = TillCloseRequest {
            day: day.to_owned(),
            counted_yen,
            reason: None,
            approval: None,
        };
        counter.close_till(&close)?;
        return Ok(format!("/screens/office/till/{day}"));
    }
    let reason = fields.filled("reason").ok_or_else(|| {
        Problem::at(
            "/reason",
            "the cash counted is not what was booked",
            "数え直してください。それでも合わないときは、過不足の理由を入力し、責任者の承認を受けます。",
            "Count again. If it still differs, say why; a supervisor has to approve it.",
        )
    })?;
    let asked = counter.request_approval(&ApprovalRequest {
        act: "till-difference".to_owned(),
        application: None,
        reference: format!("{day} {counted_yen} {booked_yen}"),
        reason,
    })?;
    Ok(format!("/screens/office/approvals/{}", asked.id))
}

fn entry_page(
    counter: &Counter,
    desk: &Desk,
    view: FeeView,
    reason: String,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let back = format!("/screens/office/till/{}", view.entry.booked_on);
    let page = EntryPage {
        frame: Frame::new(counter, desk, "correction.title")
            .back_to(back)
            .telling(problem),
        line: view.entry.into(),
        countered_by: view.countered_by,
        due_again: view.due_again,
        handed_over: view.handed_over,
        reason,
    };
    render(&page, problem)
}

/// An entry, and how it would be taken back.
pub async fn entry(
    window: Window,
    desk: Desk,
    number: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let view = counter.fee_entry(&number)?;
        entry_page(counter, desk, view, String::new(), None)
    })
    .await
}

/// Asks a second person whether the entry may be taken back.
pub async fn correct(
    window: Window,
    desk: Desk,
    number: Path<String>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let view = counter.fee_entry(&number)?;
        if view.countered_by.is_some() || view.entry.counter_of.is_some() {
            return Err(nothing());
        }
        let asked = counter.request_approval(&ApprovalRequest {
            act: "fee-correction".to_owned(),
            application: Some(view.entry.application.clone()),
            reference: number.to_string(),
            reason: fields.text("reason").to_owned(),
        });
        match asked {
            Ok(asked) => Ok(Answer::Go(format!(
                "/screens/office/approvals/{}",
                asked.id
            ))),
            Err(problem) if problem.kind() == Kind::SignInNeeded => Err(problem),
            Err(problem) => {
                let reason = fields.text("reason").to_owned();
                entry_page(counter, desk, view, reason, Some(&problem))
            }
        }
    })
    .await
}

/// The sheet of a closed day, as PDF.
pub async fn sheet(window: Window, day: Path<String>) -> Result<HttpResponse, Problem> {
    let pdf = blocking(window, move |counter| {
        sheets::day(counter, &counter.till(Some(&day))?)
    })
    .await?;
    Ok(super::answer::pdf(pdf))
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn an_amount_is_digits_with_or_without_groups() {
        assert_eq!(amount("12,500円"), Some(12_500));
        assert_eq!(amount("-500"), Some(-500));
        for text in ["", "many", "5.5"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }
}
