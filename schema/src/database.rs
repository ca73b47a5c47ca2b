//! One code for two databases: SQLite for one machine, PostgreSQL for more.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;

use diesel::{
    Connection, MultiConnection, PgConnection, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    r2d2::{ConnectionManager, CustomizeConnection, Pool},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

/// A connection to either database.
#[derive(MultiConnection)]
pub enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Write a query once where the enum itself does not compile it (upsert, batch
/// insert): the body is instantiated for each backend.
#[macro_export]
macro_rules! on_both {
    ($connection:expr, |$inner:ident| $body:expr) => {
        match $connection {
            $crate::database::AnyConnection::Postgres($inner) => $body,
            $crate::database::AnyConnection::Sqlite($inner) => $body,
        }
    };
}

/// Pool of connections to one database.
pub type AnyPool = Pool<ConnectionManager<AnyConnection>>;

/// Which database, read off its URL: `postgres://…` or `sqlite:PATH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Postgres,
    Sqlite,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("database URL must begin with postgres:// or sqlite:")]
    Url,
    #[error("the database cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the system gives no thread to write the database with")]
    Thread(#[source] std::io::Error),
}

impl Backend {
    /// The backend and the URL in the form diesel wants.
    pub fn of(url: &str) -> Result<(Self, String), OpenError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            Ok((Self::Sqlite, path.to_owned()))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok((Self::Postgres, url.to_owned()))
        } else {
            Err(OpenError::Url)
        }
    }
}

/// Where an existing database is. A SQLite file that went away must not come
/// back as an empty one, so only [`migrate`] creates files.
fn existing(url: &str) -> Result<String, OpenError> {
    let (backend, address) = Backend::of(url)?;
    Ok(match backend {
        Backend::Sqlite => {
            let path = address
                .replace('%', "%25")
                .replace('?', "%3F")
                .replace('#', "%23");
            format!("file:{path}?mode=rw")
        }
        Backend::Postgres => {
            let separator = if address.contains('?') { '&' } else { '?' };
            if address.contains("connect_timeout") {
                address
            } else {
                format!("{address}{separator}connect_timeout=3")
            }
        }
    })
}

/// One connection outside a pool, with the durable settings, for a writer that
/// holds on to it. The database must exist.
pub fn connect(url: &str) -> Result<AnyConnection, OpenError> {
    connect_for(url, false)
}

/// As [`connect`], for a reader.
pub fn connect_to_read(url: &str) -> Result<AnyConnection, OpenError> {
    connect_for(url, true)
}

fn connect_for(url: &str, read_only: bool) -> Result<AnyConnection, OpenError> {
    let mut connection = AnyConnection::establish(&existing(url)?)
        .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    Durable { read_only }
        .on_acquire(&mut connection)
        .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    Ok(connection)
}

/// Settings every new connection gets. Durability is set here and nowhere else:
/// `synchronous=FULL` in WAL makes each commit survive a power cut.
#[derive(Debug)]
struct Durable {
    read_only: bool,
}

impl CustomizeConnection<AnyConnection, diesel::r2d2::Error> for Durable {
    fn on_acquire(&self, connection: &mut AnyConnection) -> Result<(), diesel::r2d2::Error> {
        let settings = match (&connection, self.read_only) {
            (AnyConnection::Sqlite(_), false) => {
                "PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            }
            (AnyConnection::Sqlite(_), true) => {
                "PRAGMA busy_timeout=10000; PRAGMA query_only=ON; PRAGMA foreign_keys=ON;"
            }
            (AnyConnection::Postgres(_), false) => {
                // A node that stands still in the middle of a transaction keeps nobody waiting for its locks.
                "SET TIME ZONE 'UTC'; SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
                 SET idle_in_transaction_session_timeout = '4s';"
            }
            (AnyConnection::Postgres(_), true) => {
                "SET TIME ZONE 'UTC'; SET statement_timeout = '30s'; SET default_transaction_read_only = on;"
            }
        };
        connection
            .batch_execute(settings)
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Open a pool of at most `connections`, each with the durable settings.
/// Connections are made when first used, so a database that is away does not
/// stop a program from starting.
pub fn open(url: &str, connections: u32, read_only: bool) -> Result<AnyPool, OpenError> {
    let address = existing(url)?;
    Ok(Pool::builder()
        .max_size(connections)
        .min_idle(Some(0))
        .connection_timeout(std::time::Duration::from_secs(5))
        .connection_customizer(Box::new(Durable { read_only }))
        .build_unchecked(ConnectionManager::new(address)))
}

/// Bring the schema up to date; the migrations of the two backends mean the same.
pub fn migrate(
    url: &str,
    postgres: EmbeddedMigrations,
    sqlite: EmbeddedMigrations,
) -> Result<(), OpenError> {
    let (backend, address) = Backend::of(url)?;
    if backend == Backend::Sqlite {
        // Residents' data lie in it: made for its owner alone, and SQLite gives the files
        // beside it (WAL, shared memory) the same mode.
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&address)
            .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    }
    let mut connection = AnyConnection::establish(&address)
        .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    match &mut connection {
        AnyConnection::Postgres(connection) => {
            // Two nodes may start at once: one migrates, the other waits for it.
            diesel::sql_query("SELECT pg_advisory_lock(5193171)")
                .execute(connection)
                .map_err(|error| OpenError::Migration(Box::new(error)))?;
            connection
                .run_pending_migrations(postgres)
                .map_err(OpenError::Migration)?;
        }
        AnyConnection::Sqlite(connection) => {
            connection
                .batch_execute(
                    "PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                )
                .map_err(|error| OpenError::Migration(Box::new(error)))?;
            connection
                .run_pending_migrations(sqlite)
                .map_err(OpenError::Migration)?;
        }
    }
    Ok(())
}
