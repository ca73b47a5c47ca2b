//! Four eyes: asked for by one, decided by another with their card, used once.

use std::{sync::Arc, thread};

use jiff::Timestamp;
use pki_core::{
    approval::{Approval, ApprovedAct, CONTEXT, LIFETIME, Standing, Statement, Subject, Verdict},
    id::{ApplicationId, ApprovalId, IdempotencyKey},
    operator::Role,
};
use ra_gateway::{
    app::{caller::Clerk, refusal::Failure},
    port::{
        AdvanceError, Change, Decision, Effect, Index, Received, Store, StoredApplication,
        StoredApproval,
    },
};
use schema::wire::{bytes::Base64, v1::ra};

use crate::{
    entry,
    staff::{CHIEF, EC, Staff, at_work, enlist},
    support::{
        certificate_support::SoftKey,
        later,
        window::{OPERATOR, TERMINAL, World, refusal},
    },
};

const REASON: &str = "写真付き書類がないため";

fn request(application: &str) -> ra::ApprovalRequest {
    ra::ApprovalRequest {
        act: "identity-inquiry".into(),
        application: Some(application.into()),
        reference: "reply-1".into(),
        reason: REASON.into(),
    }
}

fn subject(application: &str) -> Subject {
    let application = Some(application.parse().unwrap());
    Subject::new(ApprovedAct::IdentityInquiry, application, "reply-1", REASON).unwrap()
}

/// What a supervisor's card signs at the window.
pub fn decision(
    asked: &ra::ApprovalMessage,
    approver: &str,
    key: &SoftKey,
    verdict: Verdict,
) -> ra::ApprovalDecision {
    let statement = Statement {
        version: 1,
        approval: asked.id.parse().unwrap(),
        act: asked.act.parse().unwrap(),
        subject_sha256: asked.subject_sha256.parse().unwrap(),
        requested_by: asked.requested_by.parse().unwrap(),
        terminal: TERMINAL.parse().unwrap(),
        approver: approver.parse().unwrap(),
        verdict,
    }
    .to_payload();
    ra::ApprovalDecision {
        signature: Base64(key.sign(EC, &[CONTEXT, &statement].concat())),
        statement: Base64(statement),
    }
}

/// A supervisor approves what a clerk asked for; gives its id.
pub fn approved(
    world: &World,
    clerk: &Clerk,
    chief: &Staff,
    request: &ra::ApprovalRequest,
) -> String {
    let asked = world.app.request_approval(clerk, request).unwrap();
    let terminal = world.app.terminal(&world.terminal.1).unwrap();
    let said = decision(&asked, chief.id, &chief.key, Verdict::Approve);
    let decided = world
        .app
        .decide_approval(&terminal, &asked.id, &said)
        .unwrap();
    assert_eq!(decided.standing, "approved");
    asked.id
}

#[test]
fn a_municipality_has_fifty_requests_waiting_and_no_more() {
    let world = World::on(None);
    let clerk = world.clerk();
    let id = world.identified(&clerk, &world.taro()).id;
    let ask = || world.app.request_approval(&clerk, &request(&id));
    for _ in 0..50 {
        ask().unwrap();
    }
    assert_eq!(refusal(ask()), "approvals-full");
    assert_eq!(world.app.approvals(&clerk).unwrap().approvals.len(), 50);
    // What nobody decided on in its time waits no more.
    world.clock.advance(LIFETIME.as_secs() + 1);
    let clerk = world.clerk();
    world.app.request_approval(&clerk, &request(&id)).unwrap();
}

#[test]
fn a_supervisor_approves_at_the_clerks_terminal_and_the_act_may_be_done_once() {
    let world = World::on(None);
    let clerk = world.clerk();
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let application = world.app.receive(&clerk, &world.taro()).unwrap().id;
    let allowed = |id: Option<&str>, subject: &Subject| {
        world
            .app
            .approved(&clerk, id, subject, world.app.clock.now())
    };
    assert_eq!(
        refusal(allowed(None, &subject(&application))),
        "approval-needed"
    );
    let asked = world
        .app
        .request_approval(&clerk, &request(&application))
        .unwrap();
    assert_eq!(
        (asked.standing.as_str(), asked.reason.as_str()),
        ("waiting", REASON)
    );
    assert_eq!(
        refusal(allowed(Some(&asked.id), &subject(&application))),
        "approval-needed"
    );
    let terminal = world.app.terminal(&world.terminal.1).unwrap();
    let said = decision(&asked, CHIEF, &chief.key, Verdict::Approve);
    let decided = world
        .app
        .decide_approval(&terminal, &asked.id, &said)
        .unwrap();
    assert_eq!(decided.decided_by.as_deref(), Some(CHIEF));
    assert_eq!(
        refusal(world.app.decide_approval(&terminal, &asked.id, &said)),
        "approval-invalid",
        "once is once"
    );
    let seen = world.app.approvals(&at_work(&world, &chief)).unwrap();
    assert_eq!(seen.approvals[0].standing, "approved");
    assert!(allowed(Some(&asked.id), &subject(&application)).is_ok());
    let other = Subject::new(ApprovedAct::IdentityInquiry, None, "reply-1", REASON).unwrap();
    assert_eq!(
        refusal(allowed(Some(&asked.id), &other)),
        "approval-needed",
        "something else was approved"
    );
    world.clock.advance(LIFETIME.as_secs());
    assert_eq!(
        refusal(allowed(Some(&asked.id), &subject(&application))),
        "approval-needed"
    );
}

