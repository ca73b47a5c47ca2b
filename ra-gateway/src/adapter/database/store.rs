//! The port [`Store`] on the database: which queries make up which transaction.

use diesel::RunQueryDsl;
use jiff::Timestamp;
use pki_core::{
    application::fee::FeeEntry,
    id::{ApplicationId, CardId, IdempotencyKey, OperatorId},
    operator::Role,
    person::municipality::MunicipalityCode,
};

use super::{Database, Fault, application, fee, party, session, upkeep};
use crate::port::{
    AdvanceError, AuditEntry, BreakerStop, Challenge, Change, KioskHealth, KioskRecord, NewFee,
    Party, PartyKind, Received, Session, Store, StoreError, StoredApplication, WrappedKey,
};

impl Store for Database {
    fn party_by_certificate(&self, sha256: &[u8; 32]) -> Result<Option<Party>, StoreError> {
        self.read(|c| party::by_certificate(c, sha256))
    }

    fn party(&self, kind: PartyKind, id: &str) -> Result<Option<Party>, StoreError> {
        self.read(|c| party::by_id(c, kind, id))
    }

    fn kiosks(&self, municipality: &MunicipalityCode) -> Result<Vec<Party>, StoreError> {
        self.read(|c| party::kiosks(c, municipality))
    }

    fn register_party(
        &self,
        new: &Party,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.audited(audit, now, |c, _| party::register(c, new, now))
            .map_err(Fault::into_store)
    }

    fn set_suspended(
        &self,
        kind: PartyKind,
        id: &str,
        suspended: bool,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        self.audited(audit, now, |c, entry| {
            let there = party::set_suspended(c, kind, id, suspended, now)?;
            if !there {
                entry.refused = Some("party-unknown".to_owned());
            }
            Ok(there)
        })
        .map_err(Fault::into_store)
    }

    fn set_role(
        &self,
        operator: &OperatorId,
        role: Role,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        self.audited(audit, now, |c, entry| {
            let there = party::set_role(c, operator.as_str(), role, now)?;
            if !there {
                entry.refused = Some("party-unknown".to_owned());
            }
            Ok(there)
        })
        .map_err(Fault::into_store)
    }

    fn put_challenge(&self, challenge: &Challenge, now: Timestamp) -> Result<(), StoreError> {
        self.write(|c| session::put_challenge(c, challenge, now))
    }

    fn take_challenge(&self, id: &str) -> Result<Option<Challenge>, StoreError> {
        self.write(|c| session::take_challenge(c, id))
    }

    fn open_session(&self, new: &Session, audit: &AuditEntry) -> Result<(), StoreError> {
        self.audited(audit, new.opened_at, |c, _| session::open(c, new))
            .map_err(Fault::into_store)
    }

    fn session(&self, token_sha256: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        self.read(|c| session::find(c, token_sha256))
    }

    fn touch_session(&self, token_sha256: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.write(|c| session::touch(c, token_sha256, now))
    }

    fn close_session(
        &self,
        token_sha256: &[u8; 32],
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.audited(audit, now, |c, _| session::close(c, token_sha256))
            .map_err(Fault::into_store)
    }

    fn receive(&self, new: &StoredApplication, audit: &AuditEntry) -> Result<Received, StoreError> {
        let outcome = self.audited(audit, new.received_at, |c, entry| {
            if let Some(known) = application::by_receive_key(c, &new.receive_key)? {
                entry.application = Some(known.id);
                entry.reference = Some("repeated".to_owned());
                return Ok(Received::Known(Box::new(known)));
            }
            application::insert(c, new)?;
            Ok(Received::New)
        });
        match outcome {
            // Another node stored the same wish between our look and our insert.
            Err(Fault::Taken) => self
                .read(|c| application::by_receive_key(c, &new.receive_key))?
                .map(|known| Received::Known(Box::new(known)))
                .ok_or_else(|| StoreError::Query("an application id was drawn twice".into())),
            other => other.map_err(Fault::into_store),
        }
    }

    fn application(
        &self,
        id: &ApplicationId,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredApplication>, StoreError> {
        self.read(|c| application::find(c, id, municipality))
    }

    fn application_by_receive_key(
        &self,
        key: &IdempotencyKey,
    ) -> Result<Option<StoredApplication>, StoreError> {
        self.read(|c| application::by_receive_key(c, key))
    }

    fn application_of_serial(
        &self,
        serial: &str,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredApplication>, StoreError> {
        self.read(|c| application::of_serial(c, serial, municipality))
    }

    fn certified_beside(
        &self,
        application: &StoredApplication,
        card: &CardId,
    ) -> Result<Vec<StoredApplication>, StoreError> {
        self.read(|c| application::certified_beside(c, application, card))
    }

    fn applications(
        &self,
        municipality: &MunicipalityCode,
        open_only: bool,
        limit: u32,
    ) -> Result<Vec<StoredApplication>, StoreError> {
        self.read(|c| application::list(c, municipality, open_only, limit))
    }

    fn advance(&self, change: &Change, audit: &AuditEntry) -> Result<(), AdvanceError> {
        self.audited(audit, change.now, |c, _| application::advance(c, change))
            .map_err(Fault::into_advance)
    }

    fn enter_fee(
        &self,
        new: &NewFee,
        audit: &AuditEntry,
        change: &mut dyn FnMut(&FeeEntry) -> Change,
    ) -> Result<FeeEntry, AdvanceError> {
        self.audited(audit, new.at, |c, entry| {
            let entered = fee::enter(c, new, None)?;
            application::advance(c, &change(&entered))?;
            entry.reference = Some(entered.number.clone());
            Ok(entered)
        })
        .map_err(Fault::into_advance)
    }

    fn fee_by_key(&self, key: &IdempotencyKey) -> Result<Option<FeeEntry>, StoreError> {
        self.read(|c| fee::by_key(c, key))
    }

    fn fees(&self, application: &ApplicationId) -> Result<Vec<FeeEntry>, StoreError> {
        self.read(|c| fee::of_application(c, application))
    }

    fn keep_kiosk_record(
        &self,
        record: &KioskRecord,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        self.audited(audit, record.received_at, |c, _| {
            upkeep::keep_kiosk_record(c, record)
        })
        .map_err(Fault::into_store)
    }

    fn note_kiosk_health(&self, health: &KioskHealth) -> Result<(), StoreError> {
        self.write(|c| upkeep::note_kiosk_health(c, health))
    }

    fn stops(&self) -> Result<Vec<BreakerStop>, StoreError> {
        self.read(upkeep::stops)
    }

    fn release_stop(
        &self,
        id: &str,
        by: &str,
        reason: &str,
        proof: &str,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        self.audited(audit, now, |c, entry| {
            let released = upkeep::release_stop(c, id, (by, reason, proof), now)?;
            if !released {
                entry.refused = Some("not-stopped".to_owned());
            }
            Ok(released)
        })
        .map_err(Fault::into_store)
    }

    fn data_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        self.read(upkeep::data_keys)
    }

    fn add_data_key(&self, key: &WrappedKey, now: Timestamp) -> Result<bool, StoreError> {
        self.write(|c| upkeep::add_data_key(c, key, now))
    }

    fn audit(&self, entry: &AuditEntry, now: Timestamp) -> Result<(), StoreError> {
        self.audited(entry, now, |_, _| Ok(()))
            .map_err(Fault::into_store)
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.read(|c| Ok(diesel::sql_query("SELECT 1").execute(c).map(|_| ())?))
    }
}
