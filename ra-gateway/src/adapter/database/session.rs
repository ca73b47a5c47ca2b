//! Challenges and sessions of operators.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::{
    database::AnyConnection,
    ra::{
        rows::{OperatorChallengeRow, OperatorSessionRow},
        tables::{operator_challenge, operator_session},
    },
};

use super::{Fault, digest, micros, parsed, time};
use crate::port::{Challenge, Session, StoreError};

pub(super) fn put_challenge(
    connection: &mut AnyConnection,
    challenge: &Challenge,
    now: Timestamp,
) -> Result<(), Fault> {
    diesel::delete(
        operator_challenge::table.filter(operator_challenge::expires_at.le(micros(now))),
    )
    .execute(connection)?;
    diesel::insert_into(operator_challenge::table)
        .values(&OperatorChallengeRow {
            id: challenge.id.clone(),
            operator: challenge.operator.to_string(),
            terminal: challenge.terminal.to_string(),
            challenge: challenge.challenge.to_vec(),
            expires_at: micros(challenge.expires_at),
        })
        .execute(connection)?;
    Ok(())
}

pub(super) fn take_challenge(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<Challenge>, Fault> {
    let row: Option<OperatorChallengeRow> = diesel::delete(operator_challenge::table.find(id))
        .returning(operator_challenge::all_columns)
        .get_result(connection)
        .optional()?;
    row.map(|row| {
        Ok(Challenge {
            id: row.id,
            operator: parsed(&row.operator, "challenge")?,
            terminal: parsed(&row.terminal, "challenge")?,
            challenge: digest(&row.challenge)?,
            expires_at: time(row.expires_at)?,
        })
    })
    .transpose()
    .map_err(|error: StoreError| error.into())
}

pub(super) fn open(connection: &mut AnyConnection, session: &Session) -> Result<(), Fault> {
    diesel::delete(
        operator_session::table.filter(operator_session::expires_at.le(micros(session.opened_at))),
    )
    .execute(connection)?;
    diesel::insert_into(operator_session::table)
        .values(&OperatorSessionRow {
            token_sha256: session.token_sha256.to_vec(),
            operator: session.operator.to_string(),
            terminal: session.terminal.to_string(),
            terminal_certificate_sha256: session.terminal_certificate_sha256.to_vec(),
            opened_at: micros(session.opened_at),
            seen_at: micros(session.seen_at),
            expires_at: micros(session.expires_at),
        })
        .execute(connection)?;
    Ok(())
}

pub(super) fn find(
    connection: &mut AnyConnection,
    token_sha256: &[u8; 32],
) -> Result<Option<Session>, Fault> {
    let row: Option<OperatorSessionRow> = operator_session::table
        .find(token_sha256.as_slice())
        .select(OperatorSessionRow::as_select())
        .first(connection)
        .optional()?;
    row.map(|row| {
        Ok(Session {
            token_sha256: digest(&row.token_sha256)?,
            operator: parsed(&row.operator, "session")?,
            terminal: parsed(&row.terminal, "session")?,
            terminal_certificate_sha256: digest(&row.terminal_certificate_sha256)?,
            opened_at: time(row.opened_at)?,
            seen_at: time(row.seen_at)?,
            expires_at: time(row.expires_at)?,
        })
    })
    .transpose()
    .map_err(|error: StoreError| error.into())
}

pub(super) fn touch(
    connection: &mut AnyConnection,
    token_sha256: &[u8; 32],
    now: Timestamp,
) -> Result<(), Fault> {
    diesel::update(operator_session::table.find(token_sha256.as_slice()))
        .set(operator_session::seen_at.eq(micros(now)))
        .execute(connection)?;
    Ok(())
}

pub(super) fn close(connection: &mut AnyConnection, token_sha256: &[u8; 32]) -> Result<(), Fault> {
    diesel::delete(operator_session::table.find(token_sha256.as_slice())).execute(connection)?;
    Ok(())
}
