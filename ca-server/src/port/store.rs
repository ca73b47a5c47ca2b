//! What outlives the process. Every writing method is one named transaction:
//! when it returns `Ok`, everything in it (the audit row too) is durable; when it
//! returns an error other than [`StoreError::Unknown`], nothing of it happened.
//!
//! Serial numbers are the DER content octets of the INTEGER.

use std::{ops::Range, sync::Arc};

use jiff::Timestamp;
use pki_core::{
    certificate::{Partition, PartitionNumber},
    person::municipality::MunicipalityCode,
};
use serde_json::Value;

use super::verifier::Verifiers;
pub use super::{
    proof::{Kept, Proof, Proofs, ProvedDeed},
    register_event::{
        AppliedEvents, EventOutcome, NewRegisterEvent, RegisterEvents, RegisterPosition,
        ToldRevocation,
    },
};

type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a store did not do it, said as what the caller can do next.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing happened; the database cannot be reached now. Try later.
    #[error("the database is away")]
    Away(#[source] Cause),
    /// Nothing happened; too much is waiting. Try later.
    #[error("too many transactions are waiting")]
    Busy,
    /// It may have happened: look before doing it again.
    #[error("the database did not say whether it committed")]
    Unknown(#[source] Option<Cause>),
    /// Nothing happened, and doing it again changes nothing: a fault of the program or the schema.
    #[error("the database refused the transaction")]
    Broken(#[source] Cause),
}

impl StoreError {
    /// See [`StoreError::Away`].
    pub fn away(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Away(Arc::new(cause))
    }
    /// See [`StoreError::Unknown`].
    pub fn unknown(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unknown(Some(Arc::new(cause)))
    }
    /// See [`StoreError::Broken`].
    pub fn broken(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Broken(Arc::new(cause))
    }
}

/// What an audit row says. Lane, sequence and MAC are the store's to add.
/// References only: no personal data, no secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// The act: `issue.reserve`, `issue.complete`, `revoke`, `enrol`, …
    pub event: &'static str,
    /// `done`, or the name of the refusal.
    pub outcome: String,
    /// Who: `gateway:gw1 terminal:131010001 operator:13101-0001`, or `officer`, or `node`.
    pub actor: String,
    /// On what: `certificate:sign/5a…`, `party:terminal/131010001`, …
    pub subject: String,
    /// More references, as a JSON object.
    pub detail: Value,
}

impl AuditEntry {
    /// The same act, refused.
    #[must_use]
    pub fn refused(&self, refusal: &str) -> Self {
        Self {
            outcome: refusal.to_owned(),
            ..self.clone()
        }
    }
}

/// An audit row as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    pub lane: String,
    pub sequence: u64,
    pub at: Timestamp,
    pub event: String,
    pub outcome: String,
    pub actor: String,
    pub subject: String,
    /// JSON text, byte for byte as it entered the MAC.
    pub detail: String,
    pub mac: [u8; 32],
}

/// What kind of CA an issuer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerKind {
    /// Signs residents' certificates.
    Signing,
    /// Signs the certificates of terminals, kiosks, operators and servers.
    Infrastructure,
}

/// One CA key with its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// As in the URLs.
    pub name: String,
    pub kind: IssuerKind,
    pub certificate: Vec<u8>,
    pub key_id: Vec<u8>,
}

/// The resident for whom a serial is reserved.
#[derive(Clone)]
pub struct Holder {
    /// Keyed hash of municipality and number in its register.
    pub resident: [u8; 32],
    /// When he was compared with the register.
    pub identified_at: Timestamp,
    /// Serial of the certificate in effect whose place the new one takes.
    pub replaces: Option<Vec<u8>>,
    /// The act that asks for it.
    pub proof: Proof,
}

/// A serial about to be reserved.
#[derive(Clone)]
pub struct Reservation {
    pub issuer: String,
    pub serial: Vec<u8>,
    pub node: String,
    pub profile: String,
    pub profile_sha256: [u8; 32],
    pub municipality: Option<String>,
    /// The part of the municipality's list that it names.
    pub partition: PartitionNumber,
    pub not_after: Timestamp,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_sha256: [u8; 32],
    pub application: [u8; 16],
    pub idempotency_key: [u8; 16],
    /// Digest of what is wished ([`pki_core::act::Act::wish_digest`]): one idempotency key stands
    /// for one wish, also when its act was signed again.
    pub wish_sha256: [u8; 32],
    /// Who holds it; `None` for infrastructure certificates.
    pub holder: Option<Holder>,
    /// The bytes to sign, sealed.
    pub tbs: Vec<u8>,
    pub at: Timestamp,
}

