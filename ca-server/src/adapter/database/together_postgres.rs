//! [`super::together`] on PostgreSQL: each statement is a round trip, so there is one of a kind
//! for the whole batch, with a list in each place of a value.

use std::collections::{HashMap, HashSet};

use diesel::{
    PgConnection, QueryResult, RunQueryDsl,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text},
};

use super::{prepared::prepared, writer::race};
use crate::port::store::{Completion, Holder, Reservation};

/// Stands for "at any time" where something is recorded without one that counts.
const ALWAYS: i64 = i64::MAX;

prepared! {
    /// Whatever is recorded about requests, keys, serials and residents, and since when; for an
    /// issuer, or for all.
    Known on PgConnection {
        keys: Vec<&'a [u8]> => Array<Binary>,
        requests: Vec<&'a [u8]> => Array<Binary>,
        issuers: Vec<&'a str> => Array<Text>,
        serials: Vec<&'a [u8]> => Array<Binary>,
        effect_issuers: Vec<&'a str> => Array<Text>,
        effect_residents: Vec<&'a [u8]> => Array<Binary>,
        work_issuers: Vec<&'a str> => Array<Text>,
        work_residents: Vec<&'a [u8]> => Array<Binary>,
        event_residents: Vec<&'a [u8]> => Array<Binary>,
        event_formers: Vec<&'a [u8]> => Array<Binary>,
    } -> (Binary, Text, BigInt) = "\
        SELECT key_sha256, '', 9223372036854775807 FROM certificate WHERE key_sha256 = ANY (?) \
        UNION ALL SELECT idempotency_key, '', 9223372036854775807 FROM certificate \
            WHERE idempotency_key = ANY (?) AND state <> 'abandoned' \
        UNION ALL SELECT serial, issuer, 9223372036854775807 FROM certificate \
            WHERE issuer = ANY (?) AND serial = ANY (?) \
        UNION ALL SELECT resident, issuer, 9223372036854775807 FROM certificate \
            WHERE issuer = ANY (?) AND resident = ANY (?) AND in_effect \
        UNION ALL SELECT resident, issuer, 9223372036854775807 FROM certificate \
            WHERE issuer = ANY (?) AND resident = ANY (?) AND state = 'reserved' \
        UNION ALL SELECT resident, '', recorded_at FROM register_event \
            WHERE bears AND resident = ANY (?) \
        UNION ALL SELECT former, '', recorded_at FROM register_event \
            WHERE bears AND former = ANY (?)"
}

prepared! {
    /// Serials are reserved, with the acts that asked for them.
    InsertSerials on PgConnection {
        issuer: Vec<&'a str> => Array<Text>,
        serial: Vec<&'a [u8]> => Array<Binary>,
        node: Vec<&'a str> => Array<Text>,
        profile: Vec<&'a str> => Array<Text>,
        profile_sha256: Vec<&'a [u8]> => Array<Binary>,
        municipality: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        partition: Vec<i32> => Array<Integer>,
        not_after: Vec<i64> => Array<BigInt>,
        key_sha256: Vec<&'a [u8]> => Array<Binary>,
        application: Vec<&'a [u8]> => Array<Binary>,
        idempotency_key: Vec<&'a [u8]> => Array<Binary>,
        wish_sha256: Vec<&'a [u8]> => Array<Binary>,
        resident: Vec<Option<&'a [u8]>> => Array<Nullable<Binary>>,
        tbs: Vec<&'a [u8]> => Array<Binary>,
        reserved_at: Vec<i64> => Array<BigInt>,
        identified_at: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        proof_issuer: Vec<&'a str> => Array<Text>,
        proof_serial: Vec<&'a [u8]> => Array<Binary>,
        proof_sealed: Vec<bool> => Array<Bool>,
        proof_act: Vec<&'a [u8]> => Array<Binary>,
        proof_kept_at: Vec<i64> => Array<BigInt>,
    } -> () = "WITH reserved AS (INSERT INTO certificate (issuer, serial, node, profile, \
            profile_sha256, municipality, \"partition\", not_after, key_sha256, application, idempotency_key, \
            wish_sha256, resident, tbs, reserved_at, identified_at, state, in_effect) \
        SELECT new.*, 'reserved', false FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AS new) \
        INSERT INTO proof (issuer, serial, sealed, act, kept_at, deed) \
        SELECT act.*, 'issue' FROM unnest(?, ?, ?, ?, ?) AS act"
}

