//! Orders about kept papers, and the papers that are held.

use diesel::prelude::*;
use pki_core::{
    id::PaperId, kept_paper::order::PaperOrder, person::municipality::MunicipalityCode,
};
use schema::{
    database::AnyConnection,
    ra::{
        kept_paper::{KeptPaperRow, kept_paper},
        paper_order::{PaperOrderRow, paper_order},
    },
};

use super::{Database, Fault, all, approval, kept_paper::from_row, micros, parsed, time};
use crate::port::{AdvanceError, AuditEntry, GivenOrder, PaperOrders, StoreError, StoredPaper};

const WHAT: &str = "paper order";

fn order_of(row: PaperOrderRow) -> Result<GivenOrder, StoreError> {
    Ok(GivenOrder {
        approval: parsed(&row.approval, WHAT)?,
        paper: parsed(&row.paper, WHAT)?,
        municipality: parsed(&row.municipality, WHAT)?,
        order: PaperOrder::parse(&row.kind).ok_or(StoreError::Unreadable(WHAT))?,
        reason: row.reason,
        by: parsed(&row.given_by, WHAT)?,
        approved_by: parsed(&row.approved_by, WHAT)?,
        at: time(row.given_at)?,
    })
}

fn give(connection: &mut AnyConnection, given: &GivenOrder) -> Result<(), Fault> {
    approval::spend(connection, &given.approval, &given.by, given.at)?;
    let paper = kept_paper::table
        .find(given.paper.to_string())
        .filter(kept_paper::municipality.eq(given.municipality.to_string()));
    let at = micros(given.at);
    let changed = match given.order {
        PaperOrder::Hold => diesel::update(paper.filter(kept_paper::held_at.is_null()))
            .set((
                kept_paper::held_by.eq(Some(given.by.to_string())),
                kept_paper::held_at.eq(Some(at)),
                kept_paper::hold_reason.eq(Some(given.reason.clone())),
            ))
            .execute(connection)?,
        PaperOrder::Release => diesel::update(paper.filter(kept_paper::held_at.is_not_null()))
            .set((
                kept_paper::held_by.eq(None::<String>),
                kept_paper::held_at.eq(None::<i64>),
                kept_paper::hold_reason.eq(None::<Vec<u8>>),
            ))
            .execute(connection)?,
    };
    if changed != 1 {
        return Err(Fault::Stale);
    }
    diesel::insert_into(paper_order::table)
        .values(&PaperOrderRow {
            approval: given.approval.to_string(),
            paper: given.paper.to_string(),
            municipality: given.municipality.to_string(),
            kind: given.order.as_str().to_owned(),
            reason: given.reason.clone(),
            given_by: given.by.to_string(),
            approved_by: given.approved_by.to_string(),
            given_at: at,
        })
        .execute(connection)?;
    Ok(())
}

impl PaperOrders for Database {
    fn order_paper(&self, order: &GivenOrder, audit: &AuditEntry) -> Result<(), AdvanceError> {
        self.audited(audit, order.at, |c, _| give(c, order))
            .map_err(Fault::into_advance)
    }

    fn paper_orders(
        &self,
        paper: &PaperId,
        municipality: &MunicipalityCode,
    ) -> Result<Vec<GivenOrder>, StoreError> {
        self.read(|c| {
            all(
                paper_order::table
                    .filter(paper_order::paper.eq(paper.to_string()))
                    .filter(paper_order::municipality.eq(municipality.to_string()))
                    .order(paper_order::given_at)
                    .select(PaperOrderRow::as_select())
                    .load(c)?,
                order_of,
            )
        })
    }

    fn held_papers(
        &self,
        municipality: &MunicipalityCode,
        limit: u32,
    ) -> Result<Vec<StoredPaper>, StoreError> {
        self.read(|c| {
            all(
                kept_paper::table
                    .filter(kept_paper::municipality.eq(municipality.to_string()))
                    .filter(kept_paper::held_at.is_not_null())
                    .order(kept_paper::held_at)
                    .limit(i64::from(limit))
                    .select(KeptPaperRow::as_select())
                    .load(c)?,
                from_row,
            )
        })
    }
}
