//! One issuance, told as it happens. Nothing is signed that is not stored, and
//! nothing is handed out that is not stored signed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pki_core::{
    act::{Deed, IssueDeed},
    certificate::{
        PublicKey, Serial,
        plan::{PlanFault, PlanInput, Subject, Subscriber, User, plan},
        profile::SubjectKind,
        request::{CardRequest, RequestFault, parse_card_request},
        unsigned::AssembleFault,
    },
    id::ResidentNumber,
    kiosk_record::{self, KioskRecord, RecordFault},
    person::{
        certificate_items::{CertificateItems, CertificateItemsFault, CertificateItemsText},
        municipality::MunicipalityCode,
    },
    revocation::replacement::{ReplacementFault, Replaces, Standing, StandingPlace},
};
use schema::wire::v1::ca::{CertificateItemsMessage, IssueRequest};

use super::{
    App, Authority, Service,
    authorise::{self, Permitted, Refusal, Unauthorised, authorise},
    certificate_subject,
    certify::{Certified, CertifyError, Order, certify},
    proof, resident_hash, resume, sealed_place,
};
use crate::port::{
    entropy::{EntropyFailed, random},
    signer::SignError,
    store::{
        AuditEntry, Holder, ProvedDeed, Replaced, ReserveRefusal, SerialState, StoreError,
        StoredCertificate,
    },
    vault::VaultError,
};

