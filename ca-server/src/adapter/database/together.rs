//! What waiting reservations and completions have in common is done once for all of them.
//!
//! Only what is beyond doubt is done here: a reservation about whose request, key and resident
//! nothing at all is recorded, and the completion of a reserved serial about whose resident
//! nothing has happened. Everything else is left to [`certificate`], one by one, and is decided
//! there; so is everything of a batch in which a statement of this file failed. What is done here
//! is what would have been done there, in fewer statements.

use std::collections::HashSet;

use diesel::QueryResult;
use schema::database::AnyConnection;

use super::{
    certificate, together_postgres as postgres, together_sqlite as sqlite,
    writer::{Job, Scope, Wish},
};
use crate::port::store::{AuditEntry, Complete, Completion, Reservation, Reserve};

/// A serial to be reserved.
pub struct Reserving(pub Reservation, pub AuditEntry);

impl Wish for Reserving {
    type Answer = Reserve;
    fn alone(&mut self, scope: &mut Scope) -> QueryResult<Reserve> {
        certificate::reserve(scope, &self.0, &self.1)
    }
    fn job(&self) -> Job<'_> {
        Job::Reserve(&self.0, &self.1)
    }
    fn done_together() -> Option<Reserve> {
        Some(Reserve::Reserved)
    }
}

/// A signed certificate to be stored.
pub struct Completing(pub Completion, pub AuditEntry);

impl Wish for Completing {
    type Answer = Complete;
    fn alone(&mut self, scope: &mut Scope) -> QueryResult<Complete> {
        certificate::complete(scope, &self.0, &self.1)
    }
    fn job(&self) -> Job<'_> {
        Job::Complete(&self.0, &self.1)
    }
    fn done_together() -> Option<Complete> {
        Some(Complete::Completed)
    }
}

/// Carries out what is beyond doubt, audit rows included; answers, for each job, whether it was.
///
/// # Errors
/// Nothing of the transaction may stand.
pub fn carry_out(scope: &mut Scope, jobs: &[Job<'_>]) -> QueryResult<Vec<bool>> {
    let (mut new, mut signed) = (Vec::new(), Vec::new());
    // Of two jobs about one key, resident, request or serial the first is done here at most.
    let (mut names, mut serials) = (HashSet::new(), HashSet::new());
    for (place, job) in jobs.iter().enumerate() {
        match *job {
            Job::Reserve(reservation, _) => {
                let mine = names_of(reservation);
                let once = mine.iter().all(|name| !names.contains(name));
                names.extend(mine);
                if once && replaces_nothing(reservation) {
                    new.push((place, reservation));
                }
            }
            Job::Complete(completion, _) => {
                let once = serials.insert((&completion.issuer, &completion.serial));
                if once && completion.replaces.is_none() {
                    signed.push((place, completion));
                }
            }
            Job::Other => {}
        }
    }
    let mut done = vec![false; jobs.len()];
    for place in complete(scope.connection, &signed)? {
        done[place] = true;
    }
    for place in reserve(scope.connection, &new)? {
        done[place] = true;
    }
    for (job, _) in jobs.iter().zip(&done).filter(|(_, done)| **done) {
        if let Job::Reserve(_, entry) | Job::Complete(_, entry) = job {
            scope.audit(entry)?;
        }
    }
    Ok(done)
}

fn replaces_nothing(reservation: &Reservation) -> bool {
    let holder = reservation.holder.as_ref();
    holder.is_none_or(|holder| holder.replaces.is_none())
}

/// What no two serials that are reserved together may share.
fn names_of(reservation: &Reservation) -> Vec<&[u8]> {
    let mut names = vec![
        &reservation.key_sha256[..],
        &reservation.idempotency_key,
        &reservation.serial,
    ];
    names.extend(reservation.holder.iter().map(|holder| &holder.resident[..]));
    names
}

fn reserve(
    connection: &mut AnyConnection,
    new: &[(usize, &Reservation)],
) -> QueryResult<Vec<usize>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let wishes: Vec<&Reservation> = new.iter().map(|(_, reservation)| *reservation).collect();
    let unknown = match connection {
        AnyConnection::Postgres(connection) => postgres::unknown(connection, &wishes)?,
        AnyConnection::Sqlite(connection) => sqlite::unknown(connection, &wishes)?,
    };
    let (places, wishes): (Vec<usize>, Vec<&Reservation>) = new
        .iter()
        .zip(unknown)
        .filter_map(|(wish, unknown)| unknown.then_some(*wish))
        .unzip();
    if !wishes.is_empty() {
        match connection {
            AnyConnection::Postgres(connection) => postgres::insert(connection, &wishes)?,
            AnyConnection::Sqlite(connection) => sqlite::insert(connection, &wishes)?,
        }
    }
    Ok(places)
}

fn complete(
    connection: &mut AnyConnection,
    signed: &[(usize, &Completion)],
) -> QueryResult<Vec<usize>> {
    if signed.is_empty() {
        return Ok(Vec::new());
    }
    let wishes: Vec<&Completion> = signed.iter().map(|(_, completion)| *completion).collect();
    let completed = match connection {
        AnyConnection::Postgres(connection) => postgres::complete(connection, &wishes)?,
        AnyConnection::Sqlite(connection) => sqlite::complete(connection, &wishes)?,
    };
    Ok(signed
        .iter()
        .zip(completed)
        .filter_map(|((place, _), completed)| completed.then_some(*place))
        .collect())
}
