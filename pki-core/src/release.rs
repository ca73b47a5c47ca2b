//! The release of a stopped gateway as it travels: what two officers signed at the authority's
//! console, with their certificates, so that the gateway can judge it by itself and takes
//! nobody's word for it, not the authority's either.

use jiff::Timestamp;

use crate::certificate::{CertificateImage, Name, PublicKey};
use crate::id::{ApplicationId, OperatorId, Sha256Digest};
use crate::officer::{OfficerDeed, Part, SignFault, Statement};

/// Longest reason, in characters.
pub const REASON_CHARACTERS: usize = 500;

/// One officer's part in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficerSignature {
    pub officer: OperatorId,
    /// DER.
    pub certificate: Vec<u8>,
    /// ECDSA P-256 with SHA-256, DER, over the officer's [`Statement`].
    pub signature: Vec<u8>,
}

/// A release with everything that its signatures cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRelease {
    /// The act at the console.
    pub act: ApplicationId,
    /// [`OfficerDeed::to_bytes`] of the release.
    pub deed: Vec<u8>,
    pub proposer: OfficerSignature,
    pub second: OfficerSignature,
}

/// By what a gateway knows an officer of its authority.
#[derive(Clone, Debug)]
pub struct Officers {
    /// The infrastructure CA's name and key: it certifies officers, and others too.
    pub issuer: Name,
    pub key: PublicKey,
    /// Organisational unit of officers' names. Terminals, operators and gateways have others.
    pub unit: String,
    /// Two digits.
    pub prefecture: String,
}

/// What was released, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    pub stop: String,
    pub serial: String,
    pub reason: String,
    pub proposer: OperatorId,
    pub second: OperatorId,
}

/// Why a release does not count.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseFault {
    #[error("the deed cannot be read, or releases nothing")]
    Deed,
    #[error("it releases another stop")]
    OtherStop,
    #[error("the certificate of {0} cannot be read")]
    Unreadable(OperatorId),
    #[error("the certificate of {0} is not from this infrastructure CA")]
    Foreign(OperatorId),
    #[error("the certificate of {0} is not an officer's of that id")]
    NotAnOfficer(OperatorId),
    #[error("the certificate of {0} is not valid now")]
    NotValidNow(OperatorId),
    #[error("two different persons with keys of their own have to sign")]
    OnePerson,
    #[error("the signature of {0}")]
    Signature(OperatorId, #[source] SignFault),
}

impl SignedRelease {
    /// Checks that two officers of this authority released exactly this stop, which that
    /// certificate had brought about.
    ///
    /// # Errors
    /// [`ReleaseFault`]: nothing is released.
    pub fn verify(
        &self,
        officers: &Officers,
        stop: &str,
        serial: &str,
        now: Timestamp,
    ) -> Result<Released, ReleaseFault> {
        let deed = OfficerDeed::from_bytes(&self.deed).map_err(|_| ReleaseFault::Deed)?;
        let OfficerDeed::ReleaseStop {
            stop: released,
            serial: of,
            reason,
            ..
        } = &deed
        else {
            return Err(ReleaseFault::Deed);
        };
        if released != stop || of != serial {
            return Err(ReleaseFault::OtherStop);
        }
        let first = officer(&self.proposer, officers, now)?;
        let second = officer(&self.second, officers, now)?;
        if self.proposer.officer == self.second.officer || first.sha256() == second.sha256() {
            return Err(ReleaseFault::OnePerson);
        }
        for (by, key, part) in [
            (&self.proposer, &first, Part::Propose),
            (&self.second, &second, Part::Approve),
        ] {
            let statement = Statement {
                version: 1,
                prefecture: officers.prefecture.clone(),
                officer: by.officer.clone(),
                act: self.act,
                part,
                deed: deed.name().to_owned(),
                subject: deed.subject(),
                // Of the bytes as they came: another writing of the same deed is another deed.
                deed_sha256: Sha256Digest::of(&self.deed),
            };
            statement
                .verify(key, &by.signature)
                .map_err(|fault| ReleaseFault::Signature(by.officer.clone(), fault))?;
        }
        Ok(Released {
            stop: released.clone(),
            serial: of.clone(),
            reason: reason.clone(),
            proposer: self.proposer.officer.clone(),
            second: self.second.officer.clone(),
        })
    }
}

/// The key of who signed, when the infrastructure CA says that he is an officer.
fn officer(
    by: &OfficerSignature,
    officers: &Officers,
    now: Timestamp,
) -> Result<PublicKey, ReleaseFault> {
    let id = || by.officer.clone();
    let image =
        CertificateImage::decode(&by.certificate).map_err(|_| ReleaseFault::Unreadable(id()))?;
    if image.issuer != officers.issuer || image.verify_signature(&officers.key).is_err() {
        return Err(ReleaseFault::Foreign(id()));
    }
    let units: Vec<String> = image
        .subject
        .attributes()
        .into_iter()
        .filter(|attribute| attribute.key == "OU")
        .map(|attribute| attribute.value)
        .collect();
    if image.is_authority()
        || image.subject.last("CN").as_deref() != Some(by.officer.as_str())
        || units != [officers.unit.as_str()]
    {
        return Err(ReleaseFault::NotAnOfficer(id()));
    }
    if !image.is_in_effect(now) {
        return Err(ReleaseFault::NotValidNow(id()));
    }
    Ok(image.public_key)
}
