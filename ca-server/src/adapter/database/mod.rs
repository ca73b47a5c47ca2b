//! The store on SQLite or PostgreSQL. One file per noun; the writer is the only
//! way to change anything.

mod audit;
mod certificate;
mod chain;
mod convert;
mod crl;
mod delta_crl;
mod disclosure;
mod issuer;
mod officer;
mod partition;
mod party;
mod prepared;
mod proof;
mod provision;
mod register_event;
mod register_hold;
mod registry;
mod retention;
mod revocation;
mod status_lease;
mod stop;
mod together;
mod together_postgres;
mod together_sqlite;
mod verifier;
mod writer;

use std::sync::Arc;

pub use chain::{AuditMac, covered};
use diesel::{QueryResult, RunQueryDsl};
use jiff::Timestamp;
use pki_core::{
    certificate::{Partition, PartitionNumber},
    person::municipality::MunicipalityCode,
};
pub use provision::Book;
use registry::{Key, Registry};
use schema::database::{AnyConnection, AnyPool, Backend, OpenError, open};
pub use status_lease::Leases;
use together::{Completing, Reserving};
use writer::Writer;

use crate::port::{
    store::*,
    verifier::{Verifier, Verifiers},
};

/// How the store is opened.
pub struct DatabaseSettings {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Name of this node: it stands in reserved serials and audit lanes.
    pub node: String,
    /// Connections for reading.
    pub readers: u32,
    /// Writers of group commits; SQLite always has one.
    pub writers: u32,
}

/// The authority's database.
pub struct Database {
    readers: AnyPool,
    registry: Registry,
    writer: Option<Writer>,
    backend: Backend,
}

impl Database {
    /// Open for reading and writing. Nothing is connected yet, so a database
    /// that is away stops nobody from starting.
    pub fn open(settings: &DatabaseSettings, mac: Arc<AuditMac>) -> Result<Self, OpenError> {
        let (backend, _) = Backend::of(&settings.url)?;
        let lanes = match backend {
            Backend::Sqlite => 1,
            Backend::Postgres => settings.writers,
        };
        let writer =
            Writer::start(&settings.url, &settings.node, lanes, mac).map_err(OpenError::Thread)?;
        Ok(Self {
            readers: open(&settings.url, settings.readers, true)?,
            registry: Registry::new(&settings.url, backend),
            writer: Some(writer),
            backend,
        })
    }

    /// Open for reading alone, as a `status` node does. Writing answers `Busy`.
    pub fn open_to_read(url: &str, readers: u32) -> Result<Self, OpenError> {
        let (backend, _) = Backend::of(url)?;
        Ok(Self {
            readers: open(url, readers, true)?,
            registry: Registry::new(url, backend),
            writer: None,
            backend,
        })
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.readers.get().map_err(StoreError::away)?;
        query(&mut connection).map_err(|error| match error {
            error if writer::away(&error) => StoreError::away(error),
            error => StoreError::broken(error),
        })
    }

    fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnMut(&mut writer::Scope) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer()?.run(name, work)
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer
            .as_ref()
            .ok_or_else(|| StoreError::broken(ReadOnly))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("this node reads only")]
struct ReadOnly;

