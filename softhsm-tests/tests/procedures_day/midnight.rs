//! A visit that begins in one year and ends in the next.

use std::fs;
use std::process::Command;

use xtask::process;
use xtask::screens::Screens;

use super::people::TOSHIKOSHI;
use super::world::{World, album, shown_by};

/// Received and identified before midnight, issued and paid after it.
pub fn a_visit_spans_the_new_year(world: &World) {
    world.pass_to("2026-12-31 23:45:00");
    let pictures = album("new-year");
    let screens = world.open(&pictures);
    let (clerk, resident) = (&screens.clerk, &screens.resident);
    let card = world.scene.stack().resident_card(6);
    let id = clerk.receive(&TOSHIKOSHI).unwrap();
    assert_eq!(clerk.identify().unwrap(), 4);
    card.insert("counter").unwrap();
    clerk.prepare_card().unwrap();
    card.remove().unwrap();

    world.pass_to("2027-01-01 00:00:01");
    card.insert("kiosk").unwrap();
    resident.make_key(TOSHIKOSHI.password).unwrap();
    card.remove().unwrap();
    card.insert("counter").unwrap();
    clerk.read_public_key().unwrap();
    clerk.settle_characters().unwrap();
    clerk.issue().unwrap();
    // The form stays dated as it is; the day of issue is the first of the three years.
    let image = clerk.image().unwrap();
    assert!(
        image["有効期間の開始"].starts_with("令和9年1月1日"),
        "{image:?}"
    );
    assert!(
        image["有効期間の満了日"].starts_with("令和11年12月31日"),
        "{image:?}"
    );
    let beside = clerk.page.text("aside").unwrap();
    assert!(beside.contains("申請日令和8年12月31日"), "{beside}");
    assert!(beside.contains("受付令和8年12月31日 23時"), "{beside}");
    clerk.confirm_image().unwrap();
    clerk.write_card(TOSHIKOSHI.password).unwrap();
    clerk.take_fee().unwrap();
    clerk.hand_over().unwrap();
    card.remove().unwrap();
    world.keep("toshikoshi", &id);
    assert_eq!(world.end_of("toshikoshi"), "Dec 31 14:59:59 2029 GMT");
    world.ocsp_says("toshikoshi", "good");
    the_copy_says_so(world, &id);
    the_fee_is_of_the_new_day(&screens);
}

fn the_copy_says_so(world: &World, id: &str) {
    let copy = world.file("copy.pdf");
    fs::write(&copy, world.scene.window.copy(id).unwrap()).unwrap();
    let text = process::run(Command::new("pdftotext").arg(&copy).arg("-")).unwrap();
    // Papers are written in full-width digits.
    let plain = |c: char| match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10).unwrap_or(c),
        other => other,
    };
    let text: String = String::from_utf8(text)
        .unwrap()
        .chars()
        .map(plain)
        .collect();
    for part in ["令和9年1月1日", "令和11年12月31日", TOSHIKOSHI.birth_date] {
        assert!(text.contains(part), "{part} is not on the copy: {text}");
    }
}

/// What is taken after midnight counts on the new day.
fn the_fee_is_of_the_new_day(screens: &Screens<'_>) {
    let clerk = &screens.clerk;
    for (day, shown, booked) in [
        ("2026-12-31", "令和8年12月31日", "帳簿の合計 0 円"),
        ("2027-01-01", "令和9年1月1日", "帳簿の合計 500 円"),
    ] {
        clerk.go(&format!("/screens/office/till/{day}")).unwrap();
        let till = shown_by(clerk);
        assert!(till.contains(shown) && till.contains(booked), "{till}");
    }
}
