//! A dry run of the register feed: what following would do now, batch by batch, also behind one
//! that the brake holds. Nothing is written, not even a position or an audit row; the counts name
//! nobody.

use std::collections::BTreeMap;

use pki_core::{
    person::municipality::MunicipalityCode,
    revocation::{
        register_brake::{Forecast, RegisterStanding, Verdict},
        register_event::RegisterEventKind,
    },
};

use super::{
    App,
    register_batch::{self, FollowError},
};
use crate::port::{register_feed::RegisterFeed, register_hold::HoldState, store::RegisterPosition};

/// Most batches of a municipality that one rehearsal looks at.
pub const BATCHES_MAX: usize = 1_000;

/// What would be done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It would be applied.
    Applied,
    /// Officers released it; it would be applied.
    Released,
    /// The brake would hold it, or holds it.
    Held { allowed: u64 },
    /// An officer refused it.
    Refused,
}

impl Fate {
    /// Whether nothing behind it is applied.
    pub fn stops(self) -> bool {
        matches!(self, Self::Held { .. } | Self::Refused)
    }
}

/// One batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    pub batch: u64,
    pub kinds: BTreeMap<RegisterEventKind, u64>,
    /// Certificates that it would end.
    pub ends: u64,
    /// The municipality's certificates as the batch would find them.
    pub standing: RegisterStanding,
    pub fate: Fate,
    /// A batch before it stops the feed: it would wait.
    pub waits: bool,
}

/// One municipality.
#[derive(Debug)]
pub struct Rehearsal {
    pub municipality: MunicipalityCode,
    /// How far its events are applied.
    pub position: RegisterPosition,
    pub batches: Vec<Rehearsed>,
    /// Why it ends there, where it is not the end of what the register has told.
    pub stopped: Option<FollowError>,
}

/// What following would do now, for each municipality.
pub fn rehearse(app: &App, feed: &dyn RegisterFeed) -> Vec<Rehearsal> {
    app.municipalities
        .iter()
        .map(|place| {
            let mut rehearsal = Rehearsal {
                municipality: place.code,
                position: RegisterPosition::default(),
                batches: Vec::new(),
                stopped: None,
            };
            rehearsal.stopped = rehearse_one(app, feed, &mut rehearsal).err();
            rehearsal
        })
        .collect()
}

fn rehearse_one(
    app: &App,
    feed: &dyn RegisterFeed,
    rehearsal: &mut Rehearsal,
) -> Result<(), FollowError> {
    let now = app.clock.now();
    let municipality = rehearsal.municipality;
    rehearsal.position = app.store.register_position(&municipality.to_string())?;
    let mut position = rehearsal.position.clone();
    let mut standing = register_batch::standing(app, municipality, now)?;
    let mut forecast = Forecast::new(app.issuers_of_residents());
    let mut waits = false;
    while rehearsal.batches.len() < BATCHES_MAX {
        let Some(due) = register_batch::due(app, feed, municipality, &position, now)? else {
            break;
        };
        let ends = register_batch::foresee(app, &mut forecast, &due, now)?;
        let hold = app.store.register_hold(&due.name)?;
        let fate = match hold.map(|hold| (hold.state, hold.allowed)) {
            Some((HoldState::Held, allowed)) => Fate::Held { allowed },
            Some((HoldState::Refused, _)) => Fate::Refused,
            Some((HoldState::Released | HoldState::Applied, _)) => Fate::Released,
            None if due.begun => Fate::Applied,
            None => match app.brake.decide(standing, ends) {
                Verdict::Goes => Fate::Applied,
                Verdict::Held { allowed } => Fate::Held { allowed },
            },
        };
        rehearsal.batches.push(Rehearsed {
            batch: due.name.batch,
            kinds: due.kinds(),
            ends,
            standing,
            fate,
            waits,
        });
        waits |= fate.stops();
        // What officers let through does not use up the day.
        standing = match fate {
            Fate::Applied => standing.after(ends),
            _ => RegisterStanding {
                in_effect: standing.in_effect.saturating_sub(ends),
                ..standing
            },
        };
        position = RegisterPosition {
            batch: due.name.batch,
            batch_sha256: due.name.sha256,
            complete: true,
            sequence: due
                .events
                .last()
                .map_or(position.sequence, |hashed| hashed.event.sequence),
            trouble: None,
        };
    }
    Ok(())
}
