//! Ports for tests: a clock that is moved, a signer in software, and a store
//! that breaks. Faults live here and never in the product.

mod beside;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest::{self, Digest},
    encoding::AsDer,
    rsa::KeySize,
    signature::{
        self, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RsaKeyPair,
    },
};
use jiff::{SignedDuration, Timestamp};
use pki_core::{
    certificate::{MessageDigest, Partition, PartitionNumber, PublicKey, SignatureAlgorithm},
    person::municipality::MunicipalityCode,
};
use zeroize::Zeroizing;

use super::{
    clock::{Clock, Stopwatch},
    signer::{SignError, Signer},
    store::*,
    verifier::{Verifier, Verifiers},
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock that stands still until it is moved, and only moves forward.
pub struct FakeClock(Mutex<Timestamp>);

impl FakeClock {
    /// Standing at this moment (`2026-11-22T06:00:00Z`).
    pub fn at(moment: &str) -> Self {
        Self(Mutex::new(
            moment.parse().expect("tests write moments correctly"),
        ))
    }

    /// Move forward.
    pub fn advance(&self, by: SignedDuration) {
        assert!(!by.is_negative(), "time goes forward");
        let mut now = lock(&self.0);
        *now += by;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}

impl Stopwatch for FakeClock {
    fn elapsed(&self) -> Duration {
        lock(&self.0)
            .duration_since(Timestamp::UNIX_EPOCH)
            .unsigned_abs()
    }
}

/// How a call breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// It fails and did nothing.
    NotDone,
    /// It took effect, and the caller does not learn of it.
    DoneUnsaid,
}

enum Key {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Wrapping([u8; 32]),
}

/// A token in software.
#[derive(Default)]
pub struct FakeSigner {
    keys: Mutex<HashMap<String, Arc<Key>>>,
    next: Mutex<Option<Break>>,
    away: Mutex<bool>,
    /// Everything that was signed, with the key's label: for invariants.
    signed: Mutex<Vec<(String, Vec<u8>)>>,
}

impl FakeSigner {
    /// Make a P-256 key.
    pub fn make_p256(&self, label: &str) {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("key generation");
        self.put(label, Key::Ecdsa(key));
    }

    /// Make an RSA-2048 key.
    pub fn make_rsa(&self, label: &str) {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("key generation");
        self.put(label, Key::Rsa(key));
    }

    /// Make a wrapping key.
    pub fn make_wrapping(&self, label: &str) {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).expect("random bytes");
        self.put(label, Key::Wrapping(key));
    }

    fn put(&self, label: &str, key: Key) {
        lock(&self.keys).insert(label.to_owned(), Arc::new(key));
    }

    /// Break the next signature.
    pub fn break_next(&self, how: Break) {
        *lock(&self.next) = Some(how);
    }

    /// Take the token away, or bring it back.
    pub fn set_away(&self, away: bool) {
        *lock(&self.away) = away;
    }

    /// What was signed with a key since the start.
    pub fn signed_with(&self, label: &str) -> Vec<Vec<u8>> {
        lock(&self.signed)
            .iter()
            .filter(|(key, _)| key == label)
            .map(|(_, message)| message.clone())
            .collect()
    }

    fn key(&self, label: &str) -> Result<Arc<Key>, SignError> {
        if let Some(reason) = self.trouble() {
            return Err(SignError::Away {
                retry_after: Duration::from_secs(1),
                reason,
            });
        }
        lock(&self.keys)
            .get(label)
            .cloned()
            .ok_or_else(|| SignError::Refused {
                reason: format!("no key {label}"),
            })
    }
}

