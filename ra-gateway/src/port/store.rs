//! The gateway's database. Every method is one named transaction and the only door
//! to what it touches.

use jiff::Timestamp;
use pki_core::{
    application::{cause::ApplicationKind, fee::FeeEntry, statistics::Event},
    calendar::JapaneseDay,
    certificate::CheckCode,
    id::{
        ApplicationId, ApprovalId, CardId, IdempotencyKey, KioskId, OperatorId, TerminalId, VisitId,
    },
    operator::Role,
    person::municipality::MunicipalityCode,
};

use super::{
    approval::Approvals, audit::AuditEntry, kept_paper::KeptPapers, notice::NoticeStore,
    places::Office, registration::Registrations, statistics::Statistics, till::Till,
};

/// Why a transaction did not happen or is not known to have happened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away or too busy; nothing is known to have been written.
    #[error("the database is away")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database holds something that this program cannot read.
    #[error("the database holds an unreadable {0}")]
    Unreadable(&'static str),
    /// A query failed for another reason; nothing was written.
    #[error("a query failed")]
    Query(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Kinds of parties that speak to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartyKind {
    /// A window PC.
    Terminal,
    /// A key-pair machine.
    Kiosk,
    /// A clerk with a card.
    Operator,
}

impl PartyKind {
    /// As in the database and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Kiosk => "kiosk",
            Self::Operator => "operator",
        }
    }

    /// The reverse of [`PartyKind::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Terminal, Self::Kiosk, Self::Operator]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A registered party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Kind.
    pub kind: PartyKind,
    /// Id as enrolled.
    pub id: String,
    /// The municipality it acts for.
    pub municipality: MunicipalityCode,
    /// A name that people know it by.
    pub label: String,
    /// Certificate of the infrastructure CA, DER.
    pub certificate: Vec<u8>,
    /// Cut off until resumed.
    pub suspended: bool,
    /// What an operator may do; `None` for machines. Registered without one, an operator
    /// is a clerk, and one who was registered before keeps the role.
    pub role: Option<Role>,
}

/// A challenge given to an operator at a terminal.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Names it.
    pub id: String,
    /// Who is to sign it.
    pub operator: OperatorId,
    /// Where.
    pub terminal: TerminalId,
    /// What is to be signed.
    pub challenge: [u8; 32],
    /// Until when.
    pub expires_at: Timestamp,
}

/// A signed-in operator.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the token.
    pub token_sha256: [u8; 32],
    /// Who.
    pub operator: OperatorId,
    /// At which terminal.
    pub terminal: TerminalId,
    /// SHA-256 of that terminal's certificate at sign-in.
    pub terminal_certificate_sha256: [u8; 32],
    /// Since when.
    pub opened_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// What the database knows about an application beside its sealed contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Keyed hash of the resident's number.
    pub resident_hash: Option<[u8; 32]>,
    /// Visit that is assigned to it.
    pub visit: Option<VisitId>,
    /// SHA-256 of the card's SubjectPublicKeyInfo.
    pub spki_sha256: Option<[u8; 32]>,
    /// Idempotency key of its issuing act.
    pub issue_key: Option<IdempotencyKey>,
    /// Serial of its certificate.
    pub serial: Option<String>,
}

/// An application as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredApplication {
    /// Names it.
    pub id: ApplicationId,
    /// Where it was made.
    pub municipality: MunicipalityCode,
    /// Idempotency key of its receipt.
    pub receive_key: IdempotencyKey,
    /// Kebab-case step.
    pub step: String,
    /// Still walking.
    pub open: bool,
    /// Counts the changes, from 1.
    pub version: u64,
    /// Terminal that received it.
    pub terminal: TerminalId,
    /// Operator who received it.
    pub operator: OperatorId,
    /// When.
    pub received_at: Timestamp,
    /// Last change.
    pub changed_at: Timestamp,
    /// What it can be found by.
    pub index: Index,
    /// Its state, sealed.
    pub sealed: Vec<u8>,
}

/// Answer to [`Store::receive`].
pub enum Received {
    /// It was stored now.
    New,
    /// An application with that idempotency key was there already.
    Known(Box<StoredApplication>),
}

/// A change of one application.
pub struct Change {
    /// Which application.
    pub id: ApplicationId,
    /// Of which municipality; another one's is not found.
    pub municipality: MunicipalityCode,
    /// The version that was read.
    pub expected: u64,
    /// The step it comes to.
    pub step: String,
    /// Whether it walks on.
    pub open: bool,
    /// When.
    pub now: Timestamp,
    /// What it can be found by now.
    pub index: Index,
    /// Its new state, sealed.
    pub sealed: Vec<u8>,
    /// What else happens in the same transaction.
    pub effects: Vec<Effect>,
}

