//! Kept papers and the record of deletions.

use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{calendar::JapaneseDay, id::PaperId, person::municipality::MunicipalityCode};
use schema::{
    database::AnyConnection,
    ra::kept_paper::{
        KeptPaperChunkRow, KeptPaperRow, PaperDeletionRow, kept_paper, kept_paper_chunk,
        paper_deletion,
    },
};

use super::{Database, Fault, all, micros, parsed, time};
use crate::port::{AuditEntry, Kept, KeptPapers, PaperHold, PaperSubject, StoreError, StoredPaper};

const WHAT: &str = "paper";
/// Most papers of one application or notice that are listed.
const MOST: i64 = 200;

fn named(subject: &PaperSubject) -> (&'static str, String) {
    match subject {
        PaperSubject::Application(id) => ("application", id.to_string()),
        PaperSubject::Notice(id) => ("notice", id.to_string()),
    }
}

fn number<T: TryFrom<I>, I>(value: I) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Unreadable(WHAT))
}

pub(super) fn from_row(row: KeptPaperRow) -> Result<StoredPaper, StoreError> {
    let hold = match (row.held_by, row.held_at, row.hold_reason) {
        (Some(by), Some(at), Some(reason)) => Some(PaperHold {
            by: parsed(&by, WHAT)?,
            at: time(at)?,
            reason,
        }),
        _ => None,
    };
    Ok(StoredPaper {
        id: parsed(&row.id, WHAT)?,
        municipality: parsed(&row.municipality, WHAT)?,
        idempotency_key: parsed(&row.idempotency_key, WHAT)?,
        subject: match row.subject.as_str() {
            "application" => PaperSubject::Application(parsed(&row.subject_id, WHAT)?),
            "notice" => PaperSubject::Notice(parsed(&row.subject_id, WHAT)?),
            _ => return Err(StoreError::Unreadable(WHAT)),
        },
        kind: row.kind,
        media: row.media,
        bytes: number(row.bytes)?,
        pages: number(row.pages)?,
        chunks: number(row.chunks)?,
        terminal: parsed(&row.terminal, WHAT)?,
        operator: parsed(&row.operator, WHAT)?,
        received_at: time(row.received_at)?,
        due_on: parsed(&row.due_on, WHAT)?,
        hold,
    })
}

fn insert(
    connection: &mut AnyConnection,
    paper: &StoredPaper,
    chunks: &[Vec<u8>],
) -> Result<(), Fault> {
    let (subject, subject_id) = named(&paper.subject);
    diesel::insert_into(kept_paper::table)
        .values(&KeptPaperRow {
            id: paper.id.to_string(),
            municipality: paper.municipality.to_string(),
            idempotency_key: paper.idempotency_key.to_string(),
            subject: subject.to_owned(),
            subject_id,
            kind: paper.kind.clone(),
            media: paper.media.clone(),
            bytes: number(paper.bytes)?,
            pages: number(paper.pages)?,
            chunks: number(paper.chunks)?,
            terminal: paper.terminal.to_string(),
            operator: paper.operator.to_string(),
            received_at: micros(paper.received_at),
            due_on: paper.due_on.to_string(),
            held_by: None,
            held_at: None,
            hold_reason: None,
        })
        .execute(connection)?;
    for (place, sealed) in chunks.iter().enumerate() {
        diesel::insert_into(kept_paper_chunk::table)
            .values(&KeptPaperChunkRow {
                paper: paper.id.to_string(),
                number: number(place)?,
                sealed: sealed.clone(),
            })
            .execute(connection)?;
    }
    Ok(())
}

fn by_key(
    connection: &mut AnyConnection,
    paper: &StoredPaper,
) -> Result<Option<StoredPaper>, Fault> {
    kept_paper::table
        .filter(kept_paper::idempotency_key.eq(paper.idempotency_key.to_string()))
        .select(KeptPaperRow::as_select())
        .first(connection)
        .optional()?
        .map(from_row)
        .transpose()
        .map_err(Fault::from)
}