impl FakeSigner {
    fn make_signature(
        &self,
        label: &str,
        algorithm: SignatureAlgorithm,
        digest: &Digest,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        let found = self.key(label)?;
        let broken = lock(&self.next).take();
        if broken == Some(Break::NotDone) {
            return Err(SignError::Away {
                retry_after: Duration::from_secs(1),
                reason: "broken by the test".to_owned(),
            });
        }
        let signature = match (&*found, algorithm) {
            (Key::Ecdsa(pair), SignatureAlgorithm::EcdsaP256Sha256) => pair
                .sign_digest(digest)
                .map_err(|_| wrong_use())?
                .as_ref()
                .to_vec(),
            (
                Key::Rsa(pair),
                SignatureAlgorithm::RsaPkcs1Sha256 | SignatureAlgorithm::RsaPkcs1Sha384,
            ) => {
                let padding = match algorithm {
                    SignatureAlgorithm::RsaPkcs1Sha256 => &RSA_PKCS1_SHA256,
                    _ => &RSA_PKCS1_SHA384,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(padding, digest, &mut signature)
                    .map_err(|_| wrong_use())?;
                signature
            }
            _ => return Err(wrong_use()),
        };
        lock(&self.signed).push((label.to_owned(), message.to_owned()));
        match broken {
            Some(Break::DoneUnsaid) => Err(SignError::Unknown {
                reason: "broken by the test".to_owned(),
            }),
            _ => Ok(signature),
        }
    }
}

fn wrong_use() -> SignError {
    SignError::Refused {
        reason: "the key is of another kind".to_owned(),
    }
}

impl Signer for FakeSigner {
    fn sign(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        let hash = match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha384 => &digest::SHA384,
            _ => &digest::SHA256,
        };
        let digest = digest::digest(hash, message);
        self.make_signature(key, algorithm, &digest, message)
    }

    fn sign_digest(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        digest: &MessageDigest,
    ) -> Result<Vec<u8>, SignError> {
        let octets = digest.octets();
        let digest = Digest::import_less_safe(octets, &digest::SHA256).map_err(|_| wrong_use())?;
        self.make_signature(key, algorithm, &digest, octets)
    }

    fn public_key(&self, key: &str) -> Result<Vec<u8>, SignError> {
        match &*self.key(key)? {
            Key::Ecdsa(pair) => PublicKey::from_ec_point(pair.public_key().as_ref())
                .map(|key| key.spki_der().to_vec())
                .map_err(|_| wrong_use()),
            Key::Rsa(pair) => {
                let spki: Result<signature::RsaSubjectPublicKey, _> = Ok(pair.public_key().clone());
                spki.and_then(|key| key.as_der().map(|der| der.as_ref().to_vec()))
                    .map_err(|_: aws_lc_rs::error::Unspecified| wrong_use())
            }
            Key::Wrapping(_) => Err(wrong_use()),
        }
    }

    fn wrap(&self, key: &str, data_key: &[u8; 32]) -> Result<Vec<u8>, SignError> {
        let found = self.key(key)?;
        let Key::Wrapping(wrapping) = &*found else {
            return Err(wrong_use());
        };
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, wrapping).map_err(|_| wrong_use())?;
        let mut sealed = data_key.to_vec();
        let nonce = cipher
            .seal_in_place_append_tag(Aad::empty(), &mut sealed)
            .map_err(|_| wrong_use())?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    fn unwrap(&self, key: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, SignError> {
        let found = self.key(key)?;
        let Key::Wrapping(wrapping) = &*found else {
            return Err(wrong_use());
        };
        let (nonce, sealed) = wrapped.split_at_checked(NONCE_LEN).ok_or_else(wrong_use)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong_use())?;
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, wrapping).map_err(|_| wrong_use())?;
        let mut sealed = sealed.to_vec();
        let plain = cipher
            .open_in_place(nonce, Aad::empty(), &mut sealed)
            .map_err(|_| wrong_use())?;
        let mut data_key = Zeroizing::new([0; 32]);
        data_key.copy_from_slice(plain);
        Ok(data_key)
    }

    fn trouble(&self) -> Option<String> {
        lock(&self.away).then(|| "taken away by the test".to_owned())
    }
}

/// A store that breaks where it is told to, over one that works.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    plan: Mutex<HashMap<&'static str, Break>>,
    after: Mutex<HashMap<&'static str, After>>,
}

/// What happens when a method has done its work.
type After = Box<dyn FnOnce() + Send>;

#[derive(Debug, thiserror::Error)]
#[error("broken by the test")]
struct ByTest;

