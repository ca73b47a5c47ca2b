//! The facade: what servers call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::error::{Refusal, TokenError};
use super::health::Health;
use super::key::{
    KeyAlgorithm, KeyClass, KeyEntry, SignatureAlgorithm, digest, digest_length, is_rsa,
};
use super::link::LinkFault;
use super::supervise::{LONGEST_PAUSE, Shared};
use super::verify::Verifier;
use super::wire::{Failure, LONGEST_MESSAGE, Reply, Request};
use crate::config::TokenConfig;

/// Most random bytes in one call.
const MOST_RANDOM: u16 = 4096;
/// Longest label we give a key.
const LONGEST_LABEL: usize = 64;

/// A PKCS#11 token. Cheap to clone; all methods may be called from many threads
/// at once and block at most until their deadline. The worker process ends when
/// the last clone is dropped.
#[derive(Clone)]
pub struct Token {
    owner: Arc<Owner>,
}

/// A signature, and the key that verified it.
pub struct Verified {
    /// ECDSA signatures are DER.
    pub signature: Vec<u8>,
    verifier: Arc<Verifier>,
}

impl Verified {
    /// SubjectPublicKeyInfo, DER, of the key that verified it.
    pub fn by(&self) -> &[u8] {
        self.verifier.spki()
    }
}

struct Owner {
    shared: Arc<Shared>,
    verifiers: RwLock<HashMap<String, Arc<Verifier>>>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.close();
        let supervisor = self
            .supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(supervisor) = supervisor {
            let _ = supervisor.join();
        }
    }
}

impl Token {
    /// Opens a token. Returns at once; the token is sought in the background.
    pub fn open(config: TokenConfig) -> Self {
        let shared = Arc::new(Shared::new(config));
        let supervised = Arc::clone(&shared);
        let supervisor = std::thread::Builder::new()
            .name("token".into())
            .spawn(move || supervised.run())
            .map_err(|fault| tracing::error!(%fault, "no thread for the token"))
            .ok();
        Self {
            owner: Arc::new(Owner {
                shared,
                verifiers: RwLock::default(),
                supervisor: Mutex::new(supervisor),
            }),
        }
    }

    /// How the token is now.
    pub fn health(&self) -> Health {
        self.owner.shared.health()
    }

    /// Waits until the token is usable, at most for the given time; then says how it is.
    pub fn wait_usable(&self, at_most: Duration) -> Health {
        self.owner
            .shared
            .wait(Instant::now() + at_most, Health::is_usable)
    }

    /// Waits until it is known whether the token is usable, at most for the given time.
    pub fn wait_settled(&self, at_most: Duration) -> Health {
        self.owner.shared.wait(Instant::now() + at_most, |health| {
            *health != Health::Probing
        })
    }

