//! What kiosks report: their signed records and their health.

use jiff::Timestamp;
use pki_core::{
    certificate::PublicKey,
    id::KioskId,
    kiosk_record::{KioskRecord, RecordFault, SignedRecord},
};
use schema::wire::v1::ra::{
    KioskHealthRequest, KioskHealthResponse, KioskRecordRequest, KioskRecordResponse,
};

use super::{
    App,
    caller::Kiosk,
    refusal::{Failure, ItemError, Reason, Refused, parse},
};
use crate::port::{self, KioskHealth};

/// A kiosk's record, verified with the key of the kiosk that sent it or that the
/// visit was assigned to, and about that kiosk.
pub(super) fn verify(
    record: &[u8],
    kiosk: KioskId,
    key: &PublicKey,
) -> Result<KioskRecord, Refused> {
    let invalid = |fault: RecordFault| Refused::new(Reason::KioskRecordInvalid, fault.to_string());
    let record = SignedRecord::parse(record)
        .and_then(|signed| signed.verify(key))
        .map_err(invalid)?;
    if record.kiosk != kiosk {
        return Err(Refused::new(
            Reason::KioskRecordInvalid,
            "the record is another kiosk's",
        ));
    }
    Ok(record)
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
        let outcome = verify(&request.record.0, kiosk.id, &kiosk.public_key).map_err(Failure::from);
        let record = self.audited(&entry, now, outcome)?;
        entry.reference = Some(record.visit.to_string());
        let stored = self.store.keep_kiosk_record(
            &port::KioskRecord {
                visit: record.visit,
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
