//! AES-256-GCM under data keys that only the gateway's token can unwrap, and the key
//! of the audit's MACs.
//!
//! The token's `vault-master` never leaves it. From it are derived (SP 800-108,
//! AES-CMAC) the key that wraps the data keys and the key of the audit. Both are held
//! in memory once the token has answered; until then nothing is sealed or audited.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::{
    hmac,
    key_wrap::{AES_256, AesKek, KeyWrapPadded},
};
use pki_core::card_channel::kdf;
use service::sealed::{DataKey, NotOurs, SealNonce, key_id};
use zeroize::Zeroizing;

use crate::port::{
    AuditMac, Clock, Entropy, MasterFault, Masters, Store, Vault, VaultFault, WrappedKey,
};

/// Label of the master in the token.
pub const VAULT_MASTER: &str = "vault-master";

/// 256 bits derived from the vault master.
fn derived(
    masters: &dyn Masters,
    label: &str,
    context: &[u8],
) -> Result<Zeroizing<[u8; 32]>, MasterFault> {
    let mut key = Zeroizing::new([0; 32]);
    for (half, number) in key.chunks_exact_mut(16).zip([1_u8, 2]) {
        let part = kdf::derive(
            |message| masters.cmac(VAULT_MASTER, message),
            &format!("{label} {number}"),
            context,
        )?;
        half.copy_from_slice(part.expose());
    }
    Ok(key)
}

/// The two keys of a data key.
fn data_key(id: u32, secret: &[u8; 32]) -> DataKey {
    let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let part = |use_: &[u8]| {
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(hmac::sign(&root, use_).as_ref());
        key
    };
    DataKey::new(
        id,
        &part(b"jitsuin vault seal"),
        &part(b"jitsuin vault hash"),
    )
}

/// The vault on the gateway's token and database.
pub struct TokenVault {
    masters: Arc<dyn Masters>,
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    keys: Mutex<Option<Arc<BTreeMap<u32, DataKey>>>>,
}

impl TokenVault {
    /// Nothing is asked of the token yet.
    pub fn new(
        masters: Arc<dyn Masters>,
        store: Arc<dyn Store>,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            masters,
            store,
            entropy,
            clock,
            keys: Mutex::new(None),
        }
    }

    /// The data keys, unwrapped at the first call that finds the token usable. The
    /// very first gateway makes the first one.
    fn keys(&self) -> Result<Arc<BTreeMap<u32, DataKey>>, VaultFault> {
        let mut held = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = &*held {
            return Ok(Arc::clone(keys));
        }
        let keys = self.load().map_err(|error| {
            tracing::warn!(
                error = &*error as &dyn std::error::Error,
                "the data keys are not available"
            );
            VaultFault::NoKey
        })?;
        Ok(Arc::clone(held.insert(Arc::new(keys))))
    }

    fn load(&self) -> Result<BTreeMap<u32, DataKey>, Box<dyn std::error::Error + Send + Sync>> {
        let kek = |id: u32| -> Result<AesKek, Box<dyn std::error::Error + Send + Sync>> {
            let key = derived(&*self.masters, "jitsuin vault KEK", &id.to_be_bytes())?;
            Ok(AesKek::new(&AES_256, &*key)?)
        };
        let mut stored = self.store.data_keys()?;
        if stored.is_empty() {
            let secret = Zeroizing::new(self.entropy.secret());
            let mut wrapped = [0; 40];
            let wrapped = kek(1)?.wrap_with_padding(&*secret, &mut wrapped)?.to_vec();
            self.store
                .add_data_key(&WrappedKey { id: 1, wrapped }, self.clock.now())?;
            // Another node may have been first: what the database holds counts.
            stored = self.store.data_keys()?;
        }
        let mut keys = BTreeMap::new();
        for key in stored {
            let mut buffer = Zeroizing::new([0; 40]);
            let secret = kek(key.id)?.unwrap_with_padding(&key.wrapped, &mut buffer[..])?;
            let secret: &[u8; 32] = (&*secret).try_into()?;
            keys.insert(key.id, data_key(key.id, secret));
        }
        Ok(keys)
    }

    /// Whether the data keys are at hand, for the readiness check.
    pub fn ready(&self) -> bool {
        self.keys().is_ok()
    }
}

impl Vault for TokenVault {
    fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, VaultFault> {
        let keys = self.keys()?;
        let (_, key) = keys.last_key_value().ok_or(VaultFault::NoKey)?;
        let mut nonce = SealNonce::default();
        self.entropy.fill(&mut nonce);
        Ok(key.seal(context, nonce, plain)?)
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let keys = self.keys()?;
        let key = keys.get(&key_id(sealed)?).ok_or(VaultFault::NoKey)?;
        Ok(key.open(context, sealed)?)
    }

    fn keyed_hash(&self, domain: &str, value: &[u8]) -> Result<[u8; 32], VaultFault> {
        // The first data key, so that a rotation does not lose what was hashed before.
        let keys = self.keys()?;
        let (_, key) = keys.first_key_value().ok_or(VaultFault::NoKey)?;
        Ok(key.hash(&[domain.as_bytes(), &[0], value]))
    }
}

impl From<NotOurs> for VaultFault {
    fn from(_: NotOurs) -> Self {
        Self::Damaged
    }
}

/// The key of the audit's MACs, derived from the token's vault master.
pub struct TokenAuditMac {
    masters: Arc<dyn Masters>,
    key: Mutex<Option<hmac::Key>>,
}

impl TokenAuditMac {
    /// Nothing is asked of the token yet.
    pub fn new(masters: Arc<dyn Masters>) -> Self {
        Self {
            masters,
            key: Mutex::new(None),
        }
    }
}

impl AuditMac for TokenAuditMac {
    fn mac(&self, message: &[u8]) -> Result<[u8; 32], MasterFault> {
        let mut held = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            let key = derived(&*self.masters, "jitsuin audit MAC", b"ra-gateway")?;
            *held = Some(hmac::Key::new(hmac::HMAC_SHA256, &*key));
        }
        let key = held.clone().expect("it was set just above");
        drop(held);
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&key, message).as_ref());
        Ok(mac)
    }
}
