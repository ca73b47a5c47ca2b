//! What the procedures ask of the database: the applications of one resident, and those
//! that nobody goes on with.

use jiff::Timestamp;
use pki_core::{id::ApplicationId, person::municipality::MunicipalityCode};

use super::store::{StoreError, StoredApplication};

/// Queries of the procedures. Nothing is written.
pub trait Procedures: Send + Sync {
    /// Applications of the resident of this keyed hash in a municipality, newest first, at
    /// most `limit`.
    fn applications_of_resident(
        &self,
        municipality: &MunicipalityCode,
        resident_hash: &[u8; 32],
        limit: u32,
    ) -> Result<Vec<StoredApplication>, StoreError>;

    /// Open applications at one of `steps` whose last change lies before `before`, oldest
    /// change first, those after `after` in that order, at most `limit`.
    fn idle_applications(
        &self,
        steps: &[&str],
        before: Timestamp,
        after: Option<(Timestamp, ApplicationId)>,
        limit: u32,
    ) -> Result<Vec<StoredApplication>, StoreError>;
}
