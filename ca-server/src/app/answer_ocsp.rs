//! What the record says of a certificate, signed on demand or, under a lease, from memory.
//! Nothing good is said of a serial that is revoked, abandoned or not known (RFC 6960 §2.2).

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
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
            CertId, CertStatus, ErrorStatus, IssuerIds, OcspRequest, Responder, ResponderFault,
            SingleResponse, UnsignedResponse,
        },
    },
};

use super::{
    answer_anew::Anew,
    provide, sha256,
    status_lease::NodeLease,
    status_memory::{Memory, Remembered, Signed, Slot, Way},
};
use crate::{
    config::ResponderConfig,
    port::{
        clock::Clock,
        signer::Signer,
        store::{Status, Store, StoreError},
    },
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
    responder: Option<Delegate>,
    pub(super) memory: Memory,
}

/// The responder's key and how it can sign.
struct Delegate {
    /// Label of the key.
    key: String,
    /// By each algorithm of the key, the usual one first.
    ways: Vec<Responder>,
}

impl Delegate {
    /// The first algorithm that the client prefers, where the key has it (RFC 6960 §4.4.7.2.1).
    fn preferred(&self, algorithms: &[SignatureAlgorithm]) -> &Responder {
        algorithms
            .iter()
            .find_map(|wish| self.ways.iter().find(|way| way.algorithm() == *wish))
            .unwrap_or(self.usual())
    }

    fn usual(&self) -> &Responder {
        &self.ways[0]
    }
}

impl Answerer {
    /// From its configuration; a certificate that the issuer did not delegate to is refused.
    ///
    /// `memory` is how many bytes it may remember of its answers, about.
    pub fn new(config: &ResponderConfig, memory: u64) -> Result<Self, ResponderError> {
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
                let usual = Responder::new(certificate, &issuer, algorithm)
                    .map_err(|fault| ResponderError::Responder(name.clone(), fault))?;
                let others = SignatureAlgorithm::ALL
                    .into_iter()
                    .filter(|other| *other != algorithm);
                let others: Vec<Responder> = others
                    .filter_map(|other| usual.signing_by(other).ok())
                    .collect();
                Some(Delegate {
                    key: key.clone(),
                    ways: std::iter::once(usual).chain(others).collect(),
                })
            }
        };
        Ok(Self {
            ids: IssuerIds::of(&issuer),
            certificate: config.certificate.clone(),
            issuer,
            responder,
            memory: Memory::new(memory),
            name,
        })
    }

    /// Whether bytes are a request for a certificate of this issuer: for paths
    /// whose slashes a proxy collapsed.
    pub fn is_known(&self, der: &[u8]) -> bool {
        OcspRequest::parse(der)
            .is_ok_and(|request| request.certificates.iter().all(|id| self.ids.issued(id)))
    }

    /// What is remembered of it.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The issuer's public key.
    pub fn public_key(&self) -> &PublicKey {
        self.issuer.public_key()
    }

    /// End of the responder's certificate.
    pub fn responder_ends(&self) -> Option<Timestamp> {
        self.responder
            .as_ref()
            .map(|delegate| delegate.usual().not_after())
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
    /// How long an answer is given from memory; at most its validity.
    pub reuse: Duration,
    /// The lease under which that is done; without one every answer is made from the database.
    pub lease: Option<NodeLease>,
    /// What is signed anew in the background.
    pub anew: Anew,
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
    pub der: Bytes,
    /// For a successful answer without nonce.
    pub keep: Option<Keep>,
    /// Whether it says anything about a certificate; errors of RFC 6960 §2.3 do not.
    pub successful: bool,
}

/// How long an answer may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    pub this_update: Timestamp,
    pub next_update: Timestamp,
    /// From now to `next_update`.
    pub left: SignedDuration,
    /// What tells it from other answers to the same question.
    pub tag: Bytes,
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
        count(label);
        Self {
            der: Bytes::copy_from_slice(&status.to_der()),
            keep: None,
            successful: false,
        }
    }

    fn of(signed: &Signed, now: Timestamp) -> Self {
        count(signed.label);
        Self {
            der: signed.der.clone(),
            keep: Some(Keep {
                this_update: signed.this_update,
                next_update: signed.next_update,
                left: signed.next_update.duration_since(now),
                tag: signed.tag.clone(),
            }),
            successful: true,
        }
    }
}

fn count(label: &'static str) {
    metrics::counter!("jitsuin_ocsp_total", "answer" => label).increment(1);
}

