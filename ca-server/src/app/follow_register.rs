//! 異動等失効: the resident register tells what changed, and what rests on the register from before
//! loses its effect when the event is recorded here (Arts 12, 15). Needs no token, once the vault
//! was opened.

use std::time::Duration;

use jiff::Timestamp;
use pki_core::{
    person::municipality::MunicipalityCode,
    revocation::{
        register_batch::{BatchFault, parse},
        register_event::RegisterEvent,
    },
};

use super::{App, publish_crl::Bell, resident_hash, sha256};
use crate::port::{
    register_feed::{FeedAway, RegisterFeed},
    store::{
        AppliedEvents, AuditEntry, EventOutcome, NewRegisterEvent, RegisterPosition, StoreError,
    },
    vault::VaultError,
};

/// Events applied in one transaction: few enough that nobody waits long beside it.
const TOGETHER: usize = 50;

/// What following one municipality's register brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Batches that were applied to their end.
    pub batches: u64,
    pub events: u64,
    /// Certificates that were revoked.
    pub revoked: u64,
}

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
        }
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

/// Apply whatever the register of each municipality has told since the last time. One that is in
/// trouble does not keep back the others.
pub fn follow(
    app: &App,
    feed: &dyn RegisterFeed,
) -> Vec<(MunicipalityCode, Result<Followed, FollowError>)> {
    app.municipalities
        .iter()
        .map(|place| (place.code, follow_one(app, feed, place.code)))
        .collect()
}

fn follow_one(
    app: &App,
    feed: &dyn RegisterFeed,
    municipality: MunicipalityCode,
) -> Result<Followed, FollowError> {
    let followed = take_batches(app, feed, municipality);
    let trouble = match &followed {
        Ok(_) => None,
        Err(FollowError::Trouble(trouble)) => Some(trouble.clone()),
        // Nothing was learnt about the batches.
        Err(_) => return followed,
    };
    metrics::gauge!("jitsuin_register_trouble", "municipality" => municipality.to_string())
        .set(if trouble.is_some() { 1.0 } else { 0.0 });
    tell(app, municipality, trouble.as_ref())?;
    followed
}

/// Keep the trouble, or that it is over; its audit row is written once.
fn tell(
    app: &App,
    municipality: MunicipalityCode,
    trouble: Option<&Trouble>,
) -> Result<(), StoreError> {
    let name = municipality.to_string();
    let said = trouble.map(ToString::to_string);
    if app.store.register_position(&name)?.trouble == said {
        return Ok(());
    }
    let now = app.clock.now();
    let mut entry = app.own_entry(
        now,
        "register.batch",
        format!("register:{municipality}"),
        serde_json::json!({ "said": said }),
    );
    entry.outcome = trouble.map_or("mended", Trouble::name).to_owned();
    app.store.set_register_trouble(&name, said, now, entry)?;
    Ok(())
}

fn take_batches(
    app: &App,
    feed: &dyn RegisterFeed,
    municipality: MunicipalityCode,
) -> Result<Followed, FollowError> {
    let mut followed = Followed::default();
    loop {
        let position = app.store.register_position(&municipality.to_string())?;
        let numbers = feed.numbers(municipality)?;
        let begun = position.batch > 0 && !position.complete;
        let due = if begun {
            position.batch
        } else {
            position.batch + 1
        };
        if !begun && position.batch > 0 {
            unchanged(feed, municipality, &position)?;
        }
        let Some(bytes) = feed.batch(municipality, due)? else {
            return match numbers.iter().find(|number| **number > due) {
                Some(there) => Err(Trouble::Gap {
                    missing: due,
                    there: *there,
                }
                .into()),
                None if begun => Err(Trouble::Gone(due).into()),
                None => Ok(followed),
            };
        };
        let digest = sha256(&bytes);
        if begun && digest != position.batch_sha256 {
            return Err(Trouble::Changed(due).into());
        }
        // A batch that was begun was in order when it was; some of it may be applied.
        let first = (!begun).then_some(position.sequence + 1);
        let mut events = parse(&bytes, first, app.clock.now())
            .map_err(|fault| Trouble::Broken { batch: due, fault })?;
        events.retain(|event| event.sequence > position.sequence);
        mergers_known(app, municipality, due, &events)?;
        if apply(
            app,
            municipality,
            due,
            digest,
            position,
            &events,
            &mut followed,
        )? {
            followed.batches += 1;
        }
    }
}

