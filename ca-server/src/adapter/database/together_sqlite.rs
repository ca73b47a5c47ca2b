//! [`super::together`] on SQLite: the database is in this process, so what counts is that
//! statements are prepared once and that no savepoint makes it copy pages.

use diesel::{
    OptionalExtension, QueryResult, RunQueryDsl, SqliteConnection,
    sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text},
};

use super::prepared::prepared;
use crate::port::store::{Completion, ProvedDeed, Reservation};

prepared! {
    /// Whether anything is recorded that a reservation would have to be held against.
    Known on SqliteConnection {
        request: &'a [u8] => Binary,
        key: &'a [u8] => Binary,
        issuer: &'a str => Text,
        serial: &'a [u8] => Binary,
        effect_issuer: &'a str => Text,
        effect_resident: &'a [u8] => Binary,
        work_issuer: &'a str => Text,
        work_resident: &'a [u8] => Binary,
        event_resident: &'a [u8] => Binary,
        event_since: i64 => BigInt,
        event_former: &'a [u8] => Binary,
        former_since: i64 => BigInt,
    } -> Integer = "SELECT 1 FROM certificate WHERE idempotency_key = ? AND state <> 'abandoned' \
        UNION ALL SELECT 1 FROM certificate WHERE key_sha256 = ? \
        UNION ALL SELECT 1 FROM certificate WHERE issuer = ? AND serial = ? \
        UNION ALL SELECT 1 FROM certificate WHERE issuer = ? AND resident = ? AND in_effect = 1 \
        UNION ALL SELECT 1 FROM certificate WHERE issuer = ? AND resident = ? AND state = 'reserved' \
        UNION ALL SELECT 1 FROM register_event WHERE bears = 1 AND resident = ? AND recorded_at >= ? \
        UNION ALL SELECT 1 FROM register_event WHERE bears = 1 AND former = ? AND recorded_at >= ? \
        LIMIT 1"
}

prepared! {
    /// A serial is reserved.
    InsertSerial on SqliteConnection {
        issuer: &'a str => Text,
        serial: &'a [u8] => Binary,
        node: &'a str => Text,
        profile: &'a str => Text,
        profile_sha256: &'a [u8] => Binary,
        municipality: Option<&'a str> => Nullable<Text>,
        partition: i32 => Integer,
        not_after: i64 => BigInt,
        key_sha256: &'a [u8] => Binary,
        application: &'a [u8] => Binary,
        idempotency_key: &'a [u8] => Binary,
        wish_sha256: &'a [u8] => Binary,
        resident: Option<&'a [u8]> => Nullable<Binary>,
        tbs: &'a [u8] => Binary,
        reserved_at: i64 => BigInt,
        identified_at: Option<i64> => Nullable<BigInt>,
    } -> () = "INSERT INTO certificate (issuer, serial, node, profile, profile_sha256, municipality, \
        \"partition\", not_after, key_sha256, application, idempotency_key, wish_sha256, resident, tbs, reserved_at, \
        identified_at, state, in_effect) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved', 0)"
}

prepared! {
    /// The act that asked for it.
    InsertProof on SqliteConnection {
        issuer: &'a str => Text,
        serial: &'a [u8] => Binary,
        deed: &'a str => Text,
        sealed: bool => Bool,
        act: &'a [u8] => Binary,
        kept_at: i64 => BigInt,
    } -> () = "INSERT INTO proof (issuer, serial, deed, sealed, act, kept_at) VALUES (?, ?, ?, ?, ?, ?)"
}

prepared! {
    /// Whose a serial is that waits for its certificate.
    Reserved on SqliteConnection {
        issuer: &'a str => Text,
        serial: &'a [u8] => Binary,
    } -> (Nullable<Binary>, Nullable<BigInt>) = "SELECT resident, identified_at FROM certificate \
        WHERE issuer = ? AND serial = ? AND state = 'reserved'"
}

prepared! {
    /// Whether anything happened to a resident that his certificate would have to be held against.
    Happened on SqliteConnection {
        event_resident: &'a [u8] => Binary,
        event_since: i64 => BigInt,
        event_former: &'a [u8] => Binary,
        former_since: i64 => BigInt,
        issuer: &'a str => Text,
        resident: &'a [u8] => Binary,
    } -> Integer = "SELECT 1 FROM register_event WHERE bears = 1 AND resident = ? AND recorded_at >= ? \
        UNION ALL SELECT 1 FROM register_event WHERE bears = 1 AND former = ? AND recorded_at >= ? \
        UNION ALL SELECT 1 FROM certificate WHERE issuer = ? AND resident = ? AND in_effect = 1 \
        LIMIT 1"
}

