//! Step 4: The public key is read from the card (公開鍵読込): proof, visit, card and the
//! kiosk's record.

use jiff::Timestamp;
use pki_core::{
    application::{Application, states::Visit, transitions::StepFault},
    kiosk_record,
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::{Clerk, certified_key},
    dossier::{Move, not_due},
    kiosk,
    refusal::{Failure, Reason, Refused, refuse},
};
use crate::port::{Effect, KioskRecord, PartyKind};

impl App {
    /// Takes the key that the card proves in this visit. The kiosk that the visit was
    /// assigned to has signed what it did.
    pub fn read_public_key(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::PublicKeyRequest,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "read-public-key", |_, state, now| {
            if let Some(read) = state.key_read()
                && read.key.request == request.request.0
                && read.key.kiosk_record == request.kiosk_record.0
            {
                return Ok(Move::Stay(state));
            }
            let Application::CardPrepared(prepared) = state else {
                return not_due(&state);
            };
            let visit = prepared.visit.clone();
            let record = self.kiosk_record(&visit, &request.kiosk_record.0, now)?;
            let read = prepared
                .read_key(
                    request.request.0.clone(),
                    request.kiosk_record.0.clone(),
                    now,
                )
                .map_err(|fault| Refused::new(reason(&fault), fault.to_string()))?;
            if record.spki_sha256 != read.key.spki_sha256 {
                return refuse(
                    Reason::KioskRecordInvalid,
                    "the kiosk's record is about another key; send the card to the kiosk again",
                );
            }
            let effect = Effect::KeepKioskRecord(KioskRecord {
                visit: visit.visit,
                kiosk: visit.kiosk,
                record: request.kiosk_record.0.clone(),
                received_at: now,
            });
            Ok(Move::Go(read.onward(now), vec![effect]))
        })
    }

    fn kiosk_record(
        &self,
        visit: &Visit,
        record: &[u8],
        now: Timestamp,
    ) -> Result<kiosk_record::KioskRecord, Failure> {
        let invalid = |detail: String| Refused::new(Reason::KioskRecordInvalid, detail);
        let party = self
            .store
            .party(PartyKind::Kiosk, visit.kiosk.as_str())?
            .filter(|party| !party.suspended)
            .ok_or_else(|| invalid("the visit's kiosk is not in service".into()))?;
        let record = kiosk::verify(record, visit.kiosk, &certified_key(&party, now)?)?;
        if record.visit != visit.visit || record.card != visit.card {
            return Err(invalid(
                "the kiosk's record is about another visit; send the card to the kiosk again"
                    .into(),
            )
            .into());
        }
        Ok(record)
    }
}

const fn reason(fault: &StepFault) -> Reason {
    match fault {
        StepFault::OtherVisit | StepFault::OtherCard => Reason::VisitForeign,
        _ => Reason::ProofInvalid,
    }
}
