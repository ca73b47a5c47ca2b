//! Step 9: The fee is taken; a receipt number without gaps comes with it.

use pki_core::{
    application::{Application, fee::FeeEntry, states::Payment},
    calendar::JapaneseDay,
    id::IdempotencyKey,
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::Clerk,
    dossier::not_due,
    refusal::{Failure, Reason, Refused, parse},
};
use crate::port::{AdvanceError, NewFee};

impl App {
    /// Enters the fee that is due. A repeat answers with the same receipt.
    pub fn take_fee(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::FeeRequest,
    ) -> Result<ra::Application, Failure> {
        let now = self.clock.now();
        self.with_dossier(clerk, id, "take-fee", now, |dossier| {
            let key: IdempotencyKey = parse("/idempotency_key", &request.idempotency_key)?;
            let written = match &dossier.state {
                Application::Written(written) => written.clone(),
                other
                    if other
                        .payment()
                        .is_some_and(|paid| paid.idempotency_key == key) =>
                {
                    return Ok(());
                }
                other => return not_due(other),
            };
            let due = self.settings.fees.yen(dossier.state.case().kind);
            let paid = |number: String| {
                written
                    .clone()
                    .pay(
                        Payment {
                            number,
                            amount_yen: request.amount_yen,
                            idempotency_key: key,
                            operator: clerk.operator.clone(),
                            at: now,
                        },
                        due,
                    )
                    .map(Application::Paid)
            };
            // Decided before a number is drawn: a wrong amount takes none.
            paid(String::new())
                .map_err(|fault| Refused::new(Reason::FeeDiffers, fault.to_string()))?;
            let fee = NewFee {
                application: dossier.stored.id,
                municipality: clerk.municipality(),
                kind: dossier.state.case().kind,
                day: JapaneseDay::of(now),
                amount_yen: request.amount_yen,
                idempotency_key: key,
                counter_of: None,
                operator: clerk.operator.clone(),
                at: now,
            };
            let mut entry = clerk.entry("take-fee");
            entry.application = Some(dossier.stored.id);
            // The vault is asked before the transaction: sealing must not fail inside it.
            let mut sealing = Ok(());
            let before = self.change(&dossier.stored, &dossier.state, Vec::new(), now)?;
            let mut state = None;
            let outcome = self
                .store
                .enter_fee(&fee, &entry, &mut |entered: &FeeEntry| {
                    let next = paid(entered.number.clone())
                        .expect("the same amount was found right just above");
                    match self.change(&dossier.stored, &next, Vec::new(), now) {
                        Ok(change) => {
                            state = Some(next);
                            change
                        }
                        Err(failure) => {
                            sealing = Err(failure);
                            // A version that never was: the transaction takes everything back.
                            crate::port::Change {
                                expected: u64::MAX,
                                effects: Vec::new(),
                                index: before.index.clone(),
                                sealed: before.sealed.clone(),
                                step: before.step.clone(),
                                ..before
                            }
                        }
                    }
                });
            sealing?;
            outcome.map_err(|error| match error {
                AdvanceError::Taken => Failure::from(Refused::new(
                    Reason::KeyReused,
                    "the idempotency key was used for another fee; draw a new one",
                )),
                other => other.into(),
            })?;
            if let Some(state) = state {
                dossier.stored.version += 1;
                dossier.state = state;
            }
            Ok(())
        })
    }
}
