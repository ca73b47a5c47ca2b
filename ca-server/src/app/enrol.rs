//! Parties of the inner network and their certificates: an officer compares the
//! request with the person or machine before it, and enrols.

use std::net::IpAddr;

use jiff::Timestamp;
use pki_core::{
    certificate::{
        Profile, Serial,
        plan::{self, PlanFault, PlanInput, Subject, plan},
        request::{RequestFault, parse_party_request},
        unsigned::AssembleFault,
    },
    id::{IdFault, KioskId, OperatorId, TerminalId},
    person::municipality::{CodeFault, MunicipalityCode},
};

use super::{
    App, Authority,
    certify::{Certified, CertifyError, Order},
    sha256, verifier,
};
use crate::port::{
    entropy::{EntropyFailed, random},
    signer::SignError,
    store::{AuditEntry, Issuer, IssuerKind, Party, ReserveRefusal, Store, StoreError},
    vault::VaultError,
};

/// Who acts at the command line, as audit rows have it.
pub const OFFICER: &str = "officer";

/// The kinds of parties; verifiers ([`verifier::KIND`]) stand outside and in a registry of their own.
pub const KINDS: [&str; 8] = [
    "terminal",
    "kiosk",
    "operator",
    "gateway",
    "server",
    "ocsp-responder",
    "officer",
    "auditor",
];

/// What an officer enrols.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// One of [`KINDS`], or [`verifier::KIND`].
    pub kind: String,
    pub id: String,
    /// Needed for terminals, kiosks and operators, and for nobody else.
    pub municipality: Option<String>,
    /// A name that people know it by.
    pub label: String,
    /// PKCS#10, DER.
    pub request: Vec<u8>,
    /// Names of a server.
    pub dns_names: Vec<String>,
    /// Addresses of a server.
    pub addresses: Vec<IpAddr>,
    /// Take the place of an enrolled party of the same kind and id.
    pub replace: bool,
}

