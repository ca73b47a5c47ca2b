//! Notices about a card, and finding certificates.

use diesel::prelude::*;
use pki_core::{
    certificate::CheckCode,
    id::{ApplicationId, CardId, IdempotencyKey, NoticeId},
    person::municipality::MunicipalityCode,
};
use schema::{
    database::AnyConnection,
    on_both,
    ra::{
        notice::{CheckCodeRow, NoticeRow, check_code, notice},
        rows::ApplicationRow,
        tables::{application, visit},
    },
};

use super::{Database, Fault, all, application::from_row as application_of, micros, parsed, time};
use crate::port::{
    AdvanceError, AuditEntry, NoticeChange, NoticeStore, OpenedNotice, StoreError,
    StoredApplication, StoredNotice,
};

/// Most notices or applications of one card or person that are looked at.
const MOST: i64 = 50;

fn from_row(row: NoticeRow) -> Result<StoredNotice, StoreError> {
    const WHAT: &str = "notice";
    Ok(StoredNotice {
        id: parsed(&row.id, WHAT)?,
        municipality: parsed(&row.municipality, WHAT)?,
        idempotency_key: parsed(&row.idempotency_key, WHAT)?,
        service: row.service,
        step: row.step,
        open: row.open,
        version: row
            .version
            .try_into()
            .map_err(|_| StoreError::Unreadable(WHAT))?,
        application: parsed(&row.application, WHAT)?,
        card: parsed(&row.card, WHAT)?,
        terminal: parsed(&row.terminal, WHAT)?,
        operator: parsed(&row.operator, WHAT)?,
        opened_at: time(row.opened_at)?,
        changed_at: time(row.changed_at)?,
        sealed: row.sealed,
    })
}

fn by_key(
    connection: &mut AnyConnection,
    key: &IdempotencyKey,
) -> Result<Option<StoredNotice>, Fault> {
    notice::table
        .filter(notice::idempotency_key.eq(key.to_string()))
        .select(NoticeRow::as_select())
        .first(connection)
        .optional()?
        .map(from_row)
        .transpose()
        .map_err(Fault::from)
}

fn insert(connection: &mut AnyConnection, new: &StoredNotice) -> Result<(), Fault> {
    diesel::insert_into(notice::table)
        .values(&NoticeRow {
            id: new.id.to_string(),
            municipality: new.municipality.to_string(),
            idempotency_key: new.idempotency_key.to_string(),
            service: new.service.clone(),
            step: new.step.clone(),
            open: new.open,
            version: i64::try_from(new.version).map_err(|_| StoreError::Unreadable("version"))?,
            application: new.application.to_string(),
            card: new.card.to_string(),
            terminal: new.terminal.to_string(),
            operator: new.operator.to_string(),
            opened_at: micros(new.opened_at),
            changed_at: micros(new.changed_at),
            sealed: new.sealed.clone(),
        })
        .execute(connection)?;
    Ok(())
}

/// Changes a notice only if it is still at the version that was read.
fn advance(connection: &mut AnyConnection, change: &NoticeChange) -> Result<(), Fault> {
    let expected = i64::try_from(change.expected).map_err(|_| Fault::Stale)?;
    let changed = diesel::update(
        notice::table
            .find(change.id.to_string())
            .filter(notice::municipality.eq(change.municipality.to_string()))
            .filter(notice::version.eq(expected)),
    )
    .set((
        notice::step.eq(&change.step),
        notice::open.eq(change.open),
        notice::version.eq(expected + 1),
        notice::changed_at.eq(micros(change.now)),
        notice::sealed.eq(&change.sealed),
    ))
    .execute(connection)?;
    if changed == 1 {
        Ok(())
    } else {
        Err(Fault::Stale)
    }
}

/// Notes the code on the printed copy of an application's certificate.
pub(super) fn note_check_code(
    connection: &mut AnyConnection,
    application: &ApplicationId,
    code: &CheckCode,
) -> Result<(), Fault> {
    let row = CheckCodeRow {
        application: application.to_string(),
        code: code.to_string(),
    };
    on_both!(connection, |connection| diesel::insert_into(
        check_code::table
    )
    .values(&row)
    .on_conflict_do_nothing()
    .execute(connection))?;
    Ok(())
}

fn list(
    connection: &mut AnyConnection,
    municipality: &MunicipalityCode,
    open_only: bool,
    limit: u32,
) -> Result<Vec<StoredNotice>, Fault> {
    let mut query = notice::table
        .filter(notice::municipality.eq(municipality.to_string()))
        .order(notice::opened_at.desc())
        .limit(i64::from(limit))
        .select(NoticeRow::as_select())
        .into_boxed();
    if open_only {
        query = query.filter(notice::open.eq(true));
    }
    all(query.load(connection)?, from_row)
}

