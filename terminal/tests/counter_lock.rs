//! The lock of a screen that nobody works at, and a suspension that shows at once.

#[path = "counter_screens/browser.rs"]
mod browser;
#[path = "../../pki-core/tests/certificate_support/mod.rs"]
mod certificate_support;
mod support;
mod window_gateway;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use browser::{Browser, browser_at};
use pki_core::certificate::request::parse_party_request;
use terminal::counter::app::Parts;
use terminal::counter::idle::Reason;
use terminal::counter::{Counter, CounterConfig};
use terminal::party::PartyKey;
use terminal::virtual_card::{Image, OperatorImage, SharedMemory, factory_image};
use window_gateway::ID;
use window_gateway::place::{PIN, Window, secret, window};
use xtask::browser::{Browser as Chromium, COUNTER};

/// A window whose screen locks after so long, with the product's own watch, and a browser.
fn locking(name: &str, after: Duration) -> Browser {
    let window = window(name);
    window.counter.sign_out();
    let at = |file: &str| window.folder.0.join(file);
    let mut config = CounterConfig::read(&at("counter.toml")).unwrap();
    assert_eq!(config.idle_lock, Duration::from_secs(600), "ten minutes");
    config.idle_lock = after;
    let counter = Counter::new(Parts {
        config,
        gateway: Box::new(window.gateway.clone()),
        resident_reader: Box::new(window.resident.clone()),
        operator_reader: Box::new(window.operator.clone()),
        key: PartyKey::read(&at("terminal.key")).unwrap(),
    })
    .unwrap();
    let watch = Arc::clone(&counter);
    thread::spawn(move || watch.watch());
    let browser = browser_at(Window { counter, ..window });
    // Last, for the time counts from here.
    browser.window.counter.sign_in(&secret(PIN)).unwrap();
    browser
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(90);
    while !done() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn locked(browser: &Browser) -> Option<Reason> {
    browser.window.counter.locked().map(|locked| locked.reason)
}

#[test]
fn without_a_key_the_screen_locks_and_the_same_card_goes_on_where_it_was() {
    let mut browser = locking("lock-idle", Duration::from_secs(8));
    browser.open();
    browser.says("総務");
    // Without script the page asks for the lock by itself.
    browser.says("content=\"9;url=/screens/lock?next=/screens/applications/");
    let here = browser.here.clone();
    let ended = browser.window.gateway.ended();
    wait("the screen locks", || {
        browser.window.counter.operator().is_none()
    });
    assert_eq!(locked(&browser), Some(Reason::Idle));
    wait("the gateway is told", || {
        browser.window.gateway.ended() == ended + 1
    });
    browser.open();
    assert_eq!(browser.here, format!("/screens/lock?next={here}"));
    browser.says("自動でロックしました");
    browser.says("窓口　花子");
    assert!(!browser.page.contains("総務"), "nothing of the applicant");
    browser.press("/screens/sign-in", &[("pin", PIN), ("next", &here)]);
    assert_eq!(browser.here, here);
    assert_eq!(locked(&browser), None);
}

#[test]
fn who_types_is_there_and_a_page_that_is_at_work_does_not_show_the_lock() {
    let mut browser = locking("lock-awake", Duration::from_secs(3600));
    browser.open();
    let here = browser.here.clone();
    let counter = Arc::clone(&browser.window.counter);
    wait("time passes", || {
        counter.idle_for() > Duration::from_secs(2)
    });
    let secret = browser.hidden()["local"].clone();
    let origin = browser.base.clone();
    browser.send("/screens/awake", &[("local", "0000")], &origin);
    assert_eq!(browser.status, 403, "nobody else keeps it open");
    assert!(counter.idle_for() > Duration::from_secs(2));
    browser
        .agent
        .post(format!("{origin}/screens/awake"))
        .header("Cookie", &browser.cookie)
        .header("Origin", &origin)
        .send_form([("local", &secret)])
        .unwrap();
    assert!(counter.idle_for() < Duration::from_secs(2));
    browser.go(&format!("/screens/lock?next={here}"));
    assert_eq!(browser.here, here);
}

#[test]
fn another_operator_who_opens_the_lock_comes_to_the_shift_change() {
    let mut browser = locking("lock-another", Duration::from_secs(3600));
    browser.open();
    let here = browser.here.clone();
    browser.press("/screens/lock", &[("here", &here)]);
    browser.says("別の操作者");
    let image = OperatorImage::new("13101-0002", PIN.as_bytes()).unwrap();
    let request = parse_party_request(&image.request().unwrap()).unwrap();
    let card = factory_image(&Image::Operator(Box::new(image))).unwrap();
    browser.window.gateway.set_operator(request.public_key);
    browser.window.operator.remove();
    browser.window.operator.insert(&SharedMemory::new(&card));
    browser.press("/screens/sign-in", &[("pin", PIN), ("next", &here)]);
    assert_eq!(browser.here, "/screens/office/shift");
    assert_eq!(
        browser.window.counter.operator().as_deref(),
        Some("13101-0002")
    );
}

#[test]
fn a_suspension_is_on_the_screen_at_once_with_what_to_do() {
    let mut browser = locking("lock-suspended", Duration::from_secs(3600));
    browser.open();
    browser.window.gateway.suspend();
    // Nobody presses anything: the watch asks.
    wait("the suspension is noticed", || {
        browser.window.counter.operator().is_none()
    });
    assert_eq!(locked(&browser), Some(Reason::Suspended));
    browser.open();
    browser.says("使用を停止されました");
    browser.says("責任者に連絡してください");
    assert!(!browser.page.contains("総務"), "nothing of the applicant");
}

#[test]
fn in_a_real_browser_the_page_goes_to_the_lock_and_typing_keeps_it_open() {
    // The test's own page waits longer than the lock does, and types all the while.
    let browser = locking("lock-chromium", Duration::from_secs(20));
    let pictures = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("lock");
    std::fs::create_dir_all(&pictures).unwrap();
    let chromium = Chromium::start(&browser.window.folder.0.join("chromium")).unwrap();
    let page = chromium.page(COUNTER).unwrap();
    page.open(&browser.start).unwrap();
    // The browser took its time to start.
    browser.window.counter.sign_in(&secret(PIN)).unwrap();
    page.open(&format!("{}/screens/applications/{ID}", browser.base))
        .unwrap();
    page.wait_for_text("総務").unwrap();
    let counter = &browser.window.counter;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(25) && counter.operator().is_some() {
        page.key("Tab").unwrap();
        thread::sleep(Duration::from_millis(200));
    }
    assert!(
        begun.elapsed() >= Duration::from_secs(25),
        "who types was locked out after {:?}",
        begun.elapsed()
    );
    page.wait_for_text("自動でロックしました").unwrap();
    assert!(page.path().unwrap().starts_with("/screens/lock"));
    page.screenshot(&pictures.join("idle.png")).unwrap();
    page.fill("#pin", PIN).unwrap();
    page.follow(|page| page.key("Enter")).unwrap();
    page.wait_for_text("総務").unwrap();
    browser.window.gateway.suspend();
    page.wait_for_text("使用を停止されました").unwrap();
    page.screenshot(&pictures.join("suspended.png")).unwrap();
    assert_eq!(page.complaints(), [""; 0]);
}
