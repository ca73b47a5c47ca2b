//! The till: its book, the close of day (締め), counter-entries (反対仕訳), and the month's
//! remittance to the prefecture (納付).

use jiff::Timestamp;
use pki_core::{
    application::{
        Step,
        fee::{
            Correction, FeeEntry, Ledger, LedgerFault,
            close::{CloseFault, Count, RemitFault, Totals, close_day, may_remit},
            signed,
            taken_back::owing,
        },
    },
    approval::{ApprovedAct, Subject},
    calendar::{JapaneseDay, Month},
    id::IdempotencyKey,
    person::municipality::MunicipalityCode,
};
use schema::wire::v1::ra;

use super::{
    App,
    approval::Approved,
    caller::{BackOffice, Operator, Supervisor},
    refusal::{Failure, ItemError, Reason, Refused, parse, refuse},
};
use crate::port::{AdvanceError, ClosedDay, NewFee, Remittance};

/// Most entries of one municipality's day or month that a page or report holds.
const MOST: u32 = 20_000;

fn context(municipality: MunicipalityCode, day: JapaneseDay) -> String {
    format!("day-close {municipality} {day}")
}

pub(super) fn totals(totals: &Totals) -> Vec<ra::KindTotalMessage> {
    totals
        .by_kind()
        .map(|(kind, total)| ra::KindTotalMessage {
            kind: kind.as_str().to_owned(),
            taken: total.taken,
            taken_yen: total.taken_yen,
            taken_back: total.taken_back,
            taken_back_yen: total.taken_back_yen,
        })
        .collect()
}

fn line(entry: &FeeEntry) -> ra::TillEntry {
    ra::TillEntry {
        number: entry.number.clone(),
        application: entry.application.to_string(),
        kind: entry.kind.as_str().to_owned(),
        amount_yen: signed(entry),
        counter_of: entry.counters.clone(),
        operator: entry.operator.to_string(),
        at: entry.at.to_string(),
        booked_on: entry.booked_on.to_string(),
    }
}

fn no_entry() -> Failure {
    Refused::new(
        Reason::NotFound,
        "there is no such entry in this municipality's book",
    )
    .into()
}

fn close_refused(fault: CloseFault) -> Failure {
    let pointer = match fault {
        CloseFault::Closed => return Refused::new(Reason::DayClosed, fault.to_string()).into(),
        CloseFault::EarlierOpen(_) => {
            return Refused::new(Reason::DayOpen, fault.to_string()).into();
        }
        CloseFault::NotBegun => "/day",
        CloseFault::Beyond => "/counted_yen",
        CloseFault::ReasonMissing | CloseFault::ReasonIdle => "/reason",
    };
    Refused::items(vec![ItemError {
        pointer: pointer.to_owned(),
        detail: fault.to_string(),
    }])
    .into()
}

/// What changed between the look and the act.
fn changed(error: AdvanceError, taken: Reason) -> Failure {
    match error {
        AdvanceError::Stale => Refused::new(
            Reason::ChangedMeanwhile,
            "the book or the approval changed meanwhile; look at it again",
        )
        .into(),
        AdvanceError::Taken => Refused::new(taken, "it was done before").into(),
        AdvanceError::Store(error) => error.into(),
    }
}

impl App {
    /// A day of the book; without one, the day that is to be closed next.
    pub fn till(&self, operator: &Operator, day: Option<&str>) -> Result<ra::TillDay, Failure> {
        let today = JapaneseDay::of(self.clock.now());
        let municipality = operator.municipality();
        let closed = self.store.closed(&municipality)?;
        let day = match day {
            Some(day) => parse("/day", day)?,
            None => closed.oldest_open.unwrap_or(today),
        };
        let entries = self.store.book(&municipality, day, day, MOST)?;
        let sums = Totals::of(&entries);
        let close = self.store.closed_days(&municipality, day, day)?.pop();
        let close = close.map(|close| self.close_shown(close)).transpose()?;
        let taken_back = self
            .store
            .taken_back_after_hand_over(&municipality, day, MOST)?;
        Ok(ra::TillDay {
            handed_over_unpaid: owing(taken_back).iter().map(ToString::to_string).collect(),
            day: day.to_string(),
            today: today.to_string(),
            entries: entries.iter().map(line).collect(),
            totals: totals(&sums),
            booked_yen: sums.yen(),
            close,
            oldest_open: closed.oldest_open.map(|day| day.to_string()),
        })
    }

    fn close_shown(&self, close: ClosedDay) -> Result<ra::DayCloseMessage, Failure> {
        let reason = close
            .sealed
            .map(|sealed| {
                let text = self
                    .vault
                    .open(&context(close.municipality, close.day), &sealed)?;
                String::from_utf8(text.to_vec()).map_err(|error| Failure::Broken(Box::new(error)))
            })
            .transpose()?;
        Ok(ra::DayCloseMessage {
            closed_at: close.closed_at.to_string(),
            operator: close.operator.to_string(),
            counted_yen: close.counted_yen,
            difference_yen: close.counted_yen - close.booked_yen,
            reason,
        })
    }

