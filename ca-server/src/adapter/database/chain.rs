//! The audit chain of one lane: each row carries a MAC over itself and the row
//! before it, under a key that is not in the database.

use std::sync::Arc;

use aws_lc_rs::hmac;
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Text},
};
use schema::{
    ca::{rows::AuditRow, tables::audit_state},
    database::AnyConnection,
    on_both,
};
use service::audit::Mac;

use super::prepared::prepared;
use crate::port::store::AuditEntry;

/// The key of the audit chain.
pub struct AuditMac(hmac::Key);

impl AuditMac {
    /// From the 32 bytes of the key file.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// MAC of what a row covers.
    pub fn of(&self, covered: &[u8]) -> Mac {
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&self.0, covered).as_ref());
        mac
    }
}

/// What a row's MAC covers when it follows one with MAC `before` (zeros for the first).
/// Each field is preceded by its length, so no two rows read the same.
pub fn covered(before: &Mac, row: &AuditRow) -> Vec<u8> {
    let mut bytes = b"jitsuin-audit-v1\0".to_vec();
    bytes.extend_from_slice(before);
    bytes.extend_from_slice(&row.sequence.to_be_bytes());
    bytes.extend_from_slice(&row.at.to_be_bytes());
    for field in [
        &row.lane,
        &row.event,
        &row.outcome,
        &row.actor,
        &row.subject,
        &row.detail,
    ] {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field.as_bytes());
    }
    bytes
}

/// Where a chain stands.
#[derive(Clone, Copy, Default)]
pub struct Mark {
    sequence: i64,
    mac: Mac,
}

prepared! {
    /// Rows of one lane, and where its chain ends then.
    AppendRows on PgConnection {
        lane: &'a str => Text,
        sequence: Vec<i64> => Array<BigInt>,
        at: Vec<i64> => Array<BigInt>,
        event: Vec<&'a str> => Array<Text>,
        outcome: Vec<&'a str> => Array<Text>,
        actor: Vec<&'a str> => Array<Text>,
        subject: Vec<&'a str> => Array<Text>,
        detail: Vec<&'a str> => Array<Text>,
        mac: Vec<&'a [u8]> => Array<Binary>,
        end_sequence: i64 => BigInt,
        end_mac: &'a [u8] => Binary,
        end_lane: &'a str => Text,
    } -> () = "WITH appended AS (INSERT INTO audit (lane, sequence, at, event, outcome, actor, \
            subject, detail, mac) SELECT ?, row.* FROM unnest(?, ?, ?, ?, ?, ?, ?, ?) AS row) \
        UPDATE audit_state SET sequence = ?, mac = ? WHERE lane = ?"
}

prepared! {
    /// One row of a lane.
    AppendRow on SqliteConnection {
        lane: &'a str => Text,
        sequence: i64 => BigInt,
        at: i64 => BigInt,
        event: &'a str => Text,
        outcome: &'a str => Text,
        actor: &'a str => Text,
        subject: &'a str => Text,
        detail: &'a str => Text,
        mac: &'a [u8] => Binary,
    } -> () = "INSERT INTO audit (lane, sequence, at, event, outcome, actor, subject, detail, mac) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
}

prepared! {
    /// Where the chain of a lane ends.
    SetEnd on SqliteConnection {
        sequence: i64 => BigInt,
        mac: &'a [u8] => Binary,
        lane: &'a str => Text,
    } -> () = "UPDATE audit_state SET sequence = ?, mac = ? WHERE lane = ?"
}

/// One lane's chain, read afresh from the database at the start of each
/// transaction: another process of the same node may have written in between.
pub struct Chain {
    lane: String,
    key: Arc<AuditMac>,
    /// Not yet written.
    rows: Vec<AuditRow>,
    now: Mark,
}

impl Chain {
    pub fn new(lane: String, key: Arc<AuditMac>) -> Self {
        Self {
            lane,
            key,
            rows: Vec::new(),
            now: Mark::default(),
        }
    }

