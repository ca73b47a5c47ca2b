//! Step 10: Card, guide and printed copy are handed over (Art 3 ⑦); or the applicant withdraws
//! before anything was issued.

use pki_core::application::Application;
use schema::wire::v1::ra;

use super::{
    App,
    caller::Clerk,
    dossier::{Move, not_due},
    refusal::{Failure, Reason, Refused},
};

impl App {
    /// The end of the walk.
    pub fn hand_over(
        &self,
        clerk: &Clerk,
        id: &str,
        _request: &ra::HandOverRequest,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "hand-over", |_, state, now| match state {
            Application::Paid(paid) => Ok(Application::HandedOver(paid.hand_over(now)).into()),
            Application::HandedOver(_) => Ok(Move::Stay(state)),
            other => not_due(&other),
        })
    }

    /// The applicant withdraws.
    pub fn cancel(
        &self,
        clerk: &Clerk,
        id: &str,
        _request: &ra::CancelRequest,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "cancel", |_, state, now| {
            if matches!(state, Application::Cancelled(_)) {
                return Ok(Move::Stay(state));
            }
            let cancelled = state
                .cancel(now)
                .map_err(|fault| Refused::new(Reason::StepNotDue, fault.to_string()))?;
            Ok(Application::Cancelled(cancelled).into())
        })
    }
}