/// What came of a wish to reserve.
pub enum Reserve {
    /// The serial is this caller's; it alone may sign these bytes.
    Reserved,
    /// The idempotency key has a serial already; nothing was reserved.
    Repeat(Box<StoredCertificate>),
    /// Not possible; the refusal is in the audit log.
    Refused(ReserveRefusal),
}

/// Why a serial was not reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReserveRefusal {
    /// The idempotency key belongs to another act.
    KeyReused,
    /// The public key belongs to another application, or its certificate stands.
    PublicKeyTaken,
    /// Art 6: a certificate is in effect for this resident.
    InEffect,
    /// The certificate that is to be replaced is not in effect for this resident.
    NothingToReplace,
    /// The register recorded an event about this resident since he was identified.
    RegisterChanged,
    /// Another request for this resident is being worked on.
    InWork,
    /// The serial exists. With 128 random bits this means a broken random source.
    SerialTaken,
}

impl ReserveRefusal {
    /// As in audit rows and problem types.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeyReused => "idempotency-key-reused",
            Self::PublicKeyTaken => "public-key-taken",
            Self::InEffect => "certificate-in-effect",
            Self::NothingToReplace => "nothing-to-replace",
            Self::RegisterChanged => "register-changed",
            Self::InWork => "request-in-work",
            Self::SerialTaken => "serial-taken",
        }
    }
}

/// What became of a serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialState {
    /// Stored, perhaps being signed.
    Reserved,
    /// The certificate exists.
    Completed,
    /// Never to be signed; on the CRL.
    Abandoned,
}

/// A serial as stored. `tbs` and `der` are sealed.
#[derive(Clone)]
pub struct StoredCertificate {
    pub issuer: String,
    pub serial: Vec<u8>,
    pub state: SerialState,
    pub node: String,
    pub profile: String,
    pub municipality: Option<String>,
    pub not_after: Timestamp,
    pub key_sha256: Vec<u8>,
    pub application: Vec<u8>,
    pub idempotency_key: Vec<u8>,
    pub wish_sha256: Vec<u8>,
    pub in_effect: bool,
    pub tbs: Option<Vec<u8>>,
    pub der: Option<Vec<u8>>,
    pub reserved_at: Timestamp,
}

/// A signed certificate about to be stored.
#[derive(Clone)]
pub struct Completion {
    pub issuer: String,
    pub serial: Vec<u8>,
    /// The certificate, sealed.
    pub der: Vec<u8>,
    pub at: Timestamp,
    /// The certificate that goes out of effect in the same transaction.
    pub replaces: Option<Replaced>,
}

/// A certificate that makes place for another. One that was revoked meanwhile, or has run out,
/// keeps the record it has.
#[derive(Clone, Debug)]
pub struct Replaced {
    pub serial: Vec<u8>,
    /// The statutory ground.
    pub ground: String,
    /// RFC 5280 reason code.
    pub reason: u8,
    /// The audit row of its revocation.
    pub audit: AuditEntry,
}

/// What came of a wish to complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complete {
    Completed,
    /// Somebody abandoned the serial: the signature must not leave this process.
    NotReserved,
    /// The register recorded an event about the resident since he was identified: nothing was
    /// completed, and the signature must not leave this process.
    RegisterChanged,
    /// Another certificate came into effect for this resident meanwhile (Art 6): as above.
    InEffect,
}

/// A serial to be taken out of effect.
#[derive(Clone, Debug)]
pub struct Revocation {
    pub issuer: String,
    pub serial: Vec<u8>,
    /// The statutory ground, as in the act.
    pub ground: String,
    /// RFC 5280 reason code, `None` for unspecified.
    pub reason: Option<u8>,
    pub at: Timestamp,
    /// When given, the certificate must belong to one of these municipalities.
    pub municipalities: Option<Vec<String>>,
    /// The act that asks for it.
    pub proof: Option<Proof>,
}

/// A revocation as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub serial: Vec<u8>,
    pub revoked_at: Timestamp,
    /// The ground, or [`ABANDONED`].
    pub ground: String,
    pub reason: Option<u8>,
    pub not_after: Timestamp,
    pub municipality: Option<String>,
    /// The part of the municipality's list that it is on.
    pub partition: PartitionNumber,
}

/// The ground of a serial that was reserved and never handed out.
pub const ABANDONED: &str = "abandoned";

