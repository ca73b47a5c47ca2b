//! The kiosk as its screens see it: steps, messages, and what ends a visit by itself.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pki_core::id::Sha256Digest;
use serde_json::{Value, json};
use support::{Folder, KIOSK_MASTER, TestReader, blank_card, kiosk_id, prepare};
use terminal::gateway::{Gateway, GatewayFault, GatewaySettings, Method};
use terminal::kiosk::app::Parts;
use terminal::kiosk::hygiene::Hygiene;
use terminal::kiosk::{Kiosk, KioskConfig};
use terminal::local::Kind;
use terminal::party::{PartyKey, enrolment_request};
use terminal::virtual_card::SharedMemory;

#[derive(Clone, Default)]
struct Link {
    suspended: Arc<AtomicBool>,
    records: Arc<AtomicBool>,
}

impl Gateway for Link {
    fn call(
        &self,
        _: Method,
        path: &str,
        _: Option<&str>,
        _: Option<Value>,
    ) -> Result<Value, GatewayFault> {
        if path.ends_with("records") {
            self.records.store(true, Ordering::SeqCst);
            return Ok(json!({"stored": true}));
        }
        let suspended = self.suspended.load(Ordering::SeqCst);
        Ok(json!({"suspended": suspended, "time": "2026-11-22T15:00:00Z"}))
    }
}

struct Place {
    _folder: Folder,
    link: Link,
    memory: SharedMemory,
    reader: TestReader,
    kiosk: Arc<Kiosk>,
    watch: Option<std::thread::JoinHandle<()>>,
}

fn place(name: &str, idle: Duration, locked: bool) -> Place {
    let folder = Folder::new(name);
    let at = |file: &str| folder.0.join(file);
    enrolment_request("13101K001", &at("key"), &at("csr")).unwrap();
    let memory = blank_card();
    let reader = TestReader::with(&memory);
    prepare(&reader);
    let link = Link::default();
    let kiosk = Kiosk::new(Parts {
        config: KioskConfig {
            kiosk: kiosk_id(),
            listen: "127.0.0.1:0".parse().unwrap(),
            reader: "test".into(),
            state: at("state"),
            master: folder.private_file("master", &KIOSK_MASTER),
            require_locked_memory: true,
            idle,
            generate: Duration::from_secs(60),
            gateway: GatewaySettings {
                url: "https://127.0.0.1:1".into(),
                trust: at("x"),
                certificate: at("x"),
                key: at("key"),
                timeout_seconds: 1,
            },
            health: Duration::from_millis(200),
            link_away: Duration::from_secs(3600),
            attendant_pin: None,
            mode: pki_core::mode::Mode::Training,
        },
        reader: Box::new(reader.clone()),
        gateway: Box::new(link.clone()),
        key: PartyKey::read(&at("key")).unwrap(),
        hygiene: Hygiene {
            memory_locked: locked,
            no_core_dumps: true,
        },
        software_sha256: Sha256Digest::from_bytes([0; 32]),
    })
    .unwrap();
    let watch = std::thread::spawn({
        let kiosk = Arc::clone(&kiosk);
        move || kiosk.watch()
    });
    let place = Place {
        _folder: folder,
        link,
        memory,
        reader,
        kiosk,
        watch: Some(watch),
    };
    place.wait(|s| !s["gateway"]["last_contact"].is_null());
    place
}

impl Place {
    fn wait(&self, seen: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let status = self.kiosk.status();
            if seen(&status) {
                return status;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn generate(&self) {
        let (password, again) = ("ABC123".into(), "ABC123".into());
        self.kiosk.generate(password, &again, None).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.kiosk.switch_off();
        if let Some(watch) = self.watch.take() {
            let _ = watch.join();
        }
    }
}

const LONG: Duration = Duration::from_secs(600);

#[test]
fn a_visit_goes_through_its_screens_and_its_record_reaches_the_gateway() {
    let place = place("screens-walk", LONG, true);
    let begun = place.kiosk.begin().unwrap();
    assert_eq!(begun["step"], "menu");
    assert_eq!(begun["next"][0]["action"], "generate");
    assert_eq!(begun["password_rules"]["pattern"], "^[A-Z0-9]{6,16}$");
    place.generate();
    let stored = place.wait(|s| s["step"] == "stored");
    assert_eq!(stored["next"][0]["action"], "finish");
    assert_eq!(place.kiosk.finish().unwrap()["percent"], 100);
    place.wait(|_| place.link.records.load(Ordering::SeqCst));
    place.reader.remove();
    place.wait(|s| s["step"] == "place-card" && s["card"].is_null());
}

#[test]
fn a_menu_that_nobody_touches_gives_the_visit_up_on_the_card() {
    let place = place("screens-idle", Duration::from_millis(700), true);
    place.kiosk.begin().unwrap();
    place.wait(|s| s["step"] == "timed-out");
    // A stranger who finds the card there gets no further.
    let refused = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(50));
        place.kiosk.begin().unwrap_err().kind()
    });
    let mut refused = refused.skip_while(|kind| *kind == Kind::Running);
    assert_eq!(refused.next(), Some(Kind::CardOther));
}

#[test]
fn a_card_pulled_at_the_menu_or_at_work_can_be_placed_again() {
    let place = place("screens-pulled", LONG, true);
    place.kiosk.begin().unwrap();
    place.reader.remove();
    place.wait(|s| s["step"] == "card-pulled");
    place.reader.insert(&place.memory);
    place.kiosk.begin().unwrap();
    place.reader.pull_before(12);
    place.generate();
    place.wait(|s| s["step"] == "card-pulled");
    place.reader.insert(&place.memory);
    place.kiosk.begin().unwrap();
    place.generate();
    place.wait(|s| s["step"] == "stored");
}

#[test]
fn a_kiosk_that_is_suspended_or_unsound_takes_no_visit() {
    let suspended = place("screens-suspended", LONG, true);
    suspended.link.suspended.store(true, Ordering::SeqCst);
    suspended.wait(|s| s["gateway"]["suspended"] == true);
    assert_eq!(
        suspended.kiosk.begin().unwrap_err().kind(),
        Kind::OutOfService
    );

    let unsound = place("screens-unsound", LONG, false);
    let status = unsound.kiosk.status();
    assert_eq!(status["self_test"], "failed");
    assert_eq!(
        unsound.kiosk.begin().unwrap_err().kind(),
        Kind::OutOfService
    );
}

#[test]
fn passwords_outside_the_rules_or_not_repeated_start_nothing() {
    let place = place("screens-rules", LONG, true);
    place.kiosk.begin().unwrap();
    for (password, again) in [("abc123", "abc123"), ("ABC123", "ABC124"), ("AB1", "AB1")] {
        let asked = place.kiosk.generate(password.into(), &again.into(), None);
        assert_eq!(asked.unwrap_err().kind(), Kind::PasswordRules);
    }
    assert_eq!(place.kiosk.status()["step"], "menu");
    let early = place.kiosk.finish().unwrap_err();
    assert_eq!(early.kind(), Kind::NotDue);
}