impl NoticeStore for Database {
    fn open_notice(
        &self,
        new: &StoredNotice,
        audit: &AuditEntry,
    ) -> Result<OpenedNotice, StoreError> {
        let opened = self.audited(audit, new.opened_at, |c, entry| {
            if let Some(known) = by_key(c, &new.idempotency_key)? {
                entry.application = Some(known.application);
                entry.reference = Some(format!("repeated {}", known.id));
                return Ok(OpenedNotice::Known(Box::new(known)));
            }
            insert(c, new)?;
            Ok(OpenedNotice::New)
        });
        match opened {
            // Another node stored the same wish between our look and our insert.
            Err(Fault::Taken) => self
                .read(|c| by_key(c, &new.idempotency_key))?
                .map(|known| OpenedNotice::Known(Box::new(known)))
                .ok_or_else(|| StoreError::Query("a notice id was drawn twice".into())),
            other => other.map_err(Fault::into_store),
        }
    }

    fn notice(
        &self,
        id: &NoticeId,
        municipality: &MunicipalityCode,
    ) -> Result<Option<StoredNotice>, StoreError> {
        self.read(|c| {
            notice::table
                .find(id.to_string())
                .filter(notice::municipality.eq(municipality.to_string()))
                .select(NoticeRow::as_select())
                .first(c)
                .optional()?
                .map(from_row)
                .transpose()
                .map_err(Fault::from)
        })
    }

    fn notices(
        &self,
        municipality: &MunicipalityCode,
        open_only: bool,
        limit: u32,
    ) -> Result<Vec<StoredNotice>, StoreError> {
        self.read(|c| list(c, municipality, open_only, limit))
    }

    fn notices_about(&self, application: &ApplicationId) -> Result<Vec<StoredNotice>, StoreError> {
        self.read(|c| {
            all(
                notice::table
                    .filter(notice::application.eq(application.to_string()))
                    .order(notice::opened_at.desc())
                    .limit(MOST)
                    .select(NoticeRow::as_select())
                    .load(c)?,
                from_row,
            )
        })
    }

    fn change_notice(&self, change: &NoticeChange, audit: &AuditEntry) -> Result<(), AdvanceError> {
        self.audited(audit, change.now, |c, _| advance(c, change))
            .map_err(Fault::into_advance)
    }

    fn certified_on_card(
        &self,
        card: &CardId,
        municipality: &MunicipalityCode,
    ) -> Result<Vec<StoredApplication>, StoreError> {
        self.read(|c| {
            let visits: Vec<String> = visit::table
                .filter(visit::card.eq(card.to_string()))
                .select(visit::id)
                .load(c)?;
            all(
                application::table
                    .filter(application::municipality.eq(municipality.to_string()))
                    .filter(application::serial.is_not_null())
                    .filter(application::visit.eq_any(visits))
                    .order(application::received_at.desc())
                    .limit(MOST)
                    .select(ApplicationRow::as_select())
                    .load(c)?,
                application_of,
            )
        })
    }

    fn certified_of_resident(
        &self,
        resident_hash: &[u8; 32],
        municipality: &MunicipalityCode,
    ) -> Result<Vec<StoredApplication>, StoreError> {
        self.read(|c| {
            all(
                application::table
                    .filter(application::municipality.eq(municipality.to_string()))
                    .filter(application::resident_hash.eq(resident_hash.to_vec()))
                    .filter(application::serial.is_not_null())
                    .order(application::received_at.desc())
                    .limit(MOST)
                    .select(ApplicationRow::as_select())
                    .load(c)?,
                application_of,
            )
        })
    }

    fn certified_by_serial(&self, serial: &str) -> Result<Option<StoredApplication>, StoreError> {
        self.read(|c| {
            application::table
                .filter(application::serial.eq(serial))
                .select(ApplicationRow::as_select())
                .first(c)
                .optional()?
                .map(application_of)
                .transpose()
                .map_err(Fault::from)
        })
    }

    fn certified_by_check_code(
        &self,
        code: &CheckCode,
        municipality: &MunicipalityCode,
    ) -> Result<Vec<StoredApplication>, StoreError> {
        self.read(|c| {
            let applications: Vec<String> = check_code::table
                .filter(check_code::code.eq(code.to_string()))
                .select(check_code::application)
                .limit(MOST)
                .load(c)?;
            all(
                application::table
                    .filter(application::municipality.eq(municipality.to_string()))
                    .filter(application::id.eq_any(applications))
                    .select(ApplicationRow::as_select())
                    .load(c)?,
                application_of,
            )
        })
    }
}
