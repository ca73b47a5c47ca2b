//! Money: what is taken is booked, counted, corrected by counter-entries alone, closed day by
//! day, and remitted month by month.

use std::{sync::Arc, thread};

use jiff::Timestamp;
use pki_core::{
    application::{cause::ApplicationKind, fee::close},
    approval::{Approval, ApprovedAct, Standing, Subject},
    calendar::{JapaneseDay, Month},
    id::{ApplicationId, ApprovalId, IdempotencyKey},
    operator::Role,
};
use ra_gateway::{
    app::{
        caller::{BackOffice, Clerk, Supervisor},
        refusal::Failure,
    },
    port::{
        AdvanceError, Change, ClosedDay, Decision, Index, NewFee, Received, Remittance, Store,
        StoredApplication, StoredApproval,
    },
};
use schema::wire::v1::ra;

use crate::{
    approval::approved,
    entry,
    staff::{CHIEF, Staff, enlist, sign_in},
    support::{
        later,
        window::{OPERATOR, TERMINAL, World, refusal},
    },
};

/// The clerk of the walk takes 500 yen for a certificate on its card; under which wish.
pub fn paid(world: &World) -> (ra::Application, String) {
    let clerk = world.clerk();
    let mut card = world.card();
    let (issued, made) = world.issued(&clerk, &mut card);
    let sha256 = issued
        .certificate
        .as_ref()
        .unwrap()
        .certificate_sha256
        .clone();
    let id = &issued.id;
    let right = ra::ImageRequest {
        verdict: ra::ImageVerdict::Right,
        certificate_sha256: sha256.clone(),
        act: None,
    };
    world.app.confirm_image(&clerk, id, &right).unwrap();
    world
        .relay(&clerk, id, &mut card, ra::ChannelPurpose::Write)
        .unwrap();
    world
        .app
        .confirm_written(&clerk, id, &made.trial(&sha256))
        .unwrap();
    world.clock.advance(600);
    let fee = ra::FeeRequest {
        amount_yen: 500,
        idempotency_key: world.wish(),
    };
    let paid = world.app.take_fee(&clerk, id, &fee).unwrap();
    (paid, fee.idempotency_key)
}

/// The same, handed over; its receipt number.
fn handed_over(world: &World) -> (ra::Application, String) {
    let (paid, _) = paid(world);
    let done = world
        .app
        .hand_over(&world.clerk(), &paid.id, &ra::HandOverRequest {})
        .unwrap();
    (done, paid.receipt.unwrap().number)
}

fn chief_at_work(world: &World, chief: &Staff) -> Supervisor {
    let token = sign_in(world, chief).unwrap().session.0;
    let terminal = world.app.terminal(&world.terminal.1).unwrap();
    world.app.supervisor(terminal, Some(&token)).unwrap()
}

fn close(day: &str, counted_yen: i64) -> ra::TillCloseRequest {
    ra::TillCloseRequest {
        day: day.into(),
        counted_yen,
        reason: None,
        approval: None,
    }
}

pub fn ask(
    act: &str,
    application: Option<&str>,
    reference: &str,
    reason: &str,
) -> ra::ApprovalRequest {
    ra::ApprovalRequest {
        act: act.into(),
        application: application.map(str::to_owned),
        reference: reference.into(),
        reason: reason.into(),
    }
}

