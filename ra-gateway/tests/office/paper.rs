//! Orders about kept papers: held in a dispute and released again, by two persons, with reason and record.

use std::sync::Arc;

use jiff::Timestamp;
use pki_core::{
    id::{ApplicationId, ApprovalId, IdempotencyKey, PaperId},
    kept_paper::order::PaperOrder,
    operator::Role,
};
use ra_gateway::{
    app::caller::Clerk,
    port::{AdvanceError, GivenOrder, Kept, PaperSubject, Store, StoredPaper},
};
use schema::wire::{bytes::Base64, v1::ra};

use crate::{
    approval::{approve_in_store, approved, decision},
    entry,
    staff::{CHIEF, Staff, enlist},
    support::{
        later,
        window::{OPERATOR, World, refusal},
    },
};

const SCAN: &[u8] =
    b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n2 0 obj << /Type /Page >> endobj\n\
                      trailer << /Root 1 0 R >>\n%%EOF\n";
const CASE: &str = "令和8年（行ウ）第12号の証拠";

/// A paper of Taro's application.
fn kept(world: &World) -> ra::KeptPaper {
    let clerk = world.clerk();
    let application = world.app.receive(&clerk, &world.taro()).unwrap().id;
    let paper = ra::KeepPaperRequest {
        idempotency_key: world.wish(),
        application: Some(application),
        notice: None,
        kind: "other".into(),
        content: Base64(SCAN.to_vec()),
    };
    world.app.keep_paper(&clerk, &paper).unwrap()
}

fn wish(paper: &ra::KeptPaper, order: PaperOrder, reason: &str) -> ra::ApprovalRequest {
    ra::ApprovalRequest {
        act: order.approved_act().to_string(),
        application: paper.application.clone(),
        reference: paper.id.clone(),
        reason: reason.into(),
    }
}

/// Asked for by the clerk, approved by the chief, given by the clerk.
fn given(
    world: &World,
    clerk: &Clerk,
    chief: &Staff,
    paper: &ra::KeptPaper,
    (order, reason): (PaperOrder, &str),
) -> (ra::PaperOrderRequest, ra::KeptPaper) {
    let request = ra::PaperOrderRequest {
        reason: reason.into(),
        approval: Some(approved(world, clerk, chief, &wish(paper, order, reason))),
    };
    let paper = world
        .app
        .order_paper(clerk, &paper.id, order, &request)
        .unwrap();
    (request, paper)
}

#[test]
fn a_held_paper_outlives_its_day_until_two_persons_release_it() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let paper = kept(&world);
    let clerk = world.clerk();
    let (request, held) = given(&world, &clerk, &chief, &paper, (PaperOrder::Hold, CASE));
    assert!(held.held);
    let again = world
        .app
        .order_paper(&clerk, &paper.id, PaperOrder::Hold, &request);
    assert!(again.unwrap().held, "said twice, done once");
    let listed = world.app.held_papers(&clerk).unwrap().papers;
    assert_eq!(listed, [held]);

    // Of two that are held one is released.
    let other = kept(&world);
    given(&world, &clerk, &chief, &other, (PaperOrder::Hold, "監査"));
    let release = (PaperOrder::Release, "監査の終了");
    let (_, released) = given(&world, &clerk, &chief, &other, release);
    assert!(!released.held);
    let seen = world.app.paper_orders(&clerk, &other.id).unwrap();
    let told: Vec<_> = seen
        .orders
        .iter()
        .map(|one| (&*one.order, &*one.reason, &*one.by, &*one.approved_by))
        .collect();
    assert_eq!(
        told,
        [
            ("hold", "監査", OPERATOR, CHIEF),
            ("release", "監査の終了", OPERATOR, CHIEF)
        ]
    );
    world.clock.advance(4000 * 86_400);
    assert_eq!(world.app.delete_due_papers().unwrap(), (1, false));
    assert_eq!(world.app.delete_due_papers().unwrap(), (0, false));
    let left = world.app.held_papers(&clerk).unwrap().papers;
    assert_eq!(left, listed);
    // A reason is nobody else's to read.
    for file in ["ra.db", "ra.db-wal"] {
        let bytes = std::fs::read(world.folder.path(file)).unwrap();
        let open = bytes
            .windows(CASE.len())
            .any(|window| window == CASE.as_bytes());
        assert!(!open, "{file} holds a reason in the open");
    }
}