prepared! {
    /// Certificates come into effect.
    CompleteSerials on PgConnection {
        issuer: Vec<&'a str> => Array<Text>,
        serial: Vec<&'a [u8]> => Array<Binary>,
        der: Vec<&'a [u8]> => Array<Binary>,
        at: Vec<i64> => Array<BigInt>,
    } -> (Text, Binary, Nullable<Binary>, Nullable<BigInt>) = "UPDATE certificate AS stored \
        SET state = 'completed', in_effect = true, tbs = NULL, der = done.der, ended_at = done.at \
        FROM unnest(?, ?, ?, ?) AS done (issuer, serial, der, at) \
        WHERE stored.issuer = done.issuer AND stored.serial = done.serial \
            AND stored.state = 'reserved' \
        RETURNING stored.issuer, stored.serial, stored.resident, stored.identified_at"
}

prepared! {
    /// What the register recorded about residents, and when.
    Events on PgConnection {
        residents: Vec<&'a [u8]> => Array<Binary>,
        formers: Vec<&'a [u8]> => Array<Binary>,
    } -> (Binary, BigInt) = "\
        SELECT resident, recorded_at FROM register_event WHERE bears AND resident = ANY (?) \
        UNION ALL SELECT former, recorded_at FROM register_event WHERE bears AND former = ANY (?)"
}

/// Of each, whether nothing is recorded that speaks against it.
pub fn unknown(connection: &mut PgConnection, wishes: &[&Reservation]) -> QueryResult<Vec<bool>> {
    let issuers: Vec<&str> = wishes
        .iter()
        .map(|new| &new.issuer[..])
        .collect::<HashSet<_>>()
        .into_iter()
        .collect();
    let residents: Vec<&[u8]> = holders(wishes)
        .map(|(_, holder)| &holder.resident[..])
        .collect();
    let found: Vec<(Vec<u8>, String, i64)> = Known {
        keys: wishes.iter().map(|new| &new.key_sha256[..]).collect(),
        requests: wishes.iter().map(|new| &new.idempotency_key[..]).collect(),
        issuers: issuers.clone(),
        serials: wishes.iter().map(|new| &new.serial[..]).collect(),
        effect_issuers: issuers.clone(),
        effect_residents: residents.clone(),
        work_issuers: issuers,
        work_residents: residents.clone(),
        event_residents: residents.clone(),
        event_formers: residents,
    }
    .load(connection)?;
    let mut known: HashMap<&[u8], Vec<(&str, i64)>> = HashMap::new();
    for (name, issuer, at) in &found {
        known.entry(name).or_default().push((issuer, *at));
    }
    let speaks = |new: &Reservation, name: &[u8], since: i64| {
        known.get(name).is_some_and(|found| {
            let mine = |issuer: &str| issuer.is_empty() || issuer == new.issuer;
            found
                .iter()
                .any(|(issuer, at)| mine(issuer) && *at >= since)
        })
    };
    Ok(wishes
        .iter()
        .map(|new| {
            let names = [&new.key_sha256[..], &new.idempotency_key, &new.serial];
            !names.iter().any(|name| speaks(new, name, ALWAYS))
                && !new.holder.as_ref().is_some_and(|holder| {
                    speaks(new, &holder.resident, holder.identified_at.as_microsecond())
                })
        })
        .collect())
}

fn holders<'a>(wishes: &[&'a Reservation]) -> impl Iterator<Item = (&'a Reservation, &'a Holder)> {
    wishes
        .iter()
        .filter_map(|new| Some((*new, new.holder.as_ref()?)))
}

