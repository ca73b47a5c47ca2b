//! Issuing acts whose answer is not in yet, kept over a restart of the terminal: the
//! same wish under the same idempotency key, so that it is answered and not repeated.
//! The files hold digests and identifiers, no personal data.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pki_core::id::{ApplicationId, IdempotencyKey};
use schema::wire::v1::act::SignedActMessage;
use serde::{Deserialize, Serialize};

use crate::files;

/// One act under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The application that it is for.
    pub application: ApplicationId,
    /// The wish that it names.
    pub idempotency_key: IdempotencyKey,
    /// 発行要求作成日時 of the first act under this key.
    pub request_made_at: Timestamp,
    /// When the act was signed.
    pub signed_at: Timestamp,
    /// SHA-256 over what the act says beside time and operator, hex: an act for other
    /// items or another key is another wish.
    pub content: String,
    /// The act as sent.
    pub act: SignedActMessage,
}

/// The folder of acts under way.
pub struct PendingActs(PathBuf);

impl PendingActs {
    /// Acts kept in `state`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(state: &Path) -> io::Result<Self> {
        let folder = state.join("pending");
        files::make_private_folder(&folder)?;
        Ok(Self(folder))
    }

    fn file(&self, application: &ApplicationId) -> PathBuf {
        self.0.join(format!("{application}.json"))
    }

    /// Keeps an act before it is sent.
    ///
    /// # Errors
    /// Those of the file system; then it must not be sent.
    pub fn keep(&self, pending: &Pending) -> io::Result<()> {
        let bytes = serde_json::to_vec(pending).map_err(io::Error::other)?;
        files::write_private(&self.file(&pending.application), &bytes)
    }

    /// The act under way for an application.
    pub fn of(&self, application: &ApplicationId) -> Option<Pending> {
        let bytes = std::fs::read(self.file(application)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Every act under way.
    pub fn all(&self) -> Vec<Pending> {
        let Ok(entries) = std::fs::read_dir(&self.0) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| {
                serde_json::from_slice(&std::fs::read(entry.ok()?.path()).ok()?).ok()
            })
            .collect()
    }

    /// Forgets an act that was answered.
    pub fn forget(&self, application: &ApplicationId) {
        if let Err(error) = files::remove(&self.file(application)) {
            tracing::warn!(%error, "an answered act stays in the folder");
        }
    }
}