impl Store for Database {
    fn probe(&self) -> Result<(), StoreError> {
        self.read(|connection| {
            diesel::sql_query("SELECT 1 FROM issuer WHERE 1 = 0")
                .execute(connection)
                .map(drop)
        })
    }
    fn register_issuer(&self, issuer: Issuer, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write("register_issuer", move |scope| {
            issuer::register(scope, &issuer, &audit)
        })
    }
    fn reserve(&self, new: Reservation, audit: AuditEntry) -> Result<Reserve, StoreError> {
        self.writer()?.carry_out("reserve", Reserving(new, audit))
    }
    fn complete(&self, done: Completion, audit: AuditEntry) -> Result<Complete, StoreError> {
        self.writer()?
            .carry_out("complete", Completing(done, audit))
    }
    fn abandon(
        &self,
        issuer: &str,
        serial: &[u8],
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let (issuer, serial) = (issuer.to_owned(), serial.to_owned());
        self.write("abandon", move |scope| {
            certificate::abandon(scope, &issuer, &serial, at, &audit)
        })
    }
    fn revoke(&self, revocation: Revocation, audit: AuditEntry) -> Result<Revoke, StoreError> {
        self.write("revoke", move |scope| {
            revocation::revoke(scope, &revocation, &audit)
        })
    }
    fn record(&self, audit: AuditEntry) -> Result<(), StoreError> {
        self.write("record", move |scope| scope.audit(&audit))
    }
    fn reserve_crl(&self, new: NewCrl) -> Result<CrlRecord, StoreError> {
        self.write("reserve_crl", move |scope| crl::reserve(scope, &new))
    }
    fn publish_crl(
        &self,
        crl: &CrlRecord,
        sha256: [u8; 32],
        entries: u64,
        delta: Option<DeltaRecord>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let crl = crl.clone();
        self.write("publish_crl", move |scope| {
            crl::publish(scope, &crl, sha256, entries, delta.as_ref(), at, &audit)
        })
    }
    fn enrol(
        &self,
        party: Party,
        at: Timestamp,
        replace: bool,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write("enrol", move |scope| {
            party::enrol(scope, &party, at, replace, &audit)
        })
    }
    fn set_party(
        &self,
        kind: &str,
        id: &str,
        active: bool,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.write("set_party", move |scope| {
            party::set(scope, &kind, &id, active, at, &audit)
        })
    }
    fn put_data_key(&self, key: WrappedKey, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write("put_data_key", move |scope| {
            issuer::put_data_key(scope, &key, &audit)
        })
    }
    fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.write("take_lease", move |scope| {
            issuer::take_lease(scope, &name, &holder, now, until)
        })
    }
    fn certificate(
        &self,
        issuer: &str,
        serial: &[u8],
    ) -> Result<Option<StoredCertificate>, StoreError> {
        self.read(|connection| certificate::find(connection, issuer, serial))
    }
    fn certificate_of_request(
        &self,
        idempotency_key: &[u8; 16],
    ) -> Result<Option<StoredCertificate>, StoreError> {
        self.read(|connection| certificate::of_request(connection, idempotency_key))
    }
    fn reserved_by(&self, node: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.read(|connection| certificate::reserved_by(connection, node))
    }
    fn status(&self, issuer: &str, serials: &[Vec<u8>]) -> Result<Vec<Status>, StoreError> {
        self.read(|connection| revocation::status(connection, issuer, serials))
    }
    fn revocations(
        &self,
        scope: &CrlScope,
        visit: &mut dyn FnMut(Revoked),
    ) -> Result<(), StoreError> {
        self.read(|connection| revocation::visit(connection, scope, visit))
    }
    fn ended_revocations(
        &self,
        scope: &EndedScope,
        visit: &mut dyn FnMut(Revoked),
    ) -> Result<(), StoreError> {
        self.read(|connection| revocation::visit_ended(connection, scope, visit))
    }
    fn crl(&self, issuer: &str, scope: &str, number: u64) -> Result<Option<CrlRecord>, StoreError> {
        self.read(|connection| crl::find(connection, issuer, scope, number))
    }
    fn last_end(&self, issuer: &str, of: Partition) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| partition::last_end(connection, issuer, of))
    }
    fn newest_partition(
        &self,
        issuer: &str,
        municipality: MunicipalityCode,
    ) -> Result<Option<PartitionNumber>, StoreError> {
        self.read(|connection| partition::newest(connection, issuer, municipality))
    }
    fn latest_crl(&self, issuer: &str, scope: &str) -> Result<Option<CrlRecord>, StoreError> {
        self.read(|connection| crl::latest(connection, issuer, scope))
    }
    fn delta_base(
        &self,
        issuer: &str,
        scope: &str,
        now: Timestamp,
    ) -> Result<Option<CrlRecord>, StoreError> {
        self.read(|connection| delta_crl::base(connection, issuer, scope, now))
    }
    fn changed(&self, issuer: &str, of: Option<Partition>, after: u64) -> Result<bool, StoreError> {
        self.read(|connection| partition::changed(connection, issuer, of, after))
    }
    fn party(&self, kind: &str, id: &str) -> Result<Option<Party>, StoreError> {
        self.registry
            .find(Key::Name(kind.to_owned(), id.to_owned()))
    }
    fn party_by_certificate(&self, sha256: &[u8; 32]) -> Result<Option<Party>, StoreError> {
        self.registry.find(Key::Certificate(*sha256))
    }
    fn data_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        self.read(issuer::data_keys)
    }
    fn audit(
        &self,
        after: Option<(&str, u64)>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        self.read(|connection| audit::rows(connection, after, limit))
    }
    fn audit_ends(&self) -> Result<Vec<(String, u64, [u8; 32])>, StoreError> {
        self.read(audit::ends)
    }
}

impl Verifiers for Database {
    fn enrol_verifier(
        &self,
        verifier: Verifier,
        at: Timestamp,
        replace: bool,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write("enrol_verifier", move |scope| {
            verifier::enrol(scope, &verifier, at, replace, &audit)
        })
    }
    fn set_verifier(
        &self,
        id: &str,
        active: bool,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write("set_verifier", move |scope| {
            verifier::set(scope, &id, active, at, &audit)
        })
    }
    fn verifiers(&self) -> Result<Vec<Verifier>, StoreError> {
        self.read(verifier::all)
    }
    fn verifier_by_certificate(&self, sha256: &[u8; 32]) -> Result<Option<Verifier>, StoreError> {
        self.read(|connection| verifier::by_certificate(connection, sha256))
    }
}

impl Proofs for Database {
    fn proofs(&self, issuer: &str, serial: &[u8]) -> Result<Vec<Kept>, StoreError> {
        self.read(|connection| proof::of(connection, issuer, serial))
    }
}

impl RegisterEvents for Database {
    fn apply_register_events(
        &self,
        issuers: &[String],
        municipality: &str,
        before: &RegisterPosition,
        after: &RegisterPosition,
        events: Vec<NewRegisterEvent>,
        at: Timestamp,
    ) -> Result<AppliedEvents, StoreError> {
        let (issuers, municipality) = (issuers.to_vec(), municipality.to_owned());
        let (before, after) = (before.clone(), after.clone());
        self.write("apply_register_events", move |scope| {
            let wish = register_event::Application {
                issuers: &issuers,
                municipality: &municipality,
                before: &before,
                after: &after,
                events: &events,
                at,
            };
            register_event::apply(scope, &wish)
        })
    }
    fn register_position(&self, municipality: &str) -> Result<RegisterPosition, StoreError> {
        self.read(|connection| register_event::position(connection, municipality))
    }
    fn set_register_trouble(
        &self,
        municipality: &str,
        trouble: Option<String>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let municipality = municipality.to_owned();
        self.write("set_register_trouble", move |scope| {
            register_event::set_trouble(scope, &municipality, trouble.as_deref(), at, &audit)
        })
    }
    fn register_revocations(
        &self,
        municipality: &str,
        since: u64,
        limit: u32,
    ) -> Result<Vec<ToldRevocation>, StoreError> {
        self.read(|connection| register_event::revocations(connection, municipality, since, limit))
    }
}