/// What else a change writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A visit is opened; an id that was used before makes the change [`AdvanceError::Taken`].
    OpenVisit {
        /// The visit.
        visit: VisitId,
        /// The card.
        card: CardId,
        /// The kiosk it is assigned to.
        kiosk: KioskId,
    },
    /// A kiosk's record is kept.
    KeepKioskRecord(KioskRecord),
    /// An approval is used up by this operator. One that is not approved, is over, was given
    /// by this operator or was used before makes the change [`AdvanceError::Stale`].
    SpendApproval {
        /// The approval.
        approval: ApprovalId,
        /// Who acts on it.
        by: OperatorId,
    },
    /// The certificate can be found by the code on its printed copy.
    NoteCheckCode(CheckCode),
    /// An event is counted, once for the application.
    Count(Event),
    /// Issuing stops.
    TripBreaker {
        /// Names the stop.
        id: String,
        /// The certificate that showed it.
        serial: String,
        /// Terminal and operator that saw it.
        terminal: TerminalId,
        /// See `terminal`.
        operator: OperatorId,
    },
}

/// A kiosk's record as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KioskRecord {
    /// The visit it tells of.
    pub visit: VisitId,
    /// The kiosk that signed it.
    pub kiosk: KioskId,
    /// The bytes as signed.
    pub record: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
}

/// What a kiosk says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KioskHealth {
    /// Which kiosk.
    pub kiosk: KioskId,
    /// `passed` or `failed`.
    pub self_test: String,
    /// Digest of the running program, hex.
    pub software_sha256: String,
    /// `idle`, `visit`, `stopped`.
    pub state: String,
    /// The kiosk's clock.
    pub kiosk_time: Timestamp,
    /// When it came.
    pub received_at: Timestamp,
}

/// Why a change did not happen. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Somebody else changed the application since it was read: read it again.
    #[error("the application was changed meanwhile")]
    Stale,
    /// A visit, key, serial or idempotency key belongs to another application.
    #[error("it belongs to another application")]
    Taken,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Money to be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFee {
    /// For which application.
    pub application: ApplicationId,
    /// Of which municipality.
    pub municipality: MunicipalityCode,
    /// What was applied for.
    pub kind: ApplicationKind,
    /// Today; it is booked on this day, or where the till is closed on the next open one.
    pub day: JapaneseDay,
    /// In yen; with `counter_of` it is taken back.
    pub amount_yen: u32,
    /// The caller's wish.
    pub idempotency_key: IdempotencyKey,
    /// The entry that this one takes back.
    pub counter_of: Option<String>,
    /// Who took it.
    pub operator: OperatorId,
    /// When.
    pub at: Timestamp,
}

/// One stop of issuing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerStop {
    /// Names it.
    pub id: String,
    /// Since when.
    pub tripped_at: Timestamp,
    /// The application whose image showed it.
    pub application: ApplicationId,
    /// The certificate.
    pub serial: String,
    /// Terminal and operator that saw it.
    pub terminal: String,
    /// See `terminal`.
    pub operator: String,
}

/// A wrapped data key.
#[derive(Clone)]
pub struct WrappedKey {
    /// Counts from 1; the highest seals, all open.
    pub id: u32,
    /// AES-KWP under the key-encryption key.
    pub wrapped: Vec<u8>,
}

