//! Requests for disclosure and correction.

use diesel::{dsl::count_star, prelude::*};
use pki_core::certificate::Partition;
use schema::{
    ca::{
        disclosure::{DisclosureRow, disclosure},
        rows::CertificateRow,
        tables::{certificate, crl, revocation},
    },
    database::AnyConnection,
};

use super::{Database, convert, revocation as revocations, writer::Scope};
use crate::port::{disclosure::*, store::*};

impl DisclosureStore for Database {
    fn receive_case(&self, new: NewCase, audit: AuditEntry) -> Result<ReceiveCase, StoreError> {
        self.write("receive_case", move |scope| receive(scope, &new, &audit))
    }
    fn change_case(&self, change: CaseChange, audit: AuditEntry) -> Result<ChangeCase, StoreError> {
        self.write("change_case", move |scope| {
            let changed = self::change(scope, &change, &audit)?;
            if changed == ChangeCase::Changed {
                scope.audit(&audit)?;
            }
            Ok(changed)
        })
    }
    fn case(&self, id: &[u8; 16]) -> Result<Option<StoredCase>, StoreError> {
        self.read(|connection| find(connection, id))
    }
    fn cases(&self, filter: &CaseFilter) -> Result<Vec<StoredCase>, StoreError> {
        self.read(|connection| list(connection, filter))
    }
    fn certificates_of(
        &self,
        issuer: &str,
        resident: &[u8; 32],
    ) -> Result<Vec<StoredCertificate>, StoreError> {
        self.read(|connection| {
            certificate::table
                .filter(certificate::issuer.eq(issuer))
                .filter(certificate::resident.eq(resident.to_vec()))
                .filter(certificate::state.eq("completed"))
                .select(CertificateRow::as_select())
                .order((certificate::reserved_at, certificate::serial))
                .load(connection)?
                .into_iter()
                .map(convert::certificate)
                .collect()
        })
    }
    fn lists_naming(&self, issuer: &str, serial: &[u8]) -> Result<Vec<ListSpan>, StoreError> {
        self.read(|connection| lists_naming(connection, issuer, serial))
    }
}

fn receive(scope: &mut Scope, new: &NewCase, entry: &AuditEntry) -> QueryResult<ReceiveCase> {
    let known: Option<DisclosureRow> = disclosure::table
        .filter(disclosure::idempotency_key.eq(new.idempotency_key.to_vec()))
        .select(DisclosureRow::as_select())
        .first(scope.connection)
        .optional()?;
    if let Some(row) = known {
        if row.wish_sha256 == new.wish_sha256 {
            return Ok(ReceiveCase::Repeat(Box::new(case(row)?)));
        }
        scope.audit(&entry.refused("idempotency-key-reused"))?;
        return Ok(ReceiveCase::Taken);
    }
    if find(scope.connection, &new.id)?.is_some() {
        scope.audit(&entry.refused("disclosure-exists"))?;
        return Ok(ReceiveCase::Taken);
    }
    diesel::insert_into(disclosure::table)
        .values(&DisclosureRow {
            id: new.id.to_vec(),
            municipality: new.municipality.clone(),
            wish: new.wish.to_owned(),
            step: "open".to_owned(),
            requested_on: new.requested_on.clone(),
            due: new.due.clone(),
            version: 1,
            idempotency_key: new.idempotency_key.to_vec(),
            wish_sha256: new.wish_sha256.to_vec(),
            resident: new.resident.map(|hash| hash.to_vec()),
            sealed: new.sealed.clone(),
            answer: None,
            received_at: new.at.as_microsecond(),
            changed_at: new.at.as_microsecond(),
        })
        .execute(scope.connection)?;
    scope.audit(entry)?;
    Ok(ReceiveCase::Received)
}

/// The change without the caller's audit row, which may be about more than it; refusals and
/// the revocation have rows of their own.
pub fn change(
    scope: &mut Scope,
    change: &CaseChange,
    entry: &AuditEntry,
) -> QueryResult<ChangeCase> {
    let current: Option<i32> = disclosure::table
        .find(change.id.to_vec())
        .select(disclosure::version)
        .first(scope.connection)
        .optional()?;
    let expected = version_of(change.expected)?;
    if current != Some(expected) {
        scope.audit(&entry.refused("changed-meanwhile"))?;
        return Ok(ChangeCase::Stale);
    }
    if let Some(revocation) = &change.revoke {
        let row = AuditEntry {
            event: "revoke",
            subject: format!(
                "certificate:{}/{}",
                revocation.issuer,
                hex::encode(&revocation.serial)
            ),
            ..entry.clone()
        };
        match revocations::revoke(scope, revocation, &row)? {
            Revoke::Revoked(_) | Revoke::Already(_) => {}
            Revoke::NotFound | Revoke::OutOfScope => return Ok(ChangeCase::NotRevoked),
        }
    }
    // The version again: on PostgreSQL another writer may have been between.
    let row = disclosure::table
        .find(change.id.to_vec())
        .filter(disclosure::version.eq(expected));
    let changed = match &change.answer {
        Some(answer) => diesel::update(row)
            .set((
                disclosure::version.eq(expected + 1),
                disclosure::step.eq(change.step),
                disclosure::due.eq(&change.due),
                disclosure::sealed.eq(&change.sealed),
                disclosure::answer.eq(Some(answer)),
                disclosure::changed_at.eq(change.at.as_microsecond()),
            ))
            .execute(scope.connection)?,
        None => diesel::update(row)
            .set((
                disclosure::version.eq(expected + 1),
                disclosure::step.eq(change.step),
                disclosure::due.eq(&change.due),
                disclosure::sealed.eq(&change.sealed),
                disclosure::changed_at.eq(change.at.as_microsecond()),
            ))
            .execute(scope.connection)?,
    };
    if changed == 0 {
        // What was revoked above is undone with the rest, and the next attempt sees the change.
        return Err(super::writer::race());
    }
    Ok(ChangeCase::Changed)
}