#[test]
fn a_day_is_counted_and_closed_and_what_comes_later_counts_tomorrow() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let (_, number) = handed_over(&world);
    let clerk = world.clerk();
    let till = world.app.till(&clerk, None).unwrap();
    assert_eq!((till.day.as_str(), till.booked_yen), ("2026-11-22", 500));
    assert_eq!(till.entries[0].number, number);
    assert_eq!(
        (till.totals[0].kind.as_str(), till.totals[0].taken),
        ("first", 1)
    );
    assert!(till.close.is_none());
    // 100 yen are missing: that needs a reason, and a second person for exactly this.
    let short = |reason: Option<&str>, approval: Option<String>| {
        let request = ra::TillCloseRequest {
            reason: reason.map(str::to_owned),
            approval,
            ..close("2026-11-22", 400)
        };
        world.app.close_till(&clerk, &request)
    };
    assert_eq!(refusal(short(None, None)), "items-invalid");
    assert_eq!(refusal(short(Some("釣銭の誤り"), None)), "approval-needed");
    let wish = ask("till-difference", None, "2026-11-22 300 500", "釣銭の誤り");
    let other = approved(&world, &clerk, &chief, &wish);
    assert_eq!(
        refusal(short(Some("釣銭の誤り"), Some(other))),
        "approval-needed",
        "another difference was approved"
    );
    let wish = ask("till-difference", None, "2026-11-22 400 500", "釣銭の誤り");
    let right = approved(&world, &clerk, &chief, &wish);
    let closed = short(Some("釣銭の誤り"), Some(right)).unwrap();
    let told = closed.close.unwrap();
    assert_eq!(
        (
            told.counted_yen,
            told.difference_yen,
            told.reason.as_deref()
        ),
        (400, -100, Some("釣銭の誤り"))
    );
    let asked = world.app.approvals(&clerk).unwrap().approvals;
    let spent = asked.iter().filter(|one| one.standing == "spent").count();
    assert_eq!((asked.len(), spent), (2, 1), "the right one is used up");
    assert_eq!(
        refusal(world.app.close_till(&clerk, &close("2026-11-22", 500))),
        "day-closed"
    );
    // A counter-entry after the close counts in the next open day.
    let application = till.entries[0].application.clone();
    let wish = ask("fee-correction", Some(&application), &number, "減免の対象");
    let approval = approved(&world, &clerk, &chief, &wish);
    let correction = ra::FeeCorrectionRequest {
        number: number.clone(),
        reason: "減免の対象".into(),
        approval: Some(approval),
        idempotency_key: world.wish(),
    };
    let counter = world.app.correct_fee(&clerk, &correction).unwrap();
    assert_eq!(
        (counter.amount_yen, counter.booked_on.as_str()),
        (-500, "2026-11-23")
    );
    assert_eq!(counter.counter_of.as_deref(), Some(number.as_str()));
    let today = world.app.till(&clerk, Some("2026-11-22")).unwrap();
    assert_eq!(today.booked_yen, 500, "the closed day stays as it was");
    assert_eq!(
        refusal(world.app.close_till(&clerk, &close("2026-11-23", -500))),
        "items-invalid",
        "tomorrow has not begun"
    );
}

#[test]
fn an_entry_is_taken_back_once_with_four_eyes_and_a_repeat_changes_nothing() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let (application, number) = handed_over(&world);
    let clerk = world.clerk();
    let correction = |approval: Option<String>, key: &str| ra::FeeCorrectionRequest {
        number: number.clone(),
        reason: "二重収納".into(),
        approval,
        idempotency_key: key.into(),
    };
    let key = world.wish();
    let correct = |request: &ra::FeeCorrectionRequest| world.app.correct_fee(&clerk, request);
    assert_eq!(refusal(correct(&correction(None, &key))), "approval-needed");
    let wish = ask("fee-correction", Some(&application.id), &number, "二重収納");
    let approval = approved(&world, &clerk, &chief, &wish);
    let mut other = correction(Some(approval.clone()), &key);
    other.reason = "別の理由".into();
    assert_eq!(
        refusal(correct(&other)),
        "approval-needed",
        "the reason that was approved is the reason"
    );
    // Who approved does not act on it, a supervisor though they are.
    let approver = chief_at_work(&world, &chief);
    assert_eq!(
        refusal(
            world
                .app
                .correct_fee(&approver, &correction(Some(approval.clone()), &key))
        ),
        "same-person"
    );
    let done = correct(&correction(Some(approval.clone()), &key)).unwrap();
    assert_eq!(
        correct(&correction(Some(approval.clone()), &key)).unwrap(),
        done
    );
    let again = correction(Some(approval), &world.wish());
    assert_eq!(refusal(correct(&again)), "entry-final");
    let mut counter = again.clone();
    counter.number = done.number.clone();
    assert_eq!(refusal(correct(&counter)), "entry-final");
    counter.number = "13101-2026-999999".into();
    assert_eq!(refusal(correct(&counter)), "not-found");
    let view = world.app.fee_entry(&clerk, &number).unwrap();
    assert_eq!(view.countered_by, Some(done.number));
    let till = world.app.till(&clerk, None).unwrap();
    assert_eq!((till.booked_yen, till.entries.len()), (0, 2));
    let asked = world.app.approvals(&clerk).unwrap().approvals;
    assert_eq!(asked[0].standing, "spent");
}

