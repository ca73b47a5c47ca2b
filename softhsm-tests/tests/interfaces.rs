//! The interfaces of gateway, authority and status server hold what their descriptions say,
//! judged by schemathesis on real parts.

use std::path::PathBuf;

use serde_json::json;
use softhsm_tests::scene::{Scene, text_of};
use softhsm_tests::schemathesis::{Answers, Asking, Schemathesis};
use softhsm_tests::tester::Tester;
use xtask::stack::layout::Database;
use xtask::stack::{self, ISSUER, MUNICIPALITIES, Settings};
use xtask::test::long;
use xtask::window::{Applicant, SOUMU_TARO, TAKAHASHI_HANAKO};

/// Of the demo's register.
const YAMADA_ICHIRO: Applicant = Applicant {
    name: "山田　一郎",
    birth_date: "昭和45年8月5日",
    sex: "男",
    address: "東京都千代田区九段南１丁目２番１号",
    resident: "1310100003",
    password: "YAMADA45",
};

/// One dot, PNG.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// More often than anybody here asks.
const UNLIMITED: u32 = 100_000;

/// What may be asked for: something of it exists.
struct Known {
    applications: Vec<String>,
    papers: Vec<String>,
    serial: String,
    receipt: String,
}

#[test]
fn every_answer_is_one_that_the_description_has() {
    let settings = Settings {
        gateway_requests_per_second: Some(UNLIMITED),
        ca_requests_per_second: UNLIMITED,
        public_requests_per_second: UNLIMITED,
        ..Settings::default()
    };
    let scene = Scene::open("interfaces", Database::Sqlite, settings).unwrap();
    let judge = Schemathesis::ready(&scene.stack().scratch("schemathesis").unwrap()).unwrap();
    let tester = Tester::enrol(&scene).unwrap();
    let known = something_to_find(&scene, &tester);

    status_server(&scene, &judge);
    authority(&scene, &judge, &known);
    gateway(&scene, &judge, &tester, &known);
    scene.close().unwrap();
}

/// A resident at the end of the walk, one in its middle, one at its beginning, a paper.
fn something_to_find(scene: &Scene, tester: &Tester) -> Known {
    let card = scene.stack().resident_card(0);
    let finished = scene.written(&SOUMU_TARO, &card).unwrap();
    let paid = scene
        .window
        .step(&finished, "fee", &json!({ "amount_yen": 500 }))
        .unwrap();
    let identified = scene.identified(&TAKAHASHI_HANAKO).unwrap();
    let form = xtask::window::Window::form(
        &YAMADA_ICHIRO,
        Some(YAMADA_ICHIRO.resident),
        &stack::today_in_japan(),
    );
    let received = text_of(&scene.window.receive(&form).unwrap()["id"]);
    let session = tester.sign_in().unwrap();
    let paper = tester
        .post(
            "/v1/papers",
            Some(&session),
            &json!({
                "idempotency_key": xtask::text::random_hex(16).unwrap(),
                "application": finished,
                "kind": "issue-application",
                "content": PICTURE,
            }),
        )
        .unwrap();
    let serial = text_of(&paid["certificate"]["serial"]);
    Known {
        papers: vec![text_of(&paper["id"])],
        receipt: text_of(&paid["receipt"]["number"]),
        serial,
        applications: vec![finished, identified, received],
    }
}

fn status_server(scene: &Scene, judge: &Schemathesis) {
    let public = scene.stack().public();
    let answers = judge
        .ask(&Asking {
            name: "status",
            url: public.base(),
            known: &[
                ("path.issuer", vec![ISSUER.to_owned(), "infra".to_owned()]),
                ("path.municipality", municipalities()),
            ],
            examples: examples(),
            ..Asking::default()
        })
        .unwrap();
    told("status server", &answers);
    assert!(answers.at_the_door().is_empty(), "{answers:?}");
    // There is no delta list before a second list.
    assert!(answers.with_class(2) >= 4, "{answers:?}");
}

