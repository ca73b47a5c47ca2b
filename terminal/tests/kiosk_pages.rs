//! The resident's pages over plain HTTP, as a browser without script would use them:
//! forms, redirects and the cookie of the start address, with a card in this process.

#[path = "../../pki-core/tests/certificate_support/mod.rs"]
mod certificate_support;
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use certificate_support::{Governor, chiyoda, open, sample, tokyo_items};
use pki_core::certificate::public_key::SignatureAlgorithm;
use pki_core::certificate::request::parse_card_request;
use pki_core::certificate::{Subject, Subscriber};
use pki_core::id::Sha256Digest;
use serde_json::{Value, json};
use support::{CardChannel, Folder, KIOSK_MASTER, TestReader, blank_card, kiosk_id, prepare};
use terminal::card::personalise::Personalisation;
use terminal::card::reader::with_card;
use terminal::gateway::{Gateway, GatewayFault, GatewaySettings, Method};
use terminal::kiosk::app::Parts;
use terminal::kiosk::hygiene::Hygiene;
use terminal::kiosk::{Kiosk, KioskConfig, http};
use terminal::local::serve::LocalServer;
use terminal::party::{PartyKey, enrolment_request};
use terminal::virtual_card::SharedMemory;

struct Quiet;

impl Gateway for Quiet {
    fn call(
        &self,
        _: Method,
        path: &str,
        _: Option<&str>,
        _: Option<Value>,
    ) -> Result<Value, GatewayFault> {
        if path.ends_with("records") {
            return Ok(json!({"stored": true}));
        }
        Ok(json!({"suspended": false, "time": "2026-11-22T15:00:00Z"}))
    }
}

/// A kiosk that serves its pages, and a browser at it.
struct Place {
    kiosk: Arc<Kiosk>,
    memory: SharedMemory,
    reader: TestReader,
    address: String,
    secret: String,
    cookie: String,
    watch: Option<std::thread::JoinHandle<()>>,
    _folder: Folder,
}

struct Setting {
    idle: Duration,
    locked: bool,
    pin: Option<&'static str>,
}

const USUAL: Setting = Setting {
    idle: Duration::from_secs(600),
    locked: true,
    pin: None,
};

fn place(name: &str, setting: &Setting) -> Place {
    let folder = Folder::new(name);
    let at = |file: &str| folder.0.join(file);
    enrolment_request("13101K001", &at("key"), &at("csr")).unwrap();
    let memory = blank_card();
    let reader = TestReader::empty();
    let attendant_pin = setting
        .pin
        .map(|pin| serde_json::from_value(json!(pin)).unwrap());
    let kiosk = Kiosk::new(Parts {
        config: KioskConfig {
            kiosk: kiosk_id(),
            listen: "127.0.0.1:0".parse().unwrap(),
            reader: "test".into(),
            state: at("state"),
            master: folder.private_file("master", &KIOSK_MASTER),
            require_locked_memory: true,
            idle: setting.idle,
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
            attendant_pin,
            mode: pki_core::mode::Mode::Production,
        },
        reader: Box::new(reader.clone()),
        gateway: Box::new(Quiet),
        key: PartyKey::read(&at("key")).unwrap(),
        hygiene: Hygiene {
            memory_locked: setting.locked,
            no_core_dumps: true,
        },
        software_sha256: Sha256Digest::from_bytes([0; 32]),
    })
    .unwrap();
    let watch = std::thread::spawn({
        let kiosk = Arc::clone(&kiosk);
        move || kiosk.watch()
    });
    let ready = at("ready");
    serve(&kiosk, ready.clone());
    let ready = until(|| serde_json::from_slice::<Value>(&std::fs::read(&ready).ok()?).ok());
    let mut place = Place {
        kiosk,
        memory,
        reader,
        address: ready["listen"]["kiosk_ui"].as_str().unwrap()[7..].to_owned(),
        secret: ready["local_secret"].as_str().unwrap().to_owned(),
        cookie: String::new(),
        watch: Some(watch),
        _folder: folder,
    };
    until(|| (!place.kiosk.status()["gateway"]["last_contact"].is_null()).then_some(()));
    let opened = place.ask("GET", &format!("/start/{}", place.secret), "");
    let cookie = opened.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    place.cookie = cookie.split(';').next().unwrap().to_owned();
    place
}