fn version_of(number: u32) -> QueryResult<i32> {
    i32::try_from(number).map_err(|_| convert::foreign("version"))
}

fn find(connection: &mut AnyConnection, id: &[u8; 16]) -> QueryResult<Option<StoredCase>> {
    disclosure::table
        .find(id.to_vec())
        .select(DisclosureRow::as_select())
        .first(connection)
        .optional()?
        .map(case)
        .transpose()
}

fn list(connection: &mut AnyConnection, filter: &CaseFilter) -> QueryResult<Vec<StoredCase>> {
    let mut query = disclosure::table
        .select(DisclosureRow::as_select())
        .limit(i64::from(filter.limit))
        .into_boxed();
    if let Some(municipality) = &filter.municipality {
        query = query.filter(disclosure::municipality.eq(municipality.clone()));
    }
    if let Some(step) = &filter.step {
        query = query.filter(disclosure::step.eq(step.clone()));
    }
    // A correction has no date and is due without delay: its day of request stands in.
    query = if filter.by_due {
        query.order((disclosure::due, disclosure::requested_on, disclosure::id))
    } else {
        query.order((disclosure::received_at.desc(), disclosure::id))
    };
    query
        .load(connection)?
        .into_iter()
        .map(|row: DisclosureRow| {
            case(DisclosureRow {
                answer: None,
                ..row
            })
        })
        .collect()
}

fn case(row: DisclosureRow) -> QueryResult<StoredCase> {
    Ok(StoredCase {
        id: row
            .id
            .as_slice()
            .try_into()
            .map_err(|_| convert::foreign("id"))?,
        version: u32::try_from(row.version).map_err(|_| convert::foreign("version"))?,
        received_at: convert::time(row.received_at)?,
        municipality: row.municipality,
        wish: row.wish,
        step: row.step,
        requested_on: row.requested_on,
        due: row.due,
        wish_sha256: row.wish_sha256,
        resident: row.resident,
        sealed: row.sealed,
        answer: row.answer,
    })
}

/// A list names a serial when it covers the feed up to its revocation, until one list after
/// the certificate's end (RFC 5280 §3.3); what comes later leaves it out.
fn lists_naming(
    connection: &mut AnyConnection,
    issuer: &str,
    serial: &[u8],
) -> QueryResult<Vec<ListSpan>> {
    let revoked: Option<(i64, i64, Option<String>, i32)> = revocation::table
        .find((issuer, serial))
        .select((
            revocation::feed,
            revocation::not_after,
            revocation::municipality,
            revocation::partition,
        ))
        .first(connection)
        .optional()?;
    let Some((feed, not_after, municipality, number)) = revoked else {
        return Ok(Vec::new());
    };
    let number = convert::partition(number)?;
    let part = municipality
        .map(|code| {
            let municipality = code.parse().map_err(|_| convert::foreign("municipality"))?;
            QueryResult::Ok(Partition {
                municipality,
                number,
            })
        })
        .transpose()?;
    let mut spans = Vec::new();
    for scope in std::iter::once(String::new()).chain(part.map(|part| part.to_string())) {
        let naming = crl::issuer
            .eq(issuer.to_owned())
            .and(crl::scope.eq(scope.clone()))
            .and(crl::state.eq("published"))
            .and(crl::feed.ge(feed));
        // The first list that began after the certificate's end still has it.
        let after_end: Option<i64> = crl::table
            .filter(naming.clone())
            .filter(crl::this_update.gt(not_after))
            .select(crl::number)
            .order(crl::number)
            .first(connection)
            .optional()?;
        let last_possible = after_end.unwrap_or(i64::MAX);
        let ends = |connection: &mut AnyConnection, newest: bool| {
            let mut query = crl::table
                .filter(naming.clone())
                .filter(crl::number.le(last_possible))
                .select((crl::number, crl::this_update))
                .into_boxed();
            query = if newest {
                query.order(crl::number.desc())
            } else {
                query.order(crl::number.asc())
            };
            query.first::<(i64, i64)>(connection).optional()
        };
        let (Some(first), Some(last)) = (ends(connection, false)?, ends(connection, true)?) else {
            continue;
        };
        let count: i64 = crl::table
            .filter(naming.clone())
            .filter(crl::number.le(last_possible))
            .select(count_star())
            .first(connection)?;
        spans.push(ListSpan {
            scope,
            first: convert::count(first.0)?,
            first_at: convert::time(first.1)?,
            last: convert::count(last.0)?,
            last_at: convert::time(last.1)?,
            count: convert::count(count)?,
        });
    }
    Ok(spans)
}
