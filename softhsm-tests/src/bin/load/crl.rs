//! What CRL figures need: revocations in number, and the cost of hashing and writing as many bytes.

use std::fs::File;
use std::io::Write;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use schema::database;
use serde_json::json;
use xtask::fault::{Fault, OnPath, Result};

use crate::Options;

/// SHA-256 over `--bytes` bytes and one fsynced write of them to `--file`.
pub fn hash(options: &Options) -> Result<serde_json::Value> {
    let bytes = vec![0x5A; options.number("bytes")?];
    let path = options.path("file")?;
    let begun = Instant::now();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let mut file = File::create(&path).on(&path)?;
    file.write_all(&bytes).on(&path)?;
    file.write_all(digest.as_ref()).on(&path)?;
    file.sync_all().on(&path)?;
    Ok(json!({ "seconds": begun.elapsed().as_secs_f64() }))
}

/// Puts `--entries` certificates of `--issuer` into the tables of `--database`, as issuing leaves them but for
/// their sealed bytes: with `--revoked yes` as revocation leaves them, else in effect.
pub fn rows(options: &Options) -> Result<serde_json::Value> {
    let entries = options.number("entries")?;
    let issuer = options.text("issuer")?;
    let revoked = options.text("revoked")? == "yes";
    let url = options.text("database")?;
    let told = |error: &dyn std::fmt::Display| Fault::new(error.to_string());
    let pool = database::open(url, 1, false).map_err(|error| told(&error))?;
    let mut connection = pool.get().map_err(|error| told(&error))?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| told(&error))?
        .as_micros();
    let not_after = now + 2 * 365 * 86_400 * 1_000_000;
    let sql = Dialect::of(url);
    let (numbers, serial) = (sql.numbers(entries), sql.serial());
    let (half, digest, nothing) = (sql.random(16), sql.random(32), sql.zeros(1));
    let (digit, yes) = (sql.zeros(32), sql.truth(!revoked));
    let table = sql.temporary("seeded (i INTEGER PRIMARY KEY, serial", "NOT NULL)");
    let mut statements = format!(
        "{table};
         INSERT INTO seeded SELECT i, {serial} FROM {numbers};
         INSERT INTO certificate (issuer, serial, state, node, profile, profile_sha256, municipality, not_after,
             key_sha256, application, idempotency_key, wish_sha256, resident, in_effect, tbs, der, reserved_at, ended_at)
         SELECT '{issuer}', serial, 'completed', 'load', 'signature', {digit}, '13101', {not_after},
             {digest}, {half}, {half}, {digest}, {digest}, {yes}, NULL, {nothing}, {now}, {now}
         FROM seeded;"
    );
    if revoked {
        statements += &format!(
            "INSERT INTO revocation (issuer, serial, feed, revoked_at, ground, reason, municipality, not_after)
             SELECT '{issuer}', serial, (SELECT revocations FROM issuer WHERE name = '{issuer}') + i, {now}, 'article9',
                 5, '13101', {not_after}
             FROM seeded;
             UPDATE issuer SET revocations = revocations + {entries} WHERE name = '{issuer}';"
        );
    }
    connection
        .transaction(|connection| connection.batch_execute(&statements))
        .map_err(|error| told(&error))?;
    // As a database stands after a night; SQLite has no need of it.
    if matches!(sql, Dialect::Postgres) && entries > 1_000 {
        connection
            .batch_execute("VACUUM (ANALYZE) certificate, revocation")
            .map_err(|error| told(&error))?;
    }
    Ok(json!({ "entries": entries }))
}

/// What the two databases write differently.
#[derive(Clone, Copy)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    fn of(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            Self::Sqlite
        } else {
            Self::Postgres
        }
    }

    fn numbers(self, count: usize) -> String {
        match self {
            Self::Sqlite => format!(
                "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)"
            ),
            Self::Postgres => format!("generate_series(1, {count}) n(i)"),
        }
    }

    fn random(self, octets: usize) -> String {
        match self {
            Self::Sqlite => format!("randomblob({octets})"),
            Self::Postgres => {
                format!("substring(sha256((gen_random_uuid()::text)::bytea) for {octets})")
            }
        }
    }

    /// A positive number of 16 octets.
    fn serial(self) -> String {
        let random = self.random(15);
        match self {
            Self::Sqlite => format!("CAST(unhex('40') || {random} AS BLOB)"),
            Self::Postgres => format!("'\\x40'::bytea || {random}"),
        }
    }

    fn zeros(self, octets: usize) -> String {
        match self {
            Self::Sqlite => format!("zeroblob({octets})"),
            Self::Postgres => format!("decode(repeat('00', {octets}), 'hex')"),
        }
    }

    fn truth(self, truth: bool) -> &'static str {
        match (self, truth) {
            (Self::Sqlite, true) => "1",
            (Self::Sqlite, false) => "0",
            (Self::Postgres, true) => "true",
            (Self::Postgres, false) => "false",
        }
    }

    fn temporary(self, before: &str, after: &str) -> String {
        match self {
            Self::Sqlite => format!("CREATE TEMP TABLE {before} BLOB {after}"),
            Self::Postgres => format!("CREATE TEMP TABLE {before} BYTEA {after} ON COMMIT DROP"),
        }
    }
}

/// Every so manieth serial of the feed, in hex.
pub fn feed(options: &Options) -> Result<serde_json::Value> {
    use diesel::prelude::*;
    use schema::ca::tables::revocation;
    let told = |error: &dyn std::fmt::Display| Fault::new(error.to_string());
    let pool = database::open(options.text("database")?, 1, false).map_err(|error| told(&error))?;
    let mut connection = pool.get().map_err(|error| told(&error))?;
    let every = options.number("every")? as i64;
    let most: Option<i64> = revocation::table
        .filter(revocation::issuer.eq(options.text("issuer")?))
        .select(diesel::dsl::max(revocation::feed))
        .first(&mut connection)
        .map_err(|error| told(&error))?;
    let wanted: Vec<i64> = (1..)
        .map(|at| at * every)
        .take_while(|at| Some(*at) <= most)
        .collect();
    let serials: Vec<Vec<u8>> = revocation::table
        .filter(revocation::issuer.eq(options.text("issuer")?))
        .filter(revocation::feed.eq_any(wanted))
        .order(revocation::feed)
        .select(revocation::serial)
        .load(&mut connection)
        .map_err(|error| told(&error))?;
    Ok(json!({ "serials": serials.iter().map(hex::encode).collect::<Vec<_>>() }))
}
