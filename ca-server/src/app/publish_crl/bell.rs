//! When lists are published: at once at the start, after revocations within the set time, and on
//! schedule.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{InPlace, publish};
use crate::app::{App, callers, resume, retention};

/// Wakes the publisher when there is something new for a list.
#[derive(Default)]
pub struct Bell {
    state: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Default, Clone, Copy)]
struct Rung {
    rung: bool,
    closed: bool,
}

impl Bell {
    /// Something was revoked or abandoned.
    pub fn ring(&self) {
        self.set(|state| state.rung = true);
    }

    /// The program ends.
    pub fn close(&self) {
        self.set(|state| state.closed = true);
    }

    fn set(&self, change: impl FnOnce(&mut Rung)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Wait for a ring at most so long; `None` when the program ends.
    fn wait(&self, at_most: Duration) -> Option<bool> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, at_most, |state| !state.rung && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let rung = std::mem::take(&mut state.rung);
        (!state.closed).then_some(rung)
    }

    /// Sleep without listening for rings; `false` when the program ends.
    pub fn rest(&self, time: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, time, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        !state.closed
    }
}

/// How long a publication waits for what else is revoked, of the time that is allowed from a
/// revocation to the list, when the last one began so long ago: after a quiet time a moment; while
/// much is revoked until half the time has passed since the last one. The other half publishes.
fn gathering(allowed: Duration, since_last: Option<Duration>) -> Duration {
    const MOMENT: Duration = Duration::from_secs(1);
    let half = allowed / 2;
    let rest = since_last.map_or(Duration::ZERO, |since| half.saturating_sub(since));
    rest.max(MOMENT.min(half))
}

/// Publish for as long as the program runs: at once, after revocations within
/// the set time, and on schedule. Failures are tried again.
pub fn run(app: &App) {
    const LOOK: Duration = Duration::from_secs(5);
    const AGAIN: Duration = Duration::from_millis(500);
    const MINUTE: Duration = Duration::from_secs(60);
    let mut pause = Duration::ZERO;
    let mut in_place = InPlace::new();
    let mut last: Option<Instant> = None;
    let mut summed = Instant::now();
    loop {
        let rung = app.publisher.wait(pause);
        let gathers = gathering(app.crl.after_revocation, last.map(|last| last.elapsed()));
        match rung {
            None => return,
            Some(true) if !app.publisher.rest(gathers) => return,
            Some(_) => {}
        }
        let begun = Instant::now();
        let (published, failed) = publish(app, &mut in_place);
        if !published.is_empty() {
            last = Some(begun);
        }
        if let Err(error) = resume::sweep(app) {
            tracing::debug!(error = %crate::causes(&error), "the sweep waits for the database");
        }
        if summed.elapsed() >= MINUTE {
            summed = Instant::now();
            if let Err(error) = callers::sum_up(app) {
                tracing::warn!(error = %crate::causes(&error), "refusals wait to be summed up");
            }
            match retention::delete_due(app) {
                Ok(0) => {}
                Ok(deleted) => tracing::info!(deleted, "records were deleted by rule"),
                Err(error) => {
                    tracing::warn!(error = %crate::causes(&error), "due records are still there");
                }
            }
        }
        for list in &published {
            tracing::info!(
                issuer = list.record.issuer,
                scope = list.record.scope,
                number = list.record.number,
                "published a revocation list"
            );
        }
        for error in &failed {
            tracing::warn!(error = %crate::causes(error), "a revocation list waits");
        }
        metrics::counter!("jitsuin_crl_failures_total").increment(failed.len() as u64);
        pause = if failed.is_empty() { LOOK } else { AGAIN };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_revocation_is_listed_at_once_and_many_are_gathered() {
        let seconds = Duration::from_secs;
        assert_eq!(gathering(seconds(60), None), seconds(1));
        assert_eq!(gathering(seconds(60), Some(seconds(3600))), seconds(1));
        assert_eq!(gathering(seconds(60), Some(seconds(10))), seconds(20));
        assert_eq!(gathering(seconds(60), Some(seconds(30))), seconds(1));
        assert_eq!(gathering(seconds(1), None), seconds(1) / 2);
        assert_eq!(
            gathering(Duration::ZERO, Some(Duration::ZERO)),
            Duration::ZERO
        );
    }
}