fn label(status: CertStatus) -> &'static str {
    match status {
        CertStatus::Good => "good",
        CertStatus::Revoked { .. } => "revoked",
        CertStatus::Unknown => "unknown",
    }
}

/// The answer to a question that came in these very octets before, if it may be given from
/// memory. Waits for nothing.
pub fn from_memory(
    app: &StatusApp,
    issuer: &Answerer,
    way: Way,
    question: &[u8],
) -> Option<Answer> {
    let now = app.clock.now();
    // The lease first: what is found alive after that was alive while it held.
    if !holds(app, now) {
        return None;
    }
    let slot = issuer.memory.answered(way, question)?;
    let answer = given(app, issuer, &slot, now)?;
    metrics::counter!("jitsuin_ocsp_from_memory_total").increment(1);
    Some(answer)
}

fn holds(app: &StatusApp, now: Timestamp) -> bool {
    app.lease.as_ref().is_some_and(|lease| lease.holds(now))
}

/// What was signed, while it is fresh.
fn given(app: &StatusApp, issuer: &Answerer, slot: &Arc<Slot>, now: Timestamp) -> Option<Answer> {
    let signed = slot.signed();
    if now < signed.this_update || now >= signed.ends_at {
        return None;
    }
    if now >= signed.due_at {
        app.anew.ask(&issuer.name, slot);
    }
    Some(Answer::of(&signed, now))
}

/// Answer one request for an issuer. `asked` is how and in which octets it came, to find the
/// answer by them the next time.
pub fn answer(
    app: &StatusApp,
    issuer: &Answerer,
    der: &[u8],
    asked: Option<(Way, &[u8])>,
) -> Answer {
    let Ok(request) = OcspRequest::parse(der) else {
        return Answer::error(ErrorStatus::MalformedRequest);
    };
    let Some(delegate) = &issuer.responder else {
        return Answer::error(ErrorStatus::Unauthorized);
    };
    if !request.certificates.iter().any(|id| issuer.ids.issued(id)) {
        return Answer::error(ErrorStatus::Unauthorized);
    }
    let now = app.clock.now();
    let by = delegate.preferred(&request.preferred);
    if by.not_after() <= now {
        tracing::error!(
            issuer = issuer.name,
            "the responder's certificate has run out"
        );
        return Answer::error(ErrorStatus::InternalError);
    }
    // A question about one certificate without nonce has an answer that others can have too.
    let common = match (&request.certificates[..], &request.nonce) {
        ([certificate], None) => Some(certificate),
        _ => None,
    };
    let also = |slot: Arc<Slot>| {
        if let Some((way, question)) = asked {
            issuer.memory.also(way, question, slot);
        }
    };
    if holds(app, now)
        && let Some(certificate) = common
        && let Some(slot) = certificate
            .serial()
            .ok()
            .and_then(|serial| issuer.memory.find(serial.as_octets()))
            .and_then(|remembered| remembered.slot(certificate, by.algorithm()))
        && let Some(answer) = given(app, issuer, &slot, now)
    {
        also(slot);
        return answer;
    }
    if !app.quota.take() {
        metrics::counter!("jitsuin_ocsp_quota_exhausted_total").increment(1);
        return Answer::error(ErrorStatus::TryLater);
    }
    // Those that can have a serial of ours are looked up.
    let asked_for: Vec<Option<Vec<u8>>> = request
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
    let mut serials: Vec<Vec<u8>> = asked_for.iter().flatten().cloned().collect();
    serials.sort();
    serials.dedup();
    let found = match look_up(app, issuer, &serials, now) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = %crate::causes(&error), "no status without the database");
            return Answer::error(ErrorStatus::TryLater);
        }
    };
    let of = |serial: &Option<Vec<u8>>| {
        let at = serials.binary_search(serial.as_ref()?).ok()?;
        found.get(at)
    };
    let statuses: Vec<(&CertId, CertStatus)> = request
        .certificates
        .iter()
        .zip(&asked_for)
        .map(|(id, serial)| {
            let found = of(serial).map_or(CertStatus::Unknown, |found| status(&found.status));
            (id, found)
        })
        .collect();
    let signed = match sign(app, delegate, by, &statuses, request.nonce.as_deref(), now) {
        Ok(signed) => signed,
        Err(error) => return Answer::error(error),
    };
    let Some(certificate) = common else {
        for (_, status) in &statuses {
            count(label(*status));
        }
        return Answer {
            der: signed.der,
            keep: request.nonce.is_none().then_some(Keep {
                this_update: signed.this_update,
                next_update: signed.next_update,
                left: signed.next_update.duration_since(now),
                tag: signed.tag,
            }),
            successful: true,
        };
    };
    let answer = Answer::of(&signed, now);
    let remembered = of(&asked_for[0]).and_then(|found| found.remembered.as_ref());
    if let Some(slot) =
        remembered.and_then(|remembered| remembered.keep(certificate, by.algorithm(), signed))
    {
        also(slot);
    }
    answer
}