/// What came of a wish to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoke {
    Revoked(Revoked),
    /// It was revoked before; the first record stands.
    Already(Revoked),
    /// No certificate with this serial was issued.
    NotFound,
    /// The certificate belongs to another municipality.
    OutOfScope,
}

/// What the record says of a serial at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Completed and not revoked.
    Good,
    /// Revoked or abandoned.
    Revoked(Revoked),
    /// Reserved, or never issued: nothing good may be said of it.
    Unknown,
}

/// A CRL number to be reserved.
#[derive(Clone, Debug)]
pub struct NewCrl {
    pub issuer: String,
    /// Empty for the full list, else the [`Partition`].
    pub scope: String,
    pub node: String,
    pub this_update: Timestamp,
    pub next_update: Timestamp,
    /// As [`CrlScope::ended_before`].
    pub ended_before: Timestamp,
}

/// A CRL number and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlRecord {
    pub issuer: String,
    pub scope: String,
    pub number: u64,
    pub published: bool,
    /// Every revocation up to this position of the feed is in it.
    pub feed: u64,
    pub this_update: Timestamp,
    pub next_update: Timestamp,
    pub entries: u64,
    /// What of it was left out: as [`CrlScope::ended_before`].
    pub ended_before: Timestamp,
}

/// The delta that is published together with a complete list, under the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaRecord {
    /// Number of the complete list that it is added to.
    pub base: u64,
    pub sha256: [u8; 32],
    pub entries: u64,
}

/// Which revocations a CRL lists.
#[derive(Clone, Debug)]
pub struct CrlScope {
    pub issuer: String,
    /// `None` for the full list.
    pub partition: Option<Partition>,
    /// Certificates that ended before this moment are left out (RFC 5280 §3.3:
    /// the `thisUpdate` of the CRL before).
    pub ended_before: Timestamp,
    /// The feed position of the list that a delta is added to; 0 for a complete list.
    pub after: u64,
    /// The feed position that the CRL's number was reserved with.
    pub up_to: u64,
}

/// What a CRL lists that the one after it leaves out: of certificates that ended.
#[derive(Clone, Debug)]
pub struct EndedScope {
    pub issuer: String,
    /// `None` for the full list.
    pub partition: Option<Partition>,
    /// Certificates that ended in this time, its end excluded.
    pub ended: Range<Timestamp>,
    /// The feed position of the CRL that lists them.
    pub up_to: u64,
}

/// An enrolled party: kind, id and place decide what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// `terminal`, `kiosk`, `operator`, `gateway`, `server`, `ocsp-responder`, `officer`, `auditor`.
    pub kind: String,
    pub id: String,
    pub municipality: Option<String>,
    pub label: String,
    pub certificate: Vec<u8>,
    pub certificate_sha256: [u8; 32],
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    pub active: bool,
}

/// A key of the vault, wrapped by a key of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    pub id: i64,
    pub wrapped: Vec<u8>,
    /// Label of the wrapping key.
    pub wrapping: String,
    pub made_at: Timestamp,
}