/// Why nothing was enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    #[error("no kind of party is called {0:?}")]
    Kind(String),
    /// Only a responder names a CA, and that is one of residents' certificates.
    #[error("no CA of residents' certificates has that name, or this kind of party names none")]
    NoIssuer,
    #[error("no profile is configured for {0}")]
    NoProfile(String),
    #[error("the id")]
    Id(#[from] IdFault),
    #[error("the id of a gateway, server, responder or verifier is 1 to 32 of a-z A-Z 0-9 - .")]
    FreeId,
    #[error("the municipality")]
    Code(#[from] CodeFault),
    #[error("the municipality is missing, not of this authority, or not that of the id")]
    Municipality,
    #[error("a label has 1 to 100 characters and no control characters")]
    Label,
    #[error("a verifier is enrolled with number and date of its arrangement, 1 to 100 characters")]
    Arrangement,
    #[error("the request")]
    Request(#[from] RequestFault),
    #[error("the certificate cannot be planned")]
    Plan(#[from] PlanFault),
    #[error("{}", .0.name())]
    Conflict(ReserveRefusal),
    #[error("this request was carried out before; make a new key")]
    Repeated,
    #[error("a party of this kind and id is enrolled already")]
    AlreadyEnrolled,
    #[error("the token did not sign")]
    Sign(#[from] SignError),
    #[error("the token's signature is not the issuer's")]
    Assemble(#[from] AssembleFault),
    #[error("the serial was abandoned while it was being signed")]
    Abandoned,
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
}

impl From<CertifyError> for EnrolError {
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

/// Make the issuers known to the database; refused when it knows another
/// certificate under the same name.
pub fn register_issuers(app: &App) -> Result<bool, StoreError> {
    let now = app.clock.now();
    for authority in app.authorities() {
        let kind = match app.service_by(authority) {
            Some(_) => IssuerKind::Signing,
            None => IssuerKind::Infrastructure,
        };
        let certificate = authority
            .issuer
            .certificate_der()
            .unwrap_or_default()
            .to_vec();
        let entry = app.own_entry(
            now,
            "issuer.register",
            format!("issuer:{}", authority.name),
            serde_json::json!({ "certificate_sha256": hex::encode(sha256(&certificate)) }),
        );
        let issuer = Issuer {
            name: authority.name.clone(),
            kind,
            certificate,
            key_id: authority.issuer.key_id().to_vec(),
        };
        if !app.store.register_issuer(issuer, entry)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Certify a party's key and take the party into the registry, at the command line.
pub fn enrol(app: &App, wish: &Enrolment) -> Result<Party, EnrolError> {
    enrol_by(app, wish, OFFICER)
}

/// The same in the name of `by`, as audit rows have it.
pub fn enrol_by(app: &App, wish: &Enrolment, by: &str) -> Result<Party, EnrolError> {
    enrol_for(app, wish, by, None)
}

/// The same; a responder answers for the CA of that name, or for that of signature certificates.
pub fn enrol_for(
    app: &App,
    wish: &Enrolment,
    by: &str,
    responder_of: Option<&str>,
) -> Result<Party, EnrolError> {
    if wish.kind == verifier::KIND {
        // A registry of its own, and not without an arrangement: `verifier::enrol`.
        return Err(EnrolError::Arrangement);
    }
    if !wish.replace && app.store.party(&wish.kind, &wish.id)?.is_some() {
        return Err(EnrolError::AlreadyEnrolled);
    }
    let (party, entry) = certify(app, wish, by, responder_of)?;
    let at = entry.at;
    if !app.store.enrol(party.clone(), at, wish.replace, entry)? {
        return Err(EnrolError::AlreadyEnrolled);
    }
    Ok(party)
}

/// Certify a party's key. Gives the party as it has to stand in a registry, and the audit row
/// for that.
pub(super) fn certify(
    app: &App,
    wish: &Enrolment,
    by: &str,
    responder_of: Option<&str>,
) -> Result<(Party, AuditEntry), EnrolError> {
    let entry = |at, event, subject: &str, detail| entry(by, at, event, subject, detail);
    // 1. The clock and the random bytes, read once.
    let now = app.clock.now();
    let serial = Serial::from_random(random(&*app.entropy)?);
    let idempotency_key = random(&*app.entropy)?;

    // 2. Who it is, and the bytes to sign, linted.
    let municipality = check(app, wish)?;
    let (authority, profile) = by_whom(app, &wish.kind, responder_of)?;
    let request = parse_party_request(&wish.request)?;
    let unsigned = plan(&PlanInput {
        profile,
        issuer: &authority.issuer,
        serial: &serial,
        now,
        public_key: &request.public_key,
        subject: Subject::Party(plan::Party {
            id: &wish.id,
            dns_names: &wish.dns_names,
            ip_addresses: &wish.addresses,
        }),
    })?;

    // 3. What is reserved. One key, one party: the party's name stands where a resident's
    //    certificate has its application.
    let name = format!("party:{}/{}", wish.kind, wish.id);
    let mut application = [0; 16];
    application.copy_from_slice(&sha256(name.as_bytes())[..16]);
    let order = Order {
        authority,
        profile,
        serial: &serial,
        now,
        unsigned,
        list: None,
        key_sha256: request.public_key.sha256(),
        application,
        idempotency_key,
        wish_sha256: sha256(&wish.request),
        holder: None,
        replaces: None,
        actor: by.to_owned(),
        events: ("enrol.reserve", "enrol.complete"),
        references: serde_json::json!({ "party": name, "profile": profile.name() }),
    };
    // 4 to 6. Signed, assembled, completed.
    let Certified::New(certificate) = super::certify::certify(app, order)? else {
        return Err(EnrolError::Repeated);
    };
    let certificate_sha256 = sha256(&certificate);

    // 7. The party can stand in a registry.
    let party = Party {
        kind: wish.kind.clone(),
        id: wish.id.clone(),
        municipality: municipality.map(|code| code.to_string()),
        label: wish.label.clone(),
        certificate,
        certificate_sha256,
        public_key: request.public_key.spki_der().to_vec(),
        active: true,
    };
    let detail = serde_json::json!({
        "municipality": party.municipality, "certificate_sha256": hex::encode(certificate_sha256),
    });
    Ok((party, entry(now, "enrol", &name, detail)))
}

/// Suspend or resume a party; `false` when there is none of that kind and id.
/// Needs the store alone, so that it works while the token is away.
pub fn set_active(
    store: &dyn Store,
    now: Timestamp,
    kind: &str,
    id: &str,
    active: bool,
) -> Result<bool, StoreError> {
    set_active_by(store, OFFICER, now, kind, id, active)
}

/// The same in the name of `by`, as audit rows have it.
pub fn set_active_by(
    store: &dyn Store,
    by: &str,
    now: Timestamp,
    kind: &str,
    id: &str,
    active: bool,
) -> Result<bool, StoreError> {
    let event = if active {
        "party.resume"
    } else {
        "party.suspend"
    };
    let subject = format!("party:{kind}/{id}");
    let entry = entry(by, now, event, &subject, serde_json::json!({}));
    if kind == verifier::KIND {
        return store.set_verifier(id, active, now, entry);
    }
    store.set_party(kind, id, active, now, entry)
}

fn entry(
    by: &str,
    at: Timestamp,
    event: &'static str,
    subject: &str,
    detail: serde_json::Value,
) -> AuditEntry {
    AuditEntry {
        at,
        event,
        outcome: "done".to_owned(),
        actor: by.to_owned(),
        subject: subject.to_owned(),
        detail,
    }
}

/// Whether a wish could be carried out as things stand; changes nothing.
pub fn check_wish(app: &App, wish: &Enrolment) -> Result<(), EnrolError> {
    check(app, wish)?;
    by_whom(app, &wish.kind, None)?;
    parse_party_request(&wish.request)?;
    if !wish.replace && app.store.party(&wish.kind, &wish.id)?.is_some() {
        return Err(EnrolError::AlreadyEnrolled);
    }
    Ok(())
}

/// The id has the form of its kind, and lies in the municipality that is named.
fn check(app: &App, wish: &Enrolment) -> Result<Option<MunicipalityCode>, EnrolError> {
    if wish.label.is_empty()
        || wish.label.chars().count() > 100
        || wish.label.chars().any(char::is_control)
    {
        return Err(EnrolError::Label);
    }
    let named: Option<MunicipalityCode> =
        wish.municipality.as_deref().map(str::parse).transpose()?;
    let of_id = match wish.kind.as_str() {
        "terminal" => Some(wish.id.parse::<TerminalId>()?.municipality()),
        "kiosk" => Some(wish.id.parse::<KioskId>()?.municipality()),
        "operator" => {
            wish.id.parse::<OperatorId>()?;
            named
        }
        "officer" | "auditor" => {
            wish.id.parse::<OperatorId>()?;
            return match named {
                None => Ok(None),
                Some(_) => Err(EnrolError::Municipality),
            };
        }
        kind if KINDS.contains(&kind) || kind == verifier::KIND => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
            if wish.id.is_empty() || wish.id.len() > 32 || !wish.id.bytes().all(plain) {
                return Err(EnrolError::FreeId);
            }
            return match named {
                None => Ok(None),
                Some(_) => Err(EnrolError::Municipality),
            };
        }
        kind => return Err(EnrolError::Kind(kind.to_owned())),
    };
    match of_id {
        Some(code) if named.is_none_or(|named| named == code) && app.place(code).is_some() => {
            Ok(Some(code))
        }
        _ => Err(EnrolError::Municipality),
    }
}

/// A responder is delegated to by the CA that it answers for; everybody else belongs to
/// the infrastructure CA.
fn by_whom<'a>(
    app: &'a App,
    kind: &str,
    responder_of: Option<&str>,
) -> Result<(&'a Authority, &'a Profile), EnrolError> {
    if kind == "ocsp-responder" {
        let authority = match responder_of {
            None => &app.signing,
            Some(name) => {
                app.services()
                    .find(|service| service.authority.name == name)
                    .ok_or(EnrolError::NoIssuer)?
                    .authority
            }
        };
        return Ok((authority, &app.ocsp_responder_profile));
    }
    if responder_of.is_some() {
        return Err(EnrolError::NoIssuer);
    }
    let profile = app
        .party_profiles
        .get(kind)
        .ok_or_else(|| EnrolError::NoProfile(kind.to_owned()))?;
    Ok((&app.infrastructure, profile))
}
