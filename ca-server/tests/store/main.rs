//! The store's promises, on SQLite and on PostgreSQL: each test runs on both.

mod backends;
mod outage;
mod promises;
