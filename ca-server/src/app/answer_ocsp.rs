//! What the record says of a certificate, signed on demand. Nothing good is said
//! of a serial that is revoked, abandoned or not known (RFC 6960 §2.2).

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};
use pki_core::{
    certificate::{
        PublicKey, SignatureAlgorithm,
        image::{CertificateImage, ImageFault},
        issuer::{Access, Issuer, IssuerFault, Publication},
    },
    revocation::{
        ground::ReasonCode,
        ocsp::{
            CertStatus, ErrorStatus, IssuerIds, OcspRequest, Responder, ResponderFault,
            SingleResponse, UnsignedResponse,
        },
    },
};

use super::provide;
use crate::{
    config::ResponderConfig,
    port::{clock::Clock, signer::Signer, store::Status, store::Store},
};

/// Why a status node cannot answer for an issuer.
#[derive(Debug, thiserror::Error)]
pub enum ResponderError {
    #[error("issuer {0}: its certificate cannot be used")]
    Issuer(String, #[source] IssuerFault),
    #[error("issuer {0}: the responder's certificate cannot be read")]
    Certificate(String, #[source] ImageFault),
    #[error("issuer {0}: the responder's certificate does not hold")]
    Responder(String, #[source] ResponderFault),
}

/// An issuer as a status node sees it.
pub struct Answerer {
    pub name: String,
    /// The issuer's certificate, DER.
    pub certificate: Vec<u8>,
    issuer: Issuer,
    ids: IssuerIds,
    responder: Option<(String, Responder)>,
}

impl Answerer {
    /// From its configuration; a certificate that the issuer did not delegate to is refused.
    pub fn new(config: &ResponderConfig) -> Result<Self, ResponderError> {
        let name = config.name.clone();
        let publication = Publication {
            access: Access::Registered,
            segment: name.clone(),
        };
        let issuer = Issuer::from_certificate(&config.certificate, publication)
            .map_err(|fault| ResponderError::Issuer(name.clone(), fault))?;
        let responder = match &config.ocsp {
            None => None,
            Some((key, certificate)) => {
                let image = CertificateImage::decode(certificate)
                    .map_err(|fault| ResponderError::Certificate(name.clone(), fault))?;
                let algorithm = SignatureAlgorithm::usual_for(image.public_key.kind());
                let responder = Responder::new(certificate, &issuer, algorithm)
                    .map_err(|fault| ResponderError::Responder(name.clone(), fault))?;
                Some((key.clone(), responder))
            }
        };
        Ok(Self {
            ids: IssuerIds::of(&issuer),
            certificate: config.certificate.clone(),
            issuer,
            responder,
            name,
        })
    }

    /// Whether bytes are a request for a certificate of this issuer: for paths
    /// whose slashes a proxy collapsed.
    pub fn is_known(&self, der: &[u8]) -> bool {
        OcspRequest::parse(der)
            .is_ok_and(|request| request.certificates.iter().all(|id| self.ids.issued(id)))
    }

    /// The issuer's public key.
    pub fn public_key(&self) -> &PublicKey {
        self.issuer.public_key()
    }

    /// End of the responder's certificate.
    pub fn responder_ends(&self) -> Option<Timestamp> {
        self.responder
            .as_ref()
            .map(|(_, responder)| responder.not_after())
    }
}

/// What the use-cases of `ca-server status` work with.
pub struct StatusApp {
    pub store: Arc<dyn Store>,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    pub issuers: Vec<Answerer>,
    /// From thisUpdate to nextUpdate.
    pub validity: Duration,
    pub crl_folder: std::path::PathBuf,
    /// How many answers this process may sign.
    pub quota: SigningQuota,
    /// Kept where access is registered: then nobody is given anything unknown to them.
    pub records: Option<provide::Records>,
}

/// A limit on signatures, so that no flood of questions holds the token or wears it out.
pub struct SigningQuota(DefaultDirectRateLimiter);

impl SigningQuota {
    /// So many per second, twice as many at once.
    pub fn new(per_second: u32) -> Self {
        let rate = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        let burst = rate.saturating_add(per_second);
        Self(RateLimiter::direct(
            Quota::per_second(rate).allow_burst(burst),
        ))
    }

    fn take(&self) -> bool {
        self.0.check().is_ok()
    }
}

impl StatusApp {
    /// The issuer of that name in URLs.
    pub fn issuer(&self, name: &str) -> Option<&Answerer> {
        self.issuers.iter().find(|issuer| issuer.name == name)
    }
}

/// An answer, and what a cache may know of it.
pub struct Answer {
    /// OCSPResponse, DER.
    pub der: Vec<u8>,
    /// For a successful answer without nonce: until when it may be kept.
    pub keep: Option<(Timestamp, Timestamp)>,
    /// Whether it says anything about a certificate; errors of RFC 6960 §2.3 do not.
    pub successful: bool,
}

impl Answer {
    /// An error of RFC 6960 §2.3, unsigned.
    pub fn error(status: ErrorStatus) -> Self {
        let label = match status {
            ErrorStatus::MalformedRequest => "malformed",
            ErrorStatus::InternalError => "internal",
            ErrorStatus::TryLater => "try-later",
            ErrorStatus::Unauthorized => "unauthorised",
        };
        metrics::counter!("jitsuin_ocsp_total", "answer" => label).increment(1);
        Self {
            der: status.to_der().to_vec(),
            keep: None,
            successful: false,
        }
    }
}

/// Answer one request for an issuer.
pub fn answer(app: &StatusApp, issuer: &Answerer, der: &[u8]) -> Answer {
    let Ok(request) = OcspRequest::parse(der) else {
        return Answer::error(ErrorStatus::MalformedRequest);
    };
    let Some((key, responder)) = &issuer.responder else {
        return Answer::error(ErrorStatus::Unauthorized);
    };
    if !request.certificates.iter().any(|id| issuer.ids.issued(id)) {
        return Answer::error(ErrorStatus::Unauthorized);
    }
    let now = app.clock.now();
    if responder.not_after() <= now {
        tracing::error!(
            issuer = issuer.name,
            "the responder's certificate has run out"
        );
        return Answer::error(ErrorStatus::InternalError);
    }
    if !app.quota.take() {
        metrics::counter!("jitsuin_ocsp_quota_exhausted_total").increment(1);
        return Answer::error(ErrorStatus::TryLater);
    }
    // Those that can have a serial of ours are looked up, all at one moment.
    let asked: Vec<Option<Vec<u8>>> = request
        .certificates
        .iter()
        .map(|id| {
            issuer
                .ids
                .issued(id)
                .then(|| id.serial().ok())
                .flatten()
                .map(|serial| serial.as_octets().to_vec())
        })
        .collect();
    let mut serials: Vec<Vec<u8>> = asked.iter().flatten().cloned().collect();
    serials.sort();
    serials.dedup();
    let found = match app.store.status(&issuer.name, &serials) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = %crate::causes(&error), "no status without the database");
            return Answer::error(ErrorStatus::TryLater);
        }
    };
    let this_update = now;
    let ends = now + SignedDuration::try_from(app.validity).unwrap_or(SignedDuration::ZERO);
    let next_update = ends.min(responder.not_after());
    let answers: Vec<SingleResponse> = request
        .certificates
        .iter()
        .zip(&asked)
        .map(|(certificate, serial)| SingleResponse {
            certificate,
            status: serial
                .as_ref()
                .and_then(|serial| serials.binary_search(serial).ok())
                .and_then(|at| found.get(at))
                .map_or(CertStatus::Unknown, status),
            this_update,
            next_update,
        })
        .collect();
    let unsigned = UnsignedResponse::plan(responder, now, &answers, request.nonce.as_deref());
    let signature = match app
        .signer
        .sign(key, responder.algorithm(), unsigned.bytes_to_sign())
    {
        Ok(signature) => signature,
        Err(error) => {
            tracing::warn!(%error, "no answer without the token");
            return Answer::error(ErrorStatus::TryLater);
        }
    };
    for answer in &answers {
        let label = match answer.status {
            CertStatus::Good => "good",
            CertStatus::Revoked { .. } => "revoked",
            CertStatus::Unknown => "unknown",
        };
        metrics::counter!("jitsuin_ocsp_total", "answer" => label).increment(1);
    }
    match unsigned.assemble(&signature, responder) {
        Ok(der) => Answer {
            der,
            keep: request
                .nonce
                .is_none()
                .then_some((this_update, next_update)),
            successful: true,
        },
        Err(error) => {
            tracing::error!(error = %crate::causes(&error), "an answer was not sent");
            Answer::error(ErrorStatus::InternalError)
        }
    }
}

fn status(status: &Status) -> CertStatus {
    match status {
        Status::Good => CertStatus::Good,
        Status::Unknown => CertStatus::Unknown,
        Status::Revoked(revoked) => CertStatus::Revoked {
            at: revoked.revoked_at,
            reason: revoked.reason.and_then(ReasonCode::from_code),
        },
    }
}
