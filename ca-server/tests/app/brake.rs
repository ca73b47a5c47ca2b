//! The brake on the register feed: a batch that would end more than a set share is held whole,
//! told, and goes on only after two officers.

use ca_server::{
    app::{
        follow_register::{Followed, Trouble, follow, trouble},
        officer::{OfficerError, propose, sign},
        register_holds,
        rehearse_register::{Fate, rehearse},
    },
    port::{clock::Clock, fake::Break, register_hold::HoldState},
    testing::{disclosure::OfficerKey, world::World},
};
use jiff::SignedDuration;
use pki_core::{
    id::{ApplicationId, Sha256Digest},
    officer::{HeldBatch, OfficerDeed, Part, SignFault, State},
    revocation::register_brake::{Brake, WHOLE},
};

use super::register::{
    LATER, Register, count_events, follow_once, ground, hour_later, issued, trouble_of,
};

/// Half of what is in effect, and never less than one.
fn braked() -> World {
    let mut world = World::new();
    world.app.brake = Brake {
        share: WHOLE / 2,
        least: 1,
    };
    world
}

/// The only batch that is held, as an officer's act names it.
fn held(world: &World) -> HeldBatch {
    let mut feeds = register_holds::feeds(&world.app).unwrap();
    let hold = feeds.remove(0).holds.remove(0);
    HeldBatch {
        municipality: "13101".parse().unwrap(),
        batch: hold.name.batch,
        sha256: Sha256Digest::from_bytes(hold.name.sha256),
        ends: hold.ends,
    }
}

/// Made and signed by the first.
fn proposed(world: &World, first: &OfficerKey, deed: OfficerDeed) -> (ApplicationId, State) {
    let officer = first.admitted(&world.app).unwrap();
    let act = propose(&world.app, &officer, deed).unwrap();
    let signature = first.signature(&world.app, act, Part::Propose);
    let state = sign(&world.app, &officer, act, Part::Propose, &signature).unwrap();
    (act, state)
}

fn approved(world: &World, second: &OfficerKey, act: ApplicationId) -> Result<State, OfficerError> {
    let officer = second.admitted(&world.app).unwrap();
    let signature = second.signature(&world.app, act, Part::Approve);
    sign(&world.app, &officer, act, Part::Approve, &signature)
}

const HELD: Trouble = Trouble::Held {
    batch: 1,
    ends: 3,
    allowed: 2,
};

#[test]
fn a_batch_beyond_the_share_is_held_whole_until_two_officers_release_its_very_bytes() {
    let world = braked();
    let register = Register::of(&world);
    let mine: Vec<_> = ["R1", "R2", "R3", "R4"]
        .map(|resident| issued(&world, resident))
        .into();
    hour_later(&world);
    let away = |sequence, resident| (sequence, resident, "moved-out", LATER);
    register.put(
        1,
        &[
            away(1, "R1"),
            away(2, "R2"),
            away(3, "R3"),
            away(4, "nobody"),
        ],
    );
    for _ in 0..3 {
        assert_eq!(trouble_of(follow_once(&world, &register)), HELD);
    }
    assert!(mine.iter().all(|serial| ground(&world, serial) == "good"));
    assert_eq!(
        world.app.store.register_position("13101").unwrap().sequence,
        0
    );
    assert_eq!(count_events(&world, "register.hold", "done"), 1);
    assert_eq!(count_events(&world, "register.batch", "batch-held"), 1);
    assert_eq!(count_events(&world, "register.event", "revoked"), 0);
    let said = trouble(&world.app).unwrap();
    assert!(
        said.contains("13101: batch 1 is held: it would end 3 certificates"),
        "{said}"
    );
    // The other municipality goes on.
    assert!(follow(&world.app, &register.feed())[1].1.is_ok());

    let first = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let second = OfficerKey::enrolled(&world.app, "officer", "OFF-2");
    let batch = held(&world);
    assert_eq!((batch.batch, batch.ends), (1, 3));
    // Not bytes that nobody held, and not with other numbers than were shown.
    for strange in [
        HeldBatch {
            sha256: Sha256Digest::of(b"other"),
            ..batch.clone()
        },
        HeldBatch {
            ends: 2,
            ..batch.clone()
        },
    ] {
        let officer = first.admitted(&world.app).unwrap();
        let refused = propose(&world.app, &officer, OfficerDeed::ReleaseBatch(strange));
        assert!(matches!(refused, Err(OfficerError::NotHeld)));
    }
    assert_eq!(count_events(&world, "officer.propose", "batch-not-held"), 2);
    let (act, state) = proposed(&world, &first, OfficerDeed::ReleaseBatch(batch.clone()));
    assert_eq!(state, State::Awaiting);
    let alone = approved(&world, &first, act);
    assert!(matches!(
        alone,
        Err(OfficerError::Sign(SignFault::SamePerson))
    ));
    assert_eq!(trouble_of(follow_once(&world, &register)), HELD);
    assert_eq!(approved(&world, &second, act).unwrap(), State::Done);

    // The bytes were exchanged meanwhile: what two officers agreed to is not that.
    register.put(1, &[away(1, "R4"), away(2, "R2"), away(3, "R3")]);
    assert_eq!(trouble_of(follow_once(&world, &register)), HELD);
    assert!(mine.iter().all(|serial| ground(&world, serial) == "good"));
    register.put(
        1,
        &[
            away(1, "R1"),
            away(2, "R2"),
            away(3, "R3"),
            away(4, "nobody"),
        ],
    );
    let followed = follow_once(&world, &register).unwrap();
    assert_eq!((followed.events, followed.revoked), (4, 3));
    assert_eq!(ground(&world, &mine[0]), "article12");
    assert_eq!(ground(&world, &mine[3]), "good");
    assert_eq!(trouble(&world.app), None);
    let behind = register_holds::decided(&world.app).unwrap();
    let applied = behind
        .iter()
        .find(|hold| hold.state == HoldState::Applied)
        .unwrap();
    let (by, _) = applied.decided.clone().unwrap();
    assert_eq!(by, "officer:OFF-1 officer:OFF-2");
    // Over is over.
    let officer = first.admitted(&world.app).unwrap();
    let late = propose(&world.app, &officer, OfficerDeed::ReleaseBatch(batch));
    assert!(matches!(late, Err(OfficerError::NotHeld)));
}

