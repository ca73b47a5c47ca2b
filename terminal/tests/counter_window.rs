//! The clerk at the window: every button, and every interruption after which the same
//! button goes on. Cards in software behind the reader port, the gateway in memory.

#[path = "../../pki-core/tests/certificate_support/mod.rs"]
mod certificate_support;
mod support;
mod window_gateway;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pki_core::certificate::public_key::SignatureAlgorithm;
use schema::wire::v1::ra::{CharacterChoices, ImageVerdict, Step};
use serde_json::{Value, json};
use terminal::local::{Kind, Problem};
use terminal::virtual_card::SharedMemory;
use window_gateway::ID;
use window_gateway::place::{PASSWORD, PIN, Window, counter, id, secret, window};

type Press = fn(&Window) -> Result<Value, Problem>;

fn prepare(window: &Window) -> Result<Value, Problem> {
    window.counter.prepare_card(&id())
}
fn read_key(window: &Window) -> Result<Value, Problem> {
    window.counter.read_public_key(&id())
}
fn settle(window: &Window) -> Result<Value, Problem> {
    let none = CharacterChoices {
        choices: Vec::new(),
    };
    window.counter.settle(&id(), &none)
}
fn issue(window: &Window) -> Result<Value, Problem> {
    window.counter.issue(&id())
}
fn confirm(window: &Window) -> Result<Value, Problem> {
    window.counter.confirm_image(&id(), ImageVerdict::Right)
}
fn write(window: &Window) -> Result<Value, Problem> {
    window.counter.write_card(&id(), &secret(PASSWORD))
}
fn fee(window: &Window) -> Result<Value, Problem> {
    window.counter.fee(&id(), 500)
}
fn hand_over(window: &Window) -> Result<Value, Problem> {
    window.counter.hand_over(&id())
}

/// Presses one after the other.
trait Walk {
    fn walk(&self, presses: &[Press]);
}

impl Walk for Window {
    /// Presses the buttons up to (without) the last one given.
    fn walk(&self, presses: &[Press]) {
        for press in presses {
            press(self).unwrap();
            if self.gateway.step() == Step::CardPrepared {
                self.at_the_kiosk();
            }
        }
    }
}

const WALK: [Press; 8] = [
    prepare, read_key, settle, issue, confirm, write, fee, hand_over,
];

#[test]
fn one_button_after_the_other_leads_to_the_hand_over() {
    let window = window("window-walk");
    let mut next = Vec::new();
    for press in WALK {
        let shown = press(&window).unwrap();
        next.push(shown["next"]["action"].as_str().unwrap().to_owned());
        if window.gateway.step() == Step::CardPrepared {
            window.at_the_kiosk();
        }
    }
    let due = [
        "read-public-key",
        "characters",
        "issue",
        "confirm-image",
        "write-card",
        "fee",
        "hand-over",
        "none",
    ];
    assert_eq!(next, due);

    // Shown, printed, written and read back are one DER.
    let der = window.counter.certificate(&id()).unwrap();
    let image = window.counter.image(&id()).unwrap();
    let sha256 = hex::encode(terminal::hash::sha256(&[&der]));
    assert_eq!(image["certificate_sha256"], sha256);
    assert_eq!(image["items"]["name"]["value"], "総務　太郎");
    assert_eq!(image["items"]["birth_date"]["value"], "昭和25年4月1日");
    assert!(window.counter.copy(&id()).unwrap().starts_with(b"%PDF"));

    // The card signs with the certified key.
    let signed = window
        .counter
        .sign(&id(), &secret(PASSWORD), b"a message")
        .unwrap();
    let signature: schema::wire::bytes::Base64 =
        serde_json::from_value(signed["signature"].clone()).unwrap();
    let certificate = pki_core::certificate::CertificateImage::decode(&der).unwrap();
    certificate
        .public_key
        .verify(
            SignatureAlgorithm::RsaPkcs1Sha256,
            b"a message",
            &signature.0,
        )
        .unwrap();

    // And it is revoked at the holder's wish.
    let asked = json!({"application": ID, "ground": "article9", "document": {"kind": "passport"}});
    window
        .counter
        .revoke(serde_json::from_value(asked).unwrap())
        .unwrap();
    assert_eq!(
        window.gateway.revoked(),
        [image["serial"].as_str().unwrap()]
    );
}

#[test]
fn a_lost_answer_of_any_step_is_recovered_by_itself() {
    let window = window("window-lost");
    let calls = [
        "public-key",
        "characters",
        "issue",
        "image",
        "written",
        "fee",
        "hand-over",
    ];
    window.walk(&WALK[..1]);
    for (press, call) in WALK[1..].iter().zip(calls) {
        window.gateway.lose(call);
        press(&window).unwrap_or_else(|problem| panic!("{call}: {problem}"));
    }
    assert_eq!(window.gateway.step(), Step::HandedOver);
    assert_eq!(window.gateway.certificates(), 1);
}