/// Sign an answer in memory anew, from what is remembered, within the quota.
pub fn sign_anew(app: &StatusApp, issuer: &Answerer, slot: &Slot) {
    let now = app.clock.now();
    let Some(delegate) = &issuer.responder else {
        return;
    };
    if !holds(app, now) {
        return;
    }
    let remembered = slot
        .certificate
        .serial()
        .ok()
        .and_then(|serial| issuer.memory.find(serial.as_octets()));
    let Some(remembered) = remembered else {
        return;
    };
    let by = delegate.preferred(&[slot.algorithm]);
    if by.not_after() <= now || !app.quota.take() {
        return;
    }
    let statuses = [(&slot.certificate, status(&remembered.status))];
    if let Ok(signed) = sign(app, delegate, by, &statuses, None, now) {
        remembered.keep(&slot.certificate, slot.algorithm, signed);
    }
}

/// What is known of a serial.
struct Found {
    status: Status,
    remembered: Option<Arc<Remembered>>,
}

/// From memory, and the rest from the database at one moment.
fn look_up(
    app: &StatusApp,
    issuer: &Answerer,
    serials: &[Vec<u8>],
    now: Timestamp,
) -> Result<Vec<Found>, StoreError> {
    let memory = holds(app, now).then_some(&issuer.memory);
    let known: Vec<Option<Arc<Remembered>>> = serials
        .iter()
        .map(|serial| memory.and_then(|memory| memory.find(serial)))
        .collect();
    let missing: Vec<Vec<u8>> = serials
        .iter()
        .zip(&known)
        .filter(|(_, known)| known.is_none())
        .map(|(serial, _)| serial.clone())
        .collect();
    let place = issuer.memory.place();
    let mut read = match missing.is_empty() {
        true => Vec::new(),
        false => app.store.status(&issuer.name, &missing)?,
    }
    .into_iter();
    let found = serials.iter().zip(known).map(|(serial, known)| {
        if let Some(remembered) = known {
            return Found {
                status: remembered.status.clone(),
                remembered: Some(remembered),
            };
        }
        let status = read.next().unwrap_or(Status::Unknown);
        let remembered = app
            .lease
            .as_ref()
            .and_then(|_| issuer.memory.remember(place, serial, &status));
        Found { status, remembered }
    });
    Ok(found.collect())
}

/// Sign an answer. The signature was verified before it leaves by the key of the responder's
/// certificate: by the signer if it has the same key, or else here.
fn sign(
    app: &StatusApp,
    delegate: &Delegate,
    by: &Responder,
    statuses: &[(&CertId, CertStatus)],
    nonce: Option<&[u8]>,
    now: Timestamp,
) -> Result<Signed, ErrorStatus> {
    let span = |time: Duration| SignedDuration::try_from(time).unwrap_or(SignedDuration::ZERO);
    let next_update = (now + span(app.validity)).min(by.not_after());
    let answers: Vec<SingleResponse> = statuses
        .iter()
        .map(|(certificate, status)| SingleResponse {
            certificate,
            status: *status,
            this_update: now,
            next_update,
        })
        .collect();
    let unsigned = UnsignedResponse::plan(by, now, &answers, nonce);
    let signature = app
        .signer
        .sign_verified(&delegate.key, by.algorithm(), unsigned.bytes_to_sign())
        .map_err(|error| {
            tracing::warn!(%error, "no answer without the token");
            ErrorStatus::TryLater
        })?;
    let der = unsigned
        .assemble_verified(&signature.signature, &signature.by, by)
        .map_err(|error| {
            tracing::error!(error = %crate::causes(&error), "an answer was not sent");
            ErrorStatus::InternalError
        })?;
    let ends_at = (now + span(app.reuse)).min(next_update);
    Ok(Signed {
        tag: hex::encode(&sha256(&der)[..16]).into(),
        der: der.into(),
        this_update: now,
        next_update,
        due_at: now + ends_at.duration_since(now) * 4 / 5,
        ends_at,
        label: statuses.first().map_or("", |(_, status)| label(*status)),
    })
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