#[test]
fn a_month_is_remitted_by_a_supervisor_when_its_days_are_closed_and_then_is_final() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    handed_over(&world);
    let clerk = world.clerk();
    let blocked = || world.app.remittance(&clerk, "2026-11").unwrap().blocked;
    assert_eq!(blocked().as_deref(), Some("not-over"));
    world.clock.advance(9 * 86_400);
    assert_eq!(blocked().as_deref(), Some("day-open"));
    let november = ra::RemittanceRequest {
        month: "2026-11".into(),
    };
    let supervisor = chief_at_work(&world, &chief);
    assert_eq!(refusal(world.app.remit(&supervisor, &november)), "day-open");
    let clerk = world.clerk();
    world
        .app
        .close_till(&clerk, &close("2026-11-22", 500))
        .unwrap();
    let done = world.app.remit(&supervisor, &november).unwrap();
    assert_eq!((done.lines, done.booked_yen), (1, 500));
    assert_eq!(done.remitted_by.as_deref(), Some(CHIEF));
    assert_eq!(done.days.len(), 1);
    assert_eq!(
        refusal(world.app.remit(&supervisor, &november)),
        "day-closed"
    );
}

#[test]
fn a_municipality_sees_corrects_and_closes_its_own_book_alone() {
    let world = World::on(None);
    let (_, number) = handed_over(&world);
    let elsewhere = world.clerk_elsewhere();
    let theirs = world.app.till(&elsewhere, Some("2026-11-22")).unwrap();
    assert_eq!((theirs.booked_yen, theirs.entries.len()), (0, 0));
    assert_eq!(theirs.oldest_open, None, "nothing of theirs is open");
    assert_eq!(
        refusal(world.app.fee_entry(&elsewhere, &number)),
        "not-found"
    );
    let correction = ra::FeeCorrectionRequest {
        number,
        reason: "二重収納".into(),
        approval: None,
        idempotency_key: world.wish(),
    };
    assert_eq!(
        refusal(world.app.correct_fee(&elsewhere, &correction)),
        "not-found"
    );
    let report = world.app.statistics(&elsewhere, "2026-11").unwrap();
    let november = &report.months[11];
    assert!(november.issued.iter().all(|class| class.count == 0));
    assert!(november.waiting.is_none());
    // Their empty day is closed; ours stays open with what it has.
    world
        .app
        .close_till(&elsewhere, &close("2026-11-22", 0))
        .unwrap();
    let ours = world.app.till(&world.clerk(), None).unwrap();
    assert_eq!((ours.booked_yen, ours.entries.len()), (500, 1));
    assert_eq!(ours.oldest_open.as_deref(), Some("2026-11-22"));
    assert!(ours.close.is_none());
    let month = |clerk: &Clerk| world.app.remittance(clerk, "2026-11").unwrap();
    assert_eq!(month(&elsewhere).lines, 0);
    assert_eq!(month(&elsewhere).days.len(), 1);
    assert_eq!(month(&world.clerk()).days.len(), 0);
}

