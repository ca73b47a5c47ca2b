//! What the walk through the window does not come by: pages for training with their mark, the screen that locks
//! by itself, the officers' pages of a stopped service, and the holders' page.

use softhsm_tests::pane::Pane;
use softhsm_tests::scene::Scene;
use xtask::browser::{Browser, COUNTER, Page};
use xtask::fault::{Fault, Result};
use xtask::screens::{Album, Screens};
use xtask::stack::console::OFFICERS;
use xtask::stack::layout::Database;
use xtask::stack::{OPERATOR_PIN, Settings};
use xtask::window::{SOUMU_TARO, wait};

use crate::examiner::Examiner;

/// Seconds without a key after which the counter's screen locks: long enough for the examination of a page,
/// which presses none but asks for pages.
const IDLE: u64 = 60;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(240);

#[test]
fn pages_for_training_of_a_stopped_service_and_for_holders_can_be_used_by_everybody() {
    let examiner = Examiner::new("training").unwrap();
    let settings = Settings {
        training: true,
        console: true,
        idle_lock_seconds: Some(IDLE),
        ..Settings::default()
    };
    let scene = Scene::before_opening("screens-training", Database::Sqlite, settings).unwrap();
    let browser = Browser::start(&scene.file("browser")).unwrap();
    let look = Album::looking(|page, name| examiner.look(page, name));
    let screens = Screens::open(&browser, scene.stack(), &look).unwrap();
    examiner
        .look(&screens.resident.page, "kiosk-training")
        .unwrap();
    scene.stack().operator_card().insert("operator").unwrap();
    screens.clerk.sign_in(OPERATOR_PIN).unwrap();
    marked(&screens.clerk.page).unwrap();
    marked(&screens.resident.page).unwrap();

    locks_by_itself(&screens.clerk.page, &examiner).unwrap();
    stopped(&scene, &screens, &examiner, &browser).unwrap();
    for_holders(&scene, &examiner, &browser).unwrap();
    drop((screens, browser));
    scene.close().unwrap();
    examiner.verdict(40);
}

/// The mark of training is on the page and as wide as it.
fn marked(page: &Page) -> Result<()> {
    let wide = page.run(
        "(mark => mark !== null && mark.innerText.trim() !== '' && mark.getBoundingClientRect().width > innerWidth - 40)
           (document.querySelector('.training'))",
    )?;
    if wide == true {
        return Ok(());
    }
    Err(Fault::new(format!(
        "{} is not marked as for training: {}",
        page.path()?,
        page.text("body")?
    )))
}

/// Nobody presses a key; the page gives way to the lock and says why.
fn locks_by_itself(page: &Page, examiner: &Examiner) -> Result<()> {
    wait("the lock", PATIENCE, || {
        // In the middle of a change of pages there is nothing to be read.
        let there = page.path().unwrap_or_default();
        Ok((there == "/screens/lock" && page.has("#pin").unwrap_or(false)).then_some(()))
    })?;
    for language in ["en", "ja"] {
        page.follow(|page| page.click(&format!("button[name=to][value={language}]")))?;
        examiner.look(page, &format!("counter-idle-{language}"))?;
        marked(page)?;
    }
    page.wait_for_text("操作がなかったため")?;
    page.fill("#pin", OPERATOR_PIN)?;
    page.follow(|page| page.key("Enter"))?;
    page.wait_for("a[href=\"/screens/new\"]")
}

/// The governor's name is wrong on an image: what the next applicant's clerk and the officers see.
fn stopped(
    scene: &Scene,
    screens: &Screens<'_>,
    examiner: &Examiner,
    browser: &Browser,
) -> Result<()> {
    let card = scene.stack().resident_card(0);
    let id = scene.identified(&SOUMU_TARO)?;
    scene.key_made(&id, &card, SOUMU_TARO.password)?;
    // The screen may have locked while the kiosk worked.
    scene.window.sign_in(OPERATOR_PIN)?;
    let empty = serde_json::json!({});
    scene.window.step(&id, "read-public-key", &empty)?;
    scene.window.settle_characters(&id)?;
    scene.window.step(&id, "issue", &empty)?;
    let clerk = &screens.clerk;
    clerk.go(&format!("/screens/applications/{id}"))?;
    examiner.look(&clerk.page, "counter-image")?;
    clerk.go(&format!(
        "/screens/applications/{id}/differences/issuer-wrong"
    ))?;
    clerk.press("F10")?;
    examiner.look(&clerk.page, "counter-issuer-wrong")?;

    let base = scene
        .stack()
        .console()
        .ok_or_else(|| Fault::new("no console"))?;
    let place = format!("officers/{}", OFFICERS[0]);
    let pane = Pane::open(scene.client(base, Some(&place))?)?;
    let page = browser.page(COUNTER)?;
    let stops = format!("{}/stops", pane.base());
    // The gateway tells the authority of its stops every few seconds.
    wait("the stop at the authority", PATIENCE, || {
        page.open(&stops)?;
        Ok(page.has("td a[href^=\"/stops/\"]")?.then_some(()))
    })?;
    for language in ["ja", "en"] {
        page.open(&stops)?;
        examiner.look(&page, &format!("console-stops-{language}"))?;
        marked(&page)?;
        page.follow(|page| page.click("td a[href^=\"/stops/\"]"))?;
        examiner.look(&page, &format!("console-stop-{language}"))?;
        page.fill("#reason", "知事名を直し、試しの発行で確かめた。")?;
        page.follow(|page| page.click("main form button.first"))?;
        examiner.look(&page, &format!("console-stop-sign-{language}"))?;
        examiner.begin_with("/");
        let named = format!("console-training-{language}");
        examiner.visit_what_is_linked(&page, pane.base(), &named)?;
        page.follow(|page| page.click("form[action=\"/language\"] button"))?;
    }
    Ok(())
}

/// The holders' page for revoking online, at a desk and on a telephone.
fn for_holders(scene: &Scene, examiner: &Examiner, browser: &Browser) -> Result<()> {
    let pane = Pane::open(scene.client(scene.stack().where_to().online(), None)?)?;
    for (name, size) in [("online", COUNTER), ("online-small", (390, 844))] {
        let page = browser.page(size)?;
        for (language, path) in [("ja", "/"), ("en", "/en")] {
            page.open(&format!("{}{path}", pane.base()))?;
            examiner.look(&page, &format!("{name}-{language}"))?;
            marked(&page)?;
        }
    }
    Ok(())
}
