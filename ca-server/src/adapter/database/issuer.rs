//! Issuers, the vault's wrapped keys, and leases.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    ca::{
        rows::{DataKeyRow, IssuerRow},
        tables::{data_key, issuer, lease},
    },
    database::AnyConnection,
};

use super::{convert, writer::Scope};
use crate::port::store::{AuditEntry, Issuer, IssuerKind, WrappedKey};

pub fn register(scope: &mut Scope, new: &Issuer, entry: &AuditEntry) -> QueryResult<bool> {
    let known: Option<Vec<u8>> = issuer::table
        .find(&new.name)
        .select(issuer::certificate)
        .first(scope.connection)
        .optional()?;
    if let Some(certificate) = known {
        if certificate == new.certificate {
            return Ok(true);
        }
        scope.audit(&entry.refused("another-certificate"))?;
        return Ok(false);
    }
    diesel::insert_into(issuer::table)
        .values(&IssuerRow {
            name: new.name.clone(),
            kind: match new.kind {
                IssuerKind::Signing => "signing",
                IssuerKind::Infrastructure => "infrastructure",
            }
            .to_owned(),
            certificate: new.certificate.clone(),
            key_id: new.key_id.clone(),
            revocations: 0,
        })
        .execute(scope.connection)?;
    scope.audit(entry)?;
    Ok(true)
}

pub fn put_data_key(scope: &mut Scope, key: &WrappedKey, entry: &AuditEntry) -> QueryResult<bool> {
    if !data_keys(scope.connection)?.is_empty() {
        return Ok(false);
    }
    diesel::insert_into(data_key::table)
        .values(&DataKeyRow {
            id: key.id,
            wrapped: key.wrapped.clone(),
            wrapping: key.wrapping.clone(),
            made_at: key.made_at.as_microsecond(),
        })
        .execute(scope.connection)?;
    scope.audit(entry)?;
    Ok(true)
}

pub fn data_keys(connection: &mut AnyConnection) -> QueryResult<Vec<WrappedKey>> {
    data_key::table
        .order(data_key::id)
        .select(DataKeyRow::as_select())
        .load(connection)?
        .into_iter()
        .map(|row| {
            Ok(WrappedKey {
                id: row.id,
                made_at: convert::time(row.made_at)?,
                wrapped: row.wrapped,
                wrapping: row.wrapping,
            })
        })
        .collect()
}

pub fn take_lease(
    scope: &mut Scope,
    name: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> QueryResult<bool> {
    let held: Option<(String, i64)> = lease::table
        .find(name)
        .select((lease::holder, lease::until))
        .first(scope.connection)
        .optional()?;
    match held {
        None => {
            diesel::insert_into(lease::table)
                .values((
                    lease::name.eq(name),
                    lease::holder.eq(holder),
                    lease::until.eq(until.as_microsecond()),
                ))
                .execute(scope.connection)?;
            Ok(true)
        }
        Some((present, end)) if present != holder && end > now.as_microsecond() => Ok(false),
        Some((present, _)) => {
            // Only if it is still as it was read: another node may have been first.
            let changed = diesel::update(lease::table.find(name))
                .filter(lease::holder.eq(present))
                .set((
                    lease::holder.eq(holder),
                    lease::until.eq(until.as_microsecond()),
                ))
                .execute(scope.connection)?;
            Ok(changed == 1)
        }
    }
}
