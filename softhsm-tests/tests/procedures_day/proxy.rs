//! 伊藤 cannot leave the house: her son applies for her. She is asked in writing, he brings the reply, a
//! supervisor confirms.

use std::fs;

use xtask::screens::Screens;
use xtask::screens::tour::code_on;

use super::people::ITO;
use super::world::{World, album, from_card_to_hand_over, shown_by};

/// The application is taken in and the letter printed. Gives the application and the code on the letter.
pub fn asked_in_writing(world: &World, screens: &Screens<'_>) -> (String, String) {
    let clerk = &screens.clerk;
    let id = clerk.receive_from_proxy(&ITO, "伊藤　長男").unwrap();
    // Thirty days with the day of sending.
    let told = shown_by(&screens.clerk);
    assert!(told.contains("令和8年12月23日"), "{told}");
    let letter = world
        .scene
        .window
        .counter
        .get(&format!("/api/applications/{id}/inquiry.pdf"))
        .unwrap()
        .ok()
        .unwrap();
    let file = world.file("inquiry.pdf");
    fs::write(&file, letter).unwrap();
    (id, code_on(&file).unwrap())
}

/// Some days later the proxy brings the reply, and the password under its sticker.
pub fn reply_is_brought(world: &World, id: &str, code: &str) {
    let pictures = album("proxy");
    let screens = world.open(&pictures);
    let clerk = &screens.clerk;
    clerk.go(&format!("/screens/applications/{id}")).unwrap();
    // A wrong number is tried first, and told.
    clerk.reply(code).unwrap();
    let told = shown_by(clerk);
    assert!(told.contains("伊藤　長男"), "{told}");
    assert!(!clerk.page.has("form[action$=\"/prepare-card\"]").unwrap());

    // The supervisor signs about this decision with the own card; the clerk goes on.
    let stack = world.scene.stack();
    let supervisor = stack.employ_supervisor().unwrap();
    clerk.press("F10").unwrap();
    clerk.page.wait_for("dl.facts").unwrap();
    let asked = clerk.page.path().unwrap();
    clerk
        .approve_and_do(&asked, &stack.operator_card(), &supervisor.card)
        .unwrap();
    clerk
        .page
        .wait_for("form[action$=\"/prepare-card\"]")
        .unwrap();
    let card = stack.resident_card(4);
    let fee = from_card_to_hand_over(&screens, &ITO, &card, None).unwrap();
    assert_eq!(fee, "500 円");
    world.keep("ito", id);
    world.ocsp_says("ito", "good");
}