#[test]
fn a_restart_with_the_gateway_away_goes_on_with_the_same_wish_at_sign_in() {
    let window = window("window-restart");
    window.walk(&WALK[..3]);
    // The certificate is issued, the answer is lost, and then the gateway is away.
    window.gateway.lose("issue");
    let gateway = window.gateway.clone();
    let away = std::thread::spawn(move || {
        while gateway.step() != Step::Issued {
            std::thread::sleep(Duration::from_micros(50));
        }
        gateway.set_down(true);
    });
    let first = issue(&window);
    away.join().unwrap();
    if let Err(problem) = &first {
        assert_eq!(problem.kind(), Kind::GatewayAway);
    }
    let Window {
        folder,
        gateway,
        resident,
        operator,
        counter: before,
        ..
    } = window;
    drop(before);
    gateway.set_down(false);
    let again = counter(&folder, &gateway, &resident, &operator);
    let signed_in = again.sign_in(&secret(PIN)).unwrap();
    if first.is_err() {
        assert_eq!(signed_in["recovered"], json!([ID]));
    }
    assert_eq!(again.issue(&id()).unwrap()["step"], "issued");
    assert_eq!(gateway.certificates(), 1);
}

#[test]
fn the_card_pulled_before_any_command_leaves_a_state_from_which_the_button_goes_on() {
    for (name, before, press) in [
        ("pulled-prepare", 0, prepare as Press),
        ("pulled-read", 1, read_key),
        ("pulled-write", 5, write),
    ] {
        let window = window(name);
        window.walk(&WALK[..before]);
        let step = window.gateway.step();
        for n in 1.. {
            window.resident.pull_before(n);
            let pressed = press(&window);
            window.resident.insert(&window.card);
            window.resident.pull_before(0);
            match pressed {
                Ok(_) => {
                    assert!(n > 3, "{name}: only {n} commands");
                    break;
                }
                Err(problem) => {
                    assert_eq!(problem.kind(), Kind::CardRemoved, "{name} before {n}");
                    assert_eq!(window.gateway.step(), step, "{name} before {n}");
                }
            }
        }
    }
}

#[test]
fn a_wrong_password_writes_nothing_and_tells_the_tries_left() {
    let window = window("window-password");
    window.walk(&WALK[..5]);
    let wrong = window
        .counter
        .write_card(&id(), &secret("WRONG1"))
        .unwrap_err();
    assert_eq!(wrong.document()["tries_left"], 4);
    assert_eq!(window.gateway.step(), Step::Confirmed);
    write(&window).unwrap();
}

#[test]
fn another_residents_card_is_not_read_or_written() {
    let window = window("window-other");
    window.walk(&WALK[..1]);
    let mut image: Value = serde_json::from_slice(
        &terminal::virtual_card::Memory::read(&mut window.card.clone()).unwrap(),
    )
    .unwrap();
    fn set_card(value: &mut Value) {
        if let Value::Object(fields) = value {
            if fields.contains_key("card") && fields["card"].is_string() {
                fields["card"] = json!("dd".repeat(16));
            }
            fields.values_mut().for_each(set_card);
        }
    }
    set_card(&mut image);
    let other = SharedMemory::new(image.to_string().as_bytes());
    window.resident.insert(&other);
    assert_eq!(read_key(&window).unwrap_err().kind(), Kind::CardOther);
}

#[test]
fn without_the_operators_card_nothing_is_done() {
    let window = window("window-operator");
    window.walk(&WALK[..3]);
    window.operator.remove();
    assert_eq!(issue(&window).unwrap_err().kind(), Kind::SignInNeeded);
    assert_eq!(window.counter.status()["operator"], Value::Null);
    window.operator.insert(&window.operator_card);
    assert_eq!(
        issue(&window).unwrap_err().kind(),
        Kind::SignInNeeded,
        "the PIN is asked for again"
    );
    let wrong = window.counter.sign_in(&secret("000000")).unwrap_err();
    assert_eq!(wrong.document()["tries_left"], 4);
    window.counter.sign_in(&secret(PIN)).unwrap();
    issue(&window).unwrap();
}

#[test]
fn a_refusal_is_passed_on_with_what_to_do() {
    let window = window("window-refusal");
    let problem = fee(&window).unwrap_err().document();
    assert_eq!(problem["type"], "urn:jitsuin:problem:step-not-due");
    assert!(problem["say"]["ja"].as_str().unwrap().contains("次の操作"));
    assert_eq!(
        window.counter.fee(&id(), 1000).unwrap_err().document()["type"],
        "urn:jitsuin:problem:fee-differs"
    );
}

#[test]
fn a_step_waits_for_a_look_of_the_pages_head_and_not_for_another_step() {
    let window = window("card-look");
    let over = Arc::new(AtomicBool::new(false));
    let looks = {
        let (counter, over) = (Arc::clone(&window.counter), Arc::clone(&over));
        std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                counter.status();
            }
        })
    };
    let refused = (0..500).filter(|_| window.counter.card_work().is_err());
    assert_eq!(refused.count(), 0, "steps refused for a look");
    over.store(true, Ordering::SeqCst);
    looks.join().unwrap();
    let at_work = window.counter.card_work().unwrap();
    let second = window.counter.card_work().map(drop).unwrap_err();
    assert_eq!(second.kind(), Kind::Running);
    drop(at_work);
}
