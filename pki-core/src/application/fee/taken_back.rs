//! What a counter-entry (反対仕訳) does to the application whose fee it takes back: before
//! the hand-over the fee is due again; what was handed over stays so, and the day's book
//! tells it.

use std::collections::{BTreeMap, BTreeSet};

use super::{FeeEntry, Ledger};
use crate::application::Application;
use crate::application::states::{Paid, Written};
use crate::id::ApplicationId;

impl Ledger {
    /// Whether the fee that was taken last for an application was taken back, so that it is
    /// owed again. Where nothing was taken (無料), nothing is.
    #[must_use]
    pub fn owes(&self, application: ApplicationId) -> bool {
        self.entries
            .iter()
            .rfind(|entry| entry.application == application && entry.counters.is_none())
            .is_some_and(|fee| fee.amount_yen > 0 && self.is_countered(&fee.number))
    }
}

impl Paid {
    /// The payment was taken back: the fee is due again, by the table of fees that holds when
    /// it is taken.
    fn take_back(self) -> Written {
        Written {
            fee_taken_back: Some(self.payment.number),
            ..self.written
        }
    }
}

impl Application {
    /// Where it stands by this book, in which an entry of its own was taken back: at the fee
    /// again where the fee is owed and the card not handed over, and otherwise where it stood.
    #[must_use]
    pub fn after_correction(self, book: &Ledger) -> Self {
        match self {
            Self::Paid(paid) if book.owes(paid.case.id) => Self::Written(paid.take_back()),
            other => other,
        }
    }

    /// Receipt number of the fee that was taken back last, from the card's writing on.
    #[must_use]
    pub fn fee_taken_back(&self) -> Option<&str> {
        let written: &Written = match self {
            Self::Written(written) => written,
            Self::Paid(paid) => paid,
            Self::HandedOver(handed_over) => handed_over,
            _ => return None,
        };
        written.fee_taken_back.as_deref()
    }
}

/// Which of these applications owe their fee, by all the entries that they have.
#[must_use]
pub fn owing(entries: impl IntoIterator<Item = FeeEntry>) -> BTreeSet<ApplicationId> {
    let mut books: BTreeMap<ApplicationId, Ledger> = BTreeMap::new();
    for entry in entries {
        let book = books.entry(entry.application).or_default();
        book.entries.push(entry);
    }
    books
        .into_iter()
        .filter(|(application, book)| book.owes(*application))
        .map(|(application, _)| application)
        .collect()
}
