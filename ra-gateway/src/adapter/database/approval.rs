//! Approvals: asked for, decided once, spent once.

use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{
    approval::{Approval, Standing},
    id::{ApprovalId, OperatorId, Sha256Digest},
    person::municipality::MunicipalityCode,
};
use schema::{
    database::AnyConnection,
    ra::approval::{ApprovalRow, approval},
};

use super::{Database, Fault, digest, micros, parsed, time};
use crate::port::{Approvals, AuditEntry, Decision, StoreError, StoredApproval};

const WHAT: &str = "approval";

fn from_row(row: ApprovalRow) -> Result<StoredApproval, StoreError> {
    Ok(StoredApproval {
        approval: Approval {
            id: parsed(&row.id, WHAT)?,
            municipality: parsed(&row.municipality, WHAT)?,
            act: parsed(&row.act, WHAT)?,
            application: row.application.map(|id| parsed(&id, WHAT)).transpose()?,
            subject_sha256: Sha256Digest::from_bytes(digest(&row.subject_sha256)?),
            requested_by: parsed(&row.requested_by, WHAT)?,
            requested_at: time(row.requested_at)?,
            expires_at: time(row.expires_at)?,
            standing: Standing::parse(&row.standing).ok_or(StoreError::Unreadable(WHAT))?,
            decided_by: row.decided_by.map(|id| parsed(&id, WHAT)).transpose()?,
        },
        sealed: row.sealed,
    })
}

fn request(connection: &mut AnyConnection, new: &StoredApproval, most: u32) -> Result<bool, Fault> {
    let asked = &new.approval;
    let waiting: i64 = approval::table
        .filter(approval::municipality.eq(asked.municipality.to_string()))
        .filter(approval::standing.eq(Standing::Waiting.as_str()))
        .filter(approval::expires_at.gt(micros(asked.requested_at)))
        .count()
        .get_result(connection)?;
    if waiting >= i64::from(most) {
        return Ok(false);
    }
    diesel::insert_into(approval::table)
        .values(&ApprovalRow {
            id: asked.id.to_string(),
            municipality: asked.municipality.to_string(),
            act: asked.act.to_string(),
            application: asked.application.map(|id| id.to_string()),
            subject_sha256: asked.subject_sha256.as_bytes().to_vec(),
            sealed: new.sealed.clone(),
            requested_by: asked.requested_by.to_string(),
            requested_at: micros(asked.requested_at),
            expires_at: micros(asked.expires_at),
            standing: asked.standing.as_str().to_owned(),
            decided_by: None,
            decided_at: None,
            statement: None,
            signature: None,
            spent_by: None,
            spent_at: None,
        })
        .execute(connection)?;
    Ok(true)
}

fn decide(connection: &mut AnyConnection, decision: &Decision) -> Result<bool, Fault> {
    let id = decision.approval.id.to_string();
    let changed = diesel::update(
        approval::table
            .find(id)
            .filter(approval::standing.eq(Standing::Waiting.as_str()))
            .filter(approval::expires_at.gt(micros(decision.at))),
    )
    .set((
        approval::standing.eq(decision.approval.standing.as_str()),
        approval::decided_by.eq(Some(decision.by.to_string())),
        approval::decided_at.eq(Some(micros(decision.at))),
        approval::statement.eq(Some(&decision.statement)),
        approval::signature.eq(Some(&decision.signature)),
    ))
    .execute(connection)?;
    Ok(changed == 1)
}

/// Uses an approval up, inside the transaction of the act that needs it.
pub(super) fn spend(
    connection: &mut AnyConnection,
    id: &ApprovalId,
    by: &OperatorId,
    now: Timestamp,
) -> Result<(), Fault> {
    let changed = diesel::update(
        approval::table
            .find(id.to_string())
            .filter(approval::standing.eq(Standing::Approved.as_str()))
            .filter(approval::expires_at.gt(micros(now)))
            .filter(approval::decided_by.ne(by.to_string())),
    )
    .set((
        approval::standing.eq(Standing::Spent.as_str()),
        approval::spent_by.eq(Some(by.to_string())),
        approval::spent_at.eq(Some(micros(now))),
    ))
    .execute(connection)?;
    if changed == 1 {
        Ok(())
    } else {
        Err(Fault::Stale)
    }
}

impl Approvals for Database {
    fn request_approval(
        &self,
        new: &StoredApproval,
        most: u32,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        self.audited(audit, new.approval.requested_at, |c, entry| {
            let kept = request(c, new, most)?;
            if !kept {
                entry.refused = Some("approvals-full".to_owned());
            }
            Ok(kept)
        })
        .map_err(Fault::into_store)
    }

    fn approval(
        &self,
        id: &ApprovalId,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredApproval>, StoreError> {
        self.read(|c| {
            approval::table
                .find(id.to_string())
                .filter(approval::municipality.eq(municipality.to_string()))
                .select(ApprovalRow::as_select())
                .first(c)
                .optional()?
                .map(from_row)
                .transpose()
                .map_err(Fault::from)
        })
    }

    fn approvals(
        &self,
        municipality: &MunicipalityCode,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredApproval>, StoreError> {
        self.read(|c| {
            let rows: Vec<ApprovalRow> = approval::table
                .filter(approval::municipality.eq(municipality.to_string()))
                .filter(approval::requested_at.ge(micros(since)))
                .order(approval::requested_at.desc())
                .limit(i64::from(limit))
                .select(ApprovalRow::as_select())
                .load(c)?;
            Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
        })
    }

    fn decide_approval(&self, decision: &Decision, audit: &AuditEntry) -> Result<bool, StoreError> {
        self.audited(audit, decision.at, |c, entry| {
            let written = decide(c, decision)?;
            if !written {
                entry.refused = Some("approval-invalid".to_owned());
            }
            Ok(written)
        })
        .map_err(Fault::into_store)
    }
}
