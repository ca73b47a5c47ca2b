//! The governor's name is wrong on an image: nothing is issued at any window and nothing written to a card until
//! two officers of the authority release it, each by the own signature.

use std::fs;
use std::time::Duration;

use serde_json::json;
use softhsm_tests::officer::Officer;
use xtask::browser::{Browser, COUNTER};
use xtask::screens::{Clerk, Screens};
use xtask::stack::second::CHUO_JIRO;
use xtask::stack::{OPERATOR_PIN, today_in_japan};
use xtask::window::{self, SOUMU_TARO};

use super::people::SATO;
use super::world::{
    World, album, from_card_to_hand_over, key_and_characters, refused, settled, shown_by,
};

/// How long the gateway may take to tell a stop and to fetch its release; it asks every few seconds.
const TOLD: Duration = Duration::from_secs(120);
/// What a clerk is told at every window.
const STOPPED: &str = "認証局が発行を止めています。";

/// From the image to the certificate that is right in the end.
pub fn stopped_and_released(world: &World) {
    let pictures = album("breaker");
    let screens = world.open(&pictures);
    let clerk = &screens.clerk;
    let stack = world.scene.stack();

    // 総務's certificate is due on his card here; 中央's is due at a window of another municipality.
    let written = stack.resident_card(1);
    let taro = clerk.receive(&SOUMU_TARO).unwrap();
    clerk.identify().unwrap();
    key_and_characters(&screens, &SOUMU_TARO, &written, None).unwrap();
    clerk.issue().unwrap();
    clerk.confirm_image().unwrap();
    written.remove().unwrap();
    let second = stack.open_second().unwrap();
    let far = second.resident_card();
    let chuo = settled(&second.window, &CHUO_JIRO, &far, &today_in_japan()).unwrap();
    let counter = &second.window.counter;
    counter
        .post("/api/sign-out", &json!({}))
        .unwrap()
        .ok()
        .unwrap();
    let browser = Browser::start(&world.file("browser-2")).unwrap();
    let page = browser.page(COUNTER).unwrap();
    let elsewhere = Clerk::open(page, &second.terminal_start, &pictures).unwrap();
    elsewhere.sign_in(OPERATOR_PIN).unwrap();
    let due_there = format!("/screens/applications/{chuo}");

    let card = stack.resident_card(0);
    let serial = wrong_on_the_image(world, &screens);
    assert_eq!(card.state().unwrap()["card"]["state"], "key-stored");
    // Here nothing is written, there nothing is issued.
    let due_here = format!("/screens/applications/{taro}");
    clerk.go(&due_here).unwrap();
    written.insert("counter").unwrap();
    world.scene.window.wait_at_counter().unwrap();
    let told = refused(clerk, |clerk| clerk.write_card(SOUMU_TARO.password));
    assert!(told.contains(STOPPED), "{told}");
    assert_eq!(written.state().unwrap()["card"]["state"], "key-stored");
    elsewhere.go(&due_there).unwrap();
    let told = refused(&elsewhere, |clerk| clerk.issue());
    assert!(
        told.contains(STOPPED) && told.contains("再開の連絡"),
        "{told}"
    );

    released_by_two(world, &serial, || {
        elsewhere.go(&due_there).unwrap();
        let told = refused(&elsewhere, |clerk| clerk.issue());
        assert!(told.contains(STOPPED), "one officer opens nothing: {told}");
    });

    // Every window goes on where it stood.
    elsewhere.go(&due_there).unwrap();
    elsewhere.issue().unwrap();
    elsewhere.confirm_image().unwrap();
    elsewhere.write_card(CHUO_JIRO.password).unwrap();
    assert_eq!(elsewhere.take_fee().unwrap(), "500 円");
    elsewhere.hand_over().unwrap();
    world.keep_der("chuo", &second.window.certificate(&chuo).unwrap());
    clerk.go(&due_here).unwrap();
    clerk.write_card(SOUMU_TARO.password).unwrap();
    clerk.take_fee().unwrap();
    clerk.hand_over().unwrap();
    written.remove().unwrap();
    world.keep("taro", &taro);
    right_in_the_end(world, &screens, &serial);
    for name in ["chuo", "taro", "sato"] {
        world.ocsp_says(name, "good");
    }
}