prepared! {
    /// The certificate comes into effect.
    CompleteSerial on SqliteConnection {
        der: &'a [u8] => Binary,
        at: i64 => BigInt,
        issuer: &'a str => Text,
        serial: &'a [u8] => Binary,
    } -> () = "UPDATE certificate SET state = 'completed', in_effect = 1, tbs = NULL, der = ?, \
        ended_at = ? WHERE issuer = ? AND serial = ? AND state = 'reserved'"
}

/// Of each, whether nothing is recorded that speaks against it.
pub fn unknown(
    connection: &mut SqliteConnection,
    wishes: &[&Reservation],
) -> QueryResult<Vec<bool>> {
    let mut unknown = Vec::with_capacity(wishes.len());
    for new in wishes {
        // Nobody's hash is empty.
        let (resident, since) = new.holder.as_ref().map_or((&[][..], 0), |holder| {
            (&holder.resident[..], holder.identified_at.as_microsecond())
        });
        let found: Option<i32> = Known {
            request: &new.idempotency_key,
            key: &new.key_sha256,
            issuer: &new.issuer,
            serial: &new.serial,
            effect_issuer: &new.issuer,
            effect_resident: resident,
            work_issuer: &new.issuer,
            work_resident: resident,
            event_resident: resident,
            event_since: since,
            event_former: resident,
            former_since: since,
        }
        .get_result(connection)
        .optional()?;
        unknown.push(found.is_none());
    }
    Ok(unknown)
}

/// Reserves all of them.
pub fn insert(connection: &mut SqliteConnection, wishes: &[&Reservation]) -> QueryResult<()> {
    for new in wishes {
        let holder = new.holder.as_ref();
        InsertSerial {
            issuer: &new.issuer,
            serial: &new.serial,
            node: &new.node,
            profile: &new.profile,
            profile_sha256: &new.profile_sha256,
            municipality: new.municipality.as_deref(),
            partition: i32::from(new.partition.get()),
            not_after: new.not_after.as_microsecond(),
            key_sha256: &new.key_sha256,
            application: &new.application,
            idempotency_key: &new.idempotency_key,
            wish_sha256: &new.wish_sha256,
            resident: holder.map(|holder| &holder.resident[..]),
            tbs: &new.tbs,
            reserved_at: new.at.as_microsecond(),
            identified_at: holder.map(|holder| holder.identified_at.as_microsecond()),
        }
        .execute(connection)?;
        if let Some(holder) = holder {
            InsertProof {
                issuer: &new.issuer,
                serial: &new.serial,
                deed: ProvedDeed::Issue.as_str(),
                sealed: holder.proof.sealed,
                act: &holder.proof.act,
                kept_at: new.at.as_microsecond(),
            }
            .execute(connection)?;
        }
    }
    Ok(())
}

/// Completes those about which nothing has happened; answers which.
pub fn complete(
    connection: &mut SqliteConnection,
    wishes: &[&Completion],
) -> QueryResult<Vec<bool>> {
    wishes
        .iter()
        .map(|done| complete_one(connection, done))
        .collect()
}

fn complete_one(connection: &mut SqliteConnection, done: &Completion) -> QueryResult<bool> {
    let (issuer, serial) = (&done.issuer[..], &done.serial[..]);
    let reserved: Option<(Option<Vec<u8>>, Option<i64>)> = Reserved { issuer, serial }
        .get_result(connection)
        .optional()?;
    let Some(holder) = reserved else {
        return Ok(false);
    };
    if let (Some(resident), Some(since)) = holder {
        let happened: Option<i32> = Happened {
            event_resident: &resident,
            event_since: since,
            event_former: &resident,
            former_since: since,
            issuer,
            resident: &resident,
        }
        .get_result(connection)
        .optional()?;
        if happened.is_some() {
            return Ok(false);
        }
    }
    let changed = CompleteSerial {
        der: &done.der,
        at: done.at.as_microsecond(),
        issuer,
        serial,
    }
    .execute(connection)?;
    Ok(changed == 1)
}