    /// Lock the lane's state and read it, making it at the very first time.
    pub fn begin(&mut self, connection: &mut AnyConnection) -> QueryResult<()> {
        let state = audit_state::table
            .find(&self.lane)
            .select((audit_state::sequence, audit_state::mac));
        let found: Option<(i64, Vec<u8>)> = match connection {
            AnyConnection::Postgres(connection) => {
                state.for_update().first(connection).optional()?
            }
            // The transaction has the whole database.
            AnyConnection::Sqlite(connection) => state.first(connection).optional()?,
        };
        let mark = match found {
            Some((sequence, mac)) => Mark {
                sequence,
                mac: mac
                    .try_into()
                    .map_err(|_| diesel::result::Error::RollbackTransaction)?,
            },
            None => {
                // Two processes at their first row: the second waits here for the first.
                let row = (
                    audit_state::lane.eq(&self.lane),
                    audit_state::sequence.eq(0),
                    audit_state::mac.eq(vec![0; 32]),
                );
                on_both!(connection, |connection| diesel::insert_into(
                    audit_state::table
                )
                .values(row)
                .execute(connection))?;
                Mark::default()
            }
        };
        self.rows.clear();
        self.now = mark;
        Ok(())
    }

    /// Put a row behind the others; it is written with them ([`Chain::write`]).
    pub fn append(&mut self, entry: &AuditEntry) {
        let mut row = AuditRow {
            lane: self.lane.clone(),
            sequence: self.now.sequence + 1,
            at: entry.at.as_microsecond(),
            event: entry.event.to_owned(),
            outcome: entry.outcome.clone(),
            actor: entry.actor.clone(),
            subject: entry.subject.clone(),
            detail: entry.detail.to_string(),
            mac: Vec::new(),
        };
        let mac = self.key.of(&covered(&self.now.mac, &row));
        row.mac = mac.to_vec();
        self.now = Mark {
            sequence: row.sequence,
            mac,
        };
        self.rows.push(row);
    }

    pub fn mark(&self) -> Mark {
        self.now
    }

    /// Forget the rows since then.
    pub fn back_to(&mut self, mark: Mark) {
        self.rows.retain(|row| row.sequence <= mark.sequence);
        self.now = mark;
    }

    /// Write the rows and the new end of the chain, once per transaction.
    pub fn write(&mut self, connection: &mut AnyConnection) -> QueryResult<()> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        match connection {
            AnyConnection::Postgres(connection) => self.write_on_postgres(connection, &rows),
            AnyConnection::Sqlite(connection) => self.write_on_sqlite(connection, &rows),
        }
    }

    fn write_on_postgres(
        &self,
        connection: &mut PgConnection,
        rows: &[AuditRow],
    ) -> QueryResult<()> {
        fn column<'a, T>(rows: &'a [AuditRow], of: impl Fn(&'a AuditRow) -> T) -> Vec<T> {
            rows.iter().map(of).collect()
        }
        AppendRows {
            lane: &self.lane,
            sequence: column(rows, |row| row.sequence),
            at: column(rows, |row| row.at),
            event: column(rows, |row| &row.event[..]),
            outcome: column(rows, |row| &row.outcome[..]),
            actor: column(rows, |row| &row.actor[..]),
            subject: column(rows, |row| &row.subject[..]),
            detail: column(rows, |row| &row.detail[..]),
            mac: column(rows, |row| &row.mac[..]),
            end_sequence: self.now.sequence,
            end_mac: &self.now.mac,
            end_lane: &self.lane,
        }
        .execute(connection)
        .map(drop)
    }

    fn write_on_sqlite(
        &self,
        connection: &mut SqliteConnection,
        rows: &[AuditRow],
    ) -> QueryResult<()> {
        for row in rows {
            AppendRow {
                lane: &row.lane,
                sequence: row.sequence,
                at: row.at,
                event: &row.event,
                outcome: &row.outcome,
                actor: &row.actor,
                subject: &row.subject,
                detail: &row.detail,
                mac: &row.mac,
            }
            .execute(connection)?;
        }
        SetEnd {
            sequence: self.now.sequence,
            mac: &self.now.mac,
            lane: &self.lane,
        }
        .execute(connection)
        .map(drop)
    }

    /// After a rollback: what was in memory is not what is stored.
    pub fn forget(&mut self) {
        self.rows.clear();
        self.now = Mark::default();
    }
}
