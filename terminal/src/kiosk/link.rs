//! The kiosk's link to the gateway: health out, suspension in, records out. The kiosk
//! works on without it for a bounded time. Never key material.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schema::wire::bytes::Base64;
use schema::wire::v1::ra::{
    KioskHealthRequest, KioskHealthResponse, KioskRecordRequest, KioskRecordResponse,
};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::gateway::{Gateway, GatewayFault};

/// What is known of the gateway's will, kept over a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Last answer of the gateway.
    pub last: Option<Timestamp>,
    /// Whether the gateway has suspended this kiosk.
    pub suspended: bool,
}

/// The link with its two small stores.
pub struct Link {
    gateway: Box<dyn Gateway>,
    contact_file: PathBuf,
    records: PathBuf,
    contact: Mutex<Contact>,
    may_be_away: Duration,
}

impl Link {
    /// A link whose stores lie in `state`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(
        gateway: Box<dyn Gateway>,
        state: &Path,
        may_be_away: Duration,
    ) -> std::io::Result<Self> {
        let records = state.join("records");
        files::make_private_folder(&records)?;
        let contact_file = state.join("contact.json");
        let contact = std::fs::read(&contact_file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Ok(Self {
            gateway,
            contact_file,
            records,
            contact: Mutex::new(contact),
            may_be_away,
        })
    }

    /// What is known.
    pub fn contact(&self) -> Contact {
        *self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the link has been away for longer than allowed. A kiosk that never had
    /// contact has not been told that it may work.
    pub fn too_long_away(&self, now: Timestamp) -> bool {
        let allowed = SignedDuration::try_from(self.may_be_away).unwrap_or(SignedDuration::MAX);
        match self.contact().last {
            None => true,
            Some(last) => now.duration_since(last) > allowed,
        }
    }

    /// Keeps a record until the gateway has it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep_record(&self, visit: &[u8; 16], record: &[u8]) -> std::io::Result<()> {
        let name = format!("{}.record", hex::encode(visit));
        files::write_private(&self.records.join(name), record)
    }

    /// Reports health and sends the records that wait. Told to the log when the link
    /// goes and comes.
    pub fn report(&self, health: &KioskHealthRequest, now: Timestamp) {
        let answer: Result<KioskHealthResponse, GatewayFault> =
            self.gateway.post("/v1/kiosk/health", None, health);
        let contact = match answer {
            Ok(answer) => Contact {
                last: Some(now),
                suspended: answer.suspended,
            },
            // A refusal is an answer too: a kiosk that is not known must not go on.
            Err(GatewayFault::Refused(status, _)) => {
                tracing::warn!(status, "the gateway refuses this kiosk");
                Contact {
                    last: self.contact().last,
                    suspended: true,
                }
            }
            Err(error) => {
                tracing::info!(%error, "no contact with the gateway");
                return;
            }
        };
        self.remember(contact);
        if !contact.suspended {
            self.send_records();
        }
    }

    fn remember(&self, contact: Contact) {
        let before = std::mem::replace(
            &mut *self.contact.lock().unwrap_or_else(PoisonError::into_inner),
            contact,
        );
        if before.suspended != contact.suspended {
            tracing::warn!(suspended = contact.suspended, "the gateway's word changed");
        }
        let bytes = serde_json::to_vec(&contact).unwrap_or_default();
        if let Err(error) = files::write_private(&self.contact_file, &bytes) {
            tracing::error!(%error, "the last contact cannot be kept");
        }
    }

    fn send_records(&self) {
        let Ok(entries) = std::fs::read_dir(&self.records) else {
            return;
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        for path in paths.filter(|path| path.extension().is_some_and(|e| e == "record")) {
            let Ok(record) = std::fs::read(&path) else {
                continue;
            };
            let sent: Result<KioskRecordResponse, GatewayFault> = self.gateway.post(
                "/v1/kiosk/records",
                None,
                &KioskRecordRequest {
                    record: Base64(record),
                },
            );
            let kept = match sent {
                Ok(_) => files::remove(&path),
                // Kept for the attendant, but not sent again and again.
                Err(GatewayFault::Refused(status, _)) => {
                    tracing::error!(status, "the gateway refuses a record");
                    std::fs::rename(&path, path.with_extension("refused"))
                }
                Err(_) => return,
            };
            if let Err(error) = kept {
                tracing::error!(%error, "a record cannot be put away");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::{Value, json};

    use super::*;
    use crate::gateway::Method;

    struct Scripted(Arc<AtomicUsize>, Result<Value, GatewayFault>);

    impl Gateway for Scripted {
        fn call(
            &self,
            _: Method,
            path: &str,
            _: Option<&str>,
            _: Option<Value>,
        ) -> Result<Value, GatewayFault> {
            if path == "/v1/kiosk/records" {
                self.0.fetch_add(1, Ordering::SeqCst);
                return Ok(json!({"stored": true}));
            }
            self.1.clone()
        }
    }

    fn health() -> KioskHealthRequest {
        KioskHealthRequest {
            self_test: "passed".into(),
            software_sha256: "00".repeat(32),
            state: "idle".into(),
            time: "2026-11-22T15:00:00Z".into(),
        }
    }

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("jitsuin-link-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    fn link(name: &str, answer: Result<Value, GatewayFault>) -> (Link, Arc<AtomicUsize>, PathBuf) {
        let sent = Arc::new(AtomicUsize::new(0));
        let folder = folder(name);
        let gateway = Box::new(Scripted(sent.clone(), answer));
        let link = Link::new(gateway, &folder, Duration::from_secs(3600)).unwrap();
        (link, sent, folder)
    }

    const NOON: &str = "2026-11-22T12:00:00Z";

    #[test]
    fn a_kiosk_works_on_without_the_link_for_a_bounded_time() {
        let answer = Ok(json!({"suspended": false, "time": NOON}));
        let (link, _, folder) = link("bounded", answer);
        let noon: Timestamp = NOON.parse().unwrap();
        assert!(link.too_long_away(noon), "never had contact");
        link.report(&health(), noon);
        assert!(!link.too_long_away(noon + SignedDuration::from_mins(59)));
        assert!(link.too_long_away(noon + SignedDuration::from_mins(61)));
        let again = Link::new(
            Box::new(Scripted(
                Arc::default(),
                Err(GatewayFault::Away(String::new())),
            )),
            &folder,
            Duration::from_secs(3600),
        );
        assert_eq!(
            again.unwrap().contact().last,
            Some(noon),
            "kept over a restart"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn records_wait_until_the_gateway_is_back_and_are_sent_once() {
        let answer = Ok(json!({"suspended": false, "time": NOON}));
        let (link, sent, folder) = link("records", answer);
        link.keep_record(&[7; 16], b"record").unwrap();
        link.report(&health(), NOON.parse().unwrap());
        link.report(&health(), NOON.parse().unwrap());
        assert_eq!(sent.load(Ordering::SeqCst), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_suspended_or_unknown_kiosk_is_told_so_and_sends_nothing() {
        for (name, answer) in [
            ("suspended", Ok(json!({"suspended": true, "time": NOON}))),
            ("unknown", Err(GatewayFault::Refused(403, Value::Null))),
        ] {
            let (link, sent, folder) = link(name, answer);
            link.keep_record(&[7; 16], b"record").unwrap();
            link.report(&health(), NOON.parse().unwrap());
            assert!(link.contact().suspended);
            assert_eq!(sent.load(Ordering::SeqCst), 0);
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}
