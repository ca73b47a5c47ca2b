//! The book of what was provided: the one table that status nodes write, with a
//! connection of its own, outside the audited writer (they hold no audit key).

use diesel::{Connection, prelude::*, upsert::excluded};
use pki_core::calendar::JapaneseDay;
use schema::{
    ca::verifier::{ProvisionRow, provision},
    database::{AnyConnection, AnyPool, OpenError, open},
    on_both,
};

use super::{convert, writer};
use crate::port::{
    provision::{Provided, Provision, ProvisionBook},
    store::StoreError,
};

/// See [`ProvisionBook`].
pub struct Book(AnyPool);

impl Book {
    /// Over the authority's database. Nothing is connected yet.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        open(url, 1, false).map(Self)
    }

    fn transaction<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.0.get().map_err(StoreError::away)?;
        let connection: &mut AnyConnection = &mut connection;
        connection.transaction(work).map_err(|error| {
            if writer::away(&error) {
                StoreError::away(error)
            } else {
                StoreError::broken(error)
            }
        })
    }
}

impl ProvisionBook for Book {
    fn enter(&self, run: &str, totals: &[Provision]) -> Result<(), StoreError> {
        let rows: Vec<ProvisionRow> = totals
            .iter()
            .map(|total| ProvisionRow {
                run: run.to_owned(),
                day: total.day.to_string(),
                verifier: total.verifier.clone(),
                kind: total.kind.name().to_owned(),
                count: convert::signed(total.count),
            })
            .collect();
        self.transaction(|connection| {
            for row in &rows {
                on_both!(connection, |inner| diesel::insert_into(provision::table)
                    .values(row)
                    .on_conflict((
                        provision::run,
                        provision::day,
                        provision::verifier,
                        provision::kind
                    ))
                    .do_update()
                    .set(provision::count.eq(excluded(provision::count)))
                    .execute(inner)?);
            }
            Ok(())
        })
    }

    fn totals(&self, first: JapaneseDay, last: JapaneseDay) -> Result<Vec<Provision>, StoreError> {
        self.transaction(|connection| {
            // Days are written with four, two and two digits, so their texts sort as they do.
            let rows: Vec<ProvisionRow> = provision::table
                .filter(provision::day.between(first.to_string(), last.to_string()))
                .order((provision::day, provision::verifier, provision::kind))
                .select(ProvisionRow::as_select())
                .load(connection)?;
            let mut totals: Vec<Provision> = Vec::new();
            for row in rows {
                let one = read(row)?;
                match totals.last_mut() {
                    Some(sum)
                        if (sum.day, &sum.verifier, sum.kind)
                            == (one.day, &one.verifier, one.kind) =>
                    {
                        sum.count += one.count;
                    }
                    _ => totals.push(one),
                }
            }
            Ok(totals)
        })
    }
}

fn read(row: ProvisionRow) -> QueryResult<Provision> {
    Ok(Provision {
        day: row.day.parse().map_err(|_| convert::foreign("day"))?,
        kind: Provided::named(&row.kind).ok_or_else(|| convert::foreign("kind"))?,
        count: convert::count(row.count)?,
        verifier: row.verifier,
    })
}
