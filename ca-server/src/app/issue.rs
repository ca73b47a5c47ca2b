//! One issuance, told as it happens. Nothing is signed that is not stored, and
//! nothing is handed out that is not stored signed.

use std::time::Duration;

use jiff::Timestamp;
use pki_core::{
    act::{Deed, IssueDeed},
    certificate::{
        PublicKey, Serial,
        plan::{PlanFault, PlanInput, Subject, Subscriber, plan},
        request::{CardRequest, RequestFault, parse_card_request},
        unsigned::AssembleFault,
    },
    id::ResidentNumber,
    kiosk_record::{self, KioskRecord, RecordFault},
    person::certificate_items::{CertificateItems, CertificateItemsFault, CertificateItemsText},
};
use schema::wire::v1::ca::{CertificateItemsMessage, IssueRequest};

use super::{
    App,
    authorise::{self, Permitted, Refusal, Unauthorised, authorise},
    certificate_subject,
    resume::{self, Held},
    sealed_place,
};
use crate::port::{
    entropy::{EntropyFailed, random},
    signer::SignError,
    store::{
        Complete, Completion, Reservation, Reserve, ReserveRefusal, SerialState, StoreError,
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
    /// It was issued before, for the same idempotency key.
    pub repeated: bool,
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
    token_is_there(app)?;
    let unsigned = plan(&PlanInput {
        profile: &app.signature_profile,
        issuer: &app.signing.issuer,
        serial: &serial,
        now,
        public_key: &material.public_key,
        subject: Subject::Subscriber(Subscriber {
            items: &material.items,
            place: permitted.place,
            terminal: permitted.act.terminal,
            requested_at: material.deed.request_made_at,
            sequence: sequence(&serial),
        }),
    })?;

    // 3. Serial and bytes to sign are stored under the idempotency key. From here
    //    on the serial ends completed or abandoned, whatever happens.
    let place = sealed_place(&app.signing.name, serial.as_octets(), "tbs");
    let subject = certificate_subject(&app.signing.name, serial.as_octets());
    let entry = |event, detail| crate::port::store::AuditEntry {
        at: now,
        event,
        outcome: "done".to_owned(),
        actor: permitted.actor.clone(),
        subject: subject.clone(),
        detail,
    };
    let reservation = Reservation {
        issuer: app.signing.name.clone(),
        serial: serial.as_octets().to_vec(),
        node: app.node.clone(),
        profile: app.signature_profile.name().to_owned(),
        profile_sha256: app.signature_profile.hash(),
        municipality: Some(permitted.act.municipality.to_string()),
        not_after: app.signature_profile.validity().end(now),
        key_sha256: material.public_key.sha256(),
        application: *permitted.act.application.as_bytes(),
        idempotency_key: key,
        wish_sha256: *permitted.act.wish_digest().as_bytes(),
        resident: Some(material.resident),
        tbs: app.vault.seal(&place, unsigned.bytes_to_sign())?,
        at: now,
    };
    let references = references(&permitted, &material);
    let held = Held::new(app, &app.signing.name, serial.as_octets(), now);
    match app
        .store
        .reserve(reservation, entry("issue.reserve", references))?
    {
        Reserve::Reserved => {}
        Reserve::Repeat(stored) => {
            held.release();
            return repeat(app, &stored);
        }
        Reserve::Refused(refusal) => {
            held.release();
            return Err(IssueError::Conflict(refusal));
        }
    }

    // 4. One call to the token, with its deadline.
    let signature = app.signer.sign(
        &app.signing.key,
        unsigned.algorithm(),
        unsigned.bytes_to_sign(),
    )?;

    // 5. The certificate: its signature verified with the issuer's public key.
    let certificate = unsigned.assemble(&signature, &app.signing.issuer)?;

    // 6. It is stored, only if its serial is still reserved. Now it is in effect.
    let place = sealed_place(&app.signing.name, serial.as_octets(), "der");
    let completion = Completion {
        issuer: app.signing.name.clone(),
        serial: serial.as_octets().to_vec(),
        der: app.vault.seal(&place, certificate.as_der())?,
        at: now,
    };
    let detail = serde_json::json!({
        "certificate_sha256": hex::encode(sha256(certificate.as_der())),
    });
    match app
        .store
        .complete(completion, entry("issue.complete", detail))?
    {
        Complete::Completed => held.release(),
        Complete::NotReserved => return Err(IssueError::Abandoned),
    }

    // 7. The answer.
    Ok(Issued {
        serial,
        certificate: certificate.into_der(),
        repeated: false,
    })
}

/// What the request brought, all of it checked against the act.
struct Material {
    deed: IssueDeed,
    items: CertificateItems,
    public_key: PublicKey,
    resident: [u8; 32],
    record: KioskRecord,
}

fn examine(
    app: &App,
    permitted: &Permitted,
    wish: &IssueRequest,
    now: Timestamp,
) -> Result<Material, IssueError> {
    let Deed::Issue(deed) = &permitted.act.deed else {
        return Err(Refusal::OtherDeed.into());
    };
    if deed.profile != app.signature_profile.name() {
        return Err(IssueError::Mismatch("the profile"));
    }
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
    let resident: ResidentNumber = wish.resident.parse().map_err(|_| IssueError::Resident)?;
    let act = &permitted.act;
    if deed.resident_sha256 != resident.digest(act.application, act.municipality) {
        return Err(IssueError::Mismatch("the resident"));
    }
    let resident = format!("{}/{}", permitted.act.municipality, resident.as_str());
    Ok(Material {
        deed: deed.clone(),
        items,
        public_key: request.public_key,
        resident: app.vault.hash("resident", &resident)?,
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
    let key = authorise::enrolled_key(&kiosk, "kiosk", now)?;
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
                repeated: true,
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

fn references(permitted: &Permitted, material: &Material) -> serde_json::Value {
    let deed = &material.deed;
    serde_json::json!({
        "application": permitted.act.application,
        "act_sha256": hex::encode(permitted.act_sha256),
        "visit": deed.visit,
        "card": deed.card,
        "kiosk": material.record.kiosk,
        "spki_sha256": deed.spki_sha256,
        "identity_sha256": deed.identity_sha256,
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

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}
