//! The officers' pages in the browser: a request for disclosure is decided on them, and every page that they
//! link is examined in both languages.

use std::process::Command;

use softhsm_tests::mtls::Client;
use softhsm_tests::pane::Pane;
use softhsm_tests::scene::Scene;
use xtask::browser::{Browser, COUNTER, Page};
use xtask::fault::Result;
use xtask::process;
use xtask::screens::{Album, Screens};
use xtask::stack::authority::Party;
use xtask::stack::layout::Database;
use xtask::stack::place::address;
use xtask::stack::{OPERATOR_PIN, Settings, by_name};
use xtask::window::SOUMU_TARO;
use xtask::workspace::target_dir;

use crate::examiner::Examiner;

const OFFICER: &str = "OFF-1";

#[test]
fn the_officers_pages_can_be_used_by_everybody() {
    let examiner = Examiner::new("console").unwrap();
    let scene = Scene::before_opening("console", Database::Sqlite, Settings::default()).unwrap();
    let browser = Browser::start(&scene.file("browser")).unwrap();
    let look = Album::looking(|page, name| examiner.look(page, name));
    let screens = Screens::open(&browser, scene.stack(), &look).unwrap();
    scene.stack().operator_card().insert("operator").unwrap();
    screens.clerk.sign_in(OPERATOR_PIN).unwrap();
    let card = scene.stack().resident_card(0);
    scene.written(&SOUMU_TARO, &card).unwrap();
    screens.clerk.disclose(SOUMU_TARO.resident).unwrap();

    let authority = scene.stack().authority().unwrap();
    let place = "officers/off-1";
    let (_, request) = authority
        .key_and_request("ca-server", OFFICER, place)
        .unwrap();
    let party = Party {
        kind: "officer",
        id: OFFICER,
        municipality: None,
        label: "鈴木 一郎",
    };
    authority.enrol(&party, &request).unwrap();
    let (mut program, ready) = authority.start_console().unwrap();
    let url = by_name(&address(&ready, "console").unwrap());
    let client: Client = scene.client(&url, Some(place)).unwrap();
    let pane = Pane::open(client.clone()).unwrap();
    let page = browser.page(COUNTER).unwrap();
    let base = pane.base();
    page.open(&format!("{base}/")).unwrap();
    decide(&scene, &examiner, &client, &page, base).unwrap();
    screens.clerk.deliver_answer().unwrap();
    // One party is cut off, so that its page shows what to do then.
    let kiosk = ["suspend", "--kind", "kiosk", "--id", "13101K001"];
    authority.ca(&kiosk).unwrap();
    for language in ["ja", "en"] {
        examiner.begin_with("/");
        examiner
            .visit_what_is_linked(&page, base, &format!("console-{language}"))
            .unwrap();
        page.follow(|page| page.click("form[action=\"/language\"] button"))
            .unwrap();
    }
    drop((page, screens, browser, pane));
    assert!(program.end().unwrap().success());
    scene.close().unwrap();
    examiner.verdict(24);
}

/// From the list to the decision: each page on the way is looked at.
fn decide(
    scene: &Scene,
    examiner: &Examiner,
    client: &Client,
    page: &Page,
    base: &str,
) -> Result<()> {
    page.open(&format!("{base}/disclosures"))?;
    page.follow(|page| page.click("td a[href^=\"/disclosures/\"]"))?;
    examiner.look(page, "console-case")?;
    page.follow(|page| page.click("a[href*=\"/disclose?\"]"))?;
    examiner.look(page, "console-decision")?;
    page.follow(|page| page.click("main form button.first"))?;
    examiner.look(page, "console-sign")?;
    // A signature that is none is told with what to do.
    page.fill("#signature", "AAAA")?;
    page.follow(|page| page.click("main form button.first"))?;
    examiner.look(page, "console-sign-wrong")?;
    let key = scene.file("officers/off-1.key");
    let statement = format!("{}/statement.json", page.path()?);
    let statement = client.ask("GET", &statement, &[], b"")?;
    let file = scene.file("statement.json");
    std::fs::write(&file, statement.body)?;
    let signature = process::run(
        Command::new(target_dir().join("debug/ca-server"))
            .args(["officer-sign", "--key"])
            .arg(key)
            .arg("--statement")
            .arg(file),
    )?;
    let signature = String::from_utf8_lossy(&signature);
    let signature = signature.lines().last().unwrap_or_default();
    page.fill("#signature", signature.trim())?;
    page.follow(|page| page.click("main form button.first"))?;
    page.wait_for_text("実施済み")?;
    examiner.look(page, "console-act-done")
}
