//! The screens of counter and kiosk in a real browser, on real servers, readers and cards: every one is
//! looked at, examined by axe-core, read as a screen reader reads it, and can be worked with keys alone.

mod console;
mod examiner;
mod training;

use examiner::{Examiner, misfits, nameless};
use softhsm_tests::scene::Scene;
use xtask::browser::{Browser, COUNTER, KIOSK, Page, axe};
use xtask::fault::{Fault, Result};
use xtask::screens::tour::Tour;
use xtask::screens::{Album, Clerk, Resident, Screens};
use xtask::stack::layout::Database;
use xtask::stack::{OPERATOR_PIN, Settings};
use xtask::window::{Applicant, Card};

fn scene(name: &str) -> (Scene, Browser) {
    let scene = Scene::before_opening(name, Database::Sqlite, Settings::default()).unwrap();
    let browser = Browser::start(&scene.file("browser")).unwrap();
    (scene, browser)
}

#[test]
fn every_screen_can_be_used_by_everybody() {
    let examiner = Examiner::new("window").unwrap();
    let (scene, browser) = scene("screens");
    let stack = scene.stack();
    let look = Album::looking(|page, name| examiner.look(page, name));

    // The browser that was not given the secret, and the sign-in.
    let stranger = browser.page(COUNTER).unwrap();
    let base = scene.window.counter.base();
    stranger
        .open(&format!("{base}/screens/applications"))
        .unwrap();
    stranger.wait_for_text("開始アドレス").unwrap();
    examiner.look(&stranger, "counter-closed").unwrap();
    stranger
        .open(&format!("{}/", scene.window.kiosk.base()))
        .unwrap();
    stranger.resize(KIOSK).unwrap();
    examiner.look(&stranger, "closed-kiosk").unwrap();

    let screens = Screens::open(&browser, stack, &look).unwrap();
    let page = &screens.clerk.page;
    examiner.look(page, "counter-sign-in-without-card").unwrap();
    planted_faults_are_seen(page, &examiner);
    stack.operator_card().insert("operator").unwrap();
    page.wait(
        "the card",
        "document.querySelector('[data-chip=operator]').dataset.look === 'ok'",
    )
    .unwrap();
    page.fill("#pin", "999999").unwrap();
    page.follow(|page| page.key("Enter")).unwrap();
    page.wait_for(".banner[role=alert]").unwrap();
    examiner.look(page, "counter-wrong-pin").unwrap();

    // Every procedure; in English from the second applicant on.
    let mut tour = Tour::new(stack, &screens);
    tour.then_in_english = true;
    tour.day().unwrap();
    for (name, pdf) in tour.papers.borrow().iter() {
        examiner.look_at_paper(name, pdf).unwrap();
    }

    // What the walk did not come by, in English and in Japanese.
    for language in ["en", "ja"] {
        page.follow(|page| page.click(&format!("button[name=to][value={language}]")))
            .unwrap();
        examiner
            .visit_what_is_linked(page, base, "counter")
            .unwrap();
        page.open(&format!("{base}/screens/applications")).unwrap();
    }
    tour.evening().unwrap();

    kiosk_that_says_no(&screens.resident, &stack.resident_card(2), &examiner).unwrap();

    drop(tour);
    drop((screens, stranger, browser));
    scene.close().unwrap();
    examiner.verdict(150);
}

/// Faults that are put into a page on purpose are found: by axe, and by the reading of names.
fn planted_faults_are_seen(page: &Page, examiner: &Examiner) {
    assert_eq!(examiner.faults_of(page).unwrap(), Vec::<String>::new());
    page.run(
        "document.querySelector('label[for=pin]').remove();
         document.querySelector('.lead').style.color = '#d0d0d0'; 0",
    )
    .unwrap();
    let found = axe::findings(page, examiner.axe()).unwrap();
    for rule in ["label", "color-contrast"] {
        let seen = found.iter().any(|one| one.rule == rule && one.is_grave());
        assert!(seen, "{rule} among {found:?}");
    }
    assert!(!nameless(page).unwrap().is_empty());
    page.run(
        "(around => { around.style.height = '12px'; around.style.overflow = 'hidden' })
           (document.querySelector('main button').parentElement); 0",
    )
    .unwrap();
    let cut = misfits(page).unwrap();
    assert!(
        cut.iter().any(|one| one.starts_with("cut off: ")),
        "{cut:?}"
    );
    page.follow(|page| page.run("location.reload()").map(drop))
        .unwrap();
}

fn kiosk_that_says_no(resident: &Resident<'_>, card: &Card, examiner: &Examiner) -> Result<()> {
    let page = &resident.page;
    card.insert("kiosk")?;
    page.wait_for("form[action=\"/do/begin\"]")?;
    resident.touch("form[action=\"/do/begin\"] button")?;
    page.wait_for("form[action=\"/do/ok\"]")?;
    examiner.look(page, "kiosk-not-prepared")?;
    resident.touch("form[action=\"/do/ok\"] button")?;
    card.remove()?;
    let base = page.run("location.origin")?;
    page.open(&format!("{}/attendant", base.as_str().unwrap_or_default()))?;
    examiner.look(page, "attendant")
}

