//! Audit rows: numbered per node, each MAC covering the row and the node's row before.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    database::AnyConnection,
    on_both,
    ra::{
        rows::{AuditHeadRow, AuditRow},
        tables::{audit, audit_head},
    },
};
use service::audit::{End, Mac, Row};

use super::{Database, Fault, micros};
use crate::port::{AuditEntry, AuditLog, AuditMac, AuditRecord, StoreError};

/// The number of the row that this transaction will write, and the MAC before it.
pub(super) struct Head {
    sequence: i64,
    mac: Vec<u8>,
}

/// Counts up the node's head; its row stays locked until the transaction ends.
pub(super) fn next(connection: &mut AnyConnection, node: &str) -> Result<Head, Fault> {
    // The first row of a node comes into being here, and only once.
    let head = AuditHeadRow {
        node: node.to_owned(),
        sequence: 0,
        mac: vec![0; 32],
    };
    if let Some(head) = count_up(connection, node)? {
        return Ok(head);
    }
    on_both!(connection, |connection| diesel::insert_into(
        audit_head::table
    )
    .values(&head)
    .on_conflict_do_nothing()
    .execute(connection))?;
    count_up(connection, node)?.ok_or(Fault::Stale)
}

fn count_up(connection: &mut AnyConnection, node: &str) -> Result<Option<Head>, Fault> {
    Ok(diesel::update(audit_head::table.find(node))
        .set(audit_head::sequence.eq(audit_head::sequence + 1))
        .returning((audit_head::sequence, audit_head::mac))
        .get_result::<(i64, Vec<u8>)>(connection)
        .optional()?
        .map(|(sequence, mac)| Head { sequence, mac }))
}

/// Writes the row and moves the head's MAC on.
pub(super) fn append(
    connection: &mut AnyConnection,
    node: &str,
    head: Head,
    entry: &AuditEntry,
    now: Timestamp,
    mac: &dyn AuditMac,
) -> Result<(), Fault> {
    let before = <[u8; 32]>::try_from(head.mac.as_slice()).map_err(|_| Fault::Stale)?;
    let mut record = AuditRecord {
        node: node.to_owned(),
        sequence: u64::try_from(head.sequence).map_err(|_| Fault::Stale)?,
        at_us: micros(now),
        act: entry.act.to_owned(),
        outcome: if entry.refused.is_some() {
            "refused"
        } else {
            "done"
        }
        .to_owned(),
        reason: entry.refused.clone(),
        terminal: entry.terminal.map(|id| id.to_string()),
        operator: entry.operator.as_ref().map(ToString::to_string),
        kiosk: entry.kiosk.map(|id| id.to_string()),
        application: entry.application.map(|id| id.to_string()),
        reference: entry.reference.clone(),
        mac: String::new(),
    };
    let covered = record.covered(&before).ok_or(Fault::Stale)?;
    let made = mac.mac(&covered)?;
    record.mac = hex::encode(made);
    diesel::update(audit_head::table.find(node))
        .set(audit_head::mac.eq(made.to_vec()))
        .execute(connection)?;
    diesel::insert_into(audit::table)
        .values(row(record, head.sequence, made))
        .execute(connection)?;
    Ok(())
}

fn row(record: AuditRecord, sequence: i64, mac: Mac) -> AuditRow {
    AuditRow {
        node: record.node,
        sequence,
        at: record.at_us,
        act: record.act,
        outcome: record.outcome,
        reason: record.reason,
        terminal: record.terminal,
        operator: record.operator,
        kiosk: record.kiosk,
        application: record.application,
        reference: record.reference,
        mac: mac.to_vec(),
    }
}

fn record(row: AuditRow) -> Result<AuditRecord, Fault> {
    Ok(AuditRecord {
        node: row.node,
        sequence: u64::try_from(row.sequence).map_err(|_| Fault::Stale)?,
        at_us: row.at,
        act: row.act,
        outcome: row.outcome,
        reason: row.reason,
        terminal: row.terminal,
        operator: row.operator,
        kiosk: row.kiosk,
        application: row.application,
        reference: row.reference,
        mac: hex::encode(row.mac),
    })
}

impl AuditLog for Database {
    fn audit_rows(
        &self,
        after: Option<(&str, u64)>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let mut query = audit::table
            .select(AuditRow::as_select())
            .order((audit::node, audit::sequence))
            .limit(i64::from(limit))
            .into_boxed();
        if let Some((node, sequence)) = after {
            let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
            query = query.filter(
                audit::node.gt(node.to_owned()).or(audit::node
                    .eq(node.to_owned())
                    .and(audit::sequence.gt(sequence))),
            );
        }
        self.read(|connection| query.load(connection)?.into_iter().map(record).collect())
    }

    fn audit_ends(&self) -> Result<Vec<End>, StoreError> {
        self.read(|connection| {
            audit_head::table
                .order(audit_head::node)
                .select(AuditHeadRow::as_select())
                .load(connection)?
                .into_iter()
                .map(|head| {
                    let sequence = u64::try_from(head.sequence).map_err(|_| Fault::Stale)?;
                    let mac = head.mac.try_into().map_err(|_| Fault::Stale)?;
                    Ok((head.node, sequence, mac))
                })
                .collect()
        })
    }
}
