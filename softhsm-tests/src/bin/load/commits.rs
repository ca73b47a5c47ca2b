//! The yardstick of a database: durable transactions of one small row each, over one connection.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use schema::database;
use serde_json::json;
use xtask::fault::{Fault, Result};

use crate::Options;

/// Commits row after row to the database at `--url` for `--seconds`, in a table of its own.
pub fn run(options: &Options) -> Result<serde_json::Value> {
    let told = |error: &dyn std::fmt::Display| Fault::new(error.to_string());
    let seconds = Duration::from_secs(options.number("seconds")? as u64);
    let mut connection = database::connect(options.text("url")?).map_err(|error| told(&error))?;
    let mut execute = |statement: &str| {
        connection
            .batch_execute(statement)
            .map_err(|error| told(&error))
    };
    execute("CREATE TABLE IF NOT EXISTS commits (n BIGINT PRIMARY KEY)")?;
    execute("DELETE FROM commits")?;
    let (begun, mut count) = (Instant::now(), 0u64);
    while begun.elapsed() < seconds {
        execute(&format!("INSERT INTO commits VALUES ({count})"))?;
        count += 1;
    }
    Ok(json!({ "rate": count as f64 / begun.elapsed().as_secs_f64() }))
}
