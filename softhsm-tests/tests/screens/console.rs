//! The officers' pages in the browser: a request for disclosure is decided on them, and every page that they
//! link is examined in both languages.

use softhsm_tests::officer::Officer;
use softhsm_tests::scene::Scene;
use xtask::browser::Browser;
use xtask::fault::Result;
use xtask::screens::{Album, Screens};
use xtask::stack::authority::Party;
use xtask::stack::layout::Database;
use xtask::stack::place::address;
use xtask::stack::{OPERATOR_PIN, Settings, by_name};
use xtask::window::SOUMU_TARO;

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
    let officer = Officer::at_the_console(&scene, &browser, &url, place).unwrap();
    let (page, base) = (&officer.page, officer.base());
    decide(&examiner, &officer).unwrap();
    let answer = screens.clerk.deliver_answer().unwrap();
    let answer = scene.window.counter.get(&answer).unwrap().ok().unwrap();
    examiner.look_at_paper("answer", &answer).unwrap();
    // One party is cut off, so that its page shows what to do then.
    let kiosk = ["suspend", "--kind", "kiosk", "--id", "13101K001"];
    authority.ca(&kiosk).unwrap();
    for language in ["ja", "en"] {
        examiner.begin_with("/");
        examiner
            .visit_what_is_linked(page, base, &format!("console-{language}"))
            .unwrap();
        page.follow(|page| page.click("form[action=\"/language\"] button"))
            .unwrap();
    }
    drop((officer, screens, browser));
    assert!(program.end().unwrap().success());
    scene.close().unwrap();
    examiner.verdict(24);
}

/// From the list to the decision: each page on the way is looked at.
fn decide(examiner: &Examiner, officer: &Officer) -> Result<()> {
    let page = &officer.page;
    officer.go("/disclosures")?;
    officer.press("td a[href^=\"/disclosures/\"]")?;
    examiner.look(page, "console-case")?;
    officer.press("a[href*=\"/disclose?\"]")?;
    examiner.look(page, "console-decision")?;
    officer.press("main form button.first")?;
    examiner.look(page, "console-sign")?;
    // A signature that is none is told with what to do.
    page.fill("#signature", "AAAA")?;
    officer.press("main form button.first")?;
    examiner.look(page, "console-sign-wrong")?;
    officer.sign()?;
    page.wait_for_text("実施済み")?;
    examiner.look(page, "console-act-done")
}
