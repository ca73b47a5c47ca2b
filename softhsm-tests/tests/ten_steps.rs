//! A resident's walk of ten steps: what it costs the servers, and how often they have to ask outward.

use std::collections::BTreeMap;

use serde_json::json;
use softhsm_tests::scene::{Scene, text_of};
use xtask::bench::cpu;
use xtask::local::Local;
use xtask::stack::layout::Database;
use xtask::stack::{self, Settings};
use xtask::window::{SOUMU_TARO, Window};

/// What the gateway has counted so far.
struct Counted {
    /// Calls outward, by whom they went to.
    outward: BTreeMap<String, f64>,
    /// Requests, and the seconds from their coming in to their answer.
    requests: f64,
    seconds: f64,
}

fn counted(admin: &Local) -> Counted {
    let text = String::from_utf8(admin.get("/metrics").unwrap().ok().unwrap()).unwrap();
    let mut counted = Counted {
        outward: BTreeMap::new(),
        requests: 0.0,
        seconds: 0.0,
    };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let value: f64 = value.parse().unwrap();
        if let Some((_, to)) = name.split_once("ra_outward_calls_total{to=\"") {
            counted
                .outward
                .insert(to.trim_end_matches("\"}").to_owned(), value);
        } else if name.starts_with("ra_request_seconds_sum") && !of_the_kiosk(name) {
            counted.seconds += value;
        } else if name.starts_with("ra_request_seconds_count") && !of_the_kiosk(name) {
            counted.requests += value;
        }
    }
    counted
}

/// The kiosk reports by itself, whoever is at the window.
fn of_the_kiosk(name: &str) -> bool {
    name.contains("/v1/kiosk/")
}

#[test]
fn ten_steps_need_two_calls_outward_and_less_than_a_second_of_the_servers() {
    let scene = Scene::open("ten-steps", Database::Sqlite, Settings::default()).unwrap();
    let (window, card) = (&scene.window, scene.stack().resident_card(0));
    let endpoints = scene.stack().endpoints();
    let admin = Local::new(&text_of(&endpoints["admins"]["gateway"]), None);
    let pid = |name: &str| u32::try_from(endpoints["pids"][name].as_u64().unwrap()).unwrap();
    let servers = [pid("gateway"), pid("ca")];

    let (before, spent) = (counted(&admin), cpu::spent(&servers));
    let form = Window::form(
        &SOUMU_TARO,
        Some(SOUMU_TARO.resident),
        &stack::today_in_japan(),
    );
    let id = text_of(&window.receive(&form).unwrap()["id"]);
    window.identify(&id).unwrap();
    scene.key_made(&id, &card, SOUMU_TARO.password).unwrap();
    for (step, body) in [
        ("read-public-key", json!({})),
        ("characters", json!({ "choices": [] })),
        ("issue", json!({})),
        ("confirm-image", json!({ "verdict": "right" })),
        ("write-card", json!({ "password": SOUMU_TARO.password })),
        ("fee", json!({ "amount_yen": 500 })),
        ("hand-over", json!({})),
    ] {
        window.step(&id, step, &body).unwrap();
    }
    let (after, spent) = (counted(&admin), cpu::spent(&servers) - spent);
    assert_eq!(scene.step_of(&id).unwrap(), "handed-over");

    let calls = |to: &str| {
        let now = after.outward.get(to).copied().unwrap_or(0.0);
        now - before.outward.get(to).copied().unwrap_or(0.0)
    };
    // The register is asked as the application comes in, and what it said then stands for the visit; the
    // authority is asked for the certificate.
    assert_eq!((calls("register"), calls("authority")), (1.0, 1.0));
    assert_eq!(after.outward.len(), 2, "{:?}", after.outward);

    let (requests, seconds) = (
        after.requests - before.requests,
        after.seconds - before.seconds,
    );
    println!(
        "one walk: {requests} requests of the window, {seconds:.3} s from request to answer in all, \
         {spent:.2} s of the servers' processors"
    );
    assert!(requests >= 10.0, "the ten steps were counted: {requests}");
    // Elapsed time on a machine that does other things besides tells of these; the servers' own work does not.
    assert!(
        spent < 1.0,
        "gateway and authority worked {spent} s for one resident"
    );
    scene.close().unwrap();
}
