//! Statistics for the ministry (報告): counts by month, nobody's data.

use pki_core::{
    application::{cause::ApplicationKind, fee::close::Totals, statistics::Counts},
    calendar::Month,
    revocation::ground::Ground,
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::Operator,
    refusal::{Failure, parse},
    till,
};

/// Months of one report.
const MONTHS: usize = 12;
/// Most entries of the book in one month.
const MOST: u32 = 20_000;

impl App {
    /// A month and the eleven before it, of the operator's municipality.
    pub fn statistics(
        &self,
        operator: &Operator,
        month: &str,
    ) -> Result<ra::StatisticsView, Failure> {
        let last: Month = parse("/month", month)?;
        let municipality = operator.municipality();
        let mut months = vec![last];
        while let Some(earliest) = months.last().copied()
            && months.len() < MONTHS
        {
            months.push(earliest.before());
        }
        months.reverse();
        let mut told = Vec::with_capacity(MONTHS);
        for month in months {
            let (first, last) = (month.first_day(), month.last_day());
            let mut counts = Counts::default();
            for (_, event) in self.store.events(&municipality, first, last)? {
                counts.add(event);
            }
            let entries = self.store.book(&municipality, first, last, MOST)?;
            told.push(report(month, &counts, &Totals::of(&entries)));
        }
        Ok(ra::StatisticsView {
            municipality: municipality.to_string(),
            months: told,
        })
    }
}

fn report(month: Month, counts: &Counts, totals: &Totals) -> ra::MonthStatistics {
    let class = |class: &str, count| ra::ClassCount {
        class: class.to_owned(),
        count,
    };
    ra::MonthStatistics {
        month: month.to_string(),
        issued: ApplicationKind::ALL
            .into_iter()
            .map(|kind| class(kind.as_str(), counts.issued(kind)))
            .collect(),
        revoked: Ground::ALL
            .into_iter()
            .map(|ground| class(ground.as_str(), counts.revoked(ground)))
            .collect(),
        fees: till::totals(totals),
        waiting: counts.waiting().map(|waiting| ra::WaitingMessage {
            count: waiting.count,
            median_s: waiting.median_s,
            p90_s: waiting.p90_s,
        }),
    }
}
