//! `ca-server verifiers list`, `report`: who is registered, and what was provided to
//! whom (Art 18 (5)).

use std::{collections::BTreeMap, io::Write, sync::Arc};

use clap::{Args, Subcommand};
use pki_core::calendar::JapaneseDay;

use super::{Failure, SharedConfigArgs, migrate::read_mac_key, open_store};
use crate::{
    adapter::database::Book,
    config::IssueConfig,
    port::{
        provision::{Provided, Provision, ProvisionBook},
        verifier::{Verifier, Verifiers},
    },
};

#[derive(Args)]
pub struct VerifiersArgs {
    #[command(flatten)]
    config: SharedConfigArgs,
    #[command(subcommand)]
    command: VerifiersCommand,
}

#[derive(Subcommand)]
enum VerifiersCommand {
    /// Every verifier, as CSV.
    List,
    /// What was provided, as CSV: by verifier and kind, with --days by day too.
    Report {
        /// First day, in Japan: 2026-04-01.
        #[arg(long)]
        from: String,
        /// Last day, in Japan.
        #[arg(long)]
        to: String,
        /// A line for each day.
        #[arg(long)]
        days: bool,
    },
}

pub fn run(args: &VerifiersArgs) -> Result<(), Failure> {
    let Some(config) = args.config.load()? else {
        return Ok(());
    };
    let mut out = std::io::stdout().lock();
    match &args.command {
        VerifiersCommand::List => {
            let header = ["id", "name", "arrangement", "state"].map(str::to_owned);
            out.write_all(line(&header).as_bytes())?;
            for verifier in registered(&config)? {
                let state = if verifier.active {
                    "active"
                } else {
                    "suspended"
                };
                let fields = [
                    verifier.id,
                    verifier.label,
                    verifier.arrangement,
                    state.into(),
                ];
                out.write_all(line(&fields).as_bytes())?;
            }
        }
        VerifiersCommand::Report { from, to, days } => {
            let day = |text: &str| -> Result<JapaneseDay, Failure> {
                Ok(text
                    .parse()
                    .map_err(|_| format!("{text} is not a day; write it as 2026-04-01"))?)
            };
            let (first, last) = (day(from)?, day(to)?);
            if last < first {
                return Err("the last day lies before the first".into());
            }
            let totals = Book::open(&config.database)?.totals(first, last)?;
            let report = report(&totals, &registered(&config)?, *days);
            out.write_all(report.as_bytes())?;
        }
    }
    Ok(())
}

fn registered(config: &IssueConfig) -> Result<Vec<Verifier>, Failure> {
    let mac = Arc::new(read_mac_key(&config.audit_mac_key_file)?);
    Ok(open_store(config, mac)?.verifiers()?)
}

/// One line for each verifier and kind, also those who were given nothing, so that a year
/// without questions is a line and not a gap.
fn report(totals: &[Provision], verifiers: &[Verifier], days: bool) -> String {
    type Key = (String, String, Provided);
    let mut sums: BTreeMap<Key, u64> = BTreeMap::new();
    if !days {
        for verifier in verifiers {
            sums.insert((String::new(), verifier.id.clone(), Provided::Answer), 0);
            sums.insert((String::new(), verifier.id.clone(), Provided::List), 0);
        }
    }
    for total in totals {
        let day = if days {
            total.day.to_string()
        } else {
            String::new()
        };
        *sums
            .entry((day, total.verifier.clone(), total.kind))
            .or_default() += total.count;
    }
    let mut header = vec!["verifier", "name", "kind", "count"];
    if days {
        header.insert(0, "day");
    }
    let mut text = line(&header.into_iter().map(str::to_owned).collect::<Vec<_>>());
    for ((day, id, kind), count) in sums {
        let known = verifiers.iter().find(|verifier| verifier.id == id);
        let name = match known {
            Some(verifier) => verifier.label.clone(),
            None if id.is_empty() => "(in no registry)".to_owned(),
            None => "(no longer registered)".to_owned(),
        };
        let mut fields = vec![id, name, kind.name().to_owned(), count.to_string()];
        if days {
            fields.insert(0, day);
        }
        text += &line(&fields);
    }
    text
}

/// RFC 4180, every field in quotation marks.
fn line(fields: &[String]) -> String {
    let quoted: Vec<String> = fields
        .iter()
        .map(|field| format!("\"{}\"", field.replace('"', "\"\"")))
        .collect();
    quoted.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_sums_up_days_and_keeps_a_line_for_who_asked_nothing() {
        let verifier = |id: &str, label: &str| Verifier {
            id: id.to_owned(),
            label: label.to_owned(),
            arrangement: "第1号".to_owned(),
            certificate: Vec::new(),
            certificate_sha256: [0; 32],
            active: true,
        };
        let total = |day: &str, verifier: &str, kind, count| Provision {
            day: day.parse().unwrap(),
            verifier: verifier.to_owned(),
            kind,
            count,
        };
        let known = [verifier("moj", "法務省"), verifier("tax", "税理士 \"会\"")];
        let totals = [
            total("2026-04-01", "tax", Provided::Answer, 2),
            total("2026-04-02", "tax", Provided::Answer, 3),
            total("2026-04-02", "", Provided::Refused, 1),
        ];
        assert_eq!(
            report(&totals, &known, false),
            "\"verifier\",\"name\",\"kind\",\"count\"\r\n\
             \"\",\"(in no registry)\",\"refused\",\"1\"\r\n\
             \"moj\",\"法務省\",\"list\",\"0\"\r\n\
             \"moj\",\"法務省\",\"answer\",\"0\"\r\n\
             \"tax\",\"税理士 \"\"会\"\"\",\"list\",\"0\"\r\n\
             \"tax\",\"税理士 \"\"会\"\"\",\"answer\",\"5\"\r\n"
        );
        let by_day = report(&totals, &known, true);
        assert!(
            by_day.contains("\"2026-04-02\",\"tax\",\"税理士 \"\"会\"\"\",\"answer\",\"3\"\r\n")
        );
        assert_eq!(by_day.lines().count(), 4);
    }
}