/// Reserves all of them.
pub fn insert(connection: &mut PgConnection, wishes: &[&Reservation]) -> QueryResult<()> {
    fn column<'a, T>(wishes: &[&'a Reservation], of: impl Fn(&'a Reservation) -> T) -> Vec<T> {
        wishes.iter().map(|new| of(new)).collect()
    }
    let proved: Vec<_> = holders(wishes).collect();
    InsertSerials {
        issuer: column(wishes, |new| &new.issuer[..]),
        serial: column(wishes, |new| &new.serial[..]),
        node: column(wishes, |new| &new.node[..]),
        profile: column(wishes, |new| &new.profile[..]),
        profile_sha256: column(wishes, |new| &new.profile_sha256[..]),
        municipality: column(wishes, |new| new.municipality.as_deref()),
        partition: column(wishes, |new| i32::from(new.partition.get())),
        not_after: column(wishes, |new| new.not_after.as_microsecond()),
        key_sha256: column(wishes, |new| &new.key_sha256[..]),
        application: column(wishes, |new| &new.application[..]),
        idempotency_key: column(wishes, |new| &new.idempotency_key[..]),
        wish_sha256: column(wishes, |new| &new.wish_sha256[..]),
        resident: column(wishes, |new| Some(&new.holder.as_ref()?.resident[..])),
        tbs: column(wishes, |new| &new.tbs[..]),
        reserved_at: column(wishes, |new| new.at.as_microsecond()),
        identified_at: column(wishes, |new| {
            Some(new.holder.as_ref()?.identified_at.as_microsecond())
        }),
        proof_issuer: proved.iter().map(|(new, _)| &new.issuer[..]).collect(),
        proof_serial: proved.iter().map(|(new, _)| &new.serial[..]).collect(),
        proof_sealed: proved
            .iter()
            .map(|(_, holder)| holder.proof.sealed)
            .collect(),
        proof_act: proved
            .iter()
            .map(|(_, holder)| &holder.proof.act[..])
            .collect(),
        proof_kept_at: proved
            .iter()
            .map(|(new, _)| new.at.as_microsecond())
            .collect(),
    }
    .execute(connection)
    .map(drop)
}

/// Issuer, serial, resident, identified at.
type CompletedRow = (String, Vec<u8>, Option<Vec<u8>>, Option<i64>);

/// Completes those that are reserved; answers which.
///
/// # Errors
/// Also when something happened to a resident meanwhile: then all of it is undone, and each is
/// looked at by itself. Another certificate in effect shows as a violated index.
pub fn complete(connection: &mut PgConnection, wishes: &[&Completion]) -> QueryResult<Vec<bool>> {
    let completed: Vec<CompletedRow> = CompleteSerials {
        issuer: wishes.iter().map(|done| &done.issuer[..]).collect(),
        serial: wishes.iter().map(|done| &done.serial[..]).collect(),
        der: wishes.iter().map(|done| &done.der[..]).collect(),
        at: wishes.iter().map(|done| done.at.as_microsecond()).collect(),
    }
    .load(connection)?;
    let identified: HashMap<&[u8], i64> = completed
        .iter()
        .filter_map(|(_, _, resident, since)| Some((resident.as_deref()?, (*since)?)))
        .collect();
    if !identified.is_empty() {
        let residents: Vec<&[u8]> = identified.keys().copied().collect();
        let events: Vec<(Vec<u8>, i64)> = Events {
            residents: residents.clone(),
            formers: residents,
        }
        .load(connection)?;
        let since_then = |(resident, at): &(Vec<u8>, i64)| {
            identified
                .get(&resident[..])
                .is_some_and(|since| at >= since)
        };
        if events.iter().any(since_then) {
            return Err(race());
        }
    }
    let completed: HashSet<(&str, &[u8])> = completed
        .iter()
        .map(|(issuer, serial, ..)| (&issuer[..], &serial[..]))
        .collect();
    Ok(wishes
        .iter()
        .map(|done| completed.contains(&(&done.issuer[..], &done.serial[..])))
        .collect())
}
