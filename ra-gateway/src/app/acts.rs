//! Signed acts on their way to the authority. The authority verifies them for itself;
//! the gateway verifies first, so that a clerk learns of a mistake at once and nobody
//! sends in another's name.

use jiff::{SignedDuration, Timestamp};
use pki_core::{
    act::{Act, SignedAct},
    id::ApplicationId,
};
use schema::wire::v1::act::SignedActMessage;

use super::{
    App,
    caller::Clerk,
    refusal::{Failure, Reason, Refused, refuse},
};

impl App {
    /// The act in a message: signed by this terminal and this clerk's card, now.
    pub(super) fn verified_act(
        &self,
        clerk: &Clerk,
        message: &SignedActMessage,
        now: Timestamp,
    ) -> Result<Act, Failure> {
        let act = SignedAct {
            payload: message.payload.0.clone(),
            terminal_signature: message.terminal_signature.0.clone(),
            operator_signature: message.operator_signature.0.clone(),
        }
        .verify(
            &clerk.terminal.public_key,
            &clerk.public_key,
            now,
            SignedDuration::from_secs(self.settings.act_skew_s),
        )
        .map_err(|fault| Refused::new(Reason::ActInvalid, fault.to_string()))?;
        if act.terminal != clerk.terminal.id || act.operator != clerk.operator {
            return refuse(
                Reason::ActInvalid,
                "the act names another terminal or operator than those who sent it",
            );
        }
        if act.municipality != clerk.municipality() || act.prefecture != self.settings.prefecture {
            return refuse(Reason::ActInvalid, "the act names another place");
        }
        self.same_mode(act.mode)?;
        Ok(act)
    }
}

/// The act must be about this application.
pub(super) fn about(act: &Act, application: ApplicationId) -> Result<(), Failure> {
    if act.application == application {
        Ok(())
    } else {
        refuse(Reason::ActInvalid, "the act is about another application")
    }
}
