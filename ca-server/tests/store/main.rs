//! The store's promises, on SQLite and on PostgreSQL: each test runs on both.

mod backends;
mod officers;
mod outage;
mod plans;
mod promises;
mod register_event;
mod register_hold;
mod replacement;
mod retention;
mod status_lease;
mod stops;
mod together;
mod verifiers;