#[test]
fn who_is_no_second_supervisor_of_the_place_with_a_card_decides_nothing() {
    let world = World::on(None);
    let clerk = world.clerk();
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let colleague = enlist(&world, "13101-0002", Role::Clerk);
    let elsewhere = enlist(&world, "13102-0009", Role::Supervisor);
    let application = world.app.receive(&clerk, &world.taro()).unwrap().id;
    let asked = world
        .app
        .request_approval(&clerk, &request(&application))
        .unwrap();
    let terminal = world.app.terminal(&world.terminal.1).unwrap();
    let decide = |approver: &str, key: &SoftKey| {
        let said = decision(&asked, approver, key, Verdict::Approve);
        refusal(world.app.decide_approval(&terminal, &asked.id, &said))
    };
    assert_eq!(decide(colleague.id, &colleague.key), "role-forbids");
    assert_eq!(decide(CHIEF, &colleague.key), "approval-invalid");
    assert_eq!(decide(elsewhere.id, &elsewhere.key), "approval-invalid");
    assert_eq!(decide("13101-0404", &chief.key), "approval-invalid");
    // The clerk becomes a supervisor, and still cannot approve the own wish.
    let operator = OPERATOR.parse().unwrap();
    let now = world.app.clock.now();
    assert!(
        world
            .app
            .store
            .set_role(&operator, Role::Supervisor, now, &entry("set-role"))
            .unwrap()
    );
    assert_eq!(decide(OPERATOR, &world.operator), "same-person");
    world
        .app
        .store
        .set_suspended(
            ra_gateway::port::PartyKind::Operator,
            CHIEF,
            true,
            now,
            &entry("suspend-party"),
        )
        .unwrap();
    assert_eq!(decide(CHIEF, &chief.key), "party-suspended");
    // From another municipality's terminal the request is not there.
    let other = world.app.terminal(&world.elsewhere.1).unwrap();
    let said = decision(&asked, CHIEF, &chief.key, Verdict::Approve);
    assert_eq!(
        refusal(world.app.decide_approval(&other, &asked.id, &said)),
        "not-found"
    );
    let standing = |id: &str| world.app.approval(&clerk, id).unwrap().standing;
    assert_eq!(standing(&asked.id), "waiting");
}

#[test]
fn a_request_without_reason_or_about_a_foreign_application_is_refused() {
    let world = World::on(None);
    let clerk = world.clerk();
    let application = world.app.receive(&clerk, &world.taro()).unwrap().id;
    let ask = |change: &dyn Fn(&mut ra::ApprovalRequest)| {
        let mut wish = request(&application);
        change(&mut wish);
        match world.app.request_approval(&clerk, &wish) {
            Err(Failure::Refused(refused)) => (
                refused.reason.name(),
                refused.errors.first().map(|e| e.pointer.clone()),
            ),
            _ => panic!("it was taken"),
        }
    };
    let item = |pointer: &str| ("items-invalid", Some(pointer.to_owned()));
    assert_eq!(ask(&|w| w.reason = " ".into()), item("/reason"));
    assert_eq!(ask(&|w| w.reference = "第1号".into()), item("/reference"));
    assert_eq!(ask(&|w| w.act = "everything".into()), item("/act"));
    assert_eq!(
        ask(&|w| w.application = Some("00".repeat(16))),
        ("not-found", None)
    );
}

fn now() -> Timestamp {
    "2026-11-22T05:00:00Z".parse().unwrap()
}

fn waiting(number: u8) -> StoredApproval {
    let subject = Subject::new(ApprovedAct::PaperHold, None, "paper-1", "係争中").unwrap();
    StoredApproval {
        approval: Approval::request(
            ApprovalId::from_bytes([number; 16]),
            "13101".parse().unwrap(),
            &subject,
            OPERATOR.parse().unwrap(),
            now(),
        ),
        sealed: vec![number; 20],
    }
}

fn decide(number: u8, standing: Standing, at: Timestamp) -> Decision {
    Decision {
        approval: Approval {
            standing,
            ..waiting(number).approval
        },
        by: CHIEF.parse().unwrap(),
        at,
        statement: vec![1],
        signature: vec![2],
    }
}