/// 佐藤 and the clerk see that the governor's name is wrong. Gives the serial number of that certificate.
fn wrong_on_the_image(world: &World, screens: &Screens<'_>) -> String {
    let clerk = &screens.clerk;
    let card = world.scene.stack().resident_card(0);
    clerk.receive(&SATO).unwrap();
    clerk.identify().unwrap();
    key_and_characters(screens, &SATO, &card, None).unwrap();
    clerk.issue().unwrap();
    let image = clerk.image().unwrap();
    assert_eq!(image["生年月日"], "昭和64年1月7日");
    clerk.press("F8").unwrap();
    clerk.press("F4").unwrap();
    clerk.press("F10").unwrap();
    clerk.page.wait_for_text("発行を止めました").unwrap();
    card.remove().unwrap();
    world.list_names(&image["発行番号"]);
    image["発行番号"].clone()
}

/// Two officers see the stop on their first page and release it; `meanwhile` happens after the first one signed.
fn released_by_two(world: &World, serial: &str, meanwhile: impl FnOnce()) {
    let stack = world.scene.stack();
    let url = stack.console().unwrap();
    let officer = |name: &str| {
        let place = format!("officers/{name}");
        Officer::at_the_console(&world.scene, &world.browser, url, &place).unwrap()
    };
    let (first, second) = (officer("OFF-1"), officer("OFF-2"));
    window::wait("the stop on the console's first page", TOLD, || {
        first.go("/")?;
        let told = first.page.text("main")?;
        Ok(told.contains("発行が停止しています").then_some(()))
    })
    .unwrap();
    first.go("/stops").unwrap();
    first.press("td.act a[href^=\"/stops/\"]").unwrap();
    let digits = |text: &str| -> String {
        let digits = text.chars().filter(char::is_ascii_hexdigit);
        digits.collect::<String>().to_lowercase()
    };
    let shown = first.page.text("main").unwrap();
    assert!(digits(&shown).contains(&digits(serial)), "{shown}");
    first
        .page
        .fill("#reason", "知事名の設定を改め、確認した")
        .unwrap();
    first.press("main form button.first").unwrap();
    first.sign().unwrap();
    first
        .page
        .wait_for_text("別の担当者の承認を待っています")
        .unwrap();
    assert!(!first.page.has("a[href$=\"/approve\"]").unwrap());
    let act = first.page.path().unwrap();
    meanwhile();

    second.go(&act).unwrap();
    let shown = second.page.text("main").unwrap();
    assert!(shown.contains("知事名の設定を改め、確認した"), "{shown}");
    second.press("a[href$=\"/approve\"]").unwrap();
    second.sign().unwrap();
    second.page.wait_for_text("実施済み").unwrap();
    let reception = stack.reception().unwrap();
    window::wait("the release at the gateway", TOLD, || {
        let told = reception.ra(&["breaker", "show"])?;
        Ok(String::from_utf8_lossy(&told)
            .contains("issuing is open")
            .then_some(()))
    })
    .unwrap();
    second.go("/").unwrap();
    let home = second.page.text("main").unwrap();
    assert!(!home.contains("発行が停止しています"), "{home}");
    // Who released it stands in the gateway's log.
    let log = world.file("release.jsonl");
    let out = log.to_string_lossy();
    reception.ra(&["audit", "export", "--out", &out]).unwrap();
    let log = fs::read_to_string(&log).unwrap();
    let row = log.lines().find(|line| line.contains("release-breaker"));
    let row = row.unwrap_or_else(|| panic!("no row: {log}"));
    assert!(row.contains("by OFF-1 OFF-2"), "{row}");
}

/// 佐藤 applies again, free of charge, and gets a certificate that is right.
fn right_in_the_end(world: &World, screens: &Screens<'_>, wrong: &str) {
    let clerk = &screens.clerk;
    clerk.look_up(&SATO).unwrap();
    let told = shown_by(clerk);
    for part in ["記録の誤り（法第13条）", "再発行（記載の誤り） 手数料 0 円"]
    {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
    let id = clerk.take_in(&SATO).unwrap();
    clerk.identify().unwrap();
    let card = world.scene.stack().resident_card(0);
    let fee = from_card_to_hand_over(screens, &SATO, &card, None).unwrap();
    assert_eq!(fee, "0 円");
    world.keep("sato", &id);
    assert_eq!(card.state().unwrap()["card"]["state"], "certified");
    let digits: String = wrong.chars().filter(char::is_ascii_hexdigit).collect();
    assert_ne!(world.serial("sato"), digits.to_uppercase());
}
