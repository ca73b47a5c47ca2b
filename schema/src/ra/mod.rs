//! Tables, rows and migrations of the registration-authority gateway.

pub mod approval;
pub mod kept_paper;
pub mod notice;
pub mod paper_order;
pub mod place;
pub mod registration;
pub mod rows;
pub mod statistics;
pub mod tables;
pub mod till;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::database::{self, OpenError};

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/ra/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/ra/sqlite");

/// Bring the gateway's database up to date, making it where it is a file that
/// does not exist yet.
pub fn migrate(url: &str) -> Result<(), OpenError> {
    database::migrate(url, POSTGRES, SQLITE)
}
