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
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    key_wrap::{AES_256, AesKek, KeyWrapPadded},
};
use pki_core::card_channel::kdf;
use zeroize::Zeroizing;

use crate::port::{
    AuditMac, Clock, Entropy, MasterFault, Masters, Store, Vault, VaultFault, WrappedKey,
};

/// Label of the master in the token.
pub const VAULT_MASTER: &str = "vault-master";

/// First byte of everything sealed.
const FORMAT: u8 = 1;
/// Format, key id, nonce.
const HEADER: usize = 1 + 4 + NONCE_LEN;

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

/// The keys of one data key.
struct DataKey {
    seal: LessSafeKey,
    hash: hmac::Key,
}

impl DataKey {
    fn of(secret: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let seal = hmac::sign(&root, b"jitsuin vault seal");
        let hash = hmac::sign(&root, b"jitsuin vault hash");
        Self {
            seal: LessSafeKey::new(
                UnboundKey::new(&AES_256_GCM, seal.as_ref())
                    .expect("an HMAC-SHA-256 value has the 32 bytes that AES-256 takes"),
            ),
            hash: hmac::Key::new(hmac::HMAC_SHA256, hash.as_ref()),
        }
    }
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
            keys.insert(key.id, DataKey::of(secret));
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
        let (id, key) = keys.last_key_value().ok_or(VaultFault::NoKey)?;
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + AES_256_GCM.tag_len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&id.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        key.seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                &mut body,
            )
            .map_err(|_| VaultFault::Damaged)?;
        sealed.append(&mut body);
        Ok(sealed)
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let keys = self.keys()?;
        if sealed.len() < HEADER || sealed[0] != FORMAT {
            return Err(VaultFault::Damaged);
        }
        let (header, body) = sealed.split_at(HEADER);
        let id = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        let key = keys.get(&id).ok_or(VaultFault::NoKey)?;
        let nonce =
            Nonce::try_assume_unique_for_key(&header[5..]).map_err(|_| VaultFault::Damaged)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = key
            .seal
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut body)
            .map_err(|_| VaultFault::Damaged)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    fn keyed_hash(&self, domain: &str, value: &[u8]) -> Result<[u8; 32], VaultFault> {
        // The first data key, so that a rotation does not lose what was hashed before.
        let keys = self.keys()?;
        let (_, key) = keys.first_key_value().ok_or(VaultFault::NoKey)?;
        let mut context = hmac::Context::with_key(&key.hash);
        context.update(domain.as_bytes());
        context.update(&[0]);
        context.update(value);
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        Ok(hash)
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
