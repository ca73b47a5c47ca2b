//! Registrations by two officers, as the store keeps them.

use jiff::Timestamp;
use pki_core::operator::Role;

use super::{
    audit::AuditEntry,
    store::{Party, StoreError},
};

/// A registration that one officer asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Names it.
    pub id: String,
    /// The authority's record of the party, JSON.
    pub record: String,
    /// Kind and id of the party.
    pub party: String,
    /// What an operator may do.
    pub role: Option<Role>,
    /// The officer who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
}

/// The part of the store that keeps registrations. Promises as `Store`.
pub trait Registrations {
    /// Keeps a request.
    fn request_registration(
        &self,
        new: &Registration,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
    /// Requests that wait for a second officer, oldest first, at most 1000.
    fn registrations(&self) -> Result<Vec<Registration>, StoreError>;
    /// Registers the party on a second officer's word. `false`, and nothing is done, when there
    /// is no such request, it was approved before, or the officer is the one who asked.
    fn approve_registration(
        &self,
        id: &str,
        by: &str,
        party: &Party,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;
}