    /// A deadline from now by the configured time for one call, waiting included.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.owner.shared.config.call_timeout
    }

    /// Process id of the worker, for tests and operators.
    pub fn worker_pid(&self) -> Option<u32> {
        self.owner.shared.worker_pid()
    }

    /// Signs a message with the private key of that label. ECDSA signatures are DER.
    /// The signature was verified with the key's public half before it is returned.
    ///
    /// # Errors
    /// [`TokenError`]. After `Away` nothing was signed; after `Unknown` the same bytes
    /// may be signed again.
    pub fn sign(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, TokenError> {
        self.sign_verified(key, algorithm, message, deadline)
            .map(|verified| verified.signature)
    }

    /// The same, and which key verified it: whoever knows the key need not verify again.
    ///
    /// # Errors
    /// As [`Token::sign`].
    pub fn sign_verified(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        deadline: Instant,
    ) -> Result<Verified, TokenError> {
        let digest = digest(algorithm, message);
        let request = if is_rsa(algorithm) && message.len() <= LONGEST_MESSAGE {
            Request::SignMessage {
                key,
                algorithm,
                message,
            }
        } else {
            Request::SignDigest {
                key,
                algorithm,
                digest: &digest,
            }
        };
        self.signed(key, algorithm, &request, &digest, deadline)
    }

    /// Signs a digest that the caller made (a CRL that was hashed as it was written).
    ///
    /// # Errors
    /// As [`Token::sign`]; `Refused(BadInput)` when the digest's length does not fit.
    pub fn sign_digest(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, TokenError> {
        if digest.len() != digest_length(algorithm) {
            return Err(bad_input("the digest's length does not fit the algorithm"));
        }
        let request = Request::SignDigest {
            key,
            algorithm,
            digest,
        };
        self.signed(key, algorithm, &request, digest, deadline)
            .map(|verified| verified.signature)
    }

    fn signed(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        request: &Request<'_>,
        digest: &[u8],
        deadline: Instant,
    ) -> Result<Verified, TokenError> {
        let verifier = self.verifier(key, deadline)?;
        if !verifier.fits(algorithm) {
            return Err(TokenError::Refused(Refusal::WrongUse {
                label: key.to_owned(),
                reason: format!("it does not make {algorithm:?} signatures"),
            }));
        }
        let signature = self.bytes(request, deadline)?;
        if verifier.is_right(algorithm, digest, &signature) {
            return Ok(Verified {
                signature,
                verifier,
            });
        }
        // Either the key under this label was replaced, or the token computes wrongly.
        // Both end with a fresh worker and a fresh public key; the signature is dropped.
        tracing::error!(key, "the token gave a signature that does not verify");
        self.forget(key);
        if let Ok(link) = self.owner.shared.usable_link() {
            self.owner.shared.retire(&link);
            link.kill();
        }
        Err(TokenError::Unknown {
            reason: "the token gave a signature that does not verify".into(),
        })
    }

    /// The public key of that label as SubjectPublicKeyInfo, DER (RFC 5280 §4.1.2.7).
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn public_key(&self, key: &str, deadline: Instant) -> Result<Vec<u8>, TokenError> {
        Ok(self.verifier(key, deadline)?.spki().to_vec())
    }

    /// All keys in the token, sorted by label and class.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn keys(&self, deadline: Instant) -> Result<Vec<KeyEntry>, TokenError> {
        match self.call(&Request::Keys, deadline)? {
            Reply::Keys(keys) => Ok(keys),
            _ => Err(out_of_step()),
        }
    }

    /// Makes a key in the token (CKA_TOKEN, PRIVATE, SENSITIVE, not EXTRACTABLE). Returns
    /// the public key (SPKI, DER) of a pair. RSA-4096 may take many seconds: give it time.
    ///
    /// # Errors
    /// `Refused(KeyExists)` when the label is taken. After `Unknown` look with
    /// [`Token::keys`] whether the key was made.
    pub fn generate(
        &self,
        label: &str,
        algorithm: KeyAlgorithm,
        deadline: Instant,
    ) -> Result<Option<Vec<u8>>, TokenError> {
        fit_label(label)?;
        self.forget(label);
        self.done(&Request::Generate { label, algorithm }, deadline)?;
        if algorithm.is_pair() {
            self.public_key(label, deadline).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Brings an AES key (16 or 32 bytes) for AES-CMAC into the token: a card or kiosk
    /// master that must exist outside as well. In the token it is sensitive and not extractable.
    ///
    /// # Errors
    /// `Refused(KeyExists)` when the label is taken; after `Unknown` look first.
    pub fn import_cmac_key(
        &self,
        label: &str,
        value: &[u8],
        deadline: Instant,
    ) -> Result<(), TokenError> {
        fit_label(label)?;
        if !matches!(value.len(), 16 | 32) {
            return Err(bad_input("an AES key for CMAC has 16 or 32 bytes"));
        }
        self.done(&Request::ImportCmac { label, value }, deadline)
    }

    /// AES-CMAC (NIST SP 800-38B, 16 bytes) of a message under a secret key in the token.
    ///
    /// # Errors
    /// `Unsupported` where the token lacks CKM_AES_CMAC: it is never computed outside.
    pub fn cmac(
        &self,
        key: &str,
        message: &[u8],
        deadline: Instant,
    ) -> Result<[u8; 16], TokenError> {
        if message.len() > LONGEST_MESSAGE {
            return Err(bad_input("the message is longer than 65,536 bytes"));
        }
        let mac = self.bytes(&Request::Cmac { key, message }, deadline)?;
        mac.try_into().map_err(|_| out_of_step())
    }

    /// Random bytes from the token, at most 4,096.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn random(&self, length: u16, deadline: Instant) -> Result<Vec<u8>, TokenError> {
        if length == 0 || length > MOST_RANDOM {
            return Err(bad_input("1 to 4,096 random bytes can be asked for"));
        }
        let bytes = self.bytes(&Request::Random { length }, deadline)?;
        if bytes.len() == usize::from(length) {
            Ok(bytes)
        } else {
            Err(out_of_step())
        }
    }

    /// Encrypts a 256-bit data key under an `aes-256-wrap` key of the token. The form is
    /// `01 || IV (12) || AES-256-GCM ciphertext (32) || tag (16)`, additional data
    /// `"jitsuin data key v1" || 00 || label`: 61 bytes, bound to the key's label.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn wrap(
        &self,
        key: &str,
        data_key: &[u8; 32],
        deadline: Instant,
    ) -> Result<Vec<u8>, TokenError> {
        self.bytes(&Request::Wrap { key, data_key }, deadline)
    }

    /// Decrypts a data key that [`Token::wrap`] gave.
    ///
    /// # Errors
    /// `Refused(BadInput)` when it was changed or belongs to another key.
    pub fn unwrap(
        &self,
        key: &str,
        wrapped: &[u8],
        deadline: Instant,
    ) -> Result<Zeroizing<[u8; 32]>, TokenError> {
        let bytes = Zeroizing::new(self.bytes(&Request::Unwrap { key, wrapped }, deadline)?);
        let mut data_key = Zeroizing::new([0; 32]);
        if bytes.len() != data_key.len() {
            return Err(out_of_step());
        }
        data_key.copy_from_slice(&bytes);
        Ok(data_key)
    }

    /// Destroys the key of that label and class for good.
    ///
    /// # Errors
    /// `Refused(NoSuchKey)`; after `Unknown` look with [`Token::keys`].
    pub fn destroy(
        &self,
        label: &str,
        class: KeyClass,
        deadline: Instant,
    ) -> Result<(), TokenError> {
        self.forget(label);
        self.done(&Request::Destroy { label, class }, deadline)
    }

    fn verifier(&self, key: &str, deadline: Instant) -> Result<Arc<Verifier>, TokenError> {
        let known = self
            .owner
            .verifiers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned();
        if let Some(verifier) = known {
            return Ok(verifier);
        }
        let spki = self.bytes(&Request::PublicKey { key }, deadline)?;
        let verifier = Verifier::new(&spki).map(Arc::new).map_err(|fault| {
            TokenError::Refused(Refusal::WrongUse {
                label: key.to_owned(),
                reason: fault.to_string(),
            })
        })?;
        self.owner
            .verifiers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.to_owned(), Arc::clone(&verifier));
        Ok(verifier)
    }

    fn forget(&self, key: &str) {
        self.owner
            .verifiers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }

    fn bytes(&self, request: &Request<'_>, deadline: Instant) -> Result<Vec<u8>, TokenError> {
        match self.call(request, deadline)? {
            Reply::Bytes(bytes) => Ok(bytes),
            _ => Err(out_of_step()),
        }
    }

    fn done(&self, request: &Request<'_>, deadline: Instant) -> Result<(), TokenError> {
        match self.call(request, deadline)? {
            Reply::Done => Ok(()),
            _ => Err(out_of_step()),
        }
    }

    /// One call: waits while the token is being started, never while it is unusable.
    fn call(&self, request: &Request<'_>, deadline: Instant) -> Result<Reply, TokenError> {
        let shared = &self.owner.shared;
        loop {
            if Instant::now() >= deadline {
                return Err(away("the deadline has passed".into()));
            }
            let link = match shared.usable_link() {
                Ok(link) => link,
                Err(Health::Unusable {
                    refusal: Some(refusal),
                    ..
                }) => {
                    return Err(TokenError::Refused(refusal));
                }
                Err(Health::Unusable { reason, .. }) => return Err(away(reason)),
                Err(Health::Probing | Health::Usable(_)) => {
                    shared.wait(deadline, |health| *health != Health::Probing);
                    continue;
                }
            };
            return match link.call(request, deadline) {
                Ok(Reply::Failed(failure)) => Err(failure.into()),
                Ok(reply) => Ok(reply),
                Err(LinkFault::NotSent) => {
                    shared.retire(&link);
                    continue;
                }
                Err(LinkFault::TooLong) => Err(bad_input("a label or input is too long")),
                Err(LinkFault::Busy) => Err(away("the token is busy".into())),
                Err(LinkFault::Lost) => {
                    shared.retire(&link);
                    Err(unknown("the worker was lost during the call"))
                }
                Err(LinkFault::Late) => Err(unknown("no answer before the deadline")),
            };
        }
    }
}

impl From<Failure> for TokenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Away(reason) => away(reason),
            Failure::Unknown(reason) => Self::Unknown { reason },
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::Unsupported(what) => Self::Unsupported { what },
        }
    }
}

fn away(reason: String) -> TokenError {
    TokenError::Away {
        retry_after: LONGEST_PAUSE * 2,
        reason,
    }
}

fn unknown(reason: &str) -> TokenError {
    TokenError::Unknown {
        reason: reason.into(),
    }
}

fn out_of_step() -> TokenError {
    unknown("the worker answered something else")
}

fn bad_input(what: &str) -> TokenError {
    TokenError::Refused(Refusal::BadInput(what.into()))
}

fn fit_label(label: &str) -> Result<(), TokenError> {
    let fits = (1..=LONGEST_LABEL).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if fits {
        Ok(())
    } else {
        Err(bad_input("a key label is 1 to 64 of A-Z a-z 0-9 - _ ."))
    }
}