impl FaultyStore {
    /// Nothing breaks yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            plan: Mutex::default(),
            after: Mutex::default(),
        }
    }

    /// The next call of this method breaks.
    pub fn break_next(&self, method: &'static str, how: Break) {
        lock(&self.plan).insert(method, how);
    }

    /// Between the next call of this method and its answer, when all it does is done, this happens
    /// on the caller's thread.
    pub fn after_next(&self, method: &'static str, what: impl FnOnce() + Send + 'static) {
        lock(&self.after).insert(method, Box::new(what));
    }

    /// Whether everything that was to break did.
    pub fn all_broken(&self) -> bool {
        lock(&self.plan).is_empty()
    }

    fn call<T>(
        &self,
        method: &'static str,
        work: impl FnOnce(&dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let how = lock(&self.plan).remove(method);
        let after = lock(&self.after).remove(method);
        match how {
            None => {
                let done = work(&*self.inner);
                if let Some(after) = after {
                    after();
                }
                done
            }
            Some(Break::NotDone) => Err(StoreError::away(ByTest)),
            Some(Break::DoneUnsaid) => {
                work(&*self.inner)?;
                Err(StoreError::unknown(ByTest))
            }
        }
    }
}

impl Store for FaultyStore {
    fn probe(&self) -> Result<(), StoreError> {
        self.call("probe", |store| store.probe())
    }
    fn register_issuer(&self, issuer: Issuer, audit: AuditEntry) -> Result<bool, StoreError> {
        self.call("register_issuer", |store| {
            store.register_issuer(issuer, audit)
        })
    }
    fn reserve(&self, new: Reservation, audit: AuditEntry) -> Result<Reserve, StoreError> {
        self.call("reserve", |store| store.reserve(new, audit))
    }
    fn complete(&self, done: Completion, audit: AuditEntry) -> Result<Complete, StoreError> {
        self.call("complete", |store| store.complete(done, audit))
    }
    fn abandon(
        &self,
        issuer: &str,
        serial: &[u8],
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("abandon", |store| store.abandon(issuer, serial, at, audit))
    }
    fn revoke(&self, revocation: Revocation, audit: AuditEntry) -> Result<Revoke, StoreError> {
        self.call("revoke", |store| store.revoke(revocation, audit))
    }
    fn record(&self, audit: AuditEntry) -> Result<(), StoreError> {
        self.call("record", |store| store.record(audit))
    }
    fn reserve_crl(&self, new: NewCrl) -> Result<CrlRecord, StoreError> {
        self.call("reserve_crl", |store| store.reserve_crl(new))
    }
    fn publish_crl(
        &self,
        crl: &CrlRecord,
        sha256: [u8; 32],
        entries: u64,
        delta: Option<DeltaRecord>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("publish_crl", |store| {
            store.publish_crl(crl, sha256, entries, delta, at, audit)
        })
    }
    fn enrol(
        &self,
        party: Party,
        at: Timestamp,
        replace: bool,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("enrol", |store| store.enrol(party, at, replace, audit))
    }
    fn set_party(
        &self,
        kind: &str,
        id: &str,
        active: bool,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("set_party", |store| {
            store.set_party(kind, id, active, at, audit)
        })
    }
    fn put_data_key(&self, key: WrappedKey, audit: AuditEntry) -> Result<bool, StoreError> {
        self.call("put_data_key", |store| store.put_data_key(key, audit))
    }
    fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call("take_lease", |store| {
            store.take_lease(name, holder, now, until)
        })
    }
    fn certificate(
        &self,
        issuer: &str,
        serial: &[u8],
    ) -> Result<Option<StoredCertificate>, StoreError> {
        self.call("certificate", |store| store.certificate(issuer, serial))
    }
    fn certificate_of_request(
        &self,
        idempotency_key: &[u8; 16],
    ) -> Result<Option<StoredCertificate>, StoreError> {
        self.call("certificate_of_request", |store| {
            store.certificate_of_request(idempotency_key)
        })
    }
    fn reserved_by(&self, node: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.call("reserved_by", |store| store.reserved_by(node))
    }
    fn status(&self, issuer: &str, serials: &[Vec<u8>]) -> Result<Vec<Status>, StoreError> {
        self.call("status", |store| store.status(issuer, serials))
    }
    fn revocations(
        &self,
        scope: &CrlScope,
        visit: &mut dyn FnMut(Revoked),
    ) -> Result<(), StoreError> {
        self.call("revocations", |store| store.revocations(scope, visit))
    }
    fn ended_revocations(
        &self,
        scope: &EndedScope,
        visit: &mut dyn FnMut(Revoked),
    ) -> Result<(), StoreError> {
        self.call("ended_revocations", |store| {
            store.ended_revocations(scope, visit)
        })
    }
    fn crl(&self, issuer: &str, scope: &str, number: u64) -> Result<Option<CrlRecord>, StoreError> {
        self.call("crl", |store| store.crl(issuer, scope, number))
    }
    fn last_end(&self, issuer: &str, of: Partition) -> Result<Option<Timestamp>, StoreError> {
        self.call("last_end", |store| store.last_end(issuer, of))
    }
    fn newest_partition(
        &self,
        issuer: &str,
        municipality: MunicipalityCode,
    ) -> Result<Option<PartitionNumber>, StoreError> {
        self.call("newest_partition", |store| {
            store.newest_partition(issuer, municipality)
        })
    }
    fn latest_crl(&self, issuer: &str, scope: &str) -> Result<Option<CrlRecord>, StoreError> {
        self.call("latest_crl", |store| store.latest_crl(issuer, scope))
    }
    fn delta_base(
        &self,
        issuer: &str,
        scope: &str,
        now: Timestamp,
    ) -> Result<Option<CrlRecord>, StoreError> {
        self.call("delta_base", |store| store.delta_base(issuer, scope, now))
    }
    fn changed(&self, issuer: &str, of: Option<Partition>, after: u64) -> Result<bool, StoreError> {
        self.call("changed", |store| store.changed(issuer, of, after))
    }
    fn party(&self, kind: &str, id: &str) -> Result<Option<Party>, StoreError> {
        self.call("party", |store| store.party(kind, id))
    }
    fn party_by_certificate(&self, sha256: &[u8; 32]) -> Result<Option<Party>, StoreError> {
        self.call("party_by_certificate", |store| {
            store.party_by_certificate(sha256)
        })
    }
    fn data_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        self.call("data_keys", |store| store.data_keys())
    }
    fn audit(
        &self,
        after: Option<(&str, u64)>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        self.call("audit", |store| store.audit(after, limit))
    }
    fn audit_ends(&self) -> Result<Vec<(String, u64, [u8; 32])>, StoreError> {
        self.call("audit_ends", |store| store.audit_ends())
    }
}

