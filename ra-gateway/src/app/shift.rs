//! Shift change (交代): another operator takes the terminal's open applications over.

use schema::wire::v1::ra;

use super::{App, caller::BackOffice, refusal::Failure};
use crate::port::ShiftChange;

/// A change as terminals see it.
pub(super) fn shown(change: ShiftChange) -> ra::ShiftMessage {
    ra::ShiftMessage {
        operator: change.operator.to_string(),
        before: change.before.map(|id| id.to_string()),
        applications: change.applications,
        at: change.at.to_string(),
    }
}

impl App {
    /// Records that the operator at work takes over.
    pub fn take_over(
        &self,
        clerk: &BackOffice,
        _request: &ra::ShiftRequest,
    ) -> Result<ra::ShiftMessage, Failure> {
        let change = ShiftChange {
            id: hex::encode(self.entropy.id()),
            municipality: clerk.municipality(),
            terminal: clerk.terminal.id,
            operator: clerk.operator.clone(),
            before: None,
            applications: 0,
            at: self.clock.now(),
        };
        let done = self.store.take_over(&change, &clerk.entry("take-over"))?;
        Ok(shown(done))
    }
}
