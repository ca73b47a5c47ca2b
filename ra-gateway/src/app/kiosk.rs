//! What kiosks report: their signed records and their health.

use jiff::Timestamp;
use pki_core::{
    certificate::{PublicKey, SignatureAlgorithm},
    id::{CardId, KioskId, VisitId},
};
use schema::wire::v1::ra::{
    KioskHealthRequest, KioskHealthResponse, KioskRecordRequest, KioskRecordResponse,
};
use serde::Deserialize;

use super::{
    App,
    caller::Kiosk,
    refusal::{Failure, ItemError, Reason, Refused, parse, refuse},
};
use crate::port::{KioskHealth, KioskRecord};

/// Longest record in bytes.
const LONGEST_RECORD: usize = 2048;

/// What a kiosk's record says (docs/card-interface.md §4).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordBody {
    version: u32,
    /// The kiosk.
    pub kiosk: KioskId,
    /// The visit.
    pub visit: VisitId,
    /// The card.
    pub card: CardId,
    /// SHA-256 of the key's SubjectPublicKeyInfo, hex.
    pub spki_sha256: String,
    /// SHA-256 of the kiosk's program, hex.
    pub software_sha256: String,
    self_test: String,
    /// When the key was made.
    pub generated_at: Timestamp,
    erased: bool,
}

/// Why a record does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// Not the form that the card interface says.
    #[error("the record has not the form of a kiosk's record")]
    Form,
    /// Signed by another key than the kiosk's.
    #[error("the record's signature does not verify with the kiosk's key")]
    Signature,
    /// The kiosk did not pass its self-test or did not erase the key.
    #[error("the kiosk did not pass its self-test or did not erase the key")]
    Unsound,
}

/// What the bytes before the signature say, unverified: to learn whose key to verify with.
pub fn peek(record: &[u8]) -> Result<RecordBody, RecordFault> {
    if record.len() > LONGEST_RECORD {
        return Err(RecordFault::Form);
    }
    let line_end = record
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(RecordFault::Form)?;
    serde_json::from_slice(&record[..line_end]).map_err(|_| RecordFault::Form)
}

/// Verifies a record with the key of the kiosk that it names.
pub fn verify(record: &[u8], key: &PublicKey) -> Result<RecordBody, RecordFault> {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let body = peek(record)?;
    let line_end = record
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(RecordFault::Form)?;
    let (json, rest) = record.split_at(line_end);
    let signature = STANDARD.decode(&rest[1..]).map_err(|_| RecordFault::Form)?;
    let mut message = b"jitsuin-kiosk-record-v1\0".to_vec();
    message.extend_from_slice(json);
    key.verify(SignatureAlgorithm::EcdsaP256Sha256, &message, &signature)
        .map_err(|_| RecordFault::Signature)?;
    if body.version != 1 {
        return Err(RecordFault::Form);
    }
    if body.self_test != "passed" || !body.erased {
        return Err(RecordFault::Unsound);
    }
    Ok(body)
}

impl App {
    /// Keeps the record of a generation; the same bytes twice are one record.
    pub fn keep_kiosk_record(
        &self,
        kiosk: &Kiosk,
        request: &KioskRecordRequest,
    ) -> Result<KioskRecordResponse, Failure> {
        let now = self.clock.now();
        let mut entry = kiosk.entry("kiosk-record");
        let outcome = (|| {
            let body = verify(&request.record.0, &kiosk.public_key)
                .map_err(|fault| Refused::new(Reason::KioskRecordInvalid, fault.to_string()))?;
            if body.kiosk != kiosk.id {
                return refuse(Reason::KioskRecordInvalid, "the record is another kiosk's");
            }
            Ok(body)
        })();
        let body = self.audited(&entry, now, outcome)?;
        entry.reference = Some(body.visit.to_string());
        let stored = self.store.keep_kiosk_record(
            &KioskRecord {
                visit: body.visit,
                kiosk: kiosk.id,
                record: request.record.0.clone(),
                received_at: now,
            },
            &entry,
        )?;
        Ok(KioskRecordResponse { stored })
    }

    /// Notes what a kiosk says of itself and tells it whether it may go on.
    pub fn note_kiosk_health(
        &self,
        kiosk: &Kiosk,
        request: &KioskHealthRequest,
    ) -> Result<KioskHealthResponse, Failure> {
        let now = self.clock.now();
        let entry = kiosk.entry("kiosk-health");
        let outcome = health(kiosk, request, now);
        let health = self.audited(&entry, now, outcome)?;
        self.store.note_kiosk_health(&health)?;
        Ok(KioskHealthResponse {
            suspended: kiosk.suspended,
            time: now.to_string(),
        })
    }
}

fn health(
    kiosk: &Kiosk,
    request: &KioskHealthRequest,
    now: Timestamp,
) -> Result<KioskHealth, Failure> {
    let wrong = |pointer: &str, detail: &str| {
        Failure::from(Refused::items(vec![ItemError {
            pointer: pointer.into(),
            detail: detail.into(),
        }]))
    };
    if !matches!(request.self_test.as_str(), "passed" | "failed") {
        return Err(wrong("/self_test", "must be `passed` or `failed`"));
    }
    if !matches!(request.state.as_str(), "idle" | "visit" | "stopped") {
        return Err(wrong("/state", "must be `idle`, `visit` or `stopped`"));
    }
    let mut digest = [0; 32];
    hex::decode_to_slice(&request.software_sha256, &mut digest)
        .map_err(|_| wrong("/software_sha256", "must be 64 hexadecimal digits"))?;
    Ok(KioskHealth {
        kiosk: kiosk.id,
        self_test: request.self_test.clone(),
        software_sha256: hex::encode(digest),
        state: request.state.clone(),
        kiosk_time: parse("/time", &request.time)?,
        received_at: now,
    })
}
