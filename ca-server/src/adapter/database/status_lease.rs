//! Leases of status nodes. The nodes' side has a connection of its own, outside the audited
//! writer: they hold no audit key.

use std::collections::BTreeMap;

use diesel::{Connection, connection::SimpleConnection, prelude::*};
use jiff::Timestamp;
use schema::{
    ca::{
        status_lease::{StatusLeaseRow, status_lease},
        tables::{issuer, revocation},
    },
    database::{AnyConnection, AnyPool, OpenError, open},
};

use super::{Database, convert, writer};
use crate::port::{status_lease::*, store::StoreError};

/// See [`LeaseBook`].
pub struct Leases(AnyPool);

impl Leases {
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
        if let AnyConnection::Sqlite(inner) = connection {
            // The nodes of a SQLite file end with its machine, so a lease need not outlive a power
            // cut, and whoever issues does not wait for its fsync. On PostgreSQL it has to be
            // durable: nodes go on while the database starts again.
            inner
                .batch_execute("PRAGMA synchronous=NORMAL")
                .map_err(StoreError::away)?;
        }
        connection.transaction(work).map_err(|error| {
            if writer::away(&error) {
                StoreError::away(error)
            } else {
                StoreError::broken(error)
            }
        })
    }
}

impl LeaseBook for Leases {
    fn renew(
        &self,
        node: &str,
        places: &BTreeMap<String, u64>,
        at: Timestamp,
        tell: &mut dyn FnMut(&str, News),
    ) -> Result<bool, StoreError> {
        self.transaction(|connection| {
            let mut all_there = true;
            for (name, place) in places {
                // The first statement writes: on SQLite what is read after it is the newest.
                all_there &= mark(connection, node, name, at)?;
                let news = news(connection, name, *place)?;
                let reached = convert::signed(news.place);
                tell(name, news);
                diesel::update(status_lease::table.find((node, name)))
                    .set(status_lease::place.eq(reached))
                    .execute(connection)?;
            }
            Ok(all_there)
        })
    }

    fn give_up(&self, node: &str) -> Result<(), StoreError> {
        self.transaction(|connection| {
            diesel::delete(status_lease::table.filter(status_lease::node.eq(node)))
                .execute(connection)
                .map(drop)
        })
    }
}

/// Count a renewal; `false` when the lease was not there and is made.
fn mark(
    connection: &mut AnyConnection,
    node: &str,
    name: &str,
    at: Timestamp,
) -> QueryResult<bool> {
    let renewed = diesel::update(status_lease::table.find((node, name)))
        .set((
            status_lease::renewal.eq(status_lease::renewal + 1),
            status_lease::renewed_at.eq(at.as_microsecond()),
        ))
        .execute(connection)?;
    if renewed > 0 {
        return Ok(true);
    }
    diesel::insert_into(status_lease::table)
        .values(&StatusLeaseRow {
            node: node.to_owned(),
            issuer: name.to_owned(),
            place: 0,
            renewal: 1,
            renewed_at: at.as_microsecond(),
        })
        .execute(connection)?;
    Ok(false)
}

/// What the feed holds after a place. Positions become visible in their order, so nothing up to
/// the one that is read first is missing from what is read then.
fn news(connection: &mut AnyConnection, name: &str, place: u64) -> QueryResult<News> {
    let end: Option<i64> = issuer::table
        .find(name)
        .select(issuer::revocations)
        .first(connection)
        .optional()?;
    let end = convert::count(end.unwrap_or(0))?;
    if end < place {
        return Ok(News {
            place: end,
            gone: Gone::Any,
        });
    }
    if end == place {
        return Ok(News {
            place: end,
            gone: Gone::These(Vec::new()),
        });
    }
    let serials: Vec<Vec<u8>> = revocation::table
        .filter(revocation::issuer.eq(name))
        .filter(revocation::feed.gt(convert::signed(place)))
        .filter(revocation::feed.le(convert::signed(end)))
        .order(revocation::feed)
        .select(revocation::serial)
        .limit(convert::signed(MOST_NEWS as u64) + 1)
        .load(connection)?;
    Ok(News {
        place: end,
        gone: if serials.len() > MOST_NEWS {
            Gone::Any
        } else {
            Gone::These(serials)
        },
    })
}

impl StatusLeases for Database {
    fn lease_standing(&self) -> Result<Standing, StoreError> {
        self.read(|connection| {
            let feeds: Vec<(String, i64)> = issuer::table
                .select((issuer::name, issuer::revocations))
                .load(connection)?;
            let rows: Vec<StatusLeaseRow> = status_lease::table
                .select(StatusLeaseRow::as_select())
                .load(connection)?;
            Ok(Standing {
                feeds: feeds
                    .into_iter()
                    .map(|(name, position)| Ok((name, convert::count(position)?)))
                    .collect::<QueryResult<_>>()?,
                leases: rows.into_iter().map(lease).collect::<QueryResult<_>>()?,
            })
        })
    }

    fn forget_leases(&self, dead: Vec<Lease>) -> Result<(), StoreError> {
        self.write("forget_leases", move |scope| {
            for lease in &dead {
                let row = status_lease::table
                    .find((&lease.node, &lease.issuer))
                    .filter(status_lease::renewal.eq(convert::signed(lease.renewal)));
                diesel::delete(row).execute(scope.connection)?;
            }
            Ok(())
        })
    }
}

fn lease(row: StatusLeaseRow) -> QueryResult<Lease> {
    Ok(Lease {
        place: convert::count(row.place)?,
        renewal: convert::count(row.renewal)?,
        node: row.node,
        issuer: row.issuer,
    })
}
