//! The till and its book, as the store keeps them.

use jiff::Timestamp;
use pki_core::{
    application::fee::{FeeEntry, close::Closed},
    calendar::{JapaneseDay, Month},
    id::{ApprovalId, OperatorId},
    person::municipality::MunicipalityCode,
};

use super::{
    audit::AuditEntry,
    store::{AdvanceError, Change, NewFee, StoreError},
};

/// A day that was closed.
#[derive(Clone, PartialEq, Eq)]
pub struct ClosedDay {
    /// Whose till.
    pub municipality: MunicipalityCode,
    /// Which day.
    pub day: JapaneseDay,
    /// When.
    pub closed_at: Timestamp,
    /// By whom.
    pub operator: OperatorId,
    /// How many entries it has.
    pub lines: u64,
    /// Their sum in yen.
    pub booked_yen: i64,
    /// What was counted, in yen.
    pub counted_yen: i64,
    /// Why the two differ, sealed.
    pub sealed: Option<Vec<u8>>,
    /// Who approved that the two differ.
    pub approval: Option<ApprovalId>,
}

/// A month that was remitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remittance {
    /// Whose fees.
    pub municipality: MunicipalityCode,
    /// Of which month.
    pub month: Month,
    /// When.
    pub made_at: Timestamp,
    /// By whom.
    pub operator: OperatorId,
    /// How many entries it has.
    pub lines: u64,
    /// Their sum in yen.
    pub booked_yen: i64,
}

/// The part of the store that keeps the till. Promises as `Store`; beside them: a closed day
/// and a remitted month never change, whoever enters at the same moment.
pub trait Till {
    /// How far the book is closed, and the first day after that with entries.
    fn closed(&self, municipality: &MunicipalityCode) -> Result<Closed, StoreError>;
    /// Entries booked from a day to a day, both counted, in order of their numbers; at most
    /// `limit`.
    fn book(
        &self,
        municipality: &MunicipalityCode,
        from: JapaneseDay,
        to: JapaneseDay,
        limit: u32,
    ) -> Result<Vec<FeeEntry>, StoreError>;
    /// An entry of this municipality by its number.
    fn fee(
        &self,
        number: &str,
        municipality: &MunicipalityCode,
    ) -> Result<Option<FeeEntry>, StoreError>;
    /// Enters a counter-entry, spends its approval, and changes the application where its fee
    /// is due again by that, all at once. [`AdvanceError::Stale`] when the approval cannot be
    /// spent or the application was changed meanwhile, [`AdvanceError::Taken`] when the entry
    /// was taken back before or the idempotency key is in the book.
    fn counter_fee(
        &self,
        fee: &NewFee,
        change: Option<&Change>,
        approval: &ApprovalId,
        audit: &AuditEntry,
    ) -> Result<FeeEntry, AdvanceError>;
    /// Of applications that were handed over and had an entry taken back on this day: all
    /// their entries, on whatever day; at most `limit`.
    fn taken_back_after_hand_over(
        &self,
        municipality: &MunicipalityCode,
        day: JapaneseDay,
        limit: u32,
    ) -> Result<Vec<FeeEntry>, StoreError>;
    /// Closes a day; spends the approval that it names. [`AdvanceError::Stale`] when the day
    /// has other entries by now, an earlier one has entries and is open, or the approval cannot
    /// be spent; [`AdvanceError::Taken`] when it is closed already.
    fn close_day(&self, day: &ClosedDay, audit: &AuditEntry) -> Result<(), AdvanceError>;
    /// Closed days from a day to a day, both counted, in order.
    fn closed_days(
        &self,
        municipality: &MunicipalityCode,
        from: JapaneseDay,
        to: JapaneseDay,
    ) -> Result<Vec<ClosedDay>, StoreError>;
    /// Makes a month final. [`AdvanceError::Stale`] when its entries are others by now or one
    /// of its days is open, [`AdvanceError::Taken`] when it was remitted before.
    fn remit(&self, remittance: &Remittance, audit: &AuditEntry) -> Result<(), AdvanceError>;
    /// The remittance of a month.
    fn remittance(
        &self,
        municipality: &MunicipalityCode,
        month: Month,
    ) -> Result<Option<Remittance>, StoreError>;
}
