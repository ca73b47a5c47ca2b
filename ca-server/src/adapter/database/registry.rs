//! Looking parties up. Several of them are looked up for each request, freshly each time, so that
//! a suspension counts at once.
//!
//! On PostgreSQL a look-up is a round trip. Who comes while one is under way waits for the next,
//! which is made for all who have come by then: no answer is older than its question, and the
//! busier the server is the fewer round trips a request costs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use diesel::{
    PgConnection, QueryResult, RunQueryDsl,
    connection::SimpleConnection,
    sql_types::{Array, Binary, Text},
};
use schema::{
    ca::{rows::PartyRow, tables::party},
    database::{AnyConnection, Backend, OpenError, connect_to_read},
};

use super::{convert, party as parties, prepared::prepared, writer::away};
use crate::port::store::{Party, StoreError};

/// Connections that are kept for later.
const KEPT: usize = 8;

/// How a party is asked for.
#[derive(Clone)]
pub enum Key {
    /// Kind and id.
    Name(String, String),
    /// SHA-256 of the certificate.
    Certificate([u8; 32]),
}

impl Key {
    fn is_of(&self, party: &Party) -> bool {
        match self {
            Self::Name(kind, id) => party.kind == *kind && party.id == *id,
            Self::Certificate(sha256) => party.certificate_sha256 == *sha256,
        }
    }
}

type Found = Result<Vec<Party>, StoreError>;

/// One look-up for all who wait for it.
#[derive(Default)]
struct Round {
    found: OnceLock<Found>,
    turned: Condvar,
}

#[derive(Default)]
struct State {
    /// A look-up is under way.
    asking: bool,
    /// What is asked next, and for whom.
    next: Option<(Arc<Round>, Vec<Key>)>,
    /// Idle connections.
    kept: Vec<AnyConnection>,
}

/// The registry of parties.
pub struct Registry {
    url: String,
    backend: Backend,
    state: Mutex<State>,
}

impl Registry {
    /// Nothing is connected yet.
    pub fn new(url: &str, backend: Backend) -> Self {
        Self {
            url: url.to_owned(),
            backend,
            state: Mutex::default(),
        }
    }

    /// A party as it stands now.
    pub fn find(&self, key: Key) -> Result<Option<Party>, StoreError> {
        let found = match self.backend {
            // In this process: nothing is saved by waiting for others.
            Backend::Sqlite => self.ask(std::slice::from_ref(&key))?,
            Backend::Postgres => self.ask_together(&key)?,
        };
        Ok(found.into_iter().find(|party| key.is_of(party)))
    }

    fn ask_together(&self, key: &Key) -> Found {
        let mut state = self.lock();
        let (round, keys) = state.next.get_or_insert_with(Default::default);
        keys.push(key.clone());
        let round = Arc::clone(round);
        loop {
            if let Some(found) = round.found.get() {
                return found.clone();
            }
            if !state.asking {
                break;
            }
            state = round
                .turned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        // Nobody is asking and this round is not answered, so it is the next one.
        state.asking = true;
        let keys = state.next.take().map(|(_, keys)| keys).unwrap_or_default();
        drop(state);
        let asking = Asking {
            registry: self,
            round: &round,
        };
        let found = self.ask(&keys);
        let _ = round.found.set(found.clone());
        drop(asking);
        found
    }

    /// Asks the database. A connection that was lost while it lay idle is made anew.
    fn ask(&self, keys: &[Key]) -> Found {
        let kept = self.lock().kept.pop();
        if let Some(mut connection) = kept {
            match load(&mut connection, keys) {
                Err(error) if away(&error) => self.lock().kept.clear(),
                answer => return self.keep(connection, answer),
            }
        }
        let mut connection = connect_to_read(&self.url)
            .and_then(settled)
            .map_err(StoreError::away)?;
        let answer = load(&mut connection, keys);
        self.keep(connection, answer)
    }

    fn keep(&self, connection: AnyConnection, answer: QueryResult<Vec<Party>>) -> Found {
        match answer {
            Err(error) if away(&error) => Err(StoreError::away(error)),
            answer => {
                let mut state = self.lock();
                if state.kept.len() < KEPT {
                    state.kept.push(connection);
                }
                answer.map_err(StoreError::broken)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands the asking on when it ends, whichever way it ends.
struct Asking<'a> {
    registry: &'a Registry,
    round: &'a Round,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut state = self.registry.lock();
        state.asking = false;
        // Without an answer only after a panic.
        let _ = self.round.found.set(Err(StoreError::Unknown(None)));
        self.round.turned.notify_all();
        if let Some((next, _)) = &state.next {
            next.turned.notify_one();
        }
    }
}

fn settled(mut connection: AnyConnection) -> Result<AnyConnection, OpenError> {
    if let AnyConnection::Postgres(connection) = &mut connection {
        connection
            .batch_execute("SET plan_cache_mode = force_generic_plan")
            .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    }
    Ok(connection)
}

prepared! {
    /// Parties by kind and id, or by certificate. More than were asked for may come.
    Asked on PgConnection {
        kinds: Vec<&'a str> => Array<Text>,
        ids: Vec<&'a str> => Array<Text>,
        certificates: Vec<&'a [u8]> => Array<Binary>,
    } -> party::SqlType = "\
        SELECT kind, id, municipality, label, certificate, certificate_sha256, public_key, status, \
            enrolled_at, changed_at FROM party WHERE kind = ANY (?) AND id = ANY (?) \
        UNION ALL SELECT kind, id, municipality, label, certificate, certificate_sha256, public_key, \
            status, enrolled_at, changed_at FROM party WHERE certificate_sha256 = ANY (?)"
}

fn put<'a>(list: &mut Vec<&'a str>, text: &'a str) {
    if !list.contains(&text) {
        list.push(text);
    }
}

fn load(connection: &mut AnyConnection, keys: &[Key]) -> QueryResult<Vec<Party>> {
    match connection {
        AnyConnection::Sqlite(_) => {
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                found.extend(match key {
                    Key::Name(kind, id) => parties::find(connection, kind, id)?,
                    Key::Certificate(sha256) => parties::by_certificate(connection, sha256)?,
                });
            }
            Ok(found)
        }
        AnyConnection::Postgres(connection) => {
            let (mut kinds, mut ids, mut certificates) = (Vec::new(), Vec::new(), Vec::new());
            for key in keys {
                match key {
                    Key::Name(kind, id) => {
                        put(&mut kinds, kind);
                        put(&mut ids, id);
                    }
                    Key::Certificate(sha256) if !certificates.contains(&&sha256[..]) => {
                        certificates.push(&sha256[..]);
                    }
                    Key::Certificate(_) => {}
                }
            }
            let asked = Asked {
                kinds,
                ids,
                certificates,
            };
            let rows: Vec<PartyRow> = asked.load(connection)?;
            rows.into_iter().map(convert::party).collect()
        }
    }
}