#[test]
fn what_was_done_is_counted_by_month_with_the_time_that_it_took() {
    let world = World::on(None);
    let (done, _) = handed_over(&world);
    let clerk = world.clerk();
    let report = world.app.statistics(&clerk, "2026-11").unwrap();
    assert_eq!(report.months.len(), 12);
    assert_eq!(report.months[0].month, "2025-12");
    let november = &report.months[11];
    let count = |classes: &[ra::ClassCount], class: &str| {
        classes.iter().find(|c| c.class == class).unwrap().count
    };
    assert_eq!(count(&november.issued, "first"), 1);
    assert_eq!(count(&november.issued, "renewal"), 0);
    assert_eq!(november.fees[0].taken_yen, 500);
    let waiting = november.waiting.as_ref().unwrap();
    assert_eq!((waiting.count, waiting.median_s), (1, 600));
    assert!(report.months[10].waiting.is_none());
    let told = serde_json::to_string(&report).unwrap();
    for private in ["総務", "1310100001", done.id.as_str()] {
        assert!(!told.contains(private), "{private} is nobody's business");
    }
    assert!(matches!(
        world.app.statistics(&clerk, "2026-13"),
        Err(Failure::Refused(_))
    ));
}

#[test]
fn a_clerk_stands_behind_each_entry_of_the_till() {
    // The types say who may: this is what they are worth at run time.
    let world = World::on(None);
    let auditor = enlist(&world, "13101-0007", Role::Auditor);
    let token = sign_in(&world, &auditor).unwrap().session.0;
    let terminal = world.app.terminal(&world.terminal.1).unwrap();
    let back_office: Result<BackOffice, _> = world.app.back_office(terminal, Some(&token));
    assert_eq!(refusal(back_office), "role-forbids");
}

// ------------------------------------------------------------------ promises

pub fn now() -> Timestamp {
    "2026-11-22T05:00:00Z".parse().unwrap()
}

pub fn day(text: &str) -> JapaneseDay {
    text.parse().unwrap()
}

pub fn receive(store: &Arc<dyn Store>, number: u8) {
    let application = StoredApplication {
        id: ApplicationId::from_bytes([number; 16]),
        municipality: "13101".parse().unwrap(),
        receive_key: IdempotencyKey::from_bytes([number; 16]),
        step: "written".into(),
        open: true,
        version: 1,
        terminal: TERMINAL.parse().unwrap(),
        operator: OPERATOR.parse().unwrap(),
        received_at: now(),
        changed_at: now(),
        index: Index::default(),
        sealed: vec![0],
    };
    let received = store.receive(&application, &entry("receive")).unwrap();
    assert!(matches!(received, Received::New));
}

pub fn fee(number: u8, at: Timestamp) -> NewFee {
    NewFee {
        application: ApplicationId::from_bytes([number; 16]),
        municipality: "13101".parse().unwrap(),
        kind: ApplicationKind::First,
        day: JapaneseDay::of(at),
        amount_yen: 500,
        idempotency_key: IdempotencyKey::from_bytes([number; 16]),
        counter_of: None,
        operator: OPERATOR.parse().unwrap(),
        at,
    }
}

pub fn enter(store: &Arc<dyn Store>, new: &NewFee) -> String {
    let id = new.application;
    let mut change = |_: &_| Change {
        id,
        municipality: "13101".parse().unwrap(),
        expected: 1,
        step: "paid".into(),
        open: true,
        now: now(),
        index: Index::default(),
        sealed: vec![1],
        effects: Vec::new(),
    };
    let entered = store
        .enter_fee(new, &entry("take-fee"), &mut change)
        .unwrap();
    format!("{} {}", entered.number, entered.booked_on)
}

fn closing(on: &str, lines: u64, yen: i64) -> ClosedDay {
    ClosedDay {
        municipality: "13101".parse().unwrap(),
        day: day(on),
        closed_at: later(now(), 60),
        operator: OPERATOR.parse().unwrap(),
        lines,
        booked_yen: yen,
        counted_yen: yen,
        sealed: None,
        approval: None,
    }
}

