//! The gateway's database on SQLite or PostgreSQL: one set of queries.
//!
//! Each audited transaction begins by counting up its node's audit head. That takes
//! the write lock at once (so SQLite waits rather than fails) and gives the rows of one
//! node their order.

mod application;
mod approval;
mod audit;
mod fee;
mod kept_paper;
mod notice;
mod paper_order;
mod party;
mod places;
mod procedure;
mod registration;
mod session;
mod statistics;
mod store;
mod till;
mod upkeep;

use std::sync::Arc;

use diesel::{
    Connection,
    r2d2::{ConnectionManager, PooledConnection},
    result::{DatabaseErrorKind, Error as DieselError},
};
use jiff::Timestamp;
use schema::database::{AnyConnection, AnyPool, OpenError};

use crate::port::{AdvanceError, AuditEntry, AuditMac, MasterFault, StoreError};

/// The database of one gateway node.
pub struct Database {
    pool: AnyPool,
    node: String,
    mac: Arc<dyn AuditMac>,
}

/// Rows as what they say. The first that cannot be read is the fault.
fn all<Row, T>(
    rows: impl IntoIterator<Item = Row>,
    from_row: impl Fn(Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, Fault> {
    Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
}

impl Database {
    /// Opens the database at `url` for the node `node`; connections are made when needed.
    pub fn open(
        url: &str,
        connections: u32,
        node: &str,
        mac: Arc<dyn AuditMac>,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            pool: schema::database::open(url, connections, false)?,
            node: node.to_owned(),
            mac,
        })
    }

    fn connection(&self) -> Result<PooledConnection<ConnectionManager<AnyConnection>>, StoreError> {
        self.pool
            .get()
            .map_err(|error| StoreError::Away(Box::new(error)))
    }

    /// Reads outside a transaction: each query sees a committed state.
    fn read<T>(
        &self,
        query: impl FnOnce(&mut AnyConnection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        query(&mut *self.connection()?).map_err(Fault::into_store)
    }

    /// A transaction without an audit row: nothing that anyone decided. Its first
    /// statement must write.
    fn write<T>(
        &self,
        body: impl FnOnce(&mut AnyConnection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let connection: &mut AnyConnection = &mut *self.connection()?;
        connection.transaction(body).map_err(Fault::into_store)
    }

    /// A transaction with its audit row; the body may fill in the row's reference.
    fn audited<T>(
        &self,
        entry: &AuditEntry,
        now: Timestamp,
        body: impl FnOnce(&mut AnyConnection, &mut AuditEntry) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let connection: &mut AnyConnection = &mut *self.connection()?;
        connection.transaction(|connection| {
            let head = audit::next(connection, &self.node)?;
            let mut entry = entry.clone();
            let value = body(connection, &mut entry)?;
            audit::append(connection, &self.node, head, &entry, now, &*self.mac)?;
            Ok(value)
        })
    }
}

/// Why a transaction is rolled back.
enum Fault {
    Diesel(DieselError),
    Stale,
    Taken,
    Store(StoreError),
}

impl From<DieselError> for Fault {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::Taken,
            other => Self::Diesel(other),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<MasterFault> for Fault {
    fn from(error: MasterFault) -> Self {
        Self::Store(StoreError::Away(Box::new(error)))
    }
}

impl Fault {
    fn into_store(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Stale => StoreError::Query("a row changed unexpectedly".into()),
            Self::Taken => StoreError::Query("a row was there already".into()),
            Self::Diesel(error) => {
                let away = match &error {
                    DieselError::DatabaseError(kind, information) => {
                        matches!(
                            kind,
                            DatabaseErrorKind::ClosedConnection
                                | DatabaseErrorKind::UnableToSendCommand
                                | DatabaseErrorKind::SerializationFailure
                                | DatabaseErrorKind::ReadOnlyTransaction
                        ) || information.message().contains("locked")
                            || information.message().contains("lock timeout")
                            || information.message().contains("connection")
                    }
                    DieselError::BrokenTransactionManager => true,
                    _ => false,
                };
                if away {
                    StoreError::Away(Box::new(error))
                } else {
                    StoreError::Query(Box::new(error))
                }
            }
        }
    }

    fn into_advance(self) -> AdvanceError {
        match self {
            Self::Stale => AdvanceError::Stale,
            Self::Taken => AdvanceError::Taken,
            other => AdvanceError::Store(other.into_store()),
        }
    }
}

/// Microseconds since 1970, as the tables keep times.
fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Unreadable("time"))
}

/// A column that holds something with a text form.
fn parsed<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable(what))
}

/// A column that holds a SHA-256.
fn digest(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::Unreadable("digest"))
}