/// The gateway's database.
///
/// Promises: a method that returns `Ok` has committed durably, with its audit row; one
/// that returns an error has written nothing, except that after `Away` it may have.
/// Two changes of one application with the same expected version never both succeed.
/// Methods may be called from many threads.
pub trait Store:
    Approvals
    + KeptPapers
    + NoticeStore
    + super::PaperOrders
    + super::Procedures
    + Office
    + Registrations
    + Statistics
    + Till
    + Send
    + Sync
{
    // ------------------------------------------------------------- parties
    /// The party whose certificate has this SHA-256.
    fn party_by_certificate(&self, sha256: &[u8; 32]) -> Result<Option<Party>, StoreError>;
    /// The party of this kind and id.
    fn party(&self, kind: PartyKind, id: &str) -> Result<Option<Party>, StoreError>;
    /// Kiosks of a municipality that are not suspended, by id.
    fn kiosks(&self, municipality: &MunicipalityCode) -> Result<Vec<Party>, StoreError>;
    /// Enters a party, or its new certificate; it keeps its status.
    fn register_party(
        &self,
        party: &Party,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
    /// Suspends or resumes; an operator's or terminal's sessions end with a suspension.
    /// `false` when there is no such party.
    fn set_suspended(
        &self,
        kind: PartyKind,
        id: &str,
        suspended: bool,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Gives an operator another role, at once. `false` when there is no such operator.
    fn set_role(
        &self,
        operator: &OperatorId,
        role: Role,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    // ------------------------------------------------------------- sign-in
    /// Keeps a challenge, and forgets those that ran out before `now`.
    fn put_challenge(&self, challenge: &Challenge, now: Timestamp) -> Result<(), StoreError>;
    /// Gives a challenge away: of several callers one gets it.
    fn take_challenge(&self, id: &str) -> Result<Option<Challenge>, StoreError>;
    /// Keeps a session, and forgets those that ran out before it opened.
    fn open_session(&self, session: &Session, audit: &AuditEntry) -> Result<(), StoreError>;
    /// The session of this token.
    fn session(&self, token_sha256: &[u8; 32]) -> Result<Option<Session>, StoreError>;
    /// Notes that the session was used.
    fn touch_session(&self, token_sha256: &[u8; 32], now: Timestamp) -> Result<(), StoreError>;
    /// Ends a session; ending one that is not there is no fault.
    fn close_session(
        &self,
        token_sha256: &[u8; 32],
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    // -------------------------------------------------------- applications
    /// Stores a new application unless its idempotency key is known.
    fn receive(
        &self,
        application: &StoredApplication,
        audit: &AuditEntry,
    ) -> Result<Received, StoreError>;
    /// An application of this municipality.
    fn application(
        &self,
        id: &ApplicationId,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredApplication>, StoreError>;
    /// The application that was received under this wish, wherever.
    fn application_by_receive_key(
        &self,
        key: &IdempotencyKey,
    ) -> Result<Option<StoredApplication>, StoreError>;
    /// The application that a certificate was issued for.
    fn application_of_serial(
        &self,
        serial: &str,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredApplication>, StoreError>;
    /// Applications with a certificate, other than this one, of the same resident of the
    /// municipality or on the same card wherever.
    fn certified_beside(
        &self,
        application: &StoredApplication,
        card: &CardId,
    ) -> Result<Vec<StoredApplication>, StoreError>;
    /// Applications of this municipality, newest first.
    fn applications(
        &self,
        municipality: &MunicipalityCode,
        open_only: bool,
        limit: u32,
    ) -> Result<Vec<StoredApplication>, StoreError>;
    /// Changes an application and writes the effects.
    fn advance(&self, change: &Change, audit: &AuditEntry) -> Result<(), AdvanceError>;

    // ---------------------------------------------------------------- fees
    /// Enters money under the next receipt number of the municipality and year (numbers
    /// have no gaps), and changes the application as `change` says, all at once.
    fn enter_fee(
        &self,
        fee: &NewFee,
        audit: &AuditEntry,
        change: &mut dyn FnMut(&FeeEntry) -> Change,
    ) -> Result<FeeEntry, AdvanceError>;
    /// The entry made under this wish.
    fn fee_by_key(&self, key: &IdempotencyKey) -> Result<Option<FeeEntry>, StoreError>;
    /// Entries of an application, in order.
    fn fees(&self, application: &ApplicationId) -> Result<Vec<FeeEntry>, StoreError>;

    // -------------------------------------------------------------- kiosks
    /// Keeps a record; `false` when the same bytes were there.
    fn keep_kiosk_record(
        &self,
        record: &KioskRecord,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;
    /// Notes a kiosk's health.
    fn note_kiosk_health(&self, health: &KioskHealth) -> Result<(), StoreError>;

    // ------------------------------------------------------------- breaker
    /// Stops that were not released.
    fn stops(&self) -> Result<Vec<BreakerStop>, StoreError>;
    /// Releases a stop and keeps what the officers signed (`proof`, JSON); `false` when it
    /// does not hold any more.
    fn release_stop(
        &self,
        id: &str,
        by: &str,
        reason: &str,
        proof: &str,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    // ----------------------------------------------------------- data keys
    /// All data keys, lowest id first.
    fn data_keys(&self) -> Result<Vec<WrappedKey>, StoreError>;
    /// Adds a data key; `false` when that id is there already (another node was first).
    fn add_data_key(&self, key: &WrappedKey, now: Timestamp) -> Result<bool, StoreError>;

    // --------------------------------------------------------------- audit
    /// Writes an audit row that stands alone: a refusal.
    fn audit(&self, entry: &AuditEntry, now: Timestamp) -> Result<(), StoreError>;
    /// Whether the database answers.
    fn ping(&self) -> Result<(), StoreError>;
}
