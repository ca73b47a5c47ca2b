//! Money: rows are added, never changed.

use diesel::prelude::*;
use pki_core::{
    application::{
        cause::ApplicationKind,
        fee::{FeeEntry, close::booking_day, signed},
    },
    id::{ApplicationId, ApprovalId, IdempotencyKey},
};
use schema::{
    database::AnyConnection,
    on_both,
    ra::{
        rows::{FeeCounterRow, FeeEntryRow},
        tables::{fee_counter, fee_entry},
    },
};

use super::{Fault, micros, parsed, till, time};
use crate::port::{NewFee, StoreError};

pub(super) fn from_row(row: FeeEntryRow) -> Result<FeeEntry, StoreError> {
    const WHAT: &str = "fee";
    let unreadable = || StoreError::Unreadable(WHAT);
    Ok(FeeEntry {
        number: row.number,
        application: parsed(&row.application, WHAT)?,
        kind: ApplicationKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == row.application_kind)
            .ok_or_else(unreadable)?,
        // A counter-entry is negative in the table, so that sums are sums.
        amount_yen: u32::try_from(row.amount_yen.unsigned_abs()).map_err(|_| unreadable())?,
        counters: row.counter_of,
        idempotency_key: parsed(&row.idempotency_key, WHAT)?,
        operator: parsed(&row.operator, WHAT)?,
        at: time(row.at)?,
        booked_on: parsed(&row.booked_on, WHAT)?,
    })
}

/// Enters money under the next number, in the book of the first day that is open. The till's
/// and the counter's rows stay locked until the transaction ends, so that no closed day gets
/// an entry and numbers have no gaps and no doubles.
pub(super) fn enter(
    connection: &mut AnyConnection,
    fee: &NewFee,
    approval: Option<&ApprovalId>,
) -> Result<FeeEntry, Fault> {
    let closed_through = till::lock(connection, &fee.municipality)?;
    let booked_on = booking_day(fee.day, closed_through);
    let municipality = fee.municipality.to_string();
    let year = i32::from(booked_on.fiscal_year());
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
        kind: fee.kind,
        amount_yen: fee.amount_yen,
        counters: fee.counter_of.clone(),
        idempotency_key: fee.idempotency_key,
        operator: fee.operator.clone(),
        at: fee.at,
        booked_on,
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
            amount_yen: signed(&entry),
            counter_of: fee.counter_of.clone(),
            operator: fee.operator.to_string(),
            at: micros(fee.at),
            application_kind: fee.kind.as_str().to_owned(),
            booked_on: booked_on.to_string(),
            approval: approval.map(|id| id.to_string()),
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