/// Goes on with the Tab key until an element has the focus; each stop on the way shows that it has it.
fn tab_to(page: &Page, selector: &str) -> Result<()> {
    page.wait_for(selector)?;
    for _ in 0..120 {
        if page.run(&format!("document.activeElement.matches({selector:?})"))? == true {
            return Ok(());
        }
        page.key("Tab")?;
        let hidden = page.run(
            "(one => one === document.body || one.tabIndex < 0 || one.tagName === 'OBJECT' ? '' :
               ((look, box) => look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2 && box.width > 0 ? '' :
                 one.outerHTML.slice(0, 150))(getComputedStyle(one), one.getBoundingClientRect()))(document.activeElement)",
        )?;
        if hidden != "" {
            return Err(Fault::new(format!("no focus can be seen on {hidden}")));
        }
    }
    Err(Fault::new(format!(
        "the Tab key never comes to {selector} on {}",
        page.path()?
    )))
}

/// Types where the Tab key leads.
fn type_at(page: &Page, selector: &str, typed: &str) -> Result<()> {
    tab_to(page, selector)?;
    page.insert(typed)
}

fn enter_at(page: &Page, selector: &str) -> Result<()> {
    tab_to(page, selector)?;
    page.follow(|page| page.key("Enter"))
}

const YAMADA: Applicant = Applicant {
    name: "山田　一郎",
    birth_date: "昭和45年8月5日",
    sex: "男",
    address: "東京都千代田区九段南１丁目２番１号",
    resident: "1310100003",
    password: "YAMADA1970",
};

#[test]
fn keys_alone_lead_through_both_screens() {
    let (scene, browser) = scene("screens-keys");
    let nobody = Album::none();
    let screens = Screens::open(&browser, scene.stack(), &nobody).unwrap();
    let card = scene.stack().resident_card(0);
    scene.stack().operator_card().insert("operator").unwrap();
    scene
        .window
        .wait_for_card(&scene.window.counter, |status| {
            status["readers"]["operator"]["card"].is_object()
        })
        .unwrap();
    by_keys_to_the_prepared_card(&screens.clerk, &scene, &card).unwrap();
    card.remove().unwrap();
    card.insert("kiosk").unwrap();
    by_keys_at_the_kiosk(&screens.resident.page).unwrap();
    card.remove().unwrap();
    card.insert("counter").unwrap();
    by_keys_to_the_hand_over(&screens.clerk).unwrap();
    drop((screens, browser));
    scene.close().unwrap();
}

fn by_keys_to_the_prepared_card(clerk: &Clerk<'_>, scene: &Scene, card: &Card) -> Result<()> {
    let page = &clerk.page;
    type_at(page, "#pin", OPERATOR_PIN)?;
    clerk.press("Enter")?;
    // The Tab key reaches what the function keys do.
    enter_at(page, "a[href=\"/screens/new\"]")?;
    type_at(page, "#name", YAMADA.name)?;
    type_at(page, "#birth", YAMADA.birth_date)?;
    clerk.press("Enter")?;
    enter_at(page, "form[action=\"/screens/new/items\"] button")?;
    enter_at(page, "form[action=\"/screens/new/receive\"] button")?;
    tab_to(page, "#document")?;
    for _ in 0..30 {
        if page.run("document.querySelector('#document').value")? == "drivers-licence" {
            break;
        }
        page.key("ArrowDown")?;
    }
    type_at(page, "#issuer", "東京都公安委員会")?;
    type_at(page, "#expires", "令和11年4月1日")?;
    tab_to(page, "input[name=face]")?;
    page.key(" ")?;
    enter_at(page, "button[value=accepted]")?;
    card.insert("counter")?;
    scene.window.wait_at_counter()?;
    enter_at(page, "form[action$=\"/prepare-card\"] button")?;
    page.wait_for("ol.tasks")
}

fn by_keys_at_the_kiosk(page: &Page) -> Result<()> {
    enter_at(page, "form[action=\"/do/begin\"] button")?;
    enter_at(page, "button[value=generate]")?;
    enter_at(page, "form[action=\"/do/rules\"] button")?;
    for _ in 0..2 {
        type_at(page, "#password", YAMADA.password)?;
        enter_at(page, "[data-submit]")?;
    }
    page.wait_for("img[src=\"/assets/take-card.svg\"]")
}

fn by_keys_to_the_hand_over(clerk: &Clerk<'_>) -> Result<()> {
    let page = &clerk.page;
    page.wait_for("form[action$=\"/read-public-key\"] button.first")?;
    for button in ["read-public-key", "characters", "issue", "image"] {
        enter_at(page, &format!("form[action$=\"/{button}\"] button"))?;
    }
    type_at(page, "#password", YAMADA.password)?;
    clerk.press("Enter")?;
    for button in ["fee", "hand-over"] {
        enter_at(page, &format!("form[action$=\"/{button}\"] button"))?;
    }
    page.wait_for_text("交付が完了しました")
}