fn delete(
    connection: &mut AnyConnection,
    paper: &StoredPaper,
    rule: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let id = paper.id.to_string();
    diesel::delete(kept_paper_chunk::table.filter(kept_paper_chunk::paper.eq(&id)))
        .execute(connection)?;
    let deleted = diesel::delete(
        kept_paper::table
            .find(&id)
            .filter(kept_paper::held_at.is_null()),
    )
    .execute(connection)?;
    if deleted != 1 {
        // Held or deleted meanwhile: its chunks come back with the transaction.
        return Err(Fault::Stale);
    }
    let (subject, subject_id) = named(&paper.subject);
    diesel::insert_into(paper_deletion::table)
        .values(&PaperDeletionRow {
            paper: id,
            municipality: paper.municipality.to_string(),
            subject: subject.to_owned(),
            subject_id,
            kind: paper.kind.clone(),
            rule: rule.to_owned(),
            due_on: paper.due_on.to_string(),
            deleted_at: micros(now),
        })
        .execute(connection)?;
    Ok(())
}

impl KeptPapers for Database {
    fn keep_paper(
        &self,
        paper: &StoredPaper,
        chunks: &[Vec<u8>],
        audit: &AuditEntry,
    ) -> Result<Kept, StoreError> {
        let kept = self.audited(audit, paper.received_at, |c, entry| {
            if let Some(known) = by_key(c, paper)? {
                entry.reference = Some(format!("repeated {}", known.id));
                return Ok(Kept::Known(Box::new(known)));
            }
            insert(c, paper, chunks)?;
            Ok(Kept::New)
        });
        match kept {
            // Another node stored the same wish between our look and our insert.
            Err(Fault::Taken) => self
                .read(|c| by_key(c, paper))?
                .map(|known| Kept::Known(Box::new(known)))
                .ok_or_else(|| StoreError::Query("a paper id was drawn twice".into())),
            other => other.map_err(Fault::into_store),
        }
    }

    fn papers_of(
        &self,
        subject: &PaperSubject,
        municipality: &MunicipalityCode,
    ) -> Result<Vec<StoredPaper>, StoreError> {
        let (subject, subject_id) = named(subject);
        self.read(|c| {
            all(
                kept_paper::table
                    .filter(kept_paper::municipality.eq(municipality.to_string()))
                    .filter(kept_paper::subject.eq(subject))
                    .filter(kept_paper::subject_id.eq(subject_id))
                    .order(kept_paper::received_at)
                    .limit(MOST)
                    .select(KeptPaperRow::as_select())
                    .load(c)?,
                from_row,
            )
        })
    }

    fn paper(
        &self,
        id: &PaperId,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredPaper>, StoreError> {
        self.read(|c| {
            kept_paper::table
                .find(id.to_string())
                .filter(kept_paper::municipality.eq(municipality.to_string()))
                .select(KeptPaperRow::as_select())
                .first(c)
                .optional()?
                .map(from_row)
                .transpose()
                .map_err(Fault::from)
        })
    }

    fn paper_chunks(&self, id: &PaperId) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|c| {
            Ok(kept_paper_chunk::table
                .filter(kept_paper_chunk::paper.eq(id.to_string()))
                .order(kept_paper_chunk::number)
                .select(kept_paper_chunk::sealed)
                .load(c)?)
        })
    }

    fn papers_due(&self, today: JapaneseDay, limit: u32) -> Result<Vec<StoredPaper>, StoreError> {
        self.read(|c| {
            all(
                kept_paper::table
                    .filter(kept_paper::due_on.le(today.to_string()))
                    .filter(kept_paper::held_at.is_null())
                    .order(kept_paper::due_on)
                    .limit(i64::from(limit))
                    .select(KeptPaperRow::as_select())
                    .load(c)?,
                from_row,
            )
        })
    }

    fn postpone_paper(&self, id: &PaperId, due_on: JapaneseDay) -> Result<(), StoreError> {
        self.write(|c| {
            diesel::update(kept_paper::table.find(id.to_string()))
                .set(kept_paper::due_on.eq(due_on.to_string()))
                .execute(c)?;
            Ok(())
        })
    }

    fn delete_paper(
        &self,
        paper: &StoredPaper,
        rule: &str,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        match self.audited(audit, now, |c, _| delete(c, paper, rule, now)) {
            Ok(()) => Ok(true),
            Err(Fault::Stale) => Ok(false),
            Err(fault) => Err(fault.into_store()),
        }
    }
}
