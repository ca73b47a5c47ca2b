//! The night in which 平成 became 令和, at the counter: what day it is, which days there are, who was born when.

use xtask::browser::COUNTER;
use xtask::screens::Clerk;
use xtask::stack::{OPERATOR_PIN, Settings};
use xtask::window::SOUMU_TARO;

use super::people::{Register, SATO, WATANABE};
use super::world::{World, album, refused, shown_by};

#[test]
fn an_era_changes_at_midnight() {
    let settings = Settings {
        register: Register::new().text(),
        ..Settings::default()
    };
    let world = World::begin("reiwa", "2019-04-30 23:40:00", settings);
    let pictures = album("reiwa");
    let stack = world.scene.stack();
    stack.operator_card().insert("operator").unwrap();
    let page = world.browser.page(COUNTER).unwrap();
    let start = stack.where_to().terminal_start();
    let clerk = Clerk::open(page, &start, &pictures).unwrap();
    clerk.sign_in(OPERATOR_PIN).unwrap();

    before_midnight(&clerk);
    world.pass_to("2019-05-01 00:00:01");
    after_midnight(&clerk);
    births_around_the_changes(&clerk);
    the_kiosk_makes_no_keys_before_it_existed(&world);
    world.audit_is_whole();
    drop(clerk);
    world.scene.close().unwrap();
}

fn applied_on(clerk: &Clerk<'_>) -> String {
    clerk.look_up(&SOUMU_TARO).unwrap();
    let value = clerk.page.run("document.querySelector('#applied').value");
    value.unwrap().as_str().unwrap_or_default().to_owned()
}

/// The last day of 平成 is today, the first of 令和 is a day to come, and the day after the last of 平成 is none.
fn before_midnight(clerk: &Clerk<'_>) {
    assert_eq!(applied_on(clerk), "平成31年4月30日");
    for (date, said) in [
        ("令和元年5月1日", "申請日"),
        ("2019-05-01", "申請日"),
        ("平成31年5月1日", "日付"),
        ("令和元年4月30日", "日付"),
    ] {
        clerk.page.fill("#applied", date).unwrap();
        let told = refused(clerk, |clerk| clerk.press("F10"));
        assert!(told.contains(said), "{date}: {told}");
    }
}

/// A form that was dated the day before is taken in, and the new era is told.
fn after_midnight(clerk: &Clerk<'_>) {
    assert_eq!(applied_on(clerk), "令和元年5月1日");
    clerk.page.fill("#applied", "平成31年4月30日").unwrap();
    let id = clerk.take_in(&SOUMU_TARO).unwrap();
    let beside = clerk.page.text("aside").unwrap();
    assert!(beside.contains("申請日平成31年4月30日"), "{beside}");
    for (day, shown) in [
        ("2019-04-30", "平成31年4月30日"),
        ("2019-05-01", "令和元年5月1日"),
    ] {
        clerk.go(&format!("/screens/office/till/{day}")).unwrap();
        let till = shown_by(clerk);
        assert!(
            till.contains(shown) && till.contains("帳簿の合計 0 円"),
            "{till}"
        );
    }
    clerk.go(&format!("/screens/applications/{id}")).unwrap();
}

/// A clock from before the product existed was never set: nobody gets a key by it.
fn the_kiosk_makes_no_keys_before_it_existed(world: &World) {
    let start = world.scene.stack().where_to().kiosk_start();
    let page = world.browser.page(xtask::browser::KIOSK).unwrap();
    page.open(&start).unwrap();
    page.wait_for("h1").unwrap();
    assert_eq!(page.text("h1").unwrap(), "ただいま使えません");
}

/// The last day of an era and the first of the next, in all the ways in which they are written; and days that an
/// era did not have.
fn births_around_the_changes(clerk: &Clerk<'_>) {
    let search = |name: &str, birth_date: &str| {
        clerk.go("/screens/new").unwrap();
        clerk.page.fill("#name", name).unwrap();
        clerk.page.fill("#birth", birth_date).unwrap();
        clerk.press("F6")
    };
    for (name, written, shown) in [
        (SATO.name, ["昭和64年1月7日", "S64.1.7"], "昭和64年1月7日"),
        (
            WATANABE.name,
            ["平成元年1月8日", "H1.1.8"],
            "平成元年1月8日",
        ),
        (
            "木村　平",
            ["平成31年4月30日", "H31.4.30"],
            "平成31年4月30日",
        ),
        ("木村　令", ["令和元年5月1日", "R1.5.1"], "令和元年5月1日"),
    ] {
        for birth_date in written {
            search(name, birth_date).unwrap();
            let told = clerk.page.text("table").unwrap();
            assert!(told.contains(name) && told.contains(shown), "{told}");
        }
    }
    for (name, birth_date) in [
        (SATO.name, "平成元年1月7日"),
        (WATANABE.name, "昭和64年1月8日"),
        ("木村　平", "令和元年4月30日"),
        ("木村　令", "平成31年5月1日"),
    ] {
        let told = refused(clerk, |_| search(name, birth_date));
        assert!(told.contains("生年月日"), "{told}");
        assert!(
            !clerk
                .page
                .has("form[action=\"/screens/new/items\"]")
                .unwrap()
        );
    }
}
