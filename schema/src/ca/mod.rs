//! Tables, rows and migrations of the certificate authority.

pub mod delta_crl;
pub mod disclosure;
pub mod officer;
pub mod proof;
pub mod register_event;
pub mod register_hold;
pub mod rows;
pub mod status_lease;
pub mod stop;
pub mod tables;
pub mod verifier;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::database::{self, OpenError};

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/ca/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/ca/sqlite");

/// Bring the authority's database up to date, making it where it is a file
/// that does not exist yet.
pub fn migrate(url: &str) -> Result<(), OpenError> {
    database::migrate(url, POSTGRES, SQLITE)
}
