//! Parties, enrolment and the circuit breaker.

use std::{fs, path::Path, sync::Arc};

use pki_core::{
    certificate::{CertificateImage, request},
    id::OperatorId,
    operator::Role,
    places::Places,
};
use schema::wire::v1::{
    ca::{PartyKind as WireKind, PartyRecord},
    stop::StopRelease,
};

use super::{
    Fault,
    masters::{token, write_private},
};
use crate::{
    adapter::{database::Database, system::SystemClock, token::TokenMasters, vault::TokenAuditMac},
    config::{self, Config},
    port::{AuditEntry, Clock, LoadedPlaces, Office, Party, PartyKind, Store},
    startup,
};

/// Largest file of places, in bytes.
const LARGEST_PLACES: u64 = 4 * 1024 * 1024;
/// Largest party record, in bytes.
pub(super) const LARGEST_RECORD: u64 = 64 * 1024;

/// The database as the officer's commands reach it: they audit like everything else, so
/// the token must be there.
pub(super) fn store(config: &Path) -> Result<Database, Fault> {
    let masters = Arc::new(TokenMasters::new(token(config)?));
    Ok(Database::open(
        &config::database_of(config)?,
        2,
        "officer",
        Arc::new(TokenAuditMac::new(masters)),
    )?)
}

/// Makes or updates the tables.
pub fn migrate(config: &Path) -> Result<(), Fault> {
    Ok(schema::ra::migrate(&config::database_of(config)?)?)
}

/// Enters a party that the authority has enrolled; an operator with a role, by default the
/// one it had, else that of a clerk.
pub fn register(config: &Path, record: &Path, role: Option<Role>) -> Result<String, Fault> {
    if fs::metadata(record)?.len() > LARGEST_RECORD {
        return Err("the record is larger than any party's".into());
    }
    let record: PartyRecord = serde_json::from_slice(&fs::read(record)?)?;
    let mut party = party(record)?;
    if role.is_some() && party.kind != PartyKind::Operator {
        return Err("only an operator has a role".into());
    }
    party.role = role;
    store(config)?.register_party(
        &party,
        SystemClock.now(),
        &AuditEntry {
            act: "register-party",
            reference: Some(match role {
                Some(role) => format!("{} {} {role}", party.kind.name(), party.id),
                None => format!("{} {}", party.kind.name(), party.id),
            }),
            ..AuditEntry::default()
        },
    )?;
    Ok(format!("{} {} is registered", party.kind.name(), party.id))
}

/// A record as a party, if it is one that speaks to the gateway.
pub fn party(record: PartyRecord) -> Result<Party, Fault> {
    use pki_core::id::{KioskId, TerminalId};

    let kind = match record.kind {
        WireKind::Terminal => PartyKind::Terminal,
        WireKind::Kiosk => PartyKind::Kiosk,
        WireKind::Operator => PartyKind::Operator,
        WireKind::Gateway
        | WireKind::Server
        | WireKind::OcspResponder
        | WireKind::Officer
        | WireKind::Auditor => {
            return Err(
                "only terminals, kiosks and operators are registered with a gateway".into(),
            );
        }
    };
    let municipality = record
        .municipality
        .ok_or("the record names no municipality")?
        .parse()?;
    let place = match kind {
        PartyKind::Terminal => Some(record.id.parse::<TerminalId>()?.municipality()),
        PartyKind::Kiosk => Some(record.id.parse::<KioskId>()?.municipality()),
        PartyKind::Operator => {
            record.id.parse::<OperatorId>()?;
            None
        }
    };
    if place.is_some_and(|place| place != municipality) {
        return Err("the id belongs to another municipality than the record says".into());
    }
    CertificateImage::decode(&record.certificate.0)?;
    if record.label.chars().count() > 100 {
        return Err("the label is longer than 100 characters".into());
    }
    Ok(Party {
        kind,
        id: record.id,
        municipality,
        label: record.label,
        certificate: record.certificate.0,
        suspended: false,
        role: None,
    })
}