/// How long a repeated request waits for the first one.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of an issuing request.
pub struct Issued {
    pub serial: Serial,
    /// DER.
    pub certificate: Vec<u8>,
    /// The issuer's certificate, DER.
    pub issuer_certificate: Vec<u8>,
    /// It was issued before, for the same idempotency key.
    pub repeated: bool,
    /// Another certificate may have gone out of effect with it.
    pub ended_another: bool,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The items cannot stand in a certificate.
    #[error("the items cannot stand in a certificate")]
    Items(#[source] CertificateItemsFault),
    /// The resident's number has another form.
    #[error("the resident's number is malformed")]
    Resident,
    /// The card's request does not prove the key.
    #[error("the card's request does not hold")]
    Request(#[from] RequestFault),
    /// The kiosk's record does not hold.
    #[error("the kiosk's record does not hold")]
    Record(#[source] RecordFault),
    /// Act, request and record do not speak of the same key, visit, card or items.
    #[error("{0} in the act differs from what was sent")]
    Mismatch(&'static str),
    /// The certificate would break a rule.
    #[error("the certificate cannot be planned")]
    Plan(#[from] PlanFault),
    /// The certificate that it names may not be replaced, or not yet.
    #[error("the certificate is not replaced")]
    Replacement(#[source] ReplacementRefusal),
    /// It contradicts what is recorded.
    #[error("{}", .0.name())]
    Conflict(ReserveRefusal),
    /// The same request is being worked on; ask again.
    #[error("the same request is being worked on")]
    InWork,
    #[error("the token did not sign")]
    Sign(#[from] SignError),
    #[error("the token's signature is not the issuer's")]
    Assemble(#[from] AssembleFault),
    /// Somebody abandoned the serial while it was being signed; ask again.
    #[error("the serial was abandoned while it was being signed")]
    Abandoned,
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
}

/// Why a certificate is not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementRefusal {
    #[error("no such certificate was issued to a resident")]
    NotFound,
    #[error(transparent)]
    Rule(#[from] ReplacementFault),
}

impl From<CertifyError> for IssueError {
    fn from(error: CertifyError) -> Self {
        match error {
            CertifyError::Conflict(refusal) => Self::Conflict(refusal),
            CertifyError::Sign(error) => Self::Sign(error),
            CertifyError::Assemble(error) => Self::Assemble(error),
            CertifyError::Abandoned => Self::Abandoned,
            CertifyError::Vault(error) => Self::Vault(error),
            CertifyError::Store(error) => Self::Store(error),
        }
    }
}

impl IssueError {
    /// The name in the audit row, for what is a refusal and not yet in the log.
    fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.name()),
            Self::Items(_) => Some("items-refused"),
            Self::Resident => Some("resident-malformed"),
            Self::Request(RequestFault::Unfit(_)) => Some("key-refused"),
            Self::Request(_) => Some("request-refused"),
            Self::Record(_) => Some("record-refused"),
            Self::Mismatch(_) => Some("act-mismatch"),
            Self::Plan(_) => Some("plan-refused"),
            Self::Replacement(_) => Some("replacement-refused"),
            // Audited in the transaction that decided it, or no refusal at all.
            Self::Conflict(_)
            | Self::InWork
            | Self::Sign(_)
            | Self::Assemble(_)
            | Self::Abandoned
            | Self::Vault(_)
            | Self::Store(_)
            | Self::Entropy(_) => None,
        }
    }
}

impl From<Unauthorised> for IssueError {
    fn from(error: Unauthorised) -> Self {
        match error {
            Unauthorised::Refused(refusal) => Self::Refused(refusal),
            Unauthorised::Store(error) => Self::Store(error),
        }
    }
}

/// Issue a certificate for a signed act, or say why not. A refusal is in the
/// audit log before it is answered.
pub fn issue(app: &App, gateway: &str, wish: &IssueRequest) -> Result<Issued, IssueError> {
    let issued = carry_out(app, gateway, wish);
    if let Err(refusal) = issued.as_ref().map_err(IssueError::refusal).map(drop)
        && let Some(name) = refusal
    {
        let now = app.clock.now();
        let entry = authorise::entry(gateway, &wish.act, "issue.request", now);
        app.store.record(entry.refused(name))?;
    }
    let outcome = match &issued {
        Ok(issued) if issued.repeated => "repeated",
        Ok(_) => "issued",
        Err(error) if error.refusal().is_some() || matches!(error, IssueError::Conflict(_)) => {
            "refused"
        }
        Err(_) => "failed",
    };
    metrics::counter!("jitsuin_issue_total", "outcome" => outcome).increment(1);
    issued
}

fn carry_out(app: &App, gateway: &str, wish: &IssueRequest) -> Result<Issued, IssueError> {
    // 1. The clock and the random bytes, read once.
    let now = app.clock.now();
    let serial = Serial::from_random(random(&*app.entropy)?);

    // 2. The plan: who asks and may, whose key it is, and the bytes to sign, linted.
    let permitted = authorise(app, gateway, &wish.act, now)?;
    let material = examine(app, &permitted, wish, now)?;
    let key = *permitted.act.idempotency_key.as_bytes();
    let _claim = app.in_work.claim(key, PATIENCE).ok_or(IssueError::InWork)?;
    // A repeat of what was done is answered by what was done, though the old one is gone now.
    if material.deed.replaces.is_some() && app.store.certificate_of_request(&key)?.is_none() {
        check_replacement(app, &permitted, &material, now)?;
    }
    token_is_there(app)?;
    let Service { authority, profile } = material.service;
    let unsigned = plan(&PlanInput {
        profile,
        issuer: &authority.issuer,
        serial: &serial,
        now,
        public_key: &material.public_key,
        subject: match profile.subject_kind() {
            SubjectKind::User => Subject::User(User {
                place: permitted.place,
                terminal: permitted.act.terminal,
            }),
            _ => Subject::Subscriber(Subscriber {
                items: &material.items,
                place: permitted.place,
                terminal: permitted.act.terminal,
                requested_at: material.deed.request_made_at,
                sequence: sequence(&serial),
            }),
        },
    })?;

    // 3 to 6. Reserved, signed, assembled, completed.
    let actor = permitted.actor.clone();
    let replaces = material
        .deed
        .replaces
        .as_ref()
        .map(|replaces| replaced(authority, replaces, &serial, &actor, now));
    let ended_another = replaces.is_some();
    let proof = proof::seal(app, &authority.name, &serial, ProvedDeed::Issue, &wish.act)?;
    let order = Order {
        authority,
        profile,
        serial: &serial,
        now,
        unsigned,
        list: Some(permitted.place.list()),
        key_sha256: material.public_key.sha256(),
        application: *permitted.act.application.as_bytes(),
        idempotency_key: key,
        wish_sha256: *permitted.act.wish_digest().as_bytes(),
        references: references(&permitted, &material),
        holder: Some(Holder {
            resident: material.resident,
            identified_at: material.deed.identified_at,
            replaces: replaces.as_ref().map(|replaced| replaced.serial.clone()),
            proof,
        }),
        replaces,
        actor,
        events: ("issue.reserve", "issue.complete"),
    };
    let certificate = match certify(app, order)? {
        Certified::New(certificate) => certificate,
        Certified::Repeat(stored) => return repeat(app, &stored),
    };

    // 7. The answer.
    Ok(Issued {
        serial,
        certificate,
        issuer_certificate: own_certificate(authority),
        repeated: false,
        ended_another,
    })
}

/// The certificate in whose place the new one comes, as the record has it: it may be replaced for
/// the cause that the act gives.
fn check_replacement(
    app: &App,
    permitted: &Permitted,
    material: &Material<'_>,
    now: Timestamp,
) -> Result<(), IssueError> {
    let Some(replaces) = &material.deed.replaces else {
        return Ok(());
    };
    let old = app.store.certificate(
        &app.issuer_of(&replaces.serial)?.name,
        replaces.serial.as_octets(),
    )?;
    // One of no resident, or not completed, is in effect for nobody: the store says so below.
    let Some((old, at)) = old.and_then(|old| {
        let at: MunicipalityCode = old.municipality.as_deref()?.parse().ok()?;
        Some((old, at))
    }) else {
        return Err(IssueError::Replacement(ReplacementRefusal::NotFound));
    };
    let here = permitted.act.municipality;
    let standing = Standing {
        not_after: old.not_after,
        profile: (&old.profile, material.service.profile.name()),
        place: match at {
            at if at == here => StandingPlace::Same,
            at if app.mergers.today(at) == here => StandingPlace::Former,
            _ => StandingPlace::Other,
        },
    };
    replaces
        .cause
        .check(&standing, now)
        .map_err(|fault| IssueError::Replacement(ReplacementRefusal::Rule(fault)))
}

/// What the completing transaction records of the old certificate.
fn replaced(
    authority: &Authority,
    replaces: &Replaces,
    by: &Serial,
    actor: &str,
    now: Timestamp,
) -> Replaced {
    let ground = replaces.cause.ground();
    Replaced {
        serial: replaces.serial.as_octets().to_vec(),
        ground: ground.as_str().to_owned(),
        reason: ground.reason_code(),
        audit: AuditEntry {
            at: now,
            event: "issue.replace",
            outcome: "done".to_owned(),
            actor: actor.to_owned(),
            subject: certificate_subject(&authority.name, replaces.serial.as_octets()),
            detail: serde_json::json!({
                "ground": ground,
                "cause": replaces.cause,
                "replaced_by": by,
            }),
        },
    }
}

/// What the request brought, all of it checked against the act.
struct Material<'a> {
    deed: IssueDeed,
    service: Service<'a>,
    items: CertificateItems,
    public_key: PublicKey,
    resident: [u8; 32],
    record: KioskRecord,
}

fn examine<'a>(
    app: &'a App,
    permitted: &Permitted,
    wish: &IssueRequest,
    now: Timestamp,
) -> Result<Material<'a>, IssueError> {
    let Deed::Issue(deed) = &permitted.act.deed else {
        return Err(Refusal::OtherDeed.into());
    };
    let service = app
        .service(&deed.profile)
        .ok_or(IssueError::Mismatch("the profile"))?;
    let items = CertificateItems::parse(&text(&wish.items)).map_err(IssueError::Items)?;
    if deed.items_sha256.as_bytes() != &items.digest() {
        return Err(IssueError::Mismatch("the digest of the items"));
    }
    let request: CardRequest = parse_card_request(&wish.request.0)?;
    if deed.spki_sha256.as_bytes() != &request.public_key.sha256() {
        return Err(IssueError::Mismatch("the public key"));
    }
    if deed.visit.as_bytes() != &request.visit {
        return Err(IssueError::Mismatch("the visit"));
    }
    if deed.card.as_bytes() != &request.card {
        return Err(IssueError::Mismatch("the card"));
    }
    let record = kiosk_says(app, permitted, deed, &wish.kiosk_record.0, now)?;
    let ahead = SignedDuration::try_from(app.act_skew).unwrap_or(SignedDuration::ZERO);
    if deed.identified_at > now + ahead {
        return Err(IssueError::Mismatch("the time of the identity decision"));
    }
    let resident: ResidentNumber = wish.resident.parse().map_err(|_| IssueError::Resident)?;
    let act = &permitted.act;
    if deed.resident_sha256 != resident.digest(act.application, act.municipality) {
        return Err(IssueError::Mismatch("the resident"));
    }
    Ok(Material {
        deed: deed.clone(),
        service,
        items,
        public_key: request.public_key,
        resident: resident_hash(app, act.municipality, &resident)?,
        record,
    })
}

/// The kiosk is enrolled here, active and of this municipality; it signed the
/// record, and the record speaks of this key in this visit on this card.
fn kiosk_says(
    app: &App,
    permitted: &Permitted,
    deed: &IssueDeed,
    bytes: &[u8],
    now: Timestamp,
) -> Result<KioskRecord, IssueError> {
    let signed = kiosk_record::SignedRecord::parse(bytes).map_err(IssueError::Record)?;
    let kiosk = app
        .store
        .party("kiosk", &signed.claimed_kiosk().to_string())?
        .ok_or(Refusal::NotEnrolled("kiosk"))?;
    let key = authorise::enrolled_key(app, &kiosk, "kiosk", now)?;
    let record = signed.verify(&key).map_err(IssueError::Record)?;
    if !kiosk.active {
        return Err(Refusal::Suspended("kiosk").into());
    }
    if kiosk.municipality.as_deref() != Some(permitted.act.municipality.to_string().as_str()) {
        return Err(Refusal::OutOfScope("kiosk").into());
    }
    if record.visit != deed.visit {
        return Err(IssueError::Mismatch("the visit"));
    }
    if record.card != deed.card {
        return Err(IssueError::Mismatch("the card"));
    }
    if record.spki_sha256 != deed.spki_sha256 {
        return Err(IssueError::Mismatch("the public key"));
    }
    Ok(record)
}

/// Before anything is reserved: while the token is known to be away no serials
/// are spent on it.
fn token_is_there(app: &App) -> Result<(), IssueError> {
    match app.signer.trouble() {
        None => Ok(()),
        Some(reason) => Err(SignError::Away {
            retry_after: Duration::from_secs(1),
            reason,
        }
        .into()),
    }
}

/// The idempotency key has a serial: its certificate is the answer. One that was
/// reserved and left is given up, and the caller's next attempt starts over.
fn repeat(app: &App, stored: &StoredCertificate) -> Result<Issued, IssueError> {
    match (&stored.state, &stored.der) {
        (SerialState::Completed, Some(sealed)) => {
            let place = sealed_place(&stored.issuer, &stored.serial, "der");
            Ok(Issued {
                serial: Serial::from_octets(&stored.serial).map_err(|_| VaultError::Forged)?,
                certificate: app.vault.open(&place, sealed)?.to_vec(),
                issuer_certificate: app
                    .services()
                    .find(|service| service.authority.name == stored.issuer)
                    .map(|service| own_certificate(service.authority))
                    .unwrap_or_default(),
                repeated: true,
                ended_another: true,
            })
        }
        _ => {
            // This process holds the claim on the key, so nobody here works on it.
            if stored.node == app.node {
                resume::abandon(
                    app,
                    &stored.issuer,
                    &stored.serial,
                    app.clock.now(),
                    "left over",
                )?;
            }
            Err(IssueError::InWork)
        }
    }
}

fn own_certificate(authority: &Authority) -> Vec<u8> {
    authority
        .issuer
        .certificate_der()
        .unwrap_or_default()
        .to_vec()
}

fn references(permitted: &Permitted, material: &Material<'_>) -> serde_json::Value {
    let deed = &material.deed;
    serde_json::json!({
        "application": permitted.act.application,
        "act_sha256": hex::encode(permitted.act_sha256),
        "visit": deed.visit,
        "card": deed.card,
        "kiosk": material.record.kiosk,
        "spki_sha256": deed.spki_sha256,
        "identity_sha256": deed.identity_sha256,
        "replaces": deed.replaces,
    })
}

/// The five digits that tell apart requests of one second in the common name:
/// any will do that differ, so the serial's last octets give them.
fn sequence(serial: &Serial) -> u32 {
    serial
        .as_octets()
        .iter()
        .rev()
        .take(4)
        .fold(0, |number, octet| number << 8 | u32::from(*octet))
        % 100_000
}

fn text(message: &CertificateItemsMessage) -> CertificateItemsText {
    CertificateItemsText {
        name: message.name.clone(),
        name_substitution: message.name_substitution.clone(),
        birth_date: message.birth_date.clone(),
        sex: message.sex.clone(),
        address: message.address.clone(),
        address_substitution: message.address_substitution.clone(),
    }
}
