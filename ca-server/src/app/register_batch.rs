//! The next batch of a municipality, read and checked whole, and what it would do. Nothing is
//! changed here: following and rehearsing both begin with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pki_core::{
    calendar::JapaneseDay,
    person::municipality::MunicipalityCode,
    revocation::{
        register_batch::{BatchFault, parse},
        register_brake::{Bearing, Forecast, RegisterStanding},
        register_event::{RegisterEvent, RegisterEventKind},
    },
};

use super::{App, resident_hash, sha256};
use crate::port::{
    register_feed::{FeedAway, RegisterFeed},
    register_hold::{BatchName, Hold, HoldState},
    store::{RegisterPosition, StoreError},
    vault::VaultError,
};

/// Why a batch is not taken. It is kept, told in health and metrics, and audited once; nothing
/// after it is applied until it is mended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A later batch is there, this one is not.
    #[error("batch {missing} is missing; batch {there} is there")]
    Gap { missing: u64, there: u64 },
    /// A batch that was begun or applied is there with other bytes.
    #[error("batch {0} was changed after it was read")]
    Changed(u64),
    /// A batch that was begun is gone.
    #[error("batch {0} is gone, and was not applied to its end")]
    Gone(u64),
    /// A merger from a municipality that was not merged into this one.
    #[error("batch {batch}: event {sequence} tells of a merger that is not configured")]
    UnknownMerger { batch: u64, sequence: u64 },
    /// The batch itself.
    #[error("batch {batch}: {fault}")]
    Broken { batch: u64, fault: BatchFault },
    /// The brake held it.
    #[error(
        "batch {batch} is held: it would end {ends} certificates, and {allowed} may be ended in a \
         day; officers release or refuse it at the console"
    )]
    Held { batch: u64, ends: u64, allowed: u64 },
    /// An officer refused it after the brake had held it.
    #[error("batch {0} was refused by an officer: the register has to leave another")]
    Refused(u64),
}

impl Trouble {
    /// As in audit rows.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gap { .. } => "batch-missing",
            Self::Changed(_) => "batch-changed",
            Self::Gone(_) => "batch-gone",
            Self::UnknownMerger { .. } => "merger-unknown",
            Self::Broken { fault, .. } => fault.name(),
            Self::Held { .. } => "batch-held",
            Self::Refused(_) => "batch-refused",
        }
    }

    /// Whether it waits for officers of the authority, not for the register.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// What stands in the way of a batch that the brake held, if anything does.
    pub(super) fn of(hold: &Hold) -> Option<Self> {
        let [held, refused] = Self::said_of(hold);
        match hold.state {
            HoldState::Held => Some(held),
            HoldState::Refused => Some(refused),
            HoldState::Released | HoldState::Applied => None,
        }
    }

    /// What is said of such a batch while it is held, and once it is refused.
    pub(super) fn said_of(hold: &Hold) -> [Self; 2] {
        let batch = hold.name.batch;
        let held = Self::Held {
            batch,
            ends: hold.ends,
            allowed: hold.allowed,
        };
        [held, Self::Refused(batch)]
    }
}

/// Why following stopped.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// Somebody has to look at the batches.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// Try later.
    #[error(transparent)]
    Feed(#[from] FeedAway),
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
}

/// An event with its residents as they are looked up.
pub(super) struct Hashed {
    pub event: RegisterEvent,
    pub bearing: Bearing,
}

/// The next batch, in order.
pub(super) struct Due {
    pub name: BatchName,
    /// Some of it is applied, and it goes on: it was let through then.
    pub begun: bool,
    /// What is not applied yet.
    pub events: Vec<Hashed>,
}

impl Due {
    /// The events, counted by kind.
    pub fn kinds(&self) -> BTreeMap<RegisterEventKind, u64> {
        let mut kinds = BTreeMap::new();
        for hashed in &self.events {
            *kinds.entry(hashed.event.kind).or_default() += 1;
        }
        kinds
    }
}

