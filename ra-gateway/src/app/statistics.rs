//! Statistics for the ministry (報告): counts by month, nobody's data.

use pki_core::{
    application::{
        cause::ApplicationKind,
        certificate_kind::CertificateKind,
        fee::close::Totals,
        statistics::{Counts, class_of},
    },
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
            told.push(self.report(month, &counts, &Totals::of(&entries)));
        }
        Ok(ra::StatisticsView {
            municipality: municipality.to_string(),
            months: told,
        })
    }

    /// One month; of certificates that the prefecture does not issue nothing is said.
    fn report(&self, month: Month, counts: &Counts, totals: &Totals) -> ra::MonthStatistics {
        let class = |of, class: &str, count| ra::ClassCount {
            class: class_of(of, class),
            count,
        };
        let mut certificates = CertificateKind::ALL.to_vec();
        certificates.retain(|of| self.settings.of(*of).is_some());
        let issued = certificates.iter().flat_map(|of| {
            ApplicationKind::ALL.map(|kind| class(*of, kind.as_str(), counts.issued(*of, kind)))
        });
        let revoked = certificates.iter().flat_map(|of| {
            Ground::ALL.map(|ground| class(*of, ground.as_str(), counts.revoked(*of, ground)))
        });
        told(month, issued.collect(), revoked.collect(), counts, totals)
    }
}

fn told(
    month: Month,
    issued: Vec<ra::ClassCount>,
    revoked: Vec<ra::ClassCount>,
    counts: &Counts,
    totals: &Totals,
) -> ra::MonthStatistics {
    ra::MonthStatistics {
        month: month.to_string(),
        issued,
        revoked,
        fees: till::totals(totals),
        waiting: counts.waiting().map(|waiting| ra::WaitingMessage {
            count: waiting.count,
            median_s: waiting.median_s,
            p90_s: waiting.p90_s,
        }),
    }
}
