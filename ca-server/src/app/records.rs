//! 認証業務情報 of one person (Art 29): the issue records, the revocation information, and the
//! revocation files that name their certificates.

use std::str::FromStr;

use pki_core::{
    certificate::{Serial, image::CertificateImage},
    disclosure::{Case, Person},
    person::{
        certificate_items::CertificateItemsText, era::BirthDate, municipality::MunicipalityCode,
    },
};

use super::{App, sealed_place};
use crate::port::{
    disclosure::ListSpan,
    store::{Revoked, SerialState, Status, StoreError, StoredCertificate},
    vault::VaultError,
};

/// Why the records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
    #[error("a stored certificate cannot be read")]
    Unreadable,
}

/// One certificate and all that is recorded about it.
pub struct Record {
    pub serial: Serial,
    pub certificate: CertificateImage,
    pub municipality: Option<String>,
    /// `live`, `revoked`, `expired`
    pub status: &'static str,
    pub revocation: Option<Revoked>,
    pub lists: Vec<ListSpan>,
    /// Found by the person's number in the register; else by its serial number alone.
    pub by_register: bool,
    /// Name and birth date in it are those on the request.
    pub same_person: bool,
}

impl Record {
    /// Whether it is disclosed: a serial number that somebody has read off another person's
    /// copy opens nothing.
    pub fn is_disclosed(&self) -> bool {
        self.by_register || self.same_person
    }
}

/// How the register's number is hashed, as when a certificate is issued.
pub(super) fn resident_hash(
    app: &App,
    municipality: MunicipalityCode,
    person: &Person,
) -> Result<Option<[u8; 32]>, VaultError> {
    person
        .resident
        .as_ref()
        .map(|number| super::resident_hash(app, municipality, number))
        .transpose()
}

/// Everything that is recorded about the person of a request.
pub fn of(app: &App, case: &Case) -> Result<Vec<Record>, RecordsError> {
    let person = &case.request.person;
    let mut stored = Vec::new();
    if let Some(hash) = resident_hash(app, case.receipt.municipality, person)? {
        for issuer in app.issuers_of_residents() {
            stored.extend(app.store.certificates_of(&issuer, &hash)?);
        }
    }
    let by_register = stored.len();
    if let Some(serial) = &person.serial
        && !stored.iter().any(|one| one.serial == serial.as_octets())
        && let issuer = &app.issuer_of(serial)?.name
        && let Some(one) = app.store.certificate(issuer, serial.as_octets())?
        && one.state == SerialState::Completed
    {
        stored.push(one);
    }
    stored
        .into_iter()
        .enumerate()
        .map(|(at, one)| record(app, person, one, at < by_register))
        .collect()
}

fn record(
    app: &App,
    person: &Person,
    stored: StoredCertificate,
    by_register: bool,
) -> Result<Record, RecordsError> {
    let now = app.clock.now();
    let issuer = &stored.issuer;
    let sealed = stored.der.as_ref().ok_or(RecordsError::Unreadable)?;
    let place = sealed_place(issuer, &stored.serial, "der");
    let der = app.vault.open(&place, sealed)?;
    let certificate = CertificateImage::decode(&der).map_err(|_| RecordsError::Unreadable)?;
    let status = app
        .store
        .status(issuer, std::slice::from_ref(&stored.serial))?
        .pop();
    let (status, revocation) = match status {
        Some(Status::Revoked(revoked)) => ("revoked", Some(revoked)),
        _ if stored.not_after < now => ("expired", None),
        _ => ("live", None),
    };
    Ok(Record {
        serial: Serial::from_octets(&stored.serial).map_err(|_| RecordsError::Unreadable)?,
        same_person: certificate
            .personal
            .as_ref()
            .is_some_and(|items| same_person(person, items)),
        lists: app.store.lists_naming(issuer, &stored.serial)?,
        municipality: stored.municipality,
        certificate,
        status,
        revocation,
        by_register,
    })
}

/// Name, spaces apart, and birth date are the same.
fn same_person(person: &Person, items: &CertificateItemsText) -> bool {
    let plain = |name: &str| {
        name.chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
    };
    let born = BirthDate::from_code(&person.birth_date)
        .or_else(|_| BirthDate::from_str(&person.birth_date))
        .map(BirthDate::code);
    plain(&person.name) == plain(&items.name) && born.as_deref() == Ok(items.birth_date.as_str())
}