pub fn a_closed_day_stays_as_it_was(store: &Arc<dyn Store>) {
    let municipality = "13101".parse().unwrap();
    for number in 1..=4 {
        receive(store, number);
    }
    assert_eq!(enter(store, &fee(1, now())), "13101-2026-000001 2026-11-22");
    let shut = |closing: &ClosedDay| store.close_day(closing, &entry("close-till"));
    // Counted over other entries than there are: look again.
    assert!(matches!(
        shut(&closing("2026-11-22", 2, 1_000)),
        Err(AdvanceError::Stale)
    ));
    // As many entries with another sum, and the sum of other entries.
    for (lines, yen) in [(1, 400), (3, 500)] {
        assert!(matches!(
            shut(&closing("2026-11-22", lines, yen)),
            Err(AdvanceError::Stale)
        ));
    }
    // Not over an open day that has entries.
    assert!(matches!(
        shut(&closing("2026-11-23", 0, 0)),
        Err(AdvanceError::Stale)
    ));
    shut(&closing("2026-11-22", 1, 500)).unwrap();
    assert!(matches!(
        shut(&closing("2026-11-22", 1, 500)),
        Err(AdvanceError::Taken)
    ));
    // An earlier day without entries is behind the last close: it does not open what follows.
    assert!(matches!(
        shut(&closing("2026-11-21", 0, 0)),
        Err(AdvanceError::Taken)
    ));
    assert_eq!(enter(store, &fee(2, now())), "13101-2026-000002 2026-11-23");
    let closed = store.closed(&municipality).unwrap();
    assert_eq!(
        (closed.through, closed.oldest_open),
        (Some(day("2026-11-22")), Some(day("2026-11-23")))
    );
    // The last day of a fiscal year, closed: the next entry and its number are of the next.
    shut(&closing("2026-11-23", 1, 500)).unwrap();
    shut(&closing("2027-03-31", 0, 0)).unwrap();
    let evening = "2027-03-31T08:30:00Z".parse().unwrap();
    assert_eq!(
        enter(store, &fee(3, evening)),
        "13101-2027-000001 2027-04-01"
    );
    // What is unequal has an approval, or it is not written at all.
    let unequal = ClosedDay {
        counted_yen: 400,
        ..closing("2027-04-01", 1, 500)
    };
    assert!(shut(&unequal).is_err());
    let kept = store
        .closed_days(&municipality, day("2026-11-01"), day("2027-04-30"))
        .unwrap();
    assert_eq!(kept.len(), 3);
    assert!(kept[0] == closing("2026-11-22", 1, 500));
    let book = store
        .book(&municipality, day("2026-11-22"), day("2026-11-23"), 10)
        .unwrap();
    assert_eq!((book.len(), close::sum(&book)), (2, 1_000));
}

