//! Fees of issuing, as one table, and the book they are entered in. An entry is
//! never changed or struck out: a mistake is corrected by a counter-entry (反対仕訳).

pub mod close;
pub mod taken_back;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cause::ApplicationKind;
use crate::calendar::JapaneseDay;
use crate::id::{ApplicationId, IdempotencyKey, OperatorId};

/// Greatest fee that a table may set, in yen.
pub const FEE_YEN_MAX: u32 = 100_000;

/// What each kind of application costs, in yen. The amounts are the prefecture's, by
/// ordinance; that some are free is the service's rule and cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeTable {
    version: String,
    yen: BTreeMap<ApplicationKind, u32>,
}

/// A table of fees that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FeeTableFault {
    #[error("the table of fees cannot be read")]
    Unreadable(#[source] Box<toml::de::Error>),
    #[error("the table's version must be 1 to 32 characters")]
    Version,
    #[error("{0} has no fee")]
    Missing(ApplicationKind),
    #[error("{0} is free of charge by the rules of the service")]
    MustBeFree(ApplicationKind),
    #[error("{0} costs more than {FEE_YEN_MAX} yen")]
    TooMuch(ApplicationKind),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: String,
    yen: BTreeMap<ApplicationKind, u32>,
}

impl ApplicationKind {
    /// Whether nobody may be charged: a card that failed (Art 10), an error of the office
    /// (Art 13), a merger, and a changed notation of the address are not the holder's doing.
    #[must_use]
    pub const fn is_free(self) -> bool {
        match self {
            Self::ReissueCardFailure
            | Self::ReissueOfficeError
            | Self::ReissueMerger
            | Self::ReissueAddressNotation => true,
            Self::First
            | Self::Renewal
            | Self::ReissueHolder
            | Self::ReissueRegisterChange
            | Self::ReissueSubstitute => false,
        }
    }
}

impl FeeTable {
    /// 500 yen for an issue (the fee of 2004), 1,000 where the applicant wishes for another
    /// substitute after seeing the certificate, nothing in the four free cases.
    #[must_use]
    pub fn standard() -> Self {
        let yen = |kind: ApplicationKind| match kind {
            free if free.is_free() => 0,
            ApplicationKind::ReissueSubstitute => 1_000,
            _ => 500,
        };
        Self {
            version: "standard-1".to_owned(),
            yen: ApplicationKind::ALL
                .into_iter()
                .map(|kind| (kind, yen(kind)))
                .collect(),
        }
    }

    /// Reads a prefecture's table: `version`, and under `[yen]` every kind of application.
    ///
    /// # Errors
    /// [`FeeTableFault`] names the kind that cannot stand.
    pub fn from_toml(toml: &str) -> Result<Self, FeeTableFault> {
        let Table { version, yen } =
            toml::from_str(toml).map_err(|fault| FeeTableFault::Unreadable(Box::new(fault)))?;
        if !(1..=32).contains(&version.chars().count()) {
            return Err(FeeTableFault::Version);
        }
        for kind in ApplicationKind::ALL {
            match yen.get(&kind) {
                None => return Err(FeeTableFault::Missing(kind)),
                Some(1..) if kind.is_free() => return Err(FeeTableFault::MustBeFree(kind)),
                Some(fee) if *fee > FEE_YEN_MAX => return Err(FeeTableFault::TooMuch(kind)),
                Some(_) => {}
            }
        }
        Ok(Self { version, yen })
    }

    /// Version of the table.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The fee for a kind of application, in yen.
    #[must_use]
    pub fn yen(&self, kind: ApplicationKind) -> u32 {
        *self
            .yen
            .get(&kind)
            .expect("both constructors fill in every kind")
    }
}

/// One line of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeEntry {
    /// Receipt number: municipality, fiscal year, running number (`13101-2026-000001`).
    pub number: String,
    pub application: ApplicationId,
    /// What was applied for.
    pub kind: ApplicationKind,
    /// Names the wish to enter it, so that a repeat enters nothing.
    pub idempotency_key: IdempotencyKey,
    pub amount_yen: u32,
    pub operator: OperatorId,
    pub at: Timestamp,
    /// The day in whose till it counts ([`close::booking_day`]).
    pub booked_on: JapaneseDay,
    /// The entry that this one takes back; its amount counts as negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<String>,
}

/// What a counter-entry needs besides the entry it takes back.
#[derive(Clone, Debug)]
pub struct Correction {
    pub number: String,
    pub idempotency_key: IdempotencyKey,
    pub operator: OperatorId,
    pub at: Timestamp,
    /// The day in whose till it counts.
    pub booked_on: JapaneseDay,
}

