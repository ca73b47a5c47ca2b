//! Money: rows are added, never changed.

use diesel::prelude::*;
use pki_core::id::{ApplicationId, IdempotencyKey};
use schema::{
    database::AnyConnection,
    on_both,
    ra::{
        rows::{FeeCounterRow, FeeEntryRow},
        tables::{fee_counter, fee_entry},
    },
};

use super::{Fault, micros, parsed, time};
use crate::port::{FeeEntry, NewFee, StoreError};

fn from_row(row: FeeEntryRow) -> Result<FeeEntry, StoreError> {
    Ok(FeeEntry {
        number: row.number,
        application: parsed(&row.application, "fee")?,
        amount_yen: row.amount_yen,
        counter_of: row.counter_of,
        idempotency_key: parsed(&row.idempotency_key, "fee")?,
        at: time(row.at)?,
    })
}

/// Enters money under the next number. The counter's row stays locked until the
/// transaction ends, so numbers have no gaps and no doubles.
pub(super) fn enter(connection: &mut AnyConnection, fee: &NewFee) -> Result<FeeEntry, Fault> {
    let municipality = fee.municipality.to_string();
    let year = i32::from(fee.fiscal_year);
    let first = FeeCounterRow {
        municipality: municipality.clone(),
        fiscal_year: year,
        last: 0,
    };
    on_both!(connection, |connection| diesel::insert_into(
        fee_counter::table
    )
    .values(&first)
    .on_conflict_do_nothing()
    .execute(connection))?;
    let number: i64 = diesel::update(fee_counter::table.find((&municipality, year)))
        .set(fee_counter::last.eq(fee_counter::last + 1))
        .returning(fee_counter::last)
        .get_result(connection)?;
    let entry = FeeEntry {
        number: format!("{municipality}-{year}-{number:06}"),
        application: fee.application,
        amount_yen: fee.amount_yen,
        counter_of: fee.counter_of.clone(),
        idempotency_key: fee.idempotency_key,
        at: fee.at,
    };
    diesel::insert_into(fee_entry::table)
        .values(&FeeEntryRow {
            number: entry.number.clone(),
            municipality,
            fiscal_year: year,
            application: fee.application.to_string(),
            idempotency_key: fee.idempotency_key.to_string(),
            kind: if fee.counter_of.is_some() {
                "counter-entry"
            } else {
                "fee"
            }
            .to_owned(),
            amount_yen: fee.amount_yen,
            counter_of: fee.counter_of.clone(),
            operator: fee.operator.to_string(),
            at: micros(fee.at),
        })
        .execute(connection)?;
    Ok(entry)
}

pub(super) fn by_key(
    connection: &mut AnyConnection,
    key: &IdempotencyKey,
) -> Result<Option<FeeEntry>, Fault> {
    fee_entry::table
        .filter(fee_entry::idempotency_key.eq(key.to_string()))
        .select(FeeEntryRow::as_select())
        .first(connection)
        .optional()?
        .map(from_row)
        .transpose()
        .map_err(Fault::from)
}

pub(super) fn of_application(
    connection: &mut AnyConnection,
    application: &ApplicationId,
) -> Result<Vec<FeeEntry>, Fault> {
    let rows: Vec<FeeEntryRow> = fee_entry::table
        .filter(fee_entry::application.eq(application.to_string()))
        .order(fee_entry::number)
        .limit(1000)
        .select(FeeEntryRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
}