/// Serves until the test's process ends.
fn serve(kiosk: &Arc<Kiosk>, ready: PathBuf) {
    let kiosk = Data::new(Arc::clone(kiosk));
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(
            LocalServer {
                name: "kiosk_ui",
                listen: "127.0.0.1:0".parse().unwrap(),
                ready_file: Some(&ready),
                keep_alive: false,
            }
            .run(move |routes| {
                routes.app_data(kiosk.clone());
                http::routes(routes);
            }),
        )
    });
}

fn until<T>(seen: impl Fn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = seen() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Place {
    fn ask(&self, method: &str, path: &str, form: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nCookie: {1}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {2}\r\n\
             Connection: close\r\n\r\n{form}",
            self.address,
            self.cookie,
            form.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn page(&self) -> String {
        let answer = self.ask("GET", "/", "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.body
    }

    /// Presses a button; the page after it.
    fn press(&self, act: &str, form: &str) -> String {
        let answer = self.ask("POST", &format!("/do/{act}"), form);
        assert_eq!(answer.status, 303, "{act}: {}", answer.body);
        assert_eq!(answer.header("location"), Some("/"));
        self.page()
    }

    fn type_in(&self, password: &str) -> String {
        let page = self.press("password", &format!("password={password}"));
        assert!(!page.contains(password), "a password in a page");
        page
    }

    fn shown(&self, text: &str) -> String {
        until(|| Some(self.page()).filter(|page| page.contains(text)))
    }

    /// First issue with this password, from the card on the reader to its removal.
    fn first_key(&self, password: &str) {
        prepare(&self.reader);
        self.press("begin", "");
        self.press("choose", "purpose=generate");
        self.press("rules", "");
        self.type_in(password);
        self.type_in(password);
        self.shown("Your key is ready");
        self.reader.remove();
        self.gone();
    }

    /// The resident has left: the first page is there, as it is for everybody.
    fn gone(&self) {
        let page = self.shown("<html lang=\"ja\" class=\"\"");
        assert!(page.contains("/assets/place-card.svg"), "{page}");
    }

    /// The gateway writes a certificate for the key on the card.
    fn certify(&self) {
        let request = with_card(&self.reader, |card| {
            Personalisation::select(card)?.request()
        });
        let request = parse_card_request(&request.unwrap().unwrap()).unwrap();
        let now = "2026-11-22T15:00:00Z".parse().unwrap();
        let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, open());
        let certificate = governor.certify(
            &sample("signature.toml", governor.algorithm),
            now,
            0x5A,
            &request.public_key,
            Subject::Subscriber(Subscriber {
                items: &tokyo_items(),
                place: &chiyoda(),
                terminal: "131010001".parse().unwrap(),
                requested_at: now,
                sequence: 1,
            }),
        );
        CardChannel::open(&self.reader).store(1, &certificate.into_der());
    }

    fn english(&self) {
        let page = self.press("language", "language=en");
        assert!(page.contains("<html lang=\"en\""), "{page}");
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

#[test]
fn a_resident_walks_from_the_card_to_the_key_and_is_told_the_rules_first() {
    let place = place("pages-walk", &USUAL);
    assert!(place.page().contains("<ruby>"), "Japanese has furigana");
    place.english();
    assert!(place.page().contains("Place the card that you received"));
    place.reader.insert(&place.memory);
    prepare(&place.reader);
    place.shown("Press Begin");
    let menu = place.press("begin", "");
    assert!(menu.contains("value=\"generate\""), "{menu}");
    assert!(
        !menu.contains("value=\"change\""),
        "no password to change yet"
    );
    let rules = place.press("choose", "purpose=generate");
    assert!(rules.contains("6 to 16") && rules.contains("Your birthday"));
    assert!(
        !rules.contains("type=\"password\""),
        "told before it is asked"
    );
    assert!(place.press("rules", "").contains("New password"));
    assert!(place.type_in("QJ7XK2WV9ZT4").contains("once more"));
    let page = place.type_in("QJ7XK2WV9ZT4");
    assert!(
        page.contains("Making your key") || page.contains("ready"),
        "{page}"
    );
    place.shown("Take your card and go back to the window");
    place.reader.remove();
    place.gone();
}

#[test]
fn letters_colours_and_language_are_kept_through_the_visit_and_end_with_it() {
    let place = place("pages-look", &USUAL);
    place.english();
    assert!(place.press("size", "").contains("class=\"large\""));
    assert!(
        place
            .press("contrast", "")
            .contains("class=\"contrast large\"")
    );
    place.reader.insert(&place.memory);
    prepare(&place.reader);
    let chosen = "<html lang=\"en\" class=\"contrast large\"";
    for (act, body) in [("begin", ""), ("choose", "purpose=generate"), ("rules", "")] {
        assert!(place.press(act, body).contains(chosen), "{act}");
    }
    // A card that slipped is put back by the same resident.
    place.reader.remove();
    assert!(place.shown("taken away").contains(chosen));
    place.reader.insert(&place.memory);
    prepare(&place.reader);
    place.press("begin", "");
    assert!(place.press("cancel", "").contains(chosen));
    place.reader.remove();
    place.gone();
    // Pressed twice is as before.
    place.press("size", "");
    assert!(place.press("size", "").contains("class=\"\""));
}

#[test]
fn on_renewal_the_present_password_is_asked_first_and_checked_at_once() {
    let place = place("pages-renewal", &USUAL);
    place.english();
    place.reader.insert(&place.memory);
    place.first_key("QJ7XK2WV9ZT4");
    place.english();
    // The window prepares the card for a new key.
    place.reader.insert(&place.memory);
    place.certify();
    prepare(&place.reader);
    let menu = place.press("begin", "");
    assert!(menu.contains("value=\"generate\""), "{menu}");
    assert!(menu.contains("value=\"change\""), "{menu}");
    place.press("choose", "purpose=generate");
    assert!(place.press("rules", "").contains("Present password"));
    assert!(
        place
            .type_in("WRONG1")
            .contains("Tries left before the card is locked: 4")
    );
    assert!(place.type_in("QJ7XK2WV9ZT4").contains("New password"));
    place.type_in("ANOTHER8");
    place.type_in("ANOTHER8");
    place.shown("Your key is ready");
    place.reader.remove();
}

#[test]
fn a_key_on_the_card_without_a_visit_allows_a_change_of_password_only() {
    let place = place("pages-change", &USUAL);
    place.english();
    place.reader.insert(&place.memory);
    place.first_key("QJ7XK2WV9ZT4");
    place.english();
    place.reader.insert(&place.memory);
    let menu = place.press("begin", "");
    assert!(menu.contains("value=\"change\"") && !menu.contains("value=\"generate\""));
    assert!(
        place
            .press("choose", "purpose=generate")
            .contains("What would you like")
    );
    place.press("choose", "purpose=change");
    assert!(place.press("rules", "").contains("Present password"));
    let wrong = place.type_in("WRONG1");
    assert!(
        wrong.contains("Tries left before the card is locked: 4"),
        "{wrong}"
    );
    assert!(place.type_in("QJ7XK2WV9ZT4").contains("New password"));
    place.type_in("ANOTHER8");
    assert!(place.type_in("ANOTHER9").contains("two entries differ"));
    place.type_in("ANOTHER8");
    assert!(
        place
            .type_in("ANOTHER8")
            .contains("The password is changed")
    );
    // To end, the card is taken: nothing was broken off.
    place.reader.remove();
    place.gone();
    place.english();
    place.reader.insert(&place.memory);
    place.press("begin", "");
    place.press("choose", "purpose=change");
    place.press("rules", "");
    assert!(
        place
            .type_in("QJ7XK2WV9ZT4")
            .contains("The password is wrong")
    );
    assert!(place.type_in("ANOTHER8").contains("New password"));
}

#[test]
fn every_page_of_a_visit_can_be_cancelled_and_gone_back_from() {
    let place = place("pages-cancel", &USUAL);
    place.english();
    place.reader.insert(&place.memory);
    for pages in 0..4 {
        prepare(&place.reader);
        let mut page = place.press("begin", "");
        if pages > 0 {
            page = place.press("choose", "purpose=generate");
        }
        if pages > 1 {
            page = place.press("rules", "");
        }
        if pages > 2 {
            page = place.type_in("QJ7XK2WV9ZT4");
        }
        assert!(page.contains("action=\"/do/cancel\""), "page {pages}");
        if pages == 3 {
            assert!(place.press("back", "").contains("New password"));
            assert!(place.press("back", "").contains("What you can use"));
            assert!(place.press("back", "").contains("What would you like"));
        }
        assert!(
            place.press("cancel", "").contains("Cancelled"),
            "page {pages}"
        );
        // The card knows no visit any more: to the window.
        assert!(place.press("begin", "").contains("not prepared"));
    }
}

#[test]
fn a_pulled_card_and_an_untouched_screen_end_the_visit_and_say_so() {
    let pulled = place("pages-pulled", &USUAL);
    pulled.english();
    pulled.reader.insert(&pulled.memory);
    prepare(&pulled.reader);
    pulled.press("begin", "");
    pulled.reader.remove();
    assert!(pulled.shown("taken away").contains("Place the card again"));

    let idle = Duration::from_secs(3);
    let idle = place("pages-idle", &Setting { idle, ..USUAL });
    idle.english();
    idle.reader.insert(&idle.memory);
    prepare(&idle.reader);
    idle.press("begin", "");
    let left = idle.ask("GET", "/view", "").body;
    let left: Value = serde_json::from_str(&left).unwrap();
    assert!(left["seconds_left"].as_u64().unwrap() <= 3);
    let page =
        until(|| Some(idle.page()).filter(|p| p.contains("時間切") || p.contains("ran out")));
    assert!(page.contains("Take your card") || page.contains("窓口"));
    // The next resident finds the first page, in Japanese.
    idle.reader.remove();
    idle.shown("下");
    idle.shown("lang=\"ja\"");
}

#[test]
fn a_card_of_another_kind_or_state_is_sent_where_it_belongs() {
    let place = place("pages-wrong", &USUAL);
    place.english();
    assert!(place.press("begin", "").contains("There is no card"));
    place.press("ok", "");
    place.reader.insert(&place.memory);
    assert!(place.press("begin", "").contains("go to the window first"));
    place.reader.remove();
    place.shown("Place the card that you received");
}

#[test]
fn an_unsound_kiosk_says_what_to_do_and_the_attendant_sees_why() {
    let unsound = Setting {
        locked: false,
        pin: Some("246813"),
        ..USUAL
    };
    let place = place("pages-unsound", &unsound);
    place.english();
    let page = place.page();
    assert!(page.contains("Out of service") && page.contains("tell the staff"));
    assert!(
        !place
            .ask("GET", "/attendant", "")
            .body
            .contains("memory locked")
    );
    let wrong = place.ask("POST", "/do/attend", "pin=111111").body;
    assert!(wrong.contains("Wrong PIN") && !wrong.contains("111111"));
    assert_eq!(place.ask("POST", "/do/attend", "pin=246813").status, 303);
    let facts = place.ask("GET", "/attendant", "").body;
    assert!(
        facts.contains("memory locked") && facts.contains("不合格"),
        "{facts}"
    );
    place.press("attendant-left", "");
    for _ in 0..5 {
        place.ask("POST", "/do/attend", "pin=111111");
    }
    let shut = place.ask("POST", "/do/attend", "pin=246813").body;
    assert!(shut.contains("Shut for five minutes"));
}

#[test]
fn pages_act_only_in_the_browser_that_was_opened_at_the_start_address() {
    let mut place = place("pages-fence", &USUAL);
    assert_eq!(place.ask("GET", "/start/00", "").status, 403);
    place.cookie = String::new();
    assert!(
        place.page().contains("起動"),
        "says that it was not opened rightly"
    );
    let refused = place.ask("POST", "/do/begin", "");
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("local-secret"), "{}", refused.body);
}

#[test]
fn a_form_that_is_not_as_it_has_to_be_changes_nothing_and_repeats_nothing() {
    let place = place("pages-forms", &USUAL);
    place.english();
    place.reader.insert(&place.memory);
    prepare(&place.reader);
    place.press("begin", "");
    place.press("choose", "purpose=generate");
    place.press("rules", "");
    let long = format!("password={}", "A".repeat(2000));
    for form in [
        "",
        "password=QJ7XK2WV9ZT4&more=1",
        "secret=QJ7XK2WV9ZT4",
        &long,
    ] {
        let refused = place.ask("POST", "/do/password", form);
        assert_eq!(refused.status, 400);
        assert!(!refused.body.contains("QJ7XK2WV9ZT4"));
    }
    for bad in ["abc123", "AB1", "ABC%20123", "ABCDEFGHIJ1234567"] {
        let page = place.type_in(bad);
        assert!(page.contains("Use 6 to 16 characters"), "{bad}: {page}");
    }
}