#[test]
fn no_order_is_given_without_another_persons_word_on_exactly_it() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let paper = kept(&world);
    let clerk = world.clerk();
    let order = |order: PaperOrder, id: &str, reason: &str, approval: Option<&str>| {
        let request = ra::PaperOrderRequest {
            reason: reason.into(),
            approval: approval.map(str::to_owned),
        };
        world.app.order_paper(&clerk, id, order, &request)
    };
    let hold = |reason: &str, approval: Option<&str>| {
        refusal(order(PaperOrder::Hold, &paper.id, reason, approval))
    };
    assert_eq!(hold(CASE, None), "approval-needed");
    assert_eq!(hold(" ", None), "items-invalid");
    let asked = wish(&paper, PaperOrder::Hold, CASE);
    let waiting = world.app.request_approval(&clerk, &asked).unwrap();
    assert_eq!(hold(CASE, Some(&waiting.id)), "approval-needed");
    // Whoever asks is not the second person, though a supervisor.
    let own = {
        let terminal = world.app.terminal(&world.terminal.1).unwrap();
        let boss = crate::staff::sign_in(&world, &chief).unwrap().session.0;
        let boss = world.app.back_office(terminal, Some(&boss)).unwrap();
        let asked = world.app.request_approval(&boss, &asked).unwrap();
        let terminal = world.app.terminal(&world.terminal.1).unwrap();
        let said = decision(
            &asked,
            chief.id,
            &chief.key,
            pki_core::approval::Verdict::Approve,
        );
        world.app.decide_approval(&terminal, &asked.id, &said)
    };
    assert_eq!(refusal(own), "same-person");
    let clerk = world.clerk();
    let approval = approved(&world, &clerk, &chief, &asked);
    let approval = Some(approval.as_str());
    assert_eq!(hold("別の理由", approval), "approval-needed");
    let other = kept(&world);
    let elsewhere = order(PaperOrder::Hold, &other.id, CASE, approval);
    assert_eq!(refusal(elsewhere), "approval-needed");
    let released = order(PaperOrder::Release, &paper.id, CASE, approval);
    assert_eq!(refusal(released), "changed-meanwhile", "nothing is held");
    assert!(
        order(PaperOrder::Hold, &paper.id, CASE, approval)
            .unwrap()
            .held
    );
    let second = approved(&world, &world.clerk(), &chief, &asked);
    assert_eq!(
        hold(CASE, Some(&second)),
        "changed-meanwhile",
        "held already"
    );
    let nothing = order(PaperOrder::Hold, &"ee".repeat(16), CASE, approval);
    assert_eq!(refusal(nothing), "not-found");
}

// ------------------------------------------------------------ the store's promises

fn stored() -> StoredPaper {
    StoredPaper {
        id: PaperId::from_bytes([1; 16]),
        municipality: "13101".parse().unwrap(),
        idempotency_key: IdempotencyKey::from_bytes([1; 16]),
        subject: PaperSubject::Application(ApplicationId::from_bytes([1; 16])),
        kind: "other".into(),
        media: "image/png".into(),
        bytes: 3,
        pages: 1,
        chunks: 1,
        terminal: "131010001".parse().unwrap(),
        operator: OPERATOR.parse().unwrap(),
        received_at: "2026-11-22T05:00:00Z".parse().unwrap(),
        due_on: "2036-11-23".parse().unwrap(),
        hold: None,
    }
}

fn order(number: u8, order: PaperOrder, at: Timestamp) -> GivenOrder {
    GivenOrder {
        approval: ApprovalId::from_bytes([number; 16]),
        paper: stored().id,
        municipality: stored().municipality,
        order,
        reason: vec![number],
        by: OPERATOR.parse().unwrap(),
        approved_by: CHIEF.parse().unwrap(),
        at,
    }
}

pub fn orders_are_given_once_and_outlive_the_paper(store: &Arc<dyn Store>) {
    let (paper, entry) = (stored(), entry("hold-paper"));
    let kept = store.keep_paper(&paper, &[vec![1, 2, 3]], &entry);
    assert!(matches!(kept, Ok(Kept::New)));
    let (here, elsewhere) = ("13101".parse().unwrap(), "13102".parse().unwrap());
    let at = later(paper.received_at, 60);
    for number in 1..=3 {
        approve_in_store(store, number, at);
    }
    let due = || {
        store
            .papers_due("2036-11-23".parse().unwrap(), 10)
            .unwrap()
            .len()
    };
    let held = || store.held_papers(&here, 10).unwrap().len();
    let stale = |given: &GivenOrder| {
        assert!(matches!(
            store.order_paper(given, &entry),
            Err(AdvanceError::Stale)
        ));
    };
    assert_eq!((due(), held()), (1, 0));
    stale(&order(1, PaperOrder::Release, at));
    let hold = order(1, PaperOrder::Hold, at);
    stale(&GivenOrder {
        municipality: elsewhere,
        ..hold.clone()
    });
    // The refusals used nothing up.
    store.order_paper(&hold, &entry).unwrap();
    assert_eq!((due(), held()), (0, 1));
    assert!(store.held_papers(&elsewhere, 10).unwrap().is_empty());
    // Held after it was listed as due: it stays with its content.
    assert!(!store.delete_paper(&paper, "rule", at, &entry).unwrap());
    assert_eq!(store.paper_chunks(&paper.id).unwrap(), [vec![1, 2, 3]]);
    stale(&order(2, PaperOrder::Hold, at));
    stale(&order(1, PaperOrder::Release, at));
    store
        .order_paper(&order(3, PaperOrder::Release, later(at, 1)), &entry)
        .unwrap();
    assert_eq!((due(), held()), (1, 0));
    assert!(store.delete_paper(&paper, "rule", at, &entry).unwrap());
    let orders = store.paper_orders(&paper.id, &here).unwrap();
    assert!(orders == [hold, order(3, PaperOrder::Release, later(at, 1))]);
    assert!(
        store
            .paper_orders(&paper.id, &elsewhere)
            .unwrap()
            .is_empty()
    );
    stale(&order(2, PaperOrder::Hold, at));
}