#[test]
fn small_batches_of_one_day_are_held_like_a_large_one_and_the_next_day_begins_anew() {
    let world = braked();
    let register = Register::of(&world);
    for resident in ["R1", "R2", "R3", "R4"] {
        issued(&world, resident);
    }
    hour_later(&world);
    let away = |sequence, resident| (sequence, resident, "death", LATER);
    register.put(1, &[away(1, "R1")]);
    register.put(2, &[away(2, "R2")]);
    let followed = follow_once(&world, &register).unwrap();
    assert_eq!(followed.revoked, 2, "half of four");
    register.put(3, &[away(3, "R3")]);
    let third = Trouble::Held {
        batch: 3,
        ends: 1,
        allowed: 2,
    };
    assert_eq!(trouble_of(follow_once(&world, &register)), third);
    // 15:00 UTC is midnight in Japan. What is held stays held; officers decide, not the clock.
    world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(trouble_of(follow_once(&world, &register)), third);
    // Another batch under that number is looked at anew, on the new day: one of two may go.
    register.put(3, &[away(3, "R3"), away(4, "nobody")]);
    assert_eq!(follow_once(&world, &register).unwrap().revoked, 1);
    // What ends nothing is never held.
    register.put(4, &[away(5, "nobody"), away(6, "R3")]);
    assert_eq!(follow_once(&world, &register).unwrap().events, 2);
}

#[test]
fn one_officer_refuses_and_two_may_think_better_of_it() {
    let world = braked();
    let register = Register::of(&world);
    let mine = ["R1", "R2", "R3"].map(|resident| issued(&world, resident));
    hour_later(&world);
    let away = |sequence, resident| (sequence, resident, "death", LATER);
    register.put(1, &[away(1, "R1"), away(2, "R2")]);
    follow_once(&world, &register).unwrap_err();
    let first = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let second = OfficerKey::enrolled(&world.app, "officer", "OFF-2");
    let auditor = OfficerKey::enrolled(&world.app, "auditor", "AUD-1");
    let batch = held(&world);
    let looking = auditor.admitted(&world.app).unwrap();
    let read_only = propose(
        &world.app,
        &looking,
        OfficerDeed::RefuseBatch(batch.clone()),
    );
    assert!(matches!(read_only, Err(OfficerError::Auditor)));
    let (_, state) = proposed(&world, &first, OfficerDeed::RefuseBatch(batch.clone()));
    assert_eq!(state, State::Done);
    assert_eq!(
        trouble_of(follow_once(&world, &register)),
        Trouble::Refused(1)
    );
    assert_eq!(count_events(&world, "register.batch", "batch-refused"), 1);
    let feeds = register_holds::feeds(&world.app).unwrap();
    assert_eq!(feeds[0].holds[0].state, HoldState::Refused);
    assert_eq!(
        feeds[0].trouble, None,
        "what is said of the hold is not said twice"
    );
    let officer = first.admitted(&world.app).unwrap();
    let again = propose(
        &world.app,
        &officer,
        OfficerDeed::RefuseBatch(batch.clone()),
    );
    assert!(matches!(again, Err(OfficerError::NotHeld)));
    let (act, _) = proposed(&world, &first, OfficerDeed::ReleaseBatch(batch));
    approved(&world, &second, act).unwrap();
    // Killed between its parts or not, it goes on.
    world
        .store
        .break_next("apply_register_events", Break::DoneUnsaid);
    follow_once(&world, &register).unwrap_err();
    assert_eq!(follow_once(&world, &register).unwrap(), Followed::default());
    assert_eq!(ground(&world, &mine[0]), "article12");
    assert_eq!(ground(&world, &mine[2]), "good");
}

