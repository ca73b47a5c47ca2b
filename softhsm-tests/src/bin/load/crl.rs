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

/// Puts `--entries` revoked certificates of `--issuer` into the tables of `--database`, as revocation leaves
/// them but for the certificates' sealed bytes.
pub fn revoked(options: &Options) -> Result<serde_json::Value> {
    let entries = options.number("entries")?;
    let issuer = options.text("issuer")?;
    let told = |error: &dyn std::fmt::Display| Fault::new(error.to_string());
    let pool = database::open(options.text("database")?, 1, false).map_err(|error| told(&error))?;
    let mut connection = pool.get().map_err(|error| told(&error))?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| told(&error))?
        .as_micros();
    let not_after = now + 2 * 365 * 86_400 * 1_000_000;
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {entries})"
    );
    connection
        .transaction(|connection| {
            connection.batch_execute(&format!(
                "CREATE TEMP TABLE seeded (i INTEGER PRIMARY KEY, serial BLOB NOT NULL);
                 {numbers} INSERT INTO seeded SELECT i, CAST(unhex('40') || randomblob(15) AS BLOB) FROM n;
                 INSERT INTO certificate (issuer, serial, state, node, profile, profile_sha256, municipality, not_after,
                     key_sha256, application, idempotency_key, wish_sha256, resident, in_effect, tbs, der, reserved_at, ended_at)
                 SELECT '{issuer}', serial, 'completed', 'load', 'signature', zeroblob(32), '13101', {not_after},
                     randomblob(32), randomblob(16), randomblob(16), randomblob(32), randomblob(32), 0, NULL, zeroblob(1), {now}, {now}
                 FROM seeded;
                 INSERT INTO revocation (issuer, serial, feed, revoked_at, ground, reason, municipality, not_after)
                 SELECT '{issuer}', serial, (SELECT revocations FROM issuer WHERE name = '{issuer}') + i, {now}, 'article9', 5, '13101', {not_after}
                 FROM seeded;
                 UPDATE issuer SET revocations = revocations + {entries} WHERE name = '{issuer}';"
            ))
        })
        .map_err(|error| told(&error))?;
    Ok(json!({ "entries": entries }))
}
