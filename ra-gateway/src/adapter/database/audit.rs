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

use super::{Fault, micros};
use crate::port::{AuditEntry, AuditMac};

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
    let mut row = AuditRow {
        node: node.to_owned(),
        sequence: head.sequence,
        at: micros(now),
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
        mac: Vec::new(),
    };
    row.mac = mac.mac(&encoded(&row, &head.mac))?.to_vec();
    diesel::update(audit_head::table.find(node))
        .set(audit_head::mac.eq(&row.mac))
        .execute(connection)?;
    diesel::insert_into(audit::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}

/// What the MAC covers: every column with its length before it (absent ones apart
/// from empty ones), then the MAC of the row before.
pub(super) fn encoded(row: &AuditRow, before: &[u8]) -> Vec<u8> {
    let mut bytes = b"jitsuin-ra-audit-v1\0".to_vec();
    let mut text = |value: Option<&str>| match value {
        None => bytes.push(0),
        Some(value) => {
            bytes.push(1);
            bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
            bytes.extend_from_slice(value.as_bytes());
        }
    };
    text(Some(&row.node));
    text(Some(&row.sequence.to_string()));
    text(Some(&row.at.to_string()));
    text(Some(&row.act));
    text(Some(&row.outcome));
    for column in [
        &row.reason,
        &row.terminal,
        &row.operator,
        &row.kiosk,
        &row.application,
        &row.reference,
    ] {
        text(column.as_deref());
    }
    bytes.extend_from_slice(before);
    bytes
}