/// The batch after that position, checked whole; `None` when there is none yet.
pub(super) fn due(
    app: &App,
    feed: &dyn RegisterFeed,
    municipality: MunicipalityCode,
    position: &RegisterPosition,
    now: Timestamp,
) -> Result<Option<Due>, FollowError> {
    let begun = position.batch > 0 && !position.complete;
    let number = if begun {
        position.batch
    } else {
        position.batch + 1
    };
    // The numbers first: what comes between the two looks is no gap.
    let there = feed.numbers(municipality, number)?;
    if !begun && position.batch > 0 {
        // The newest batch that was applied is, as far as it is still there, the one that was.
        if feed.differs(municipality, position.batch, &position.batch_sha256)? {
            return Err(Trouble::Changed(position.batch).into());
        }
    }
    let Some(bytes) = feed.batch(municipality, number)? else {
        return match there.first() {
            Some(there) => Err(Trouble::Gap {
                missing: number,
                there: *there,
            }
            .into()),
            None if begun => Err(Trouble::Gone(number).into()),
            None => Ok(None),
        };
    };
    let name = BatchName {
        municipality: municipality.to_string(),
        batch: number,
        sha256: sha256(&bytes),
    };
    if begun && name.sha256 != position.batch_sha256 {
        return Err(Trouble::Changed(number).into());
    }
    // A batch that was begun was in order when it was; some of it may be applied.
    let first = (!begun).then_some(position.sequence + 1);
    let mut events = parse(&bytes, first, now).map_err(|fault| Trouble::Broken {
        batch: number,
        fault,
    })?;
    events.retain(|event| event.sequence > position.sequence);
    mergers_known(app, municipality, number, &events)?;
    let events = events
        .into_iter()
        .map(|event| hashed(app, municipality, event))
        .collect::<Result<_, _>>()?;
    Ok(Some(Due {
        name,
        begun,
        events,
    }))
}

fn mergers_known(
    app: &App,
    municipality: MunicipalityCode,
    batch: u64,
    events: &[RegisterEvent],
) -> Result<(), Trouble> {
    let unknown = events.iter().find(|event| {
        event.former.as_ref().is_some_and(|(former, _)| {
            *former == municipality || !app.mergers.all_of(municipality).contains(former)
        })
    });
    match unknown {
        None => Ok(()),
        Some(event) => Err(Trouble::UnknownMerger {
            batch,
            sequence: event.sequence,
        }),
    }
}

fn hashed(
    app: &App,
    municipality: MunicipalityCode,
    event: RegisterEvent,
) -> Result<Hashed, VaultError> {
    let former = event
        .former
        .as_ref()
        .map(|(municipality, number)| resident_hash(app, *municipality, number))
        .transpose()?;
    let bearing = Bearing {
        kind: event.kind,
        resident: resident_hash(app, municipality, &event.resident)?,
        former,
        recorded_at: event.recorded_at,
    };
    Ok(Hashed { event, bearing })
}

/// How many certificates the batch would end after what the forecast has seen before it.
pub(super) fn foresee(
    app: &App,
    forecast: &mut Forecast,
    due: &Due,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let events: Vec<Bearing> = due.events.iter().map(|hashed| hashed.bearing).collect();
    let residents = forecast.unknown(&events);
    let met = app
        .store
        .certificates_met(&app.issuers_of_residents(), &residents, now)?;
    forecast.tell(&residents, met);
    let ends = events
        .iter()
        .flat_map(|event| forecast.apply(event))
        .filter(|outcome| outcome.ends())
        .count();
    Ok(ends as u64)
}

/// How the municipality's certificates stand on this Japanese day.
pub(super) fn standing(
    app: &App,
    municipality: MunicipalityCode,
    now: Timestamp,
) -> Result<RegisterStanding, StoreError> {
    let places: Vec<String> = app
        .mergers
        .all_of(municipality)
        .iter()
        .map(ToString::to_string)
        .collect();
    app.store.register_standing(
        &app.issuers_of_residents(),
        &municipality.to_string(),
        &places,
        JapaneseDay::of(now).first_second(),
        now,
    )
}
