//! 異動等失効: the resident register tells what changed, and what rests on the register from before
//! loses its effect when the event is recorded here (Arts 12, 15). Needs no token, once the vault
//! was opened.

use std::time::Duration;

use jiff::Timestamp;
use pki_core::{
    person::municipality::MunicipalityCode,
    revocation::register_brake::{Forecast, Verdict},
};

pub use super::register_batch::{FollowError, Trouble};
use super::{
    App,
    publish_crl::Bell,
    register_batch::{self, Due, Hashed},
};
use crate::port::{
    register_feed::RegisterFeed,
    register_hold::{Hold, HoldState},
    store::{AppliedEvents, EventOutcome, NewRegisterEvent, RegisterPosition, StoreError},
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
    let say = |gauge: &'static str, is: bool| {
        metrics::gauge!(gauge, "municipality" => municipality.to_string()).set(if is {
            1.0
        } else {
            0.0
        });
    };
    let away = matches!(followed, Err(FollowError::Feed(_)));
    say("jitsuin_register_away", away);
    let trouble = match &followed {
        Ok(_) => None,
        Err(FollowError::Trouble(trouble)) => Some(trouble.clone()),
        // Nothing was learnt about the batches.
        Err(_) => return followed,
    };
    say("jitsuin_register_trouble", trouble.is_some());
    say(
        "jitsuin_register_held",
        trouble.as_ref().is_some_and(Trouble::is_held),
    );
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
        let now = app.clock.now();
        let position = app.store.register_position(&municipality.to_string())?;
        let Some(due) = register_batch::due(app, feed, municipality, &position, now)? else {
            if followed.revoked > 0 {
                app.acknowledger.revoked().wait();
            }
            return Ok(followed);
        };
        if !due.begun && !may_go(app, municipality, &due, &position, now)? {
            continue;
        }
        if apply(app, municipality, &due, position, &mut followed)? {
            followed.batches += 1;
        }
    }
}

/// Whether the brake lets a batch go, or officers did; `false` to look again, because somebody
/// else was at it meanwhile.
fn may_go(
    app: &App,
    municipality: MunicipalityCode,
    due: &Due,
    position: &RegisterPosition,
    now: Timestamp,
) -> Result<bool, FollowError> {
    // Once held, it is held until officers decide, whatever the counts are later.
    if let Some(hold) = app.store.register_hold(&due.name)? {
        return match Trouble::of(&hold) {
            None => Ok(true),
            Some(trouble) => Err(trouble.into()),
        };
    }
    let ends = register_batch::foresee(
        app,
        &mut Forecast::new(app.issuers_of_residents()),
        due,
        now,
    )?;
    let standing = register_batch::standing(app, municipality, now)?;
    let (Verdict::Held { allowed }, [first, .., last] | [first @ last]) =
        (app.brake.decide(standing, ends), due.events.as_slice())
    else {
        return Ok(true);
    };
    let hold = Hold {
        name: due.name.clone(),
        first_sequence: first.event.sequence,
        last_sequence: last.event.sequence,
        kinds: due.kinds(),
        ends,
        standing,
        allowed,
        state: HoldState::Held,
        held_at: now,
        decided: None,
    };
    let entry = app.own_entry(
        now,
        "register.hold",
        format!("register:{municipality}/batch/{}", due.name.batch),
        serde_json::json!({
            "sha256": hex::encode(due.name.sha256), "ends": ends, "allowed": allowed,
            "in_effect": standing.in_effect, "ended_today": standing.ended_today,
        }),
    );
    // Held now or held by somebody else: the next look finds it.
    app.store.hold_register_batch(position, hold, entry)?;
    Ok(false)
}

/// Apply the rest of a batch; `false` when somebody else was at it meanwhile.
fn apply(
    app: &App,
    municipality: MunicipalityCode,
    due: &Due,
    mut position: RegisterPosition,
    followed: &mut Followed,
) -> Result<bool, FollowError> {
    let mut parts: Vec<&[Hashed]> = due.events.chunks(TOGETHER).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let last = parts.len() - 1;
    let issuers = app.issuers_of_residents();
    for (at, part) in parts.into_iter().enumerate() {
        let now = app.clock.now();
        let after = RegisterPosition {
            batch: due.name.batch,
            batch_sha256: due.name.sha256,
            complete: at == last,
            sequence: part
                .last()
                .map_or(position.sequence, |hashed| hashed.event.sequence),
            trouble: position.trouble.clone(),
        };
        let new = part
            .iter()
            .map(|hashed| new_event(app, municipality, due.name.batch, hashed, now))
            .collect();
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
    hashed: &Hashed,
    now: Timestamp,
) -> NewRegisterEvent {
    let sequence = hashed.event.sequence;
    NewRegisterEvent {
        sequence,
        kind: hashed.bearing.kind,
        resident: hashed.bearing.resident,
        former: hashed.bearing.former,
        recorded_at: hashed.bearing.recorded_at,
        // What kind of event it was stands in the table of events alone.
        audit: app.own_entry(
            now,
            "register.event",
            format!("register:{municipality}/{sequence}"),
            serde_json::json!({
                "municipality": municipality, "sequence": sequence, "batch": batch,
            }),
        ),
    }
}

fn count(app: &App, outcomes: &[EventOutcome], followed: &mut Followed) {
    for outcome in outcomes {
        metrics::counter!("jitsuin_register_events_total", "outcome" => outcome.as_str())
            .increment(1);
    }
    let revoked = outcomes.iter().filter(|outcome| outcome.ends()).count() as u64;
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