/// The authority's memory.
pub trait Store:
    super::disclosure::DisclosureStore
    + super::officer::OfficerStore
    + super::retention::Retention
    + super::status_lease::StatusLeases
    + super::stop::StopStore
    + Proofs
    + RegisterEvents
    + super::register_hold::RegisterHolds
    + Verifiers
    + Send
    + Sync
{
    /// Whether the database answers now.
    fn probe(&self) -> Result<(), StoreError>;

    /// Make an issuer known. An issuer of the same name with another
    /// certificate is refused with `false`.
    fn register_issuer(&self, issuer: Issuer, audit: AuditEntry) -> Result<bool, StoreError>;

    /// Reserve a serial and its bytes to sign, before anything is signed.
    /// The refusals are decided and audited within the transaction.
    fn reserve(&self, new: Reservation, audit: AuditEntry) -> Result<Reserve, StoreError>;

    /// Store the certificate, only if its serial is still reserved and no event of the register
    /// about its holder was applied that is younger than his identification; the bytes to
    /// sign are dropped. From here on the certificate is in effect, and the one it replaces is not.
    fn complete(&self, done: Completion, audit: AuditEntry) -> Result<Complete, StoreError>;

    /// Give a reserved serial up for good and put it on the CRL; `false` when it
    /// was not reserved.
    fn abandon(
        &self,
        issuer: &str,
        serial: &[u8],
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Record a revocation: from the return on it has its effect (Art 15).
    /// Needs no token. `NotFound` and `OutOfScope` are audited as refusals.
    fn revoke(&self, revocation: Revocation, audit: AuditEntry) -> Result<Revoke, StoreError>;

    /// Record something that changed nothing else: a refusal, a summary, a start.
    fn record(&self, audit: AuditEntry) -> Result<(), StoreError>;

    /// The next CRL number of a scope, never used before and higher than all before.
    fn reserve_crl(&self, new: NewCrl) -> Result<CrlRecord, StoreError>;

    /// Say that a CRL is out, and its delta where there is one; `false` when a higher
    /// number is out already.
    fn publish_crl(
        &self,
        crl: &CrlRecord,
        sha256: [u8; 32],
        entries: u64,
        delta: Option<DeltaRecord>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Enrol a party; one of the same kind and id is replaced only when `replace`.
    fn enrol(
        &self,
        party: Party,
        at: Timestamp,
        replace: bool,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Suspend or resume; `false` when there is no such party.
    fn set_party(
        &self,
        kind: &str,
        id: &str,
        active: bool,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Keep the first data key of the vault; `false` when there is one already.
    fn put_data_key(&self, key: WrappedKey, audit: AuditEntry) -> Result<bool, StoreError>;

    /// Take or extend a lease; `false` while somebody else holds it.
    fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The certificate with this serial.
    fn certificate(
        &self,
        issuer: &str,
        serial: &[u8],
    ) -> Result<Option<StoredCertificate>, StoreError>;

    /// The serial, not abandoned, that an idempotency key stands for.
    fn certificate_of_request(
        &self,
        idempotency_key: &[u8; 16],
    ) -> Result<Option<StoredCertificate>, StoreError>;

    /// Serials that a node reserved and has not ended.
    fn reserved_by(&self, node: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// What the record says of each serial, in the order asked.
    fn status(&self, issuer: &str, serials: &[Vec<u8>]) -> Result<Vec<Status>, StoreError>;

    /// Visit the revocations of a scope in the order of the feed: a list's entries stand in it, so
    /// that the next list's are the same ones and then the new ones.
    fn revocations(
        &self,
        scope: &CrlScope,
        visit: &mut dyn FnMut(Revoked),
    ) -> Result<(), StoreError>;

    /// Visit the revocations that a list leaves out and the one before it did not, in any order.
    fn ended_revocations(
        &self,
        scope: &EndedScope,
        visit: &mut dyn FnMut(Revoked),
    ) -> Result<(), StoreError>;

    /// A CRL by its number.
    fn crl(&self, issuer: &str, scope: &str, number: u64) -> Result<Option<CrlRecord>, StoreError>;

    /// The last second of the certificate of a partition that ends last; `None` when there is
    /// none.
    fn last_end(&self, issuer: &str, of: Partition) -> Result<Option<Timestamp>, StoreError>;

    /// The newest partition of a municipality that a certificate names; `None` when there is none.
    fn newest_partition(
        &self,
        issuer: &str,
        municipality: MunicipalityCode,
    ) -> Result<Option<PartitionNumber>, StoreError>;

    /// The newest published CRL of a scope.
    fn latest_crl(&self, issuer: &str, scope: &str) -> Result<Option<CrlRecord>, StoreError>;

    /// The complete list that a delta made now is added to: the oldest one published whose
    /// nextUpdate has not come, so that whoever holds a valid list can use the delta.
    fn delta_base(
        &self,
        issuer: &str,
        scope: &str,
        now: Timestamp,
    ) -> Result<Option<CrlRecord>, StoreError>;

    /// Whether anything of a partition, or of the issuer at all, was revoked after a position of
    /// the feed.
    fn changed(&self, issuer: &str, of: Option<Partition>, after: u64) -> Result<bool, StoreError>;

    /// A party by kind and id.
    fn party(&self, kind: &str, id: &str) -> Result<Option<Party>, StoreError>;

    /// A party by the SHA-256 of its certificate.
    fn party_by_certificate(&self, sha256: &[u8; 32]) -> Result<Option<Party>, StoreError>;

    /// The data keys of the vault, oldest first.
    fn data_keys(&self) -> Result<Vec<WrappedKey>, StoreError>;

    /// Audit rows, lane by lane in sequence, after the given place.
    fn audit(&self, after: Option<(&str, u64)>, limit: u32)
    -> Result<Vec<AuditRecord>, StoreError>;

    /// Where each lane ends: name, sequence, MAC.
    fn audit_ends(&self) -> Result<Vec<(String, u64, [u8; 32])>, StoreError>;
}
