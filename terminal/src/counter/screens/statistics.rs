//! Statistics on the screen (統計): twelve months as bars, the tables beside them, CSV.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use pki_core::calendar::{JapaneseDay, Month};
use schema::wire::v1::ra::{ClassCount, MonthStatistics, StatisticsView};

use super::answer::{Answer, answer, render};
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::remittance::neighbours;
use super::till::Sum;
use crate::counter::http::{Window, blocking};
use crate::local::Problem;

/// Height of the longest bar.
const HEIGHT: u32 = 160;
/// Width of one month.
const STEP: u32 = 58;

/// One bar of a chart.
pub(super) struct Bar {
    pub x: u32,
    pub y: u32,
    pub height: u32,
    pub middle: u32,
    pub month: String,
    pub value: u32,
}

/// Bars of equal steps, the longest one as high as the chart.
pub(super) fn bars(values: impl Iterator<Item = (String, u32)>) -> Vec<Bar> {
    let values: Vec<(String, u32)> = values.collect();
    let most = values
        .iter()
        .map(|(_, value)| *value)
        .max()
        .unwrap_or(0)
        .max(1);
    let bar = |(i, (month, value)): (usize, (String, u32))| {
        let left = 8 + STEP * u32::try_from(i).unwrap_or(0);
        let scaled = u64::from(value) * u64::from(HEIGHT) / u64::from(most);
        let height = u32::try_from(scaled).unwrap_or(HEIGHT);
        Bar {
            x: left,
            y: 20 + HEIGHT - height,
            height,
            middle: left + 21,
            month,
            value,
        }
    };
    values.into_iter().enumerate().map(bar).collect()
}

#[derive(Template)]
#[template(path = "counter/statistics.html")]
struct StatisticsPage {
    frame: Frame,
    month: String,
    shown_month: String,
    before: String,
    after: Option<String>,
    issued: Vec<Class>,
    revoked: Vec<Class>,
    fees: Vec<Sum>,
    /// Handed over, median and nine of ten, in minutes and seconds.
    waiting: Option<(u32, String, String)>,
    issued_bars: Vec<Bar>,
    revoked_bars: Vec<Bar>,
}

fn sum(counts: &[ClassCount]) -> u32 {
    counts.iter().map(|count| count.count).sum()
}

/// `7:05`
fn minutes(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// `11` of `2026-11`
fn number(month: &str) -> String {
    month
        .get(5..)
        .unwrap_or_default()
        .trim_start_matches('0')
        .to_owned()
}

/// A row of a table.
struct Class {
    /// Key of the kind of application, or of the ground.
    class: String,
    /// Key of the kind of certificate, where it is not the one for signatures.
    certificate: Option<String>,
    count: u32,
}

fn classes(counts: &[ClassCount]) -> Vec<Class> {
    let row = |count: &ClassCount| {
        let (certificate, class) = match count.class.split_once('.') {
            Some((certificate, class)) => (Some(certificate.to_owned()), class),
            None => (None, count.class.as_str()),
        };
        Class {
            class: class.to_owned(),
            certificate,
            count: count.count,
        }
    };
    counts.iter().map(row).collect()
}

fn page_of(frame: Frame, view: &StatisticsView, last: &MonthStatistics) -> Result<Answer, Problem> {
    let (before, after) = neighbours(&last.month);
    let months = view.months.iter();
    let page = StatisticsPage {
        frame,
        shown_month: days::month(&last.month),
        month: last.month.clone(),
        before,
        after,
        issued: classes(&last.issued),
        revoked: classes(&last.revoked),
        fees: last.fees.iter().map(Sum::from).collect(),
        waiting: last
            .waiting
            .as_ref()
            .map(|w| (w.count, minutes(w.median_s), minutes(w.p90_s))),
        issued_bars: bars(months.clone().map(|m| (number(&m.month), sum(&m.issued)))),
        revoked_bars: bars(months.map(|m| (number(&m.month), sum(&m.revoked)))),
    };
    render(&page, None)
}

/// This month.
pub async fn now(window: Window, desk: Desk) -> Result<HttpResponse, Problem> {
    answer(window, desk, |counter, _| {
        counter.token()?;
        let month = Month::of(JapaneseDay::of(jiff::Timestamp::now()));
        Ok(Answer::Go(format!("/screens/office/statistics/{month}")))
    })
    .await
}

/// A month, with the eleven before it.
pub async fn page(
    window: Window,
    desk: Desk,
    month: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let view = counter.statistics(&month)?;
        let frame = Frame::new(counter, desk, "statistics.title").back_to("/screens/office");
        match view.months.last() {
            Some(last) => page_of(frame, &view, last),
            None => Err(super::walk::nothing()),
        }
    })
    .await
}

/// Twelve months as CSV: one line for each month, event and class.
pub async fn csv(window: Window, month: Path<String>) -> Result<HttpResponse, Problem> {
    let asked = month.clone();
    let view = blocking(window, move |counter| counter.statistics(&month)).await?;
    let mut rows = vec![["municipality", "month", "event", "class", "value"].map(str::to_owned)];
    for month in &view.months {
        let mut add = |event: &str, class: &str, value: String| {
            rows.push([
                view.municipality.clone(),
                month.month.clone(),
                event.to_owned(),
                class.to_owned(),
                value,
            ]);
        };
        for (event, counts) in [("issued", &month.issued), ("revoked", &month.revoked)] {
            for count in counts {
                add(event, &count.class, count.count.to_string());
            }
        }
        for fee in &month.fees {
            add("fee", &fee.kind, fee.taken.to_string());
            let yen = fee.taken_yen - fee.taken_back_yen;
            add("fee-yen", &fee.kind, yen.to_string());
        }
        if let Some(waiting) = &month.waiting {
            add("handed-over", "", waiting.count.to_string());
            add("waiting-median-s", "", waiting.median_s.to_string());
            add("waiting-p90-s", "", waiting.p90_s.to_string());
        }
    }
    Ok(super::answer::csv(&format!("statistics-{asked}"), &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_chart_and_the_others_are_in_proportion() {
        let values = [("1", 10), ("2", 5), ("3", 0)];
        let bars = bars(values.into_iter().map(|(m, v)| (m.to_owned(), v)));
        let heights: Vec<u32> = bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [HEIGHT, HEIGHT / 2, 0]);
        assert_eq!(bars[1].x - bars[0].x, STEP);
        assert!(bars.iter().all(|bar| bar.y + bar.height == 20 + HEIGHT));
        let none = super::bars([("1".to_owned(), 0)].into_iter());
        assert_eq!(none[0].height, 0);
        assert_eq!(
            (minutes(425), number("2026-01")),
            ("7:05".to_owned(), "1".to_owned())
        );
    }
}
