//! The audit chain of one lane: each row carries a MAC over itself and the row
//! before it, under a key that is not in the database.

use std::sync::Arc;

use aws_lc_rs::hmac;
use diesel::prelude::*;
use schema::{
    ca::{
        rows::AuditRow,
        tables::{audit, audit_state},
    },
    database::AnyConnection,
    on_both,
};
use service::audit::Mac;

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

/// One lane's chain, read afresh from the database at the start of each
/// transaction: another process of the same node may have written in between.
pub struct Chain {
    lane: String,
    key: Arc<AuditMac>,
    stored: Option<Mark>,
    now: Mark,
}

impl Chain {
    pub fn new(lane: String, key: Arc<AuditMac>) -> Self {
        Self {
            lane,
            key,
            stored: None,
            now: Mark::default(),
        }
    }

    /// Lock the lane's state and read it, making it at the very first time.
    pub fn begin(&mut self, connection: &mut AnyConnection) -> QueryResult<()> {
        if let AnyConnection::Postgres(connection) = connection {
            diesel::sql_query("SELECT 1 FROM audit_state WHERE lane = $1 FOR UPDATE")
                .bind::<diesel::sql_types::Text, _>(&self.lane)
                .execute(connection)?;
        }
        let found: Option<(i64, Vec<u8>)> = audit_state::table
            .find(&self.lane)
            .select((audit_state::sequence, audit_state::mac))
            .first(connection)
            .optional()?;
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
        self.stored = Some(mark);
        self.now = mark;
        Ok(())
    }

    pub fn append(
        &mut self,
        connection: &mut AnyConnection,
        entry: &AuditEntry,
    ) -> QueryResult<()> {
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
        diesel::insert_into(audit::table)
            .values(&row)
            .execute(connection)?;
        self.now = Mark {
            sequence: row.sequence,
            mac,
        };
        Ok(())
    }

    pub fn mark(&self) -> Mark {
        self.now
    }

    pub fn back_to(&mut self, mark: Mark) {
        self.now = mark;
    }

    /// Write the new end of the chain, once per transaction.
    pub fn write_state(&mut self, connection: &mut AnyConnection) -> QueryResult<()> {
        if self
            .stored
            .is_some_and(|stored| stored.sequence == self.now.sequence)
        {
            return Ok(());
        }
        diesel::update(audit_state::table.find(&self.lane))
            .set((
                audit_state::sequence.eq(self.now.sequence),
                audit_state::mac.eq(self.now.mac.to_vec()),
            ))
            .execute(connection)?;
        Ok(())
    }

    /// After a rollback: what was in memory is not what is stored.
    pub fn forget(&mut self) {
        self.stored = None;
        self.now = Mark::default();
    }
}