fn authority(scene: &Scene, judge: &Schemathesis, known: &Known) {
    let (certificate, key) = (
        scene.file("gateway/client.pem"),
        scene.file("gateway/client.key"),
    );
    let answers = judge
        .ask(&Asking {
            name: "authority",
            url: scene.stack().where_to().ca(),
            tls: Some((&certificate, &key, &trust(scene))),
            known: &[
                ("path.serial", vec![known.serial.clone()]),
                ("path.id", known.applications.clone()),
                ("query.municipality", municipalities()),
            ],
            examples: examples(),
            ..Asking::default()
        })
        .unwrap();
    told("authority", &answers);
    assert!(answers.at_the_door().is_empty(), "{answers:?}");
    // The four that need no signed act.
    assert!(answers.with_class(2) >= 3, "{answers:?}");
}

fn gateway(scene: &Scene, judge: &Schemathesis, tester: &Tester, known: &Known) {
    let trust = trust(scene);
    let url = scene.stack().where_to().gateway();
    let today = stack::today_in_japan();
    let session = tester.sign_in().unwrap();
    let kiosk = ["/v1/kiosk/records", "/v1/kiosk/health"];
    let sign_out = "/v1/operator-sessions/current";
    // Of the listener for holders, at an address of its own.
    let online = ["/v1/online-revocation-challenges", "/v1/online-revocations"];
    let values = [
        ("path.id", [&known.applications[..], &known.papers].concat()),
        ("path.serial", vec![known.serial.clone()]),
        ("path.number", vec![known.receipt.clone()]),
        ("path.day", vec![today.clone()]),
        ("path.month", vec![today[..7].to_owned()]),
        (
            "body.resident",
            [&SOUMU_TARO, &TAKAHASHI_HANAKO, &YAMADA_ICHIRO]
                .map(|applicant| applicant.resident.to_owned())
                .into(),
        ),
        ("body.application", known.applications.clone()),
    ];
    let as_terminal = Asking {
        tls: Some((&tester.certificate, &tester.certificate_key, &trust)),
        session: Some(&session),
        url,
        known: &values,
        examples: examples(),
        ..Asking::default()
    };
    let answers = judge
        .ask(&Asking {
            name: "gateway",
            without: &[kiosk[0], kiosk[1], sign_out, online[0], online[1]],
            ..as_terminal
        })
        .unwrap();
    told("gateway, as a supervisor at a terminal", &answers);
    assert!(answers.at_the_door().is_empty(), "{answers:?}");
    assert!(answers.with_class(2) >= 12, "{answers:?}");

    let ending = tester.sign_in().unwrap();
    let answers = judge
        .ask(&Asking {
            name: "gateway-sign-out",
            only: &[sign_out],
            session: Some(&ending),
            ..as_terminal
        })
        .unwrap();
    told("gateway, signing out", &answers);
    assert_eq!(answers.with_class(2), 1, "{answers:?}");

    let (certificate, key) = (scene.file("kiosk/kiosk.pem"), scene.file("kiosk/kiosk.key"));
    let answers = judge
        .ask(&Asking {
            name: "gateway-kiosk",
            only: &kiosk,
            tls: Some((&certificate, &key, &trust)),
            session: None,
            ..as_terminal
        })
        .unwrap();
    told("gateway, as a kiosk", &answers);
    assert_eq!(answers.statuses.len(), kiosk.len());
    assert!(answers.at_the_door().is_empty(), "{answers:?}");
}

fn told(who: &str, answers: &Answers) {
    println!(
        "{who}: {} answers of {} operations; {} came beyond the door, {} succeeded",
        answers.count(),
        answers.statuses.len(),
        answers.statuses.len() - answers.at_the_door().len(),
        answers.with_class(2),
    );
    for (operation, statuses) in &answers.statuses {
        println!("    {operation}: {statuses:?}");
    }
}

fn examples() -> u32 {
    if long() { 200 } else { 8 }
}

fn municipalities() -> Vec<String> {
    MUNICIPALITIES
        .iter()
        .map(|(code, _)| (*code).to_owned())
        .collect()
}

fn trust(scene: &Scene) -> PathBuf {
    scene.file("ceremony/infra.pem")
}
