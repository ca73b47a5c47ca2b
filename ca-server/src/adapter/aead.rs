//! The vault: AES-256-GCM under a data key that is kept wrapped in the database
//! and unwrapped by the token once, when it is first needed.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::hkdf;
use service::sealed::{DataKey, NotOurs};
use zeroize::Zeroizing;

use crate::port::{
    clock::Clock,
    entropy::{Entropy, random},
    signer::Signer,
    store::{AuditEntry, Store, WrappedKey},
    vault::{Vault, VaultError},
};

/// The two keys of a data key (HKDF-SHA-256, RFC 5869).
fn derive(id: u32, data_key: &[u8; 32]) -> DataKey {
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
    DataKey::new(id, &expand(b"columns"), &expand(b"hashes"))
}

/// See the module.
pub struct AeadVault {
    store: Arc<dyn Store>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    wrapping: String,
    keys: RwLock<Option<Arc<DataKey>>>,
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

    fn ready(&self) -> Option<Arc<DataKey>> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keys(&self) -> Result<Arc<DataKey>, VaultError> {
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
        let keys = Arc::new(derive(id, &data_key));
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
        let key = self.keys()?;
        let nonce = random(&*self.entropy)?;
        Ok(key.seal(place, nonce, plain)?)
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        Ok(self.keys()?.open(place, sealed)?)
    }

    fn hash(&self, kind: &str, value: &str) -> Result<[u8; 32], VaultError> {
        let length = (kind.len() as u64).to_be_bytes();
        Ok(self
            .keys()?
            .hash(&[&length, kind.as_bytes(), value.as_bytes()]))
    }
}

impl From<NotOurs> for VaultError {
    fn from(_: NotOurs) -> Self {
        Self::Forged
    }
}
