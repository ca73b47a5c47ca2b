//! Kiosks' reports, stops of issuing and data keys.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    database::AnyConnection,
    on_both,
    ra::{
        rows::{BreakerRow, DataKeyRow, KioskHealthRow, KioskRecordRow},
        tables::{breaker, data_key, kiosk_health, kiosk_record},
    },
};
use sha2::{Digest, Sha256};

use super::{Fault, micros, parsed, time};
use crate::port::{BreakerStop, KioskHealth, KioskRecord, StoreError, WrappedKey};

pub(super) fn keep_kiosk_record(
    connection: &mut AnyConnection,
    record: &KioskRecord,
) -> Result<bool, Fault> {
    let row = KioskRecordRow {
        visit: record.visit.to_string(),
        record_sha256: Sha256::digest(&record.record).to_vec(),
        kiosk: record.kiosk.to_string(),
        record: record.record.clone(),
        received_at: micros(record.received_at),
    };
    let stored = on_both!(connection, |connection| diesel::insert_into(
        kiosk_record::table
    )
    .values(&row)
    .on_conflict_do_nothing()
    .execute(connection))?;
    Ok(stored == 1)
}

pub(super) fn note_kiosk_health(
    connection: &mut AnyConnection,
    health: &KioskHealth,
) -> Result<(), Fault> {
    let row = KioskHealthRow {
        kiosk: health.kiosk.to_string(),
        self_test: health.self_test.clone(),
        software_sha256: health.software_sha256.clone(),
        state: health.state.clone(),
        kiosk_time: micros(health.kiosk_time),
        received_at: micros(health.received_at),
    };
    on_both!(connection, |connection| diesel::insert_into(
        kiosk_health::table
    )
    .values(&row)
    .on_conflict(kiosk_health::kiosk)
    .do_update()
    .set((
        kiosk_health::self_test.eq(&row.self_test),
        kiosk_health::software_sha256.eq(&row.software_sha256),
        kiosk_health::state.eq(&row.state),
        kiosk_health::kiosk_time.eq(row.kiosk_time),
        kiosk_health::received_at.eq(row.received_at),
    ))
    .execute(connection))?;
    Ok(())
}

pub(super) fn stops(connection: &mut AnyConnection) -> Result<Vec<BreakerStop>, Fault> {
    let rows: Vec<BreakerRow> = breaker::table
        .filter(breaker::released_at.is_null())
        .order(breaker::tripped_at)
        .limit(100)
        .select(BreakerRow::as_select())
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(BreakerStop {
                id: row.id,
                tripped_at: time(row.tripped_at)?,
                application: parsed(&row.application, "stop")?,
                serial: row.serial,
                terminal: row.terminal,
                operator: row.operator,
            })
        })
        .collect::<Result<_, StoreError>>()
        .map_err(Fault::from)
}

pub(super) fn release_stop(
    connection: &mut AnyConnection,
    id: &str,
    (by, reason, proof): (&str, &str, &str),
    now: Timestamp,
) -> Result<bool, Fault> {
    let open = breaker::table
        .find(id)
        .filter(breaker::released_at.is_null());
    let released = diesel::update(open)
        .set((
            breaker::released_at.eq(Some(micros(now))),
            breaker::released_by.eq(Some(by)),
            breaker::reason.eq(Some(reason)),
            breaker::proof.eq(Some(proof)),
        ))
        .execute(connection)?;
    Ok(released == 1)
}

pub(super) fn data_keys(connection: &mut AnyConnection) -> Result<Vec<WrappedKey>, Fault> {
    let rows: Vec<DataKeyRow> = data_key::table
        .order(data_key::id)
        .limit(1000)
        .select(DataKeyRow::as_select())
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(WrappedKey {
                id: row
                    .id
                    .try_into()
                    .map_err(|_| StoreError::Unreadable("data key"))?,
                wrapped: row.wrapped,
            })
        })
        .collect::<Result<_, StoreError>>()
        .map_err(Fault::from)
}

pub(super) fn add_data_key(
    connection: &mut AnyConnection,
    key: &WrappedKey,
    now: Timestamp,
) -> Result<bool, Fault> {
    let row = DataKeyRow {
        id: i32::try_from(key.id).map_err(|_| StoreError::Unreadable("data key"))?,
        wrapped: key.wrapped.clone(),
        made_at: micros(now),
    };
    let stored = on_both!(connection, |connection| diesel::insert_into(
        data_key::table
    )
    .values(&row)
    .on_conflict_do_nothing()
    .execute(connection))?;
    Ok(stored == 1)
}
