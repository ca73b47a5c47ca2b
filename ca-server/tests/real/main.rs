//! The real program on a SoftHSM token: killed at any moment, its token taken
//! away, its callers not what they should be.

mod backup;
mod brake;
mod callers;
mod console;
mod kill;
mod register;
mod renew;
mod status;
mod status_lease;
mod token_away;
mod verifiers;

use ca_server::testing::{room::Room, world::Folder};
use xtask::stack::postgres::{Cluster, Settings};

/// A room of its own for each test, on SQLite.
fn room() -> Room {
    Room::new(env!("CARGO_BIN_EXE_ca-server"), None)
}

/// The same on a database that is there and empty.
fn room_on(database: &str) -> Room {
    Room::new(env!("CARGO_BIN_EXE_ca-server"), Some(database))
}

/// A PostgreSQL cluster of a test's own, with an empty database `ca`.
fn cluster(folder: &Folder) -> Cluster {
    let log = folder.path().join("postgres.log");
    let home = folder.path().join("postgres");
    let cluster = Cluster::start(&home, log, "secret", &Settings::default())
        .and_then(|cluster| cluster.ensure_database("ca").map(|()| cluster));
    cluster.unwrap_or_else(|fault| panic!("{fault}"))
}
