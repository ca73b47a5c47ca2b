//! The till: every entry, close and remittance of a municipality locks its row first, so
//! that what was closed stays as it was counted.

use diesel::{
    dsl::{count_star, sql},
    prelude::*,
    sql_types::BigInt,
};
use pki_core::{
    application::{
        Step,
        fee::{FeeEntry, close::Closed},
    },
    calendar::{JapaneseDay, Month},
    id::ApprovalId,
    person::municipality::MunicipalityCode,
};
use schema::{
    database::AnyConnection,
    on_both,
    ra::{
        rows::FeeEntryRow,
        tables::{application as application_rows, fee_entry},
        till::{DayCloseRow, RemittanceRow, TillRow, day_close, remittance, till},
    },
};

use super::{Database, Fault, application, approval, fee, micros, parsed, time};
use crate::port::{
    AdvanceError, AuditEntry, Change, ClosedDay, NewFee, Remittance, StoreError, Till,
};

/// Locks the municipality's till until the transaction ends; the last closed day.
pub(super) fn lock(
    connection: &mut AnyConnection,
    municipality: &MunicipalityCode,
) -> Result<Option<JapaneseDay>, Fault> {
    let first = TillRow {
        municipality: municipality.to_string(),
        closed_through: None,
    };
    on_both!(connection, |connection| diesel::insert_into(till::table)
        .values(&first)
        .on_conflict_do_nothing()
        .execute(connection))?;
    let through: Option<String> = diesel::update(till::table.find(&first.municipality))
        .set(till::municipality.eq(&first.municipality))
        .returning(till::closed_through)
        .get_result(connection)?;
    Ok(through.map(|day| parsed(&day, "till")).transpose()?)
}

/// The first day after the last closed one that has entries.
fn oldest_open(
    connection: &mut AnyConnection,
    municipality: &MunicipalityCode,
    through: Option<JapaneseDay>,
) -> Result<Option<JapaneseDay>, Fault> {
    let after = through.map_or_else(String::new, |day| day.to_string());
    let oldest: Option<String> = fee_entry::table
        .filter(fee_entry::municipality.eq(municipality.to_string()))
        .filter(fee_entry::booked_on.gt(after))
        .select(fee_entry::booked_on)
        .order(fee_entry::booked_on)
        .first(connection)
        .optional()?;
    Ok(oldest.map(|day| parsed(&day, "till")).transpose()?)
}

/// How many entries were booked in a range, and their sum.
fn sums(
    connection: &mut AnyConnection,
    municipality: &MunicipalityCode,
    from: JapaneseDay,
    to: JapaneseDay,
) -> Result<(i64, i64), Fault> {
    Ok(fee_entry::table
        .filter(fee_entry::municipality.eq(municipality.to_string()))
        .filter(fee_entry::booked_on.between(from.to_string(), to.to_string()))
        .select((
            count_star(),
            // Both databases widen the sum of big integers, each in its own way.
            sql::<BigInt>("CAST(COALESCE(SUM(amount_yen), 0) AS BIGINT)"),
        ))
        .first(connection)?)
}

fn close_day(connection: &mut AnyConnection, new: &ClosedDay) -> Result<(), Fault> {
    let through = lock(connection, &new.municipality)?;
    if through.is_some_and(|last| last >= new.day) {
        return Err(Fault::Taken);
    }
    let oldest = oldest_open(connection, &new.municipality, through)?;
    if oldest.is_some_and(|oldest| oldest < new.day) {
        return Err(Fault::Stale);
    }
    let counted = sums(connection, &new.municipality, new.day, new.day)?;
    if counted != (signed(new.lines)?, new.booked_yen) {
        return Err(Fault::Stale);
    }
    if let Some(id) = &new.approval {
        approval::spend(connection, id, &new.operator, new.closed_at)?;
    }
    diesel::insert_into(day_close::table)
        .values(&DayCloseRow {
            municipality: new.municipality.to_string(),
            day: new.day.to_string(),
            closed_at: micros(new.closed_at),
            operator: new.operator.to_string(),
            lines: signed(new.lines)?,
            booked_yen: new.booked_yen,
            counted_yen: new.counted_yen,
            sealed: new.sealed.clone(),
            approval: new.approval.map(|id| id.to_string()),
        })
        .execute(connection)?;
    diesel::update(till::table.find(new.municipality.to_string()))
        .set(till::closed_through.eq(Some(new.day.to_string())))
        .execute(connection)?;
    Ok(())
}