/// A supervisor has approved request `number` in the store.
pub fn approve_in_store(store: &Arc<dyn Store>, number: u8, at: Timestamp) {
    let asked = store.request_approval(&waiting(number), 5, &entry("request-approval"));
    assert!(asked.unwrap());
    let decided = decide(number, Standing::Approved, at);
    assert!(
        store
            .decide_approval(&decided, &entry("decide-approval"))
            .unwrap()
    );
}

/// A change of one application that spends an approval.
fn spending(number: u8, expected: u64, by: &str, at: Timestamp) -> Change {
    Change {
        id: ApplicationId::from_bytes([9; 16]),
        municipality: "13101".parse().unwrap(),
        expected,
        step: "identified".into(),
        open: true,
        now: at,
        index: Index::default(),
        sealed: vec![1],
        effects: vec![Effect::SpendApproval {
            approval: ApprovalId::from_bytes([number; 16]),
            by: by.parse().unwrap(),
        }],
    }
}

pub fn decided_and_spent_once(store: &Arc<dyn Store>) {
    let received = store
        .receive(
            &StoredApplication {
                id: ApplicationId::from_bytes([9; 16]),
                municipality: "13101".parse().unwrap(),
                receive_key: IdempotencyKey::from_bytes([9; 16]),
                step: "received".into(),
                open: true,
                version: 1,
                terminal: TERMINAL.parse().unwrap(),
                operator: OPERATOR.parse().unwrap(),
                received_at: now(),
                changed_at: now(),
                index: Index::default(),
                sealed: vec![0],
            },
            &entry("receive"),
        )
        .unwrap();
    assert!(matches!(received, Received::New));
    assert!(
        store
            .request_approval(&waiting(1), 5, &entry("request-approval"))
            .unwrap()
    );
    let kept = |number| {
        store
            .approval(
                &ApprovalId::from_bytes([number; 16]),
                &"13101".parse().unwrap(),
            )
            .unwrap()
            .unwrap()
    };
    assert!(kept(1) == waiting(1));
    let foreign = store.approval(&ApprovalId::from_bytes([1; 16]), &"13102".parse().unwrap());
    assert!(foreign.unwrap().is_none());
    let spend = |number, expected, by: &str, at| {
        store.advance(&spending(number, expected, by, at), &entry("identify"))
    };
    // What waits is not spent, and the change that wanted it did not happen.
    assert!(matches!(
        spend(1, 1, OPERATOR, now()),
        Err(AdvanceError::Stale)
    ));
    // Of an approval and a rejection at once, one is written.
    let racers: Vec<_> = [Standing::Approved, Standing::Rejected, Standing::Approved]
        .into_iter()
        .map(|standing| {
            let store = Arc::clone(store);
            let decision = decide(1, standing, later(now(), 1));
            thread::spawn(move || store.decide_approval(&decision, &entry("decide-approval")))
        })
        .collect();
    let written = racers
        .into_iter()
        .map(|racer| racer.join().unwrap().unwrap())
        .filter(|written| *written)
        .count();
    assert_eq!(written, 1);
    assert!(
        store
            .request_approval(&waiting(2), 5, &entry("request-approval"))
            .unwrap()
    );
    let late = decide(2, Standing::Approved, now() + LIFETIME);
    assert!(
        !store
            .decide_approval(&late, &entry("decide-approval"))
            .unwrap()
    );
    let good = decide(2, Standing::Approved, later(now(), 1));
    assert!(
        store
            .decide_approval(&good, &entry("decide-approval"))
            .unwrap()
    );
    // Not by its approver, not when its time is over, once.
    assert!(matches!(
        spend(2, 1, CHIEF, now()),
        Err(AdvanceError::Stale)
    ));
    let over = now() + LIFETIME;
    assert!(matches!(
        spend(2, 1, OPERATOR, over),
        Err(AdvanceError::Stale)
    ));
    spend(2, 1, OPERATOR, later(now(), 2)).unwrap();
    assert_eq!(kept(2).approval.standing, Standing::Spent);
    assert!(matches!(
        spend(2, 2, OPERATOR, later(now(), 3)),
        Err(AdvanceError::Stale)
    ));
    let all = store
        .approvals(&"13101".parse().unwrap(), now(), 10)
        .unwrap();
    assert_eq!(all.len(), 2);
}

pub fn requests_have_a_limit(store: &Arc<dyn Store>) {
    let ask = |number| {
        store
            .request_approval(&waiting(number), 2, &entry("request-approval"))
            .unwrap()
    };
    assert!(ask(1));
    assert!(ask(2));
    assert!(!ask(3), "two wait already");
    let no = decide(1, Standing::Rejected, later(now(), 1));
    assert!(
        store
            .decide_approval(&no, &entry("decide-approval"))
            .unwrap()
    );
    assert!(ask(4), "one was decided");
}
