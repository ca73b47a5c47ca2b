//! What officers decide, the registry as a list, and the audit log by what it says.

use diesel::prelude::*;
use pki_core::officer::State;
use schema::ca::{
    officer::{OfficerActRow, officer_act},
    rows::{AuditRow, PartyRow},
    tables::{audit, party},
};

use super::{Database, convert, disclosure, register_hold, writer::Scope};
use crate::port::{disclosure::ChangeCase, officer::*, store::*};

impl OfficerStore for Database {
    fn put_act(&self, act: OfficerAct, audit: AuditEntry) -> Result<(), StoreError> {
        self.write("put_act", move |scope| {
            diesel::insert_into(officer_act::table)
                .values(&row(&act))
                .execute(scope.connection)?;
            scope.audit(&audit)
        })
    }
    fn sign_act(&self, signing: Signing, audit: AuditEntry) -> Result<Signed, StoreError> {
        self.write("sign_act", move |scope| sign(scope, &signing, &audit))
    }
    fn end_act(&self, id: &[u8; 16], outcome: &str, audit: AuditEntry) -> Result<(), StoreError> {
        let (id, outcome) = (id.to_vec(), outcome.to_owned());
        self.write("end_act", move |scope| {
            diesel::update(officer_act::table.find(&id))
                .set(officer_act::outcome.eq(Some(&outcome)))
                .execute(scope.connection)?;
            scope.audit(&audit)
        })
    }
    fn act(&self, id: &[u8; 16]) -> Result<Option<OfficerAct>, StoreError> {
        self.read(|connection| {
            officer_act::table
                .find(id.to_vec())
                .select(OfficerActRow::as_select())
                .first(connection)
                .optional()?
                .map(act)
                .transpose()
        })
    }
    fn acts(&self, state: Option<State>, limit: u32) -> Result<Vec<OfficerAct>, StoreError> {
        self.read(|connection| {
            let mut query = officer_act::table
                .select(OfficerActRow::as_select())
                .order((officer_act::since.desc(), officer_act::id))
                .limit(i64::from(limit))
                .into_boxed();
            query = match state {
                Some(state) => query.filter(officer_act::state.eq(state.as_str())),
                None => query.filter(officer_act::state.ne(State::Unsigned.as_str())),
            };
            query.load(connection)?.into_iter().map(act).collect()
        })
    }
    fn parties(&self) -> Result<Vec<Party>, StoreError> {
        self.read(|connection| {
            party::table
                .select(PartyRow::as_select())
                .order((party::kind, party::id))
                .load(connection)?
                .into_iter()
                .map(convert::party)
                .collect()
        })
    }
    fn search_audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, StoreError> {
        self.read(|connection| {
            let mut query = audit::table
                .select(AuditRow::as_select())
                .order((audit::at.desc(), audit::lane, audit::sequence.desc()))
                .limit(i64::from(filter.limit))
                .into_boxed();
            if let Some(event) = &filter.event {
                query = query.filter(
                    audit::event
                        .like(format!("{}%", literal(event)))
                        .escape('\\'),
                );
            }
            if let Some(actor) = &filter.actor {
                query = query.filter(
                    audit::actor
                        .like(format!("%{}%", literal(actor)))
                        .escape('\\'),
                );
            }
            if let Some(subject) = &filter.subject {
                query = query.filter(
                    audit::subject
                        .like(format!("%{}%", literal(subject)))
                        .escape('\\'),
                );
            }
            if filter.refused {
                query = query.filter(audit::outcome.ne("done"));
            }
            if let Some(from) = filter.from {
                query = query.filter(audit::at.ge(from.as_microsecond()));
            }
            if let Some(until) = filter.until {
                query = query.filter(audit::at.le(until.as_microsecond()));
            }
            query
                .load(connection)?
                .into_iter()
                .map(convert::audit)
                .collect()
        })
    }
}

/// A text that `LIKE` takes as it stands.
fn literal(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            matches!(c, '\\' | '%' | '_')
                .then_some('\\')
                .into_iter()
                .chain([c])
        })
        .collect()
}

fn sign(scope: &mut Scope, signing: &Signing, entry: &AuditEntry) -> QueryResult<Signed> {
    let row = officer_act::table
        .find(signing.id.to_vec())
        .filter(officer_act::state.eq(signing.from.as_str()));
    let signature = Some(signing.signature.clone());
    let since = signing.at.as_microsecond();
    let changed = if signing.from == State::Unsigned {
        diesel::update(row)
            .set((
                officer_act::state.eq(signing.to.as_str()),
                officer_act::first_signature.eq(signature),
                officer_act::since.eq(since),
            ))
            .execute(scope.connection)?
    } else {
        diesel::update(row)
            .set((
                officer_act::state.eq(signing.to.as_str()),
                officer_act::second.eq(Some(signing.officer.clone())),
                officer_act::second_signature.eq(signature),
                officer_act::since.eq(since),
            ))
            .execute(scope.connection)?
    };
    if changed == 0 {
        scope.audit(&entry.refused("act-not-due"))?;
        return Ok(Signed::NotDue);
    }
    let voided = match &signing.change {
        None => None,
        Some(ActChange::Case(change)) => match disclosure::change(scope, change, entry)? {
            ChangeCase::Changed => None,
            done => Some(Signed::Case(done)),
        },
        Some(ActChange::Hold(decision)) => {
            if register_hold::decide(scope, decision)? {
                None
            } else {
                scope.audit(&entry.refused("batch-not-held"))?;
                Some(Signed::NotHeld)
            }
        }
    };
    if signing.change.is_some() {
        // A void act stays signed, and says that nothing came of it.
        let outcome = match voided {
            None => "done",
            Some(_) => "changed-meanwhile",
        };
        diesel::update(officer_act::table.find(signing.id.to_vec()))
            .set(officer_act::outcome.eq(Some(outcome)))
            .execute(scope.connection)?;
    }
    if let Some(voided) = voided {
        return Ok(voided);
    }
    scope.audit(entry)?;
    Ok(Signed::Signed)
}

fn row(act: &OfficerAct) -> OfficerActRow {
    OfficerActRow {
        id: act.id.to_vec(),
        deed: act.deed.clone(),
        subject: act.subject.clone(),
        state: act.state.as_str().to_owned(),
        proposer: act.proposer.clone(),
        first_signature: act.first_signature.clone(),
        second: act.second.clone(),
        second_signature: act.second_signature.clone(),
        sealed: act.sealed.clone(),
        outcome: act.outcome.clone(),
        made_at: act.made_at.as_microsecond(),
        since: act.since.as_microsecond(),
    }
}

fn act(row: OfficerActRow) -> QueryResult<OfficerAct> {
    Ok(OfficerAct {
        id: row
            .id
            .as_slice()
            .try_into()
            .map_err(|_| convert::foreign("id"))?,
        state: State::of(&row.state).ok_or_else(|| convert::foreign("state"))?,
        made_at: convert::time(row.made_at)?,
        since: convert::time(row.since)?,
        deed: row.deed,
        subject: row.subject,
        proposer: row.proposer,
        first_signature: row.first_signature,
        second: row.second,
        second_signature: row.second_signature,
        sealed: row.sealed,
        outcome: row.outcome,
    })
}
