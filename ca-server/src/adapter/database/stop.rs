//! Stops of gateways and their release.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::ca::stop::{GatewayStopRow, gateway_stop};

use super::{Database, convert, writer::Scope};
use crate::port::{stop::*, store::*};

impl StopStore for Database {
    fn note_stop(&self, stop: GatewayStop, audit: AuditEntry) -> Result<NoteStop, StoreError> {
        self.write("note_stop", move |scope| note(scope, &stop, &audit))
    }
    fn stops(&self, open: bool, limit: u32) -> Result<Vec<GatewayStop>, StoreError> {
        self.read(|connection| {
            let query = gateway_stop::table
                .select(GatewayStopRow::as_select())
                .limit(i64::from(limit))
                .into_boxed();
            let query = if open {
                query
                    .filter(gateway_stop::released_at.is_null())
                    .order((gateway_stop::tripped_at, gateway_stop::id))
            } else {
                query
                    .filter(gateway_stop::released_at.is_not_null())
                    .order((gateway_stop::released_at.desc(), gateway_stop::id))
            };
            query.load(connection)?.into_iter().map(stop).collect()
        })
    }
    fn stop(&self, id: &str) -> Result<Option<GatewayStop>, StoreError> {
        self.read(|connection| {
            gateway_stop::table
                .find(id)
                .select(GatewayStopRow::as_select())
                .first(connection)
                .optional()?
                .map(stop)
                .transpose()
        })
    }
    fn release_stop(
        &self,
        id: &str,
        release: Vec<u8>,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write("release_stop", move |scope| {
            let open = gateway_stop::table
                .find(&id)
                .filter(gateway_stop::released_at.is_null());
            let changed = diesel::update(open)
                .set((
                    gateway_stop::release.eq(Some(&release)),
                    gateway_stop::released_at.eq(Some(at.as_microsecond())),
                ))
                .execute(scope.connection)?;
            if changed == 0 {
                scope.audit(&audit.refused("nothing-to-do"))?;
                return Ok(false);
            }
            scope.audit(&audit)?;
            Ok(true)
        })
    }
}

fn note(scope: &mut Scope, stop: &GatewayStop, entry: &AuditEntry) -> QueryResult<NoteStop> {
    let known: i64 = gateway_stop::table
        .find(&stop.id)
        .count()
        .get_result(scope.connection)?;
    if known > 0 {
        return Ok(NoteStop::Known);
    }
    let open: i64 = gateway_stop::table
        .filter(gateway_stop::gateway.eq(&stop.gateway))
        .filter(gateway_stop::released_at.is_null())
        .count()
        .get_result(scope.connection)?;
    if open >= OPEN_STOPS {
        scope.audit(&entry.refused("too-many-stops"))?;
        return Ok(NoteStop::TooMany);
    }
    diesel::insert_into(gateway_stop::table)
        .values(&GatewayStopRow {
            id: stop.id.clone(),
            gateway: stop.gateway.clone(),
            serial: stop.serial.clone(),
            application: stop.application.clone(),
            terminal: stop.terminal.clone(),
            operator: stop.operator.clone(),
            tripped_at: stop.tripped_at.as_microsecond(),
            told_at: stop.told_at.as_microsecond(),
            release: None,
            released_at: None,
        })
        .execute(scope.connection)?;
    scope.audit(entry)?;
    Ok(NoteStop::Noted)
}

fn stop(row: GatewayStopRow) -> QueryResult<GatewayStop> {
    let release = match (row.release, row.released_at) {
        (Some(release), Some(at)) => Some((release, convert::time(at)?)),
        (None, None) => None,
        _ => return Err(convert::foreign("release")),
    };
    Ok(GatewayStop {
        tripped_at: convert::time(row.tripped_at)?,
        told_at: convert::time(row.told_at)?,
        id: row.id,
        gateway: row.gateway,
        serial: row.serial,
        application: row.application,
        terminal: row.terminal,
        operator: row.operator,
        release,
    })
}
