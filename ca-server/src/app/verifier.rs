//! Verifiers (署名検証者) are taken into the registry by an officer once the written
//! arrangement is made (Art 17 (4)), and suspended when they break it (Art 18 (3), (4)).

use super::{
    App,
    enrol::{self, EnrolError, Enrolment},
};
use crate::port::verifier::Verifier;

/// The kind of a verifier in enrolments, profiles and audit rows.
pub const KIND: &str = "verifier";

/// Certify a verifier's key and take the verifier into the registry.
pub fn enrol(app: &App, wish: &Enrolment, arrangement: &str) -> Result<Verifier, EnrolError> {
    if wish.kind != KIND {
        return Err(EnrolError::Kind(wish.kind.clone()));
    }
    let length = arrangement.trim().chars().count();
    if length == 0 || length > 100 || arrangement.chars().any(char::is_control) {
        return Err(EnrolError::Arrangement);
    }
    let known = app.store.verifiers()?;
    if !wish.replace && known.iter().any(|verifier| verifier.id == wish.id) {
        return Err(EnrolError::AlreadyEnrolled);
    }
    let (party, entry) = enrol::certify(app, wish, enrol::OFFICER, None)?;
    let verifier = Verifier {
        id: party.id,
        label: party.label,
        arrangement: arrangement.trim().to_owned(),
        certificate: party.certificate,
        certificate_sha256: party.certificate_sha256,
        active: true,
    };
    let at = entry.at;
    if !app
        .store
        .enrol_verifier(verifier.clone(), at, wish.replace, entry)?
    {
        return Err(EnrolError::AlreadyEnrolled);
    }
    Ok(verifier)
}
