//! Applications that nobody goes on with end by rule, each with its record.

use jiff::SignedDuration;
use pki_core::application::{Application, Step};

use super::{App, refusal::Failure};
use crate::port::{AdvanceError, AuditEntry};

/// Applications that are read at once.
const BATCH: u32 = 100;

impl App {
    /// Ends what has lapsed; how many that were. Run by the server once in an hour, and by
    /// an officer's command.
    pub fn lapse(&self) -> Result<usize, Failure> {
        let now = self.clock.now();
        let days = self.settings.open_days;
        let shortest = days.min(self.settings.inquiry_days);
        // A day of grace for where in its day the step lay; the rule itself counts days.
        let before = now - SignedDuration::from_hours(24 * (i64::from(shortest) - 1).max(0));
        let steps = Step::LAPSING.map(Step::as_str);
        let mut after = None;
        let mut ended = 0;
        loop {
            let batch = self.store.idle_applications(&steps, before, after, BATCH)?;
            let Some(last) = batch.last() else {
                return Ok(ended);
            };
            after = Some((last.changed_at, last.id));
            for stored in batch {
                let dossier = self.opened(stored)?;
                let Some(lapsed) = dossier.state.lapse(days, now) else {
                    continue;
                };
                let state = Application::Cancelled(lapsed);
                let change = self.change(&dossier.stored, &state, Vec::new(), now)?;
                let entry = AuditEntry {
                    act: "lapse",
                    application: Some(dossier.stored.id),
                    ..AuditEntry::default()
                };
                match self.store.advance(&change, &entry) {
                    Ok(()) => ended += 1,
                    // Somebody went on with it just now.
                    Err(AdvanceError::Stale) => {}
                    Err(other) => return Err(other.into()),
                }
            }
        }
    }
}
