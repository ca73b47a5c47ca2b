//! The book of what was provided to whom (Art 18 (5): a report is published at
//! least once a year).

use pki_core::calendar::JapaneseDay;

use super::store::StoreError;

/// What a verifier was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provided {
    /// A complete revocation list, whole or a range of it (失効情報ファイル).
    List,
    /// A delta list.
    Delta,
    /// An OCSP answer about certificates (失効情報).
    Answer,
    /// The certificate of an issuer.
    Certificate,
    /// Nothing: the caller is suspended, out of date, or no verifier.
    Refused,
}

impl Provided {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::List,
        Self::Delta,
        Self::Answer,
        Self::Certificate,
        Self::Refused,
    ];

    /// As in the database and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Delta => "delta",
            Self::Answer => "answer",
            Self::Certificate => "certificate",
            Self::Refused => "refused",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A total of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provision {
    pub day: JapaneseDay,
    /// Id of the verifier; empty for a caller who is in no registry.
    pub verifier: String,
    pub kind: Provided,
    pub count: u64,
}

/// The book.
pub trait ProvisionBook: Send + Sync {
    /// Write totals of this run, in place of what the run wrote for the same day, verifier
    /// and kind before: doing it again changes nothing. All or none.
    fn enter(&self, run: &str, totals: &[Provision]) -> Result<(), StoreError>;

    /// Totals of all runs, by day, verifier and kind, first and last day included.
    fn totals(&self, first: JapaneseDay, last: JapaneseDay) -> Result<Vec<Provision>, StoreError>;
}