fn remit(connection: &mut AnyConnection, new: &Remittance) -> Result<(), Fault> {
    let through = lock(connection, &new.municipality)?;
    let (first, last) = (new.month.first_day(), new.month.last_day());
    let open = oldest_open(connection, &new.municipality, through)?;
    if open.is_some_and(|open| open <= last) {
        return Err(Fault::Stale);
    }
    let booked = sums(connection, &new.municipality, first, last)?;
    if booked != (signed(new.lines)?, new.booked_yen) {
        return Err(Fault::Stale);
    }
    diesel::insert_into(remittance::table)
        .values(&RemittanceRow {
            municipality: new.municipality.to_string(),
            month: new.month.to_string(),
            made_at: micros(new.made_at),
            operator: new.operator.to_string(),
            lines: signed(new.lines)?,
            booked_yen: new.booked_yen,
        })
        .execute(connection)?;
    // What is final takes nothing, even of a day that had no entry and no close.
    if through.is_none_or(|through| through < last) {
        diesel::update(till::table.find(new.municipality.to_string()))
            .set(till::closed_through.eq(Some(last.to_string())))
            .execute(connection)?;
    }
    Ok(())
}

fn signed(lines: u64) -> Result<i64, Fault> {
    i64::try_from(lines).map_err(|_| StoreError::Unreadable("till").into())
}

fn unsigned(lines: i64) -> Result<u64, StoreError> {
    u64::try_from(lines).map_err(|_| StoreError::Unreadable("till"))
}

fn closed_day(row: DayCloseRow) -> Result<ClosedDay, StoreError> {
    const WHAT: &str = "closed day";
    Ok(ClosedDay {
        municipality: parsed(&row.municipality, WHAT)?,
        day: parsed(&row.day, WHAT)?,
        closed_at: time(row.closed_at)?,
        operator: parsed(&row.operator, WHAT)?,
        lines: unsigned(row.lines)?,
        booked_yen: row.booked_yen,
        counted_yen: row.counted_yen,
        sealed: row.sealed,
        approval: row.approval.map(|id| parsed(&id, WHAT)).transpose()?,
    })
}

fn remitted(row: RemittanceRow) -> Result<Remittance, StoreError> {
    const WHAT: &str = "remittance";
    Ok(Remittance {
        municipality: parsed(&row.municipality, WHAT)?,
        month: parsed(&row.month, WHAT)?,
        made_at: time(row.made_at)?,
        operator: parsed(&row.operator, WHAT)?,
        lines: unsigned(row.lines)?,
        booked_yen: row.booked_yen,
    })
}

impl Till for Database {
    fn closed(&self, municipality: &MunicipalityCode) -> Result<Closed, StoreError> {
        self.read(|c| {
            let through: Option<Option<String>> = till::table
                .find(municipality.to_string())
                .select(till::closed_through)
                .first(c)
                .optional()?;
            let through = through
                .flatten()
                .map(|day| parsed(&day, "till"))
                .transpose()?;
            Ok(Closed {
                through,
                oldest_open: oldest_open(c, municipality, through)?,
            })
        })
    }

    fn book(
        &self,
        municipality: &MunicipalityCode,
        from: JapaneseDay,
        to: JapaneseDay,
        limit: u32,
    ) -> Result<Vec<FeeEntry>, StoreError> {
        self.read(|c| {
            let rows: Vec<FeeEntryRow> = fee_entry::table
                .filter(fee_entry::municipality.eq(municipality.to_string()))
                .filter(fee_entry::booked_on.between(from.to_string(), to.to_string()))
                .order(fee_entry::number)
                .limit(i64::from(limit))
                .select(FeeEntryRow::as_select())
                .load(c)?;
            Ok(rows
                .into_iter()
                .map(fee::from_row)
                .collect::<Result<_, _>>()?)
        })
    }