/// Gives an operator another role, at its next request.
pub fn set_role(config: &Path, operator: &str, role: Role, by: &str) -> Result<String, Fault> {
    named(by, "by")?;
    let operator: OperatorId = operator.parse()?;
    let found = store(config)?.set_role(
        &operator,
        role,
        SystemClock.now(),
        &AuditEntry {
            act: "set-role",
            reference: Some(format!("{operator} {role} by {by}")),
            ..AuditEntry::default()
        },
    )?;
    if !found {
        return Err(format!("there is no operator {operator}").into());
    }
    Ok(format!("{operator} is {role}"))
}

/// Loads a reviewed file of places: it counts from the next request on.
pub fn load_places(config: &Path, file: &Path, by: &str) -> Result<String, Fault> {
    named(by, "by")?;
    if fs::metadata(file)?.len() > LARGEST_PLACES {
        return Err("the file is larger than any prefecture's".into());
    }
    let text = fs::read_to_string(file)?;
    let places = Places::from_toml(&text)?;
    let version = places.version().to_owned();
    let loaded = LoadedPlaces {
        version: version.clone(),
        file: text,
        by: by.to_owned(),
        at: SystemClock.now(),
    };
    let entry = AuditEntry {
        act: "load-places",
        reference: Some(format!("{version} by {by}")),
        ..AuditEntry::default()
    };
    if !store(config)?.load_places(&loaded, &entry)? {
        return Err(format!("version {version} was loaded before: give the file a new one").into());
    }
    Ok(format!("places {version} count from now on"))
}

/// An officer's name or a reason, as commands take them.
pub(super) fn named(text: &str, name: &str) -> Result<(), Fault> {
    if text.trim().is_empty() || text.chars().count() > 200 {
        return Err(format!("--{name} must have 1 to 200 characters").into());
    }
    Ok(())
}

/// Suspends or resumes a party, at once.
pub fn set_suspended(
    config: &Path,
    kind: PartyKind,
    id: &str,
    suspended: bool,
) -> Result<String, Fault> {
    let found = store(config)?.set_suspended(
        kind,
        id,
        suspended,
        SystemClock.now(),
        &AuditEntry {
            act: if suspended {
                "suspend-party"
            } else {
                "resume-party"
            },
            reference: Some(format!("{} {id}", kind.name())),
            ..AuditEntry::default()
        },
    )?;
    if !found {
        return Err(format!("there is no {} {id}", kind.name()).into());
    }
    Ok(format!(
        "{} {id} is {}",
        kind.name(),
        if suspended { "suspended" } else { "in service" }
    ))
}

/// Shows the stops of issuing.
pub fn breaker_show(config: &Path) -> Result<String, Fault> {
    let stops = store(config)?.stops()?;
    if stops.is_empty() {
        return Ok("issuing is open".into());
    }
    Ok(stops
        .iter()
        .map(|stop| {
            format!(
                "issuing is stopped since {} by application {} (certificate {})",
                stop.tripped_at, stop.application, stop.serial
            )
        })
        .collect::<Vec<_>>()
        .join("\n"))
}

/// Takes a release that two officers signed at the authority's console, as a file from there:
/// for a gateway that does not reach the authority.
pub fn breaker_release(config: &Path, file: &Path) -> Result<String, Fault> {
    if fs::metadata(file)?.len() > LARGEST_RECORD {
        return Err("the file is larger than any release".into());
    }
    let release: StopRelease = serde_json::from_slice(&fs::read(file)?)?;
    let app = startup::app(&Config::load(config)?)?;
    if !app.release_by_file(&release)? {
        return Err("it releases no stop of this gateway; the log says why".into());
    }
    Ok(match app.store.stops()?.len() {
        0 => "the stop is released; issuing is open".into(),
        more => format!("the stop is released; {more} more hold"),
    })
}

/// Makes the gateway's TLS key and its request for the authority.
pub fn enrolment_request(id: &str, key: &Path, out: &Path) -> Result<String, Fault> {
    let made = request::create_p256(id)?;
    write_private(key, made.private_key_pem.as_bytes())?;
    fs::write(out, &made.request_pem)?;
    Ok(format!(
        "key in {}, request in {}",
        key.display(),
        out.display()
    ))
}
