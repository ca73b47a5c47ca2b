//! Fakes of the ports, for tests that want to say what the world does.
#![allow(dead_code)] // each test file uses its part

#[path = "../../../pki-core/tests/certificate_support/mod.rs"]
pub mod certificate_support;
pub mod holder;
pub mod window;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use pki_core::card_channel::kdf::cmac_aes_256;
use ra_gateway::{
    adapter::{database::Database, vault::TokenAuditMac},
    port::{Clock, Entropy, MasterFault, Masters, Store},
};

/// A clock that only tests move, and only forward.
pub struct HandClock(AtomicI64);

impl HandClock {
    pub fn at(text: &str) -> Arc<Self> {
        let time: Timestamp = text.parse().unwrap();
        Arc::new(Self(AtomicI64::new(time.as_microsecond())))
    }

    pub fn advance(&self, seconds: i64) {
        assert!(seconds >= 0);
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Bytes that differ at every draw and are the same in every run.
#[derive(Default)]
pub struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        use sha2::{Digest, Sha256};
        for chunk in bytes.chunks_mut(32) {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            let block = Sha256::digest(number.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

/// Masters in memory, with a switch that takes the token away.
#[derive(Default)]
pub struct MemoryMasters {
    keys: Mutex<HashMap<String, [u8; 32]>>,
    away: Mutex<bool>,
}

impl MemoryMasters {
    pub fn with(labels: &[&str]) -> Arc<Self> {
        let masters = Self::default();
        for (number, label) in labels.iter().enumerate() {
            masters.set(label, [u8::try_from(number).unwrap() + 1; 32]);
        }
        Arc::new(masters)
    }

    pub fn set(&self, label: &str, key: [u8; 32]) {
        self.keys.lock().unwrap().insert(label.to_owned(), key);
    }

    pub fn key(&self, label: &str) -> [u8; 32] {
        self.keys.lock().unwrap()[label]
    }

    pub fn away(&self, away: bool) {
        *self.away.lock().unwrap() = away;
    }
}

impl Masters for MemoryMasters {
    fn cmac(&self, label: &str, message: &[u8]) -> Result<[u8; 16], MasterFault> {
        if *self.away.lock().unwrap() {
            return Err(MasterFault::Away {
                retry_after: Duration::from_secs(3),
                source: "taken away by the test".into(),
            });
        }
        let keys = self.keys.lock().unwrap();
        let key = keys
            .get(label)
            .ok_or_else(|| MasterFault::NoKey(label.to_owned()))?;
        Ok(cmac_aes_256(key, message))
    }

    fn trouble(&self) -> Option<String> {
        self.away.lock().unwrap().then(|| "taken away".to_owned())
    }
}

/// A folder of the test's own, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let path = std::env::temp_dir().join(format!("jitsuin-ra-{}", hex::encode(random)));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file that only its owner can read.
pub fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A fresh database at this URL, audited under the masters.
pub fn database(url: &str, masters: Arc<dyn Masters>) -> Arc<dyn Store> {
    schema::ra::migrate(url).unwrap();
    Arc::new(Database::open(url, 4, "test-1", Arc::new(TokenAuditMac::new(masters))).unwrap())
}

pub fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time + SignedDuration::from_secs(seconds)
}