pub fn entries_and_a_close_at_once_leave_one_truth(store: &Arc<dyn Store>) {
    for number in 1..=8 {
        receive(store, number);
    }
    assert_eq!(enter(store, &fee(1, now())), "13101-2026-000001 2026-11-22");
    let racers: Vec<_> = (2..=8)
        .map(|number| {
            let store = Arc::clone(store);
            thread::spawn(move || drop(enter(&store, &fee(number, now()))))
        })
        .collect();
    // The close looks, counts and closes until nobody entered in between.
    let municipality = "13101".parse().unwrap();
    let lines = loop {
        let book = store
            .book(&municipality, day("2026-11-22"), day("2026-11-22"), 100)
            .unwrap();
        let lines = book.len() as u64;
        let closing = closing("2026-11-22", lines, close::sum(&book));
        match store.close_day(&closing, &entry("close-till")) {
            Ok(()) => break lines,
            Err(AdvanceError::Stale) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    for racer in racers {
        racer.join().unwrap();
    }
    let count = |on| {
        store
            .book(&municipality, day(on), day(on), 100)
            .unwrap()
            .len() as u64
    };
    assert_eq!(count("2026-11-22"), lines, "nothing came after the close");
    assert_eq!(lines + count("2026-11-23"), 8, "and nothing was lost");
}

pub fn approval(store: &Arc<dyn Store>, number: u8) -> ApprovalId {
    let subject = Subject::new(ApprovedAct::FeeCorrection, None, "x", "x").unwrap();
    let id = ApprovalId::from_bytes([number; 16]);
    let asked = Approval::request(
        id,
        "13101".parse().unwrap(),
        &subject,
        OPERATOR.parse().unwrap(),
        now(),
    );
    let stored = StoredApproval {
        approval: asked.clone(),
        sealed: vec![1],
    };
    store
        .request_approval(&stored, 9, &entry("request-approval"))
        .unwrap();
    let decision = Decision {
        approval: Approval {
            standing: Standing::Approved,
            ..asked
        },
        by: CHIEF.parse().unwrap(),
        at: now(),
        statement: vec![1],
        signature: vec![1],
    };
    store
        .decide_approval(&decision, &entry("decide-approval"))
        .unwrap();
    id
}

pub fn a_month_is_final_and_corrections_come_later(store: &Arc<dyn Store>) {
    let municipality = "13101".parse().unwrap();
    receive(store, 1);
    enter(store, &fee(1, now()));
    let december: Timestamp = "2026-12-01T01:00:00Z".parse().unwrap();
    let remittance = |lines, booked_yen| Remittance {
        municipality,
        month: Month::of(day("2026-11-22")),
        made_at: december,
        operator: CHIEF.parse().unwrap(),
        lines,
        booked_yen,
    };
    let remit = |new: &Remittance| store.remit(new, &entry("remit"));
    assert!(matches!(
        remit(&remittance(1, 500)),
        Err(AdvanceError::Stale)
    ));
    store
        .close_day(&closing("2026-11-22", 1, 500), &entry("close-till"))
        .unwrap();
    for (lines, yen) in [(1, 400), (3, 500)] {
        assert!(matches!(
            remit(&remittance(lines, yen)),
            Err(AdvanceError::Stale)
        ));
    }
    remit(&remittance(1, 500)).unwrap();
    assert!(matches!(
        remit(&remittance(1, 500)),
        Err(AdvanceError::Taken)
    ));
    let month = Month::of(day("2026-11-22"));
    assert_eq!(
        store.remittance(&municipality, month).unwrap(),
        Some(remittance(1, 500))
    );
    // Even an entry dated in the month, late from a slow node, counts after it.
    let counter = NewFee {
        counter_of: Some("13101-2026-000001".into()),
        idempotency_key: IdempotencyKey::from_bytes([77; 16]),
        ..fee(1, now())
    };
    let spent = approval(store, 5);
    let entered = store
        .counter_fee(&counter, None, &spent, &entry("correct-fee"))
        .unwrap();
    assert_eq!(entered.booked_on, day("2026-12-01"));
    // The approval is spent, and the entry taken back, once.
    let again = NewFee {
        idempotency_key: IdempotencyKey::from_bytes([78; 16]),
        ..counter
    };
    assert!(matches!(
        store.counter_fee(&again, None, &spent, &entry("correct-fee")),
        Err(AdvanceError::Stale)
    ));
    let fresh = approval(store, 6);
    assert!(matches!(
        store.counter_fee(&again, None, &fresh, &entry("correct-fee")),
        Err(AdvanceError::Taken)
    ));
    let kept = store.approval(&fresh, &municipality).unwrap().unwrap();
    assert_eq!(
        kept.approval.standing,
        Standing::Approved,
        "a refused correction spends nothing"
    );
    // December has that counter-entry, and a fee on its last day.
    receive(store, 3);
    receive(store, 4);
    let morning = |text: &str| format!("{text}T01:00:00Z").parse().unwrap();
    enter(store, &fee(3, morning("2026-12-31")));
    let shut = |closing: &ClosedDay| store.close_day(closing, &entry("close-till"));
    shut(&closing("2026-12-01", 1, -500)).unwrap();
    let next = Remittance {
        month: Month::of(day("2026-12-01")),
        ..remittance(2, 0)
    };
    assert!(
        matches!(remit(&next), Err(AdvanceError::Stale)),
        "its last day is open"
    );
    shut(&closing("2026-12-31", 1, 500)).unwrap();
    shut(&closing("2027-01-15", 0, 0)).unwrap();
    // A day of a later month may be open, and what was closed after the month stays closed.
    enter(store, &fee(4, morning("2027-02-01")));
    remit(&next).unwrap();
    let through = store.closed(&municipality).unwrap().through;
    assert_eq!(through, Some(day("2027-01-15")));
}