/// The newest batch that was applied, as far as it is still there, is the one that was applied.
fn unchanged(
    feed: &dyn RegisterFeed,
    municipality: MunicipalityCode,
    position: &RegisterPosition,
) -> Result<(), FollowError> {
    match feed.batch(municipality, position.batch)? {
        Some(bytes) if sha256(&bytes) != position.batch_sha256 => {
            Err(Trouble::Changed(position.batch).into())
        }
        _ => Ok(()),
    }
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

/// Apply the rest of a batch; `false` when somebody else was at it meanwhile.
fn apply(
    app: &App,
    municipality: MunicipalityCode,
    batch: u64,
    batch_sha256: [u8; 32],
    mut position: RegisterPosition,
    events: &[RegisterEvent],
    followed: &mut Followed,
) -> Result<bool, FollowError> {
    let mut parts: Vec<&[RegisterEvent]> = events.chunks(TOGETHER).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let last = parts.len() - 1;
    let issuers = app.issuers_of_residents();
    for (at, part) in parts.into_iter().enumerate() {
        let now = app.clock.now();
        let after = RegisterPosition {
            batch,
            batch_sha256,
            complete: at == last,
            sequence: part
                .last()
                .map_or(position.sequence, |event| event.sequence),
            trouble: position.trouble.clone(),
        };
        let new = part
            .iter()
            .map(|event| new_event(app, municipality, batch, event, now))
            .collect::<Result<_, _>>()?;
        let name = municipality.to_string();
        match app
            .store
            .apply_register_events(&issuers, &name, &position, &after, new, now)?
        {
            AppliedEvents::Moved => return Ok(false),
            AppliedEvents::Applied(outcomes) => {
                followed.events += part.len() as u64;
                count(app, &outcomes, followed);
            }
        }
        position = after;
    }
    Ok(true)
}

fn new_event(
    app: &App,
    municipality: MunicipalityCode,
    batch: u64,
    event: &RegisterEvent,
    now: Timestamp,
) -> Result<NewRegisterEvent, VaultError> {
    let former = event
        .former
        .as_ref()
        .map(|(municipality, number)| resident_hash(app, *municipality, number))
        .transpose()?;
    let detail = serde_json::json!({
        "municipality": municipality, "sequence": event.sequence, "batch": batch,
    });
    Ok(NewRegisterEvent {
        sequence: event.sequence,
        kind: event.kind,
        resident: resident_hash(app, municipality, &event.resident)?,
        former,
        recorded_at: event.recorded_at,
        audit: AuditEntry {
            detail,
            // What kind of event it was stands in the table of events alone.
            ..app.own_entry(
                now,
                "register.event",
                format!("register:{municipality}/{}", event.sequence),
                serde_json::Value::Null,
            )
        },
    })
}

fn count(app: &App, outcomes: &[EventOutcome], followed: &mut Followed) {
    for outcome in outcomes {
        metrics::counter!("jitsuin_register_events_total", "outcome" => outcome.as_str())
            .increment(1);
    }
    let revoked = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, EventOutcome::Revoked | EventOutcome::Superseded))
        .count() as u64;
    followed.revoked += revoked;
    if revoked > 0 {
        app.publisher.ring();
    }
}

/// Why a health check should worry, if it should: batches that are not taken.
pub fn trouble(app: &App) -> Option<String> {
    let troubles = app.municipalities.iter().filter_map(|place| {
        match app.store.register_position(&place.code.to_string()) {
            Ok(position) => position
                .trouble
                .map(|said| format!("{}: {said}", place.code)),
            Err(error) => Some(error.to_string()),
        }
    });
    let said = troubles.collect::<Vec<_>>().join("; ");
    (!said.is_empty()).then_some(said)
}

/// Follow for as long as the program runs.
pub fn run(app: &App, feed: &dyn RegisterFeed, interval: Duration, end: &Bell) {
    loop {
        for (municipality, followed) in follow(app, feed) {
            match followed {
                Ok(followed) if followed == Followed::default() => {}
                Ok(followed) => tracing::info!(
                    %municipality,
                    batches = followed.batches,
                    events = followed.events,
                    revoked = followed.revoked,
                    "followed the register"
                ),
                Err(FollowError::Trouble(trouble)) => {
                    tracing::error!(%municipality, %trouble, "a batch of the register is not taken");
                }
                Err(error) => tracing::warn!(
                    %municipality,
                    error = %crate::causes(&error),
                    "the register waits"
                ),
            }
        }
        if !end.rest(interval) {
            return;
        }
    }
}
