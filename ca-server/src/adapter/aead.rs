//! The vault: AES-256-GCM under a data key that is kept wrapped in the database
//! and unwrapped by the token once, when it is first needed.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use zeroize::Zeroizing;

use crate::port::{
    clock::Clock,
    entropy::{Entropy, random},
    signer::Signer,
    store::{AuditEntry, Store, WrappedKey},
    vault::{Vault, VaultError},
};

const VERSION: u8 = 1;
/// `version (1) || data key id (4) || nonce (12)`.
const HEAD: usize = 1 + 4 + NONCE_LEN;

struct Keys {
    id: u32,
    sealing: LessSafeKey,
    hashing: hmac::Key,
}

impl Keys {
    /// Derive the vault's two keys from its data key (HKDF-SHA-256, RFC 5869).
    fn derive(id: u32, data_key: &[u8; 32]) -> Self {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"jitsuin-vault-v1").extract(data_key);
        let expand = |info: &'static [u8]| {
            let mut key = Zeroizing::new([0_u8; 32]);
            let info = [info];
            extracted
                .expand(&info, hkdf::HKDF_SHA256)
                .and_then(|output| output.fill(key.as_mut_slice()))
                .expect("32 bytes are within what HKDF-SHA-256 gives");
            key
        };
        let sealing = UnboundKey::new(&AES_256_GCM, expand(b"columns").as_slice())
            .expect("an AES-256 key has 32 bytes");
        Self {
            id,
            sealing: LessSafeKey::new(sealing),
            hashing: hmac::Key::new(hmac::HMAC_SHA256, expand(b"hashes").as_slice()),
        }
    }
}

/// See the module.
pub struct AeadVault {
    store: Arc<dyn Store>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    wrapping: String,
    keys: RwLock<Option<Arc<Keys>>>,
    unlocking: Mutex<()>,
}

impl AeadVault {
    /// A vault that unwraps its key when it is first needed. `wrapping` is the
    /// label of the token's wrapping key.
    pub fn new(
        store: Arc<dyn Store>,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        wrapping: String,
    ) -> Self {
        Self {
            store,
            signer,
            clock,
            entropy,
            wrapping,
            keys: RwLock::new(None),
            unlocking: Mutex::new(()),
        }
    }

    fn ready(&self) -> Option<Arc<Keys>> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keys(&self) -> Result<Arc<Keys>, VaultError> {
        if let Some(keys) = self.ready() {
            return Ok(keys);
        }
        let _one_at_a_time = self
            .unlocking
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = self.ready() {
            return Ok(keys);
        }
        let stored = match self.stored()? {
            Some(stored) => stored,
            None => {
                self.make()?;
                self.stored()?.ok_or(VaultError::Forged)?
            }
        };
        let data_key = self
            .signer
            .unwrap(&stored.wrapping, &stored.wrapped)
            .map_err(VaultError::Token)?;
        let id = u32::try_from(stored.id).map_err(|_| VaultError::Forged)?;
        let keys = Arc::new(Keys::derive(id, &data_key));
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&keys));
        Ok(keys)
    }

    fn stored(&self) -> Result<Option<WrappedKey>, VaultError> {
        Ok(self.store.data_keys().map_err(VaultError::Store)?.pop())
    }

    /// The first data key. Two nodes may make one at once: the first one stored counts.
    fn make(&self) -> Result<(), VaultError> {
        let data_key = Zeroizing::new(random::<32>(&*self.entropy)?);
        let wrapped = self
            .signer
            .wrap(&self.wrapping, &data_key)
            .map_err(VaultError::Token)?;
        let made_at = self.clock.now();
        self.store
            .put_data_key(
                WrappedKey {
                    id: 1,
                    wrapped,
                    wrapping: self.wrapping.clone(),
                    made_at,
                },
                AuditEntry {
                    at: made_at,
                    event: "vault.key",
                    outcome: "done".to_owned(),
                    actor: "node".to_owned(),
                    subject: "data-key:1".to_owned(),
                    detail: serde_json::json!({ "wrapping": self.wrapping }),
                },
            )
            .map_err(VaultError::Store)?;
        Ok(())
    }
}

impl Vault for AeadVault {
    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let keys = self.keys()?;
        let nonce = random::<NONCE_LEN>(&*self.entropy)?;
        let mut sealed = Vec::with_capacity(HEAD + plain.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&keys.id.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        keys.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut body,
            )
            .map_err(|_| VaultError::Forged)?;
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let keys = self.keys()?;
        let (head, body) = sealed.split_at_checked(HEAD).ok_or(VaultError::Forged)?;
        if head[0] != VERSION || head[1..5] != keys.id.to_be_bytes() {
            return Err(VaultError::Forged);
        }
        let nonce = Nonce::try_assume_unique_for_key(&head[5..]).map_err(|_| VaultError::Forged)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = keys
            .sealing
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut body)
            .map_err(|_| VaultError::Forged)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    fn hash(&self, kind: &str, value: &str) -> Result<[u8; 32], VaultError> {
        let keys = self.keys()?;
        let mut context = hmac::Context::with_key(&keys.hashing);
        context.update(&(kind.len() as u64).to_be_bytes());
        context.update(kind.as_bytes());
        context.update(value.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        Ok(hash)
    }
}