    fn fee(
        &self,
        number: &str,
        municipality: &MunicipalityCode,
    ) -> Result<Option<FeeEntry>, StoreError> {
        self.read(|c| {
            fee_entry::table
                .find(number)
                .filter(fee_entry::municipality.eq(municipality.to_string()))
                .select(FeeEntryRow::as_select())
                .first(c)
                .optional()?
                .map(fee::from_row)
                .transpose()
                .map_err(Fault::from)
        })
    }

    fn counter_fee(
        &self,
        new: &NewFee,
        change: Option<&Change>,
        approval: &ApprovalId,
        audit: &AuditEntry,
    ) -> Result<FeeEntry, AdvanceError> {
        self.audited(audit, new.at, |c, entry| {
            approval::spend(c, approval, &new.operator, new.at)?;
            let entered = fee::enter(c, new, Some(approval))?;
            if let Some(change) = change {
                application::advance(c, change)?;
            }
            entry.reference = Some(entered.number.clone());
            Ok(entered)
        })
        .map_err(Fault::into_advance)
    }

    fn taken_back_after_hand_over(
        &self,
        municipality: &MunicipalityCode,
        day: JapaneseDay,
        limit: u32,
    ) -> Result<Vec<FeeEntry>, StoreError> {
        self.read(|c| {
            let on_that_day: Vec<String> = fee_entry::table
                .filter(fee_entry::municipality.eq(municipality.to_string()))
                .filter(fee_entry::booked_on.eq(day.to_string()))
                .filter(fee_entry::counter_of.is_not_null())
                .select(fee_entry::application)
                .distinct()
                .limit(i64::from(limit))
                .load(c)?;
            let handed_over: Vec<String> = application_rows::table
                .filter(application_rows::step.eq(Step::HandedOver.as_str()))
                .filter(application_rows::id.eq_any(on_that_day))
                .select(application_rows::id)
                .load(c)?;
            let rows: Vec<FeeEntryRow> = fee_entry::table
                .filter(fee_entry::application.eq_any(handed_over))
                .order(fee_entry::number)
                .limit(i64::from(limit))
                .select(FeeEntryRow::as_select())
                .load(c)?;
            Ok(rows
                .into_iter()
                .map(fee::from_row)
                .collect::<Result<_, _>>()?)
        })
    }

    fn close_day(&self, day: &ClosedDay, audit: &AuditEntry) -> Result<(), AdvanceError> {
        self.audited(audit, day.closed_at, |c, _| close_day(c, day))
            .map_err(Fault::into_advance)
    }

    fn closed_days(
        &self,
        municipality: &MunicipalityCode,
        from: JapaneseDay,
        to: JapaneseDay,
    ) -> Result<Vec<ClosedDay>, StoreError> {
        self.read(|c| {
            let rows: Vec<DayCloseRow> = day_close::table
                .filter(day_close::municipality.eq(municipality.to_string()))
                .filter(day_close::day.between(from.to_string(), to.to_string()))
                .order(day_close::day)
                .select(DayCloseRow::as_select())
                .load(c)?;
            Ok(rows.into_iter().map(closed_day).collect::<Result<_, _>>()?)
        })
    }

    fn remit(&self, new: &Remittance, audit: &AuditEntry) -> Result<(), AdvanceError> {
        self.audited(audit, new.made_at, |c, _| remit(c, new))
            .map_err(Fault::into_advance)
    }

    fn remittance(
        &self,
        municipality: &MunicipalityCode,
        month: Month,
    ) -> Result<Option<Remittance>, StoreError> {
        self.read(|c| {
            remittance::table
                .find((municipality.to_string(), month.to_string()))
                .select(RemittanceRow::as_select())
                .first(c)
                .optional()?
                .map(remitted)
                .transpose()
                .map_err(Fault::from)
        })
    }
}