#[test]
fn a_hold_that_the_database_did_not_take_is_taken_at_the_next_look() {
    for how in [Break::NotDone, Break::DoneUnsaid] {
        let world = braked();
        let register = Register::of(&world);
        let mine = ["R1", "R2", "R3"].map(|resident| issued(&world, resident));
        hour_later(&world);
        let away = |sequence, resident| (sequence, resident, "death", LATER);
        register.put(1, &[away(1, "R1"), away(2, "R2")]);
        world.store.break_next("hold_register_batch", how);
        follow_once(&world, &register).unwrap_err();
        let held = trouble_of(follow_once(&world, &register));
        assert!(held.is_held());
        assert_eq!(count_events(&world, "register.hold", "done"), 1);
        assert_eq!(ground(&world, &mine[0]), "good");
    }
}

#[test]
fn a_rehearsal_tells_what_would_be_done_also_behind_the_brake_and_changes_nothing() {
    let world = braked();
    let register = Register::of(&world);
    for resident in ["R1", "R2", "R3", "R4"] {
        issued(&world, resident);
    }
    hour_later(&world);
    let event = |sequence, resident, kind| (sequence, resident, kind, LATER);
    register.put(1, &[event(1, "R1", "death"), event(2, "R1", "deletion")]);
    register.put(
        2,
        &[event(3, "R2", "moved-out"), event(4, "R3", "moved-out")],
    );
    // R2 would be gone by then.
    register.put(3, &[event(5, "R2", "death")]);
    register.put(5, &[]);
    let (rows, looked_at) = (world.audit().len(), world.clock.now());
    let rehearsed = rehearse(&world.app, &register.feed());
    assert_eq!(rehearsed.len(), 2);
    let here = &rehearsed[0];
    let told: Vec<_> = here
        .batches
        .iter()
        .map(|batch| (batch.batch, batch.ends, batch.fate, batch.waits))
        .collect();
    assert_eq!(
        told,
        [
            (1, 1, Fate::Applied, false),
            (2, 2, Fate::Held { allowed: 2 }, false),
            (3, 0, Fate::Applied, true),
        ]
    );
    let kinds: Vec<_> = here.batches[1].kinds.iter().collect();
    assert_eq!(kinds.len(), 1);
    assert_eq!(*kinds[0].1, 2);
    let stopped = here.stopped.as_ref().unwrap().to_string();
    assert_eq!(stopped, "batch 4 is missing; batch 5 is there");
    assert!(rehearsed[1].batches.is_empty() && rehearsed[1].stopped.is_none());
    // Nothing: no row, no position, no hold.
    assert_eq!(world.audit().len(), rows);
    assert_eq!(world.clock.now(), looked_at);
    let position = world.app.store.register_position("13101").unwrap();
    assert_eq!(
        position,
        ca_server::port::store::RegisterPosition::default()
    );
    assert!(world.app.store.register_holds(10).unwrap().is_empty());
    // And following does what was told.
    std::fs::remove_file(register.path(5)).unwrap();
    let trouble = trouble_of(follow_once(&world, &register));
    assert!(matches!(
        trouble,
        Trouble::Held {
            batch: 2,
            ends: 2,
            allowed: 2
        }
    ));
    assert_eq!(count_events(&world, "register.event", "revoked"), 1);
    assert_eq!(
        rehearse(&world.app, &register.feed())[0].batches[0].batch,
        2
    );
}
