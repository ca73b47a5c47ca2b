//! Lanes: what one kind of work leaves the others.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use ra_gateway::http::lane::LaneConfig;
use ra_gateway::port::{MasterFault, Masters};
use schema::wire::v1::ra;
use serde_json::json;

use crate::served::{Client, Parts, Served, form, kind, serve_in_lanes};
use crate::support::holder::{identity, written};
use crate::support::window::{CARD, World};

/// Masters that hold everyone who derives a card's key until the test lets them go.
struct Held {
    inner: Arc<crate::support::MemoryMasters>,
    gate: (Mutex<(bool, usize)>, Condvar),
}

impl Held {
    pub fn waiting(&self) -> usize {
        self.gate.0.lock().unwrap().1
    }

    pub fn let_go(&self) {
        self.gate.0.lock().unwrap().0 = true;
        self.gate.1.notify_all();
    }
}

impl Masters for Held {
    fn cmac(&self, label: &str, message: &[u8]) -> Result<[u8; 16], MasterFault> {
        if label == "card-master" {
            let mut state = self.gate.0.lock().unwrap();
            state.1 += 1;
            while !state.0 {
                state = self.gate.1.wait(state).unwrap();
            }
        }
        self.inner.cmac(label, message)
    }

    fn trouble(&self) -> Option<String> {
        None
    }
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Two lanes of two places each; whoever derives a card's key waits in its lane.
fn lanes_that_hold() -> (Served, Parts, Arc<Held>, [String; 2]) {
    let mut world = World::on(None);
    let clerk = world.clerk();
    let application = world.identified(&clerk, &world.hanako());
    written(&world, &clerk, &mut world.card());
    let notice = ra::NoticeRequest {
        idempotency_key: world.wish(),
        service: ra::CardService::Unlock,
        card: hex::encode(CARD),
        certificate_kind: ra::CertificateKind::Signature,
        identity: Some(identity()),
    };
    let notice = world.app.open_notice(&clerk, &notice).unwrap();
    let held = Arc::new(Held {
        inner: Arc::clone(&world.masters),
        gate: Default::default(),
    });
    world.app.masters = Arc::clone(&held) as Arc<dyn Masters>;
    let sizes = LaneConfig {
        window: 2,
        notices: 2,
        papers: 1,
    };
    let (served, parts) = serve_in_lanes(world, 1000, sizes);
    (served, parts, held, [application.id, notice.id])
}

#[test]
fn saturated_issuing_leaves_the_password_services_their_lane_and_the_next_is_told_to_wait() {
    let (served, parts, held, [application, _]) = lanes_that_hold();
    let mut client = Client::new(&served, Some(&parts.terminal));
    client.sign_in(&parts.operator);
    let prepare = format!("/v1/applications/{application}/card-channels");
    let body = json!({ "card": "c1".repeat(16), "purpose": "prepare" }).to_string();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut busy = Client::new(&served, Some(&parts.terminal));
                busy.session.clone_from(&client.session);
                busy.send_and_forget(&prepare, body.as_bytes());
            });
        }
        until("both places are taken", || held.waiting() == 2);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let (status, list) = client.get("/v1/notices");
            assert_eq!(status, 200, "{list}");
            let (status, answer) = client.get("/v1/applications");
            assert_eq!((status, kind(&answer)), (503, "lane-full"));
            assert!(answer["retry_after"].as_u64() >= Some(1));
        }));
        held.let_go();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    assert_eq!(client.get("/v1/applications").0, 200, "then it goes on");
}

#[test]
fn a_flood_of_password_work_leaves_issuing_its_lane() {
    let (served, parts, held, [_, notice]) = lanes_that_hold();
    let mut client = Client::new(&served, Some(&parts.terminal));
    client.sign_in(&parts.operator);
    let unlock = format!("/v1/notices/{notice}/card-channels");
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let mut busy = Client::new(&served, Some(&parts.terminal));
                busy.session.clone_from(&client.session);
                busy.send_and_forget(&unlock, b"{}");
            });
        }
        until("both places are taken", || held.waiting() >= 2);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let (status, answer) = client.post("/v1/applications", form().to_string().as_bytes());
            assert_eq!(status, 201, "{answer}");
            assert_eq!(client.get("/v1/applications?open=true").0, 200);
        }));
        held.let_go();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}
