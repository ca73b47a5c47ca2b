//! The store that breaks, for disclosures, officers, held batches, stops and what is forgotten.

use jiff::Timestamp;
use pki_core::{
    officer::State,
    revocation::register_brake::{Met, RegisterStanding},
};

use super::FaultyStore;
use crate::port::{
    disclosure::*, officer::*, register_hold::*, retention::*, status_lease::*, stop::*, store::*,
};

impl DisclosureStore for FaultyStore {
    fn receive_case(&self, new: NewCase, audit: AuditEntry) -> Result<ReceiveCase, StoreError> {
        self.call("receive_case", |store| store.receive_case(new, audit))
    }
    fn change_case(&self, change: CaseChange, audit: AuditEntry) -> Result<ChangeCase, StoreError> {
        self.call("change_case", |store| store.change_case(change, audit))
    }
    fn case(&self, id: &[u8; 16]) -> Result<Option<StoredCase>, StoreError> {
        self.call("case", |store| store.case(id))
    }
    fn cases(&self, filter: &CaseFilter) -> Result<Vec<StoredCase>, StoreError> {
        self.call("cases", |store| store.cases(filter))
    }
    fn certificates_of(
        &self,
        issuer: &str,
        resident: &[u8; 32],
    ) -> Result<Vec<StoredCertificate>, StoreError> {
        self.call("certificates_of", |store| {
            store.certificates_of(issuer, resident)
        })
    }
    fn lists_naming(&self, issuer: &str, serial: &[u8]) -> Result<Vec<ListSpan>, StoreError> {
        self.call("lists_naming", |store| store.lists_naming(issuer, serial))
    }
}

impl OfficerStore for FaultyStore {
    fn put_act(&self, act: OfficerAct, audit: AuditEntry) -> Result<(), StoreError> {
        self.call("put_act", |store| store.put_act(act, audit))
    }
    fn sign_act(&self, signing: Signing, audit: AuditEntry) -> Result<Signed, StoreError> {
        self.call("sign_act", |store| store.sign_act(signing, audit))
    }
    fn end_act(&self, id: &[u8; 16], outcome: &str, audit: AuditEntry) -> Result<(), StoreError> {
        self.call("end_act", |store| store.end_act(id, outcome, audit))
    }
    fn act(&self, id: &[u8; 16]) -> Result<Option<OfficerAct>, StoreError> {
        self.call("act", |store| store.act(id))
    }
    fn acts(&self, state: Option<State>, limit: u32) -> Result<Vec<OfficerAct>, StoreError> {
        self.call("acts", |store| store.acts(state, limit))
    }
    fn parties(&self) -> Result<Vec<Party>, StoreError> {
        self.call("parties", |store| store.parties())
    }
    fn search_audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, StoreError> {
        self.call("search_audit", |store| store.search_audit(filter))
    }
}

impl RegisterHolds for FaultyStore {
    fn certificates_met(
        &self,
        issuers: &[String],
        residents: &[[u8; 32]],
        at: Timestamp,
    ) -> Result<Vec<Met>, StoreError> {
        self.call("certificates_met", |store| {
            store.certificates_met(issuers, residents, at)
        })
    }
    fn register_standing(
        &self,
        issuers: &[String],
        municipality: &str,
        places: &[String],
        since: Timestamp,
        at: Timestamp,
    ) -> Result<RegisterStanding, StoreError> {
        self.call("register_standing", |store| {
            store.register_standing(issuers, municipality, places, since, at)
        })
    }
    fn hold_register_batch(
        &self,
        before: &RegisterPosition,
        hold: Hold,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("hold_register_batch", |store| {
            store.hold_register_batch(before, hold, audit)
        })
    }
    fn register_hold(&self, name: &BatchName) -> Result<Option<Hold>, StoreError> {
        self.call("register_hold", |store| store.register_hold(name))
    }
    fn register_holds(&self, limit: u32) -> Result<Vec<Hold>, StoreError> {
        self.call("register_holds", |store| store.register_holds(limit))
    }
}

impl StopStore for FaultyStore {
    fn note_stop(&self, stop: GatewayStop, audit: AuditEntry) -> Result<NoteStop, StoreError> {
        self.call("note_stop", |store| store.note_stop(stop, audit))
    }
    fn stops(&self, open: bool, limit: u32) -> Result<Vec<GatewayStop>, StoreError> {
        self.call("stops", |store| store.stops(open, limit))
    }
    fn stop(&self, id: &str) -> Result<Option<GatewayStop>, StoreError> {
        self.call("stop", |store| store.stop(id))
    }
    fn release_stop(
        &self,
        id: &str,
        release: Vec<u8>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("release_stop", |store| {
            store.release_stop(id, release, at, audit)
        })
    }
}

impl Retention for FaultyStore {
    fn ended_before(
        &self,
        records: Records,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Ended>, StoreError> {
        self.call("ended_before", |store| {
            store.ended_before(records, before, limit)
        })
    }
    fn delete_ended(
        &self,
        records: Records,
        ended: &Ended,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("delete_ended", |store| {
            store.delete_ended(records, ended, audit)
        })
    }
}

impl StatusLeases for FaultyStore {
    fn lease_standing(&self) -> Result<Standing, StoreError> {
        self.call("lease_standing", |store| store.lease_standing())
    }
    fn forget_leases(&self, dead: Vec<Lease>) -> Result<(), StoreError> {
        self.call("forget_leases", |store| store.forget_leases(dead))
    }
}
