//! What is not to be relied on, in a table of its own: its work depends on what
//! was revoked and not on what was ever issued.

use std::collections::HashMap;

use diesel::prelude::*;
use schema::{
    ca::{
        rows::RevocationRow,
        tables::{certificate, issuer, revocation},
    },
    database::AnyConnection,
};

use super::{convert, proof, writer::Scope};
use crate::port::store::*;

/// Rows read at once when all of a scope are visited.
const PAGE: i64 = 2_000;

pub fn revoke(scope: &mut Scope, wish: &Revocation, entry: &AuditEntry) -> QueryResult<Revoke> {
    let found: Option<(String, Option<String>, i32, i64)> = certificate::table
        .find((&wish.issuer, &wish.serial))
        .select((
            certificate::state,
            certificate::municipality,
            certificate::partition,
            certificate::not_after,
        ))
        .first(scope.connection)
        .optional()?;
    let Some((municipality, partition, not_after)) =
        found.and_then(|(state, municipality, partition, end)| {
            (state == "completed").then_some((municipality, partition, end))
        })
    else {
        scope.audit(&entry.refused("not-found"))?;
        return Ok(Revoke::NotFound);
    };
    if let Some(mine) = &wish.municipalities
        && !municipality.as_ref().is_some_and(|its| mine.contains(its))
    {
        scope.audit(&entry.refused("out-of-scope"))?;
        return Ok(Revoke::OutOfScope);
    }
    if let Some(row) = find(scope.connection, &wish.issuer, &wish.serial)? {
        scope.audit(&entry.refused("already-revoked"))?;
        return Ok(Revoke::Already(row));
    }
    let revoked = Revoked {
        serial: wish.serial.clone(),
        revoked_at: wish.at,
        ground: wish.ground.clone(),
        reason: wish.reason,
        not_after: convert::time(not_after)?,
        municipality,
        partition: convert::partition(partition)?,
    };
    end(scope.connection, &wish.issuer, &revoked)?;
    if let Some(act) = &wish.proof {
        proof::insert(
            scope.connection,
            &wish.issuer,
            &wish.serial,
            ProvedDeed::Revoke,
            act,
            wish.at,
        )?;
    }
    scope.audit(entry)?;
    Ok(Revoke::Revoked(revoked))
}

/// Take a completed certificate out of effect, and say so in the feed.
pub fn end(connection: &mut AnyConnection, name: &str, revoked: &Revoked) -> QueryResult<()> {
    insert(connection, name, revoked)?;
    diesel::update(certificate::table.find((name, &revoked.serial)))
        .set(certificate::in_effect.eq(false))
        .execute(connection)
        .map(drop)
}

/// Insert at the next position of the issuer's feed. The issuer's row is
/// locked until the commit, so positions become visible in their order.
pub fn insert(connection: &mut AnyConnection, name: &str, revoked: &Revoked) -> QueryResult<()> {
    let feed: i64 = diesel::update(issuer::table.find(name))
        .set(issuer::revocations.eq(issuer::revocations + 1))
        .returning(issuer::revocations)
        .get_result(connection)?;
    diesel::insert_into(revocation::table)
        .values(&RevocationRow {
            issuer: name.to_owned(),
            serial: revoked.serial.clone(),
            feed,
            revoked_at: revoked.revoked_at.as_microsecond(),
            ground: revoked.ground.clone(),
            reason: revoked.reason.map(i32::from),
            municipality: revoked.municipality.clone(),
            partition: i32::from(revoked.partition.get()),
            not_after: revoked.not_after.as_microsecond(),
        })
        .execute(connection)?;
    Ok(())
}

fn find(
    connection: &mut AnyConnection,
    issuer: &str,
    serial: &[u8],
) -> QueryResult<Option<Revoked>> {
    revocation::table
        .find((issuer, serial))
        .select(RevocationRow::as_select())
        .first(connection)
        .optional()?
        .map(convert::revoked)
        .transpose()
}

pub fn status(
    connection: &mut AnyConnection,
    issuer: &str,
    serials: &[Vec<u8>],
) -> QueryResult<Vec<Status>> {
    // Revocations are read last: one that is recorded between the two reads is seen.
    let states: HashMap<Vec<u8>, String> = certificate::table
        .filter(certificate::issuer.eq(issuer))
        .filter(certificate::serial.eq_any(serials))
        .select((certificate::serial, certificate::state))
        .load::<(Vec<u8>, String)>(connection)?
        .into_iter()
        .collect();
    let mut revoked: HashMap<Vec<u8>, Revoked> = revocation::table
        .filter(revocation::issuer.eq(issuer))
        .filter(revocation::serial.eq_any(serials))
        .select(RevocationRow::as_select())
        .load(connection)?
        .into_iter()
        .map(|row| Ok((row.serial.clone(), convert::revoked(row)?)))
        .collect::<QueryResult<_>>()?;
    Ok(serials
        .iter()
        .map(|serial| match revoked.remove(serial) {
            Some(revoked) => Status::Revoked(revoked),
            None if states.get(serial).is_some_and(|state| state == "completed") => Status::Good,
            None => Status::Unknown,
        })
        .collect())
}

pub fn visit(
    connection: &mut AnyConnection,
    scope: &CrlScope,
    visit: &mut dyn FnMut(Revoked),
) -> QueryResult<()> {
    let mut after = convert::signed(scope.after);
    loop {
        let mut query = revocation::table
            .filter(revocation::issuer.eq(&scope.issuer))
            .filter(revocation::feed.gt(after))
            .filter(revocation::feed.le(convert::signed(scope.up_to)))
            .filter(revocation::not_after.ge(scope.ended_before.as_microsecond()))
            .select(RevocationRow::as_select())
            .order(revocation::feed)
            .limit(PAGE)
            .into_boxed();
        if let Some(part) = scope.partition {
            query = query
                .filter(revocation::municipality.eq(Some(part.municipality.to_string())))
                .filter(revocation::partition.eq(i32::from(part.number.get())));
        }
        let rows: Vec<RevocationRow> = query.load(connection)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.feed;
        let full = rows.len() as i64 == PAGE;
        for row in rows {
            visit(convert::revoked(row)?);
        }
        if !full {
            return Ok(());
        }
    }
}

/// At a time a day's certificates, of which few are revoked: without pages.
pub fn visit_ended(
    connection: &mut AnyConnection,
    scope: &EndedScope,
    visit: &mut dyn FnMut(Revoked),
) -> QueryResult<()> {
    let mut query = revocation::table
        .filter(revocation::issuer.eq(&scope.issuer))
        .filter(revocation::not_after.ge(scope.ended.start.as_microsecond()))
        .filter(revocation::not_after.lt(scope.ended.end.as_microsecond()))
        .filter(revocation::feed.le(convert::signed(scope.up_to)))
        .select(RevocationRow::as_select())
        .into_boxed();
    if let Some(part) = scope.partition {
        query = query
            .filter(revocation::municipality.eq(Some(part.municipality.to_string())))
            .filter(revocation::partition.eq(i32::from(part.number.get())));
    }
    for row in query.load(connection)? {
        visit(convert::revoked(row)?);
    }
    Ok(())
}