impl Verifiers for FaultyStore {
    fn enrol_verifier(
        &self,
        verifier: Verifier,
        at: Timestamp,
        replace: bool,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("enrol_verifier", |store| {
            store.enrol_verifier(verifier, at, replace, audit)
        })
    }
    fn set_verifier(
        &self,
        id: &str,
        active: bool,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("set_verifier", |store| {
            store.set_verifier(id, active, at, audit)
        })
    }
    fn verifiers(&self) -> Result<Vec<Verifier>, StoreError> {
        self.call("verifiers", |store| store.verifiers())
    }
    fn verifier_by_certificate(&self, sha256: &[u8; 32]) -> Result<Option<Verifier>, StoreError> {
        self.call("verifier_by_certificate", |store| {
            store.verifier_by_certificate(sha256)
        })
    }
}

impl Proofs for FaultyStore {
    fn proofs(&self, issuer: &str, serial: &[u8]) -> Result<Vec<Kept>, StoreError> {
        self.call("proofs", |store| store.proofs(issuer, serial))
    }
}

impl RegisterEvents for FaultyStore {
    fn apply_register_events(
        &self,
        issuers: &[String],
        municipality: &str,
        before: &RegisterPosition,
        after: &RegisterPosition,
        events: Vec<NewRegisterEvent>,
        at: Timestamp,
    ) -> Result<AppliedEvents, StoreError> {
        self.call("apply_register_events", |store| {
            store.apply_register_events(issuers, municipality, before, after, events, at)
        })
    }
    fn register_position(&self, municipality: &str) -> Result<RegisterPosition, StoreError> {
        self.call("register_position", |store| {
            store.register_position(municipality)
        })
    }
    fn set_register_trouble(
        &self,
        municipality: &str,
        trouble: Option<String>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.call("set_register_trouble", |store| {
            store.set_register_trouble(municipality, trouble, at, audit)
        })
    }
    fn register_revocations(
        &self,
        municipality: &str,
        since: u64,
        limit: u32,
    ) -> Result<Vec<ToldRevocation>, StoreError> {
        self.call("register_revocations", |store| {
            store.register_revocations(municipality, since, limit)
        })
    }
}
