//! The office as the store keeps it: files of places, extended hours, shift changes.

use jiff::Timestamp;
use pki_core::{
    calendar::JapaneseDay,
    id::{OperatorId, TerminalId},
    person::municipality::MunicipalityCode,
};

use super::{audit::AuditEntry, store::StoreError};

/// A file of places as an officer loaded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedPlaces {
    /// Its version; each is loaded once.
    pub version: String,
    /// The file's text.
    pub file: String,
    /// The officer.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A day on which a place is open longer.
#[derive(Clone, PartialEq, Eq)]
pub struct Extension {
    /// Names it.
    pub id: String,
    /// Whose place.
    pub municipality: MunicipalityCode,
    /// The place's name.
    pub place: String,
    /// Which day.
    pub day: JapaneseDay,
    /// Until when on that day.
    pub until: Timestamp,
    /// The supervisor.
    pub operator: OperatorId,
    /// When it was said.
    pub at: Timestamp,
    /// Why, sealed.
    pub sealed: Vec<u8>,
}

/// A shift change at a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShiftChange {
    /// Names it.
    pub id: String,
    /// Whose terminal.
    pub municipality: MunicipalityCode,
    /// Which terminal.
    pub terminal: TerminalId,
    /// Who takes over.
    pub operator: OperatorId,
    /// From whom; filled in by the store from the last change.
    pub before: Option<OperatorId>,
    /// How many open applications of the terminal; filled in by the store.
    pub applications: u64,
    /// When.
    pub at: Timestamp,
}

/// The part of the store that keeps the office. Promises as `Store`.
pub trait Office {
    /// Keeps a file of places; it counts from now on. `false` when its version was loaded
    /// before.
    fn load_places(&self, places: &LoadedPlaces, audit: &AuditEntry) -> Result<bool, StoreError>;
    /// Version of the file that was loaded last.
    fn places_version(&self) -> Result<Option<String>, StoreError>;
    /// The file that was loaded last.
    fn places(&self) -> Result<Option<LoadedPlaces>, StoreError>;
    /// Keeps an extension.
    fn extend(&self, extension: &Extension, audit: &AuditEntry) -> Result<(), StoreError>;
    /// Until when a place is kept open on a day, at the latest.
    fn extended(
        &self,
        municipality: &MunicipalityCode,
        place: &str,
        day: JapaneseDay,
    ) -> Result<Option<Timestamp>, StoreError>;
    /// Records that an operator takes a terminal's open applications over; gives the record
    /// with what the store filled in.
    fn take_over(
        &self,
        change: &ShiftChange,
        audit: &AuditEntry,
    ) -> Result<ShiftChange, StoreError>;
    /// The last change at a terminal.
    fn shift(&self, terminal: &TerminalId) -> Result<Option<ShiftChange>, StoreError>;
}
