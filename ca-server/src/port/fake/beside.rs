//! The store that breaks, for disclosures and officers.

use pki_core::officer::State;

use super::FaultyStore;
use crate::port::{disclosure::*, officer::*, store::*};

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