/// Why an entry cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    #[error("the book has no entry of that number")]
    NoSuchEntry,
    #[error("a counter-entry is not countered: enter the fee anew")]
    IsCounterEntry,
    #[error("the entry was already countered")]
    AlreadyCountered,
    #[error("the number or the idempotency key is already in the book")]
    Repeated,
    #[error("an entry lies before the last one in time")]
    OutOfOrder,
}

/// The book of one municipality: entries in order, each final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: Vec<FeeEntry>,
}

impl Ledger {
    /// The entries in order.
    #[must_use]
    pub fn entries(&self) -> &[FeeEntry] {
        &self.entries
    }

    /// Enters a line.
    ///
    /// # Errors
    /// [`LedgerFault`]; nothing was entered then.
    pub fn enter(&mut self, entry: FeeEntry) -> Result<(), LedgerFault> {
        let repeated = |old: &FeeEntry| {
            old.number == entry.number || old.idempotency_key == entry.idempotency_key
        };
        if self.entries.iter().any(repeated) {
            return Err(LedgerFault::Repeated);
        }
        if self.entries.last().is_some_and(|last| last.at > entry.at) {
            return Err(LedgerFault::OutOfOrder);
        }
        if let Some(number) = &entry.counters {
            let countered = self.find(number).ok_or(LedgerFault::NoSuchEntry)?;
            if countered.counters.is_some() {
                return Err(LedgerFault::IsCounterEntry);
            }
            if self.is_countered(number) {
                return Err(LedgerFault::AlreadyCountered);
            }
            let whole = (countered.application, countered.amount_yen);
            if whole != (entry.application, entry.amount_yen) {
                return Err(LedgerFault::NoSuchEntry);
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Takes back an entry, whole, by a counter-entry.
    ///
    /// # Errors
    /// [`LedgerFault`]; nothing was entered then.
    pub fn counter(&mut self, number: &str, correction: Correction) -> Result<(), LedgerFault> {
        let old = self.find(number).ok_or(LedgerFault::NoSuchEntry)?;
        let entry = FeeEntry {
            number: correction.number,
            application: old.application,
            kind: old.kind,
            idempotency_key: correction.idempotency_key,
            amount_yen: old.amount_yen,
            operator: correction.operator,
            at: correction.at,
            booked_on: correction.booked_on,
            counters: Some(number.to_owned()),
        };
        self.enter(entry)
    }

    /// What was taken for an application and not taken back, in yen.
    #[must_use]
    pub fn balance_yen(&self, application: ApplicationId) -> i64 {
        self.entries
            .iter()
            .filter(|entry| entry.application == application)
            .map(signed)
            .sum()
    }

    /// What was taken and not taken back in all, in yen: the till.
    #[must_use]
    pub fn total_yen(&self) -> i64 {
        self.entries.iter().map(signed).sum()
    }

    /// Numbers of the entries that stand.
    #[must_use]
    pub fn standing(&self) -> BTreeSet<&str> {
        let entered = self.entries.iter().filter(|entry| entry.counters.is_none());
        entered
            .map(|entry| entry.number.as_str())
            .filter(|number| !self.is_countered(number))
            .collect()
    }

    fn find(&self, number: &str) -> Option<&FeeEntry> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    fn is_countered(&self, number: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.counters.as_deref() == Some(number))
    }
}

/// What an entry adds to the till, in yen.
#[must_use]
pub fn signed(entry: &FeeEntry) -> i64 {
    let amount = i64::from(entry.amount_yen);
    if entry.counters.is_some() {
        -amount
    } else {
        amount
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_table_charges_what_the_service_charged() {
        let table = FeeTable::standard();
        let fees: Vec<u32> = ApplicationKind::ALL
            .into_iter()
            .map(|kind| table.yen(kind))
            .collect();
        assert_eq!(fees, [500, 500, 500, 0, 0, 500, 0, 0, 1_000]);
        assert!(table.yen(ApplicationKind::ReissueSubstitute) > table.yen(ApplicationKind::First));
    }

    fn toml(change: impl Fn(&str) -> Option<u32>) -> String {
        let lines: Vec<String> = ApplicationKind::ALL
            .into_iter()
            .filter_map(|kind| Some(format!("{kind} = {}", change(kind.as_str())?)))
            .collect();
        format!("version = \"tokyo-1\"\n[yen]\n{}\n", lines.join("\n"))
    }

    #[test]
    fn a_prefecture_sets_its_amounts_but_cannot_charge_for_what_is_free() {
        let first = |kind: &str| Some(if kind == "first" { 400 } else { 0 });
        let table = FeeTable::from_toml(&toml(first)).unwrap();
        assert_eq!(
            (table.version(), table.yen(ApplicationKind::First)),
            ("tokyo-1", 400)
        );
        let fault =
            |change: fn(&str) -> Option<u32>| FeeTable::from_toml(&toml(change)).unwrap_err();
        assert!(matches!(
            fault(|_| Some(500)),
            FeeTableFault::MustBeFree(ApplicationKind::ReissueCardFailure)
        ));
        assert!(matches!(
            fault(|kind| (kind != "renewal").then_some(0)),
            FeeTableFault::Missing(ApplicationKind::Renewal)
        ));
        assert!(matches!(
            fault(|kind| Some(if kind == "first" { 100_001 } else { 0 })),
            FeeTableFault::TooMuch(ApplicationKind::First)
        ));
        let dearest = toml(|kind| Some(if kind == "first" { FEE_YEN_MAX } else { 0 }));
        let dearest = FeeTable::from_toml(&dearest).unwrap();
        assert_eq!(dearest.yen(ApplicationKind::First), FEE_YEN_MAX);
        let unknown = toml(|_| Some(0)) + "gift = 1\n";
        assert!(matches!(
            FeeTable::from_toml(&unknown),
            Err(FeeTableFault::Unreadable(_))
        ));
        let unnamed = toml(|_| Some(0)).replace("tokyo-1", "");
        assert!(matches!(
            FeeTable::from_toml(&unnamed),
            Err(FeeTableFault::Version)
        ));
    }

    fn entry(number: u8) -> FeeEntry {
        FeeEntry {
            number: format!("13101-2026-{number:06}"),
            application: ApplicationId::from_bytes([number; 16]),
            kind: ApplicationKind::First,
            idempotency_key: IdempotencyKey::from_bytes([number; 16]),
            amount_yen: 500,
            operator: "13101-0001".parse().unwrap(),
            at: Timestamp::from_second(1_800_000_000 + i64::from(number)).unwrap(),
            booked_on: JapaneseDay::new(2027, 1, 15).unwrap(),
            counters: None,
        }
    }

    fn correction(number: u8) -> Correction {
        let entry = entry(number);
        Correction {
            number: entry.number,
            idempotency_key: entry.idempotency_key,
            operator: entry.operator,
            at: entry.at,
            booked_on: entry.booked_on,
        }
    }

    #[test]
    fn a_mistake_is_taken_back_once_by_a_counter_entry_and_both_stay_in_the_book() {
        let mut book = Ledger::default();
        book.enter(entry(1)).unwrap();
        book.enter(entry(2)).unwrap();
        book.counter("13101-2026-000001", correction(3)).unwrap();
        assert_eq!(
            (book.balance_yen(entry(1).application), book.total_yen()),
            (0, 500)
        );
        assert_eq!(
            book.balance_yen(entry(2).application),
            500,
            "what is taken back for one stands for the other"
        );
        assert_eq!(book.entries().len(), 3);
        assert_eq!(
            book.standing().into_iter().collect::<Vec<_>>(),
            ["13101-2026-000002"]
        );
        let before = book.clone();
        let again = book.counter("13101-2026-000001", correction(4));
        assert_eq!(again, Err(LedgerFault::AlreadyCountered));
        let counter = book.counter("13101-2026-000003", correction(4));
        assert_eq!(counter, Err(LedgerFault::IsCounterEntry));
        assert_eq!(
            book.counter("13101-2026-000009", correction(4)),
            Err(LedgerFault::NoSuchEntry)
        );
        assert_eq!(book, before, "a refused correction enters nothing");
    }

    #[test]
    fn repeated_late_and_partial_entries_are_refused() {
        let mut book = Ledger::default();
        book.enter(entry(5)).unwrap();
        assert_eq!(book.enter(entry(5)), Err(LedgerFault::Repeated));
        let same_key = FeeEntry {
            number: "13101-2026-000006".to_owned(),
            ..entry(5)
        };
        assert_eq!(book.enter(same_key), Err(LedgerFault::Repeated));
        assert_eq!(book.enter(entry(4)), Err(LedgerFault::OutOfOrder));
        let at_once = FeeEntry {
            at: entry(5).at,
            ..entry(6)
        };
        assert_eq!(book.clone().enter(at_once), Ok(()), "two in one second");
        let partial = FeeEntry {
            amount_yen: 100,
            application: entry(5).application,
            counters: Some(entry(5).number),
            ..entry(6)
        };
        assert_eq!(book.enter(partial), Err(LedgerFault::NoSuchEntry));
    }
}
