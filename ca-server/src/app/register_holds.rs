//! What officers see of the register feed, and what they decide about a batch that the brake
//! held.

use jiff::Timestamp;
use pki_core::{
    id::{ApplicationId, Sha256Digest},
    officer::{HeldBatch, OfficerDeed},
    person::municipality::MunicipalityCode,
};

use super::{
    App,
    officer::{self, Officer, OfficerError},
    register_batch::Trouble,
};
use crate::port::{
    register_hold::{BatchName, Hold, HoldDecision, HoldState},
    store::{RegisterPosition, StoreError},
};

/// Held batches that are shown at most.
const SHOWN: u32 = 200;

/// How the feed of one municipality stands.
pub struct Feed {
    pub municipality: MunicipalityCode,
    pub name: String,
    pub position: RegisterPosition,
    /// What stands in the way beside the held batch.
    pub trouble: Option<String>,
    /// Batches that wait for officers, or for the next look after they decided.
    pub holds: Vec<Hold>,
}

/// Every municipality's feed.
pub fn feeds(app: &App) -> Result<Vec<Feed>, StoreError> {
    let holds = app.store.register_holds(SHOWN)?;
    app.municipalities
        .iter()
        .map(|place| {
            let code = place.code.to_string();
            let position = app.store.register_position(&code)?;
            let holds: Vec<Hold> = holds
                .iter()
                .filter(|hold| hold.name.municipality == code && hold.name.batch > position.batch)
                .cloned()
                .collect();
            // What the follower said of a held batch may be older than the officers' decision.
            let about_a_hold = |said: &String| {
                holds
                    .iter()
                    .flat_map(Trouble::said_of)
                    .any(|trouble| trouble.to_string() == *said)
            };
            Ok(Feed {
                municipality: place.code,
                name: place.municipality.clone(),
                trouble: position.trouble.clone().filter(|said| !about_a_hold(said)),
                position,
                holds,
            })
        })
        .collect()
}

/// Batches that were held once and are behind now, the newest first.
pub fn decided(app: &App) -> Result<Vec<Hold>, StoreError> {
    let mut behind = Vec::new();
    for hold in app.store.register_holds(SHOWN)? {
        let position = app.store.register_position(&hold.name.municipality)?;
        if hold.name.batch <= position.batch {
            behind.push(hold);
        }
    }
    Ok(behind)
}

/// A batch that was held, by the bytes that the officer saw.
pub fn hold(
    app: &App,
    municipality: MunicipalityCode,
    batch: u64,
    sha256: &Sha256Digest,
) -> Result<Option<Hold>, StoreError> {
    app.store.register_hold(&BatchName {
        municipality: municipality.to_string(),
        batch,
        sha256: *sha256.as_bytes(),
    })
}

/// Make the act by which a held batch is released or refused.
pub fn propose(
    app: &App,
    officer: &Officer,
    held: HeldBatch,
    to: HoldState,
) -> Result<ApplicationId, OfficerError> {
    let deed = match to {
        HoldState::Released => OfficerDeed::ReleaseBatch(held),
        _ => OfficerDeed::RefuseBatch(held),
    };
    officer::propose(app, officer, deed)
}

/// Whether the decision can be made as the batch stands. The store looks again when it is.
pub(super) fn decide(
    app: &App,
    held: &HeldBatch,
    to: HoldState,
    by: String,
    at: Timestamp,
) -> Result<HoldDecision, OfficerError> {
    let hold = hold(app, held.municipality, held.batch, &held.sha256)?
        .filter(|hold| hold.ends == held.ends)
        .ok_or(OfficerError::NotHeld)?;
    let position = app.store.register_position(&hold.name.municipality)?;
    let waits = position.batch < hold.name.batch;
    match (hold.state, to) {
        (HoldState::Held, HoldState::Released | HoldState::Refused)
        | (HoldState::Refused, HoldState::Released)
            if waits =>
        {
            Ok(HoldDecision {
                name: hold.name,
                to,
                by,
                at,
            })
        }
        _ => Err(OfficerError::NotHeld),
    }
}
