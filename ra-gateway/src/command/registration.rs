//! Registration in two steps (登録申請, 承認): one officer hands the authority's record in, a
//! second one approves it, and both are written down.

use std::{fs, path::Path};

use pki_core::operator::Role;
use schema::wire::v1::ca::PartyRecord;

use super::{
    Fault,
    officer::{LARGEST_RECORD, named, party, store},
};
use crate::{
    adapter::system::{SystemClock, SystemEntropy},
    port::{AuditEntry, Clock, Entropy, PartyKind, Registration, Registrations},
};

fn role_fits(kind: PartyKind, role: Option<Role>) -> Result<(), Fault> {
    if role.is_some() && kind != PartyKind::Operator {
        return Err("only an operator has a role".into());
    }
    Ok(())
}

/// Hands a record in.
pub fn request(
    config: &Path,
    record: &Path,
    role: Option<Role>,
    by: &str,
) -> Result<String, Fault> {
    named(by, "by")?;
    if fs::metadata(record)?.len() > LARGEST_RECORD {
        return Err("the record is larger than any party's".into());
    }
    let text = fs::read_to_string(record)?;
    let party = party(serde_json::from_str::<PartyRecord>(&text)?)?;
    role_fits(party.kind, role)?;
    let named = format!("{} {}", party.kind.name(), party.id);
    let id = hex::encode(&SystemEntropy.id()[..4]);
    let new = Registration {
        id: id.clone(),
        record: text,
        party: named.clone(),
        role,
        requested_by: by.trim().to_owned(),
        requested_at: SystemClock.now(),
    };
    let entry = AuditEntry {
        act: "request-registration",
        reference: Some(format!("{named} by {}", new.requested_by)),
        ..AuditEntry::default()
    };
    store(config)?.request_registration(&new, &entry)?;
    Ok(format!("{id}: {named} waits for a second officer"))
}

/// Shows what waits.
pub fn show(config: &Path) -> Result<String, Fault> {
    let waiting = store(config)?.registrations()?;
    if waiting.is_empty() {
        return Ok("nothing waits".into());
    }
    let line = |one: &Registration| {
        let role = one.role.map(|role| format!(" {role}")).unwrap_or_default();
        format!(
            "{}: {}{role}, asked for by {} at {}",
            one.id, one.party, one.requested_by, one.requested_at
        )
    };
    Ok(waiting.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Approves what another officer handed in: the party is registered.
pub fn approve(config: &Path, id: &str, by: &str) -> Result<String, Fault> {
    named(by, "by")?;
    let store = store(config)?;
    let asked = store
        .registrations()?
        .into_iter()
        .find(|waiting| waiting.id == id)
        .ok_or("there is no such request that waits")?;
    let mut party = party(serde_json::from_str::<PartyRecord>(&asked.record)?)?;
    role_fits(party.kind, asked.role)?;
    party.role = asked.role;
    let entry = AuditEntry {
        act: "register-party",
        reference: Some(format!(
            "{} asked by {} approved by {}",
            asked.party,
            asked.requested_by,
            by.trim()
        )),
        ..AuditEntry::default()
    };
    if !store.approve_registration(id, by.trim(), &party, SystemClock.now(), &entry)? {
        return Err(format!(
            "{} asked for it: another officer has to approve",
            asked.requested_by
        )
        .into());
    }
    Ok(format!("{} is registered", asked.party))
}
