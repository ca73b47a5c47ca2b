//! Terminals, kiosks and operators.

use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{operator::Role, person::municipality::MunicipalityCode};
use schema::{
    database::AnyConnection,
    on_both,
    ra::{
        rows::PartyRow,
        tables::{operator_session, party},
    },
};
use sha2::{Digest, Sha256};

use super::{Fault, micros, parsed};
use crate::port::{Party, PartyKind, StoreError};

const ACTIVE: &str = "active";
const SUSPENDED: &str = "suspended";

fn from_row(row: PartyRow) -> Result<Party, StoreError> {
    Ok(Party {
        kind: PartyKind::parse(&row.kind).ok_or(StoreError::Unreadable("party"))?,
        id: row.id,
        municipality: parsed(&row.municipality, "party")?,
        label: row.label,
        certificate: row.certificate,
        suspended: row.status != ACTIVE,
        role: row.role.map(|role| parsed(&role, "party")).transpose()?,
    })
}

pub(super) fn by_certificate(
    connection: &mut AnyConnection,
    sha256: &[u8; 32],
) -> Result<Option<Party>, Fault> {
    party::table
        .filter(party::certificate_sha256.eq(sha256.as_slice()))
        .select(PartyRow::as_select())
        .first(connection)
        .optional()?
        .map(from_row)
        .transpose()
        .map_err(Fault::from)
}

pub(super) fn by_id(
    connection: &mut AnyConnection,
    kind: PartyKind,
    id: &str,
) -> Result<Option<Party>, Fault> {
    party::table
        .find((kind.name(), id))
        .select(PartyRow::as_select())
        .first(connection)
        .optional()?
        .map(from_row)
        .transpose()
        .map_err(Fault::from)
}

pub(super) fn kiosks(
    connection: &mut AnyConnection,
    municipality: &MunicipalityCode,
) -> Result<Vec<Party>, Fault> {
    let rows: Vec<PartyRow> = party::table
        .filter(party::kind.eq(PartyKind::Kiosk.name()))
        .filter(party::municipality.eq(municipality.to_string()))
        .filter(party::status.eq(ACTIVE))
        .order(party::id)
        .limit(100)
        .select(PartyRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
}

pub(super) fn register(
    connection: &mut AnyConnection,
    new: &Party,
    now: Timestamp,
) -> Result<(), Fault> {
    let row = PartyRow {
        kind: new.kind.name().to_owned(),
        id: new.id.clone(),
        municipality: new.municipality.to_string(),
        label: new.label.clone(),
        certificate: new.certificate.clone(),
        certificate_sha256: Sha256::digest(&new.certificate).to_vec(),
        status: ACTIVE.to_owned(),
        changed_at: micros(now),
        role: (new.kind == PartyKind::Operator)
            .then(|| new.role.unwrap_or(Role::Clerk).to_string()),
    };
    on_both!(connection, |connection| diesel::insert_into(party::table)
        .values(&row)
        .on_conflict((party::kind, party::id))
        .do_update()
        .set((
            party::municipality.eq(&row.municipality),
            party::label.eq(&row.label),
            party::certificate.eq(&row.certificate),
            party::certificate_sha256.eq(&row.certificate_sha256),
            party::changed_at.eq(row.changed_at),
        ))
        .execute(connection))?;
    if let Some(role) = new.role {
        set_role(connection, &new.id, role, now)?;
    }
    Ok(())
}

pub(super) fn set_role(
    connection: &mut AnyConnection,
    operator: &str,
    role: Role,
    now: Timestamp,
) -> Result<bool, Fault> {
    let changed = diesel::update(party::table.find((PartyKind::Operator.name(), operator)))
        .set((
            party::role.eq(role.as_str()),
            party::changed_at.eq(micros(now)),
        ))
        .execute(connection)?;
    Ok(changed == 1)
}

pub(super) fn set_suspended(
    connection: &mut AnyConnection,
    kind: PartyKind,
    id: &str,
    suspended: bool,
    now: Timestamp,
) -> Result<bool, Fault> {
    let status = if suspended { SUSPENDED } else { ACTIVE };
    let changed = diesel::update(party::table.find((kind.name(), id)))
        .set((party::status.eq(status), party::changed_at.eq(micros(now))))
        .execute(connection)?;
    if suspended {
        match kind {
            PartyKind::Operator => {
                diesel::delete(operator_session::table.filter(operator_session::operator.eq(id)))
                    .execute(connection)?;
            }
            PartyKind::Terminal => {
                diesel::delete(operator_session::table.filter(operator_session::terminal.eq(id)))
                    .execute(connection)?;
            }
            PartyKind::Kiosk => {}
        }
    }
    Ok(changed == 1)
}
