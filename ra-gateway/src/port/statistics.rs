//! What is counted for the ministry, as the store keeps it.

use pki_core::{
    application::statistics::Event, calendar::JapaneseDay, person::municipality::MunicipalityCode,
};

use super::store::StoreError;

/// The part of the store that keeps counts.
pub trait Statistics {
    /// Events of a municipality from a day to a day, both counted, each with its day.
    fn events(
        &self,
        municipality: &MunicipalityCode,
        from: JapaneseDay,
        to: JapaneseDay,
    ) -> Result<Vec<(JapaneseDay, Event)>, StoreError>;
}