    /// Closes a day. Cash that is not what was booked needs a reason and a second person.
    pub fn close_till(
        &self,
        clerk: &BackOffice,
        request: &ra::TillCloseRequest,
    ) -> Result<ra::TillDay, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("close-till");
        let outcome = (|| {
            let municipality = clerk.municipality();
            let day: JapaneseDay = parse("/day", &request.day)?;
            entry.reference = Some(day.to_string());
            let entries = self.store.book(&municipality, day, day, MOST)?;
            let reason = request.reason.as_deref();
            let closed = close_day(
                day,
                JapaneseDay::of(now),
                self.store.closed(&municipality)?,
                &Totals::of(&entries),
                Count {
                    yen: request.counted_yen,
                    reason,
                },
            )
            .map_err(close_refused)?;
            let (sealed, approval) = match reason {
                Some(reason) if closed.difference_yen() != 0 => {
                    let subject = closed
                        .difference_subject(reason)
                        .map_err(|fault| Failure::Broken(Box::new(fault)))?;
                    let approved =
                        self.approved(clerk, request.approval.as_deref(), &subject, now)?;
                    let sealed = self
                        .vault
                        .seal(&context(municipality, day), subject.reason().as_bytes())?;
                    (Some(sealed), Some(approved.id()))
                }
                _ => (None, None),
            };
            let day = ClosedDay {
                municipality,
                day,
                closed_at: now,
                operator: clerk.operator.clone(),
                lines: closed.lines,
                booked_yen: closed.booked_yen,
                counted_yen: closed.counted_yen,
                sealed,
                approval,
            };
            self.store
                .close_day(&day, &entry)
                .map_err(|error| changed(error, Reason::DayClosed))
        })();
        self.audited(&entry, now, outcome)?;
        metrics::counter!("ra_till_closes_total").increment(1);
        self.till(clerk, Some(&request.day))
    }

    /// An entry and whether it was taken back.
    pub fn fee_entry(&self, operator: &Operator, number: &str) -> Result<ra::FeeView, Failure> {
        let municipality = operator.municipality();
        let entry = self
            .store
            .fee(number, &municipality)?
            .ok_or_else(no_entry)?;
        let application = self.store.application(&entry.application, &municipality)?;
        let stands_at = |step: Step| {
            application
                .as_ref()
                .is_some_and(|stored| stored.step == step.as_str())
        };
        let countered_by = self
            .store
            .fees(&entry.application)?
            .into_iter()
            .find(|other| other.counters.as_deref() == Some(number))
            .map(|other| other.number);
        Ok(ra::FeeView {
            entry: line(&entry),
            due_again: entry.amount_yen > 0 && stands_at(Step::Paid),
            handed_over: stands_at(Step::HandedOver),
            countered_by,
        })
    }

    /// Takes an entry back by a counter-entry, with a second person's approval. An application
    /// that is not handed over goes back to its fee. A repeat answers with the same
    /// counter-entry.
    pub fn correct_fee(
        &self,
        clerk: &BackOffice,
        request: &ra::FeeCorrectionRequest,
    ) -> Result<ra::TillEntry, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("correct-fee");
        let outcome = (|| {
            let municipality = clerk.municipality();
            let key: IdempotencyKey = parse("/idempotency_key", &request.idempotency_key)?;
            let countered = self
                .store
                .fee(&request.number, &municipality)?
                .ok_or_else(no_entry)?;
            entry.application = Some(countered.application);
            entry.reference = Some(countered.number.clone());
            if let Some(done) = self.store.fee_by_key(&key)? {
                return if done.counters.as_ref() == Some(&countered.number) {
                    Ok(done)
                } else {
                    refuse(
                        Reason::KeyReused,
                        "the idempotency key was used for another entry; draw a new one",
                    )
                };
            }
            // The application is read before its entries: what changes it after that makes the
            // transaction stale, and an entry that was taken back by then is in the book.
            let dossier = self.dossier(clerk, &countered.application)?;
            let book = self.countered(&countered, key, clerk, now)?;
            let subject = correction_subject(&countered, &request.reason)?;
            let approved: Approved =
                self.approved(clerk, request.approval.as_deref(), &subject, now)?;
            let fee = NewFee {
                application: countered.application,
                municipality,
                kind: countered.kind,
                day: JapaneseDay::of(now),
                amount_yen: countered.amount_yen,
                idempotency_key: key,
                counter_of: Some(countered.number.clone()),
                operator: clerk.operator.clone(),
                at: now,
            };
            let state = dossier.state.clone().after_correction(&book);
            let change = (state != dossier.state)
                .then(|| self.change(&dossier.stored, &state, Vec::new(), now))
                .transpose()?;
            self.store
                .counter_fee(&fee, change.as_ref(), &approved.id(), &entry)
                .map_err(|error| changed(error, Reason::EntryFinal))
        })();
        let entered = self.audited(&entry, now, outcome)?;
        Ok(line(&entered))
    }

    /// The application's own entries with this counter-entry, by the ledger's rules.
    fn countered(
        &self,
        countered: &FeeEntry,
        key: IdempotencyKey,
        clerk: &BackOffice,
        now: Timestamp,
    ) -> Result<Ledger, Failure> {
        let mut ledger = Ledger::default();
        for entry in self.store.fees(&countered.application)? {
            ledger
                .enter(entry)
                .map_err(|fault| Failure::Broken(Box::new(fault)))?;
        }
        let correction = Correction {
            // The true number is drawn in the transaction; this one is no entry's.
            number: String::new(),
            idempotency_key: key,
            operator: clerk.operator.clone(),
            at: now,
            booked_on: JapaneseDay::of(now),
        };
        ledger
            .counter(&countered.number, correction)
            .map_err(|fault| match fault {
                LedgerFault::IsCounterEntry | LedgerFault::AlreadyCountered => {
                    Refused::new(Reason::EntryFinal, fault.to_string()).into()
                }
                other => Failure::Broken(Box::new(other)),
            })?;
        Ok(ledger)
    }

    /// A month's sums, and whether it can be remitted.
    pub fn remittance(
        &self,
        operator: &Operator,
        month: &str,
    ) -> Result<ra::RemittanceView, Failure> {
        let month: Month = parse("/month", month)?;
        let municipality = operator.municipality();
        let (first, last) = (month.first_day(), month.last_day());
        let entries = self.store.book(&municipality, first, last, MOST)?;
        let sums = Totals::of(&entries);
        let today = JapaneseDay::of(self.clock.now());
        let done = self.store.remittance(&municipality, month)?;
        let blocked = match may_remit(month, today, self.store.closed(&municipality)?) {
            _ if done.is_some() => None,
            Ok(()) => None,
            Err(RemitFault::NotOver) => Some("not-over".to_owned()),
            Err(RemitFault::DayOpen(_)) => Some("day-open".to_owned()),
        };
        let days = self.store.closed_days(&municipality, first, last)?;
        Ok(ra::RemittanceView {
            municipality: municipality.to_string(),
            month: month.to_string(),
            totals: totals(&sums),
            lines: sums.lines(),
            booked_yen: sums.yen(),
            days: days
                .into_iter()
                .map(|day| ra::RemittanceDay {
                    day: day.day.to_string(),
                    lines: day.lines,
                    booked_yen: day.booked_yen,
                    counted_yen: day.counted_yen,
                })
                .collect(),
            blocked,
            remitted_at: done.as_ref().map(|done| done.made_at.to_string()),
            remitted_by: done.map(|done| done.operator.to_string()),
        })
    }

    /// Makes a month final.
    pub fn remit(
        &self,
        supervisor: &Supervisor,
        request: &ra::RemittanceRequest,
    ) -> Result<ra::RemittanceView, Failure> {
        let now = self.clock.now();
        let mut entry = supervisor.entry("remit");
        let outcome = (|| {
            let month: Month = parse("/month", &request.month)?;
            entry.reference = Some(month.to_string());
            let municipality = supervisor.municipality();
            let closed = self.store.closed(&municipality)?;
            may_remit(month, JapaneseDay::of(now), closed)
                .map_err(|fault| Refused::new(Reason::DayOpen, fault.to_string()))?;
            let (first, last) = (month.first_day(), month.last_day());
            let sums = Totals::of(&self.store.book(&municipality, first, last, MOST)?);
            let remittance = Remittance {
                municipality,
                month,
                made_at: now,
                operator: supervisor.operator.clone(),
                lines: sums.lines(),
                booked_yen: sums.yen(),
            };
            self.store
                .remit(&remittance, &entry)
                .map_err(|error| changed(error, Reason::DayClosed))
        })();
        self.audited(&entry, now, outcome)?;
        self.remittance(supervisor, &request.month)
    }
}

/// What the second person approves of a correction.
fn correction_subject(countered: &FeeEntry, reason: &str) -> Result<Subject, Failure> {
    let act = ApprovedAct::FeeCorrection;
    Subject::new(act, Some(countered.application), &countered.number, reason).map_err(|fault| {
        Refused::items(vec![ItemError {
            pointer: "/reason".into(),
            detail: fault.to_string(),
        }])
        .into()
    })
}
