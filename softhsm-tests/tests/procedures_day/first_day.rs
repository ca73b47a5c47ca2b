//! The first day: nobody has a certificate yet, and not everything goes right.

use xtask::screens::Screens;
use xtask::window::{SOUMU_TARO, TAKAHASHI_HANAKO};

use super::people::{WATANABE, YAMADA};
use super::proxy::asked_in_writing;
use super::world::{World, album, from_card_to_hand_over, key_and_characters, refused, shown_by};

/// Who is served in the morning, one after the other. Gives the application about which a letter is out, and
/// the code on the letter.
pub fn morning(world: &World) -> (String, String) {
    let pictures = album("first-day");
    let screens = world.open(&pictures);
    first_issue(world, &screens);
    card_pulled_and_substitute(world, &screens);
    misread_identity(world, &screens);
    plain(world, &screens);
    forgotten_password(world, &screens);
    disclosure(&screens);
    asked_in_writing(world, &screens)
}

fn first_issue(world: &World, screens: &Screens<'_>) {
    let card = world.scene.stack().resident_card(0);
    let id = screens.clerk.receive(&SOUMU_TARO).unwrap();
    assert_eq!(screens.clerk.identify().unwrap(), 4);
    let fee = from_card_to_hand_over(screens, &SOUMU_TARO, &card, None).unwrap();
    assert_eq!(fee, "500 円");
    world.keep("taro", &id);
    assert_eq!(world.end_of("taro"), "Nov 23 14:59:59 2029 GMT");
    world.ocsp_says("taro", "good");
    // A second one is not taken in: what is told instead is in effect, until when, renewed from when.
    screens.clerk.look_up(&SOUMU_TARO).unwrap();
    let told = shown_by(&screens.clerk);
    for part in [
        "有効な電子証明書があります。",
        "有効期限: 令和11年11月23日",
        "更新の受付開始: 令和11年8月24日",
    ] {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
    assert!(!told.contains("更新する"), "{told}");
}

/// The card is pulled while the certificate is due on it; her name needs a substitute.
fn card_pulled_and_substitute(world: &World, screens: &Screens<'_>) {
    let (clerk, hanako) = (&screens.clerk, &TAKAHASHI_HANAKO);
    let card = world.scene.stack().resident_card(1);
    let id = clerk.receive(hanako).unwrap();
    clerk.identify().unwrap();
    key_and_characters(screens, hanako, &card, None).unwrap();
    clerk.issue().unwrap();
    let image = clerk.image().unwrap();
    assert_eq!(image["氏名"], "高橋　花子");
    clerk.confirm_image().unwrap();
    card.remove().unwrap();
    let told = refused(&screens.clerk, |clerk| clerk.write_card(hanako.password));
    assert!(told.contains("カード"), "{told}");
    // Put back, the same button writes it.
    card.insert("counter").unwrap();
    world.scene.window.wait_at_counter().unwrap();
    clerk.write_card(hanako.password).unwrap();
    assert_eq!(clerk.take_fee().unwrap(), "500 円");
    clerk.hand_over().unwrap();
    card.remove().unwrap();
    world.keep("hanako", &id);
}

/// The applicant sees somebody else's data on the image: revoked under Article 13, again without a fee.
fn misread_identity(world: &World, screens: &Screens<'_>) {
    let clerk = &screens.clerk;
    let card = world.scene.stack().resident_card(2);
    clerk.receive(&YAMADA).unwrap();
    clerk.identify().unwrap();
    key_and_characters(screens, &YAMADA, &card, None).unwrap();
    clerk.issue().unwrap();
    let misread = clerk.image().unwrap()["発行番号"].clone();
    clerk.press("F8").unwrap();
    clerk.press("F2").unwrap();
    clerk.press("F10").unwrap();
    clerk
        .page
        .wait_for_text("本人の記載が違うため失効しました（法第13条）。")
        .unwrap();
    world.list_names(&misread);
    card.remove().unwrap();

    clerk.look_up(&YAMADA).unwrap();
    let told = shown_by(&screens.clerk);
    assert!(told.contains("再発行（記載の誤り）"), "{told}");
    let id = clerk.take_in(&YAMADA).unwrap();
    clerk.identify().unwrap();
    let fee = from_card_to_hand_over(screens, &YAMADA, &card, None).unwrap();
    assert_eq!(fee, "0 円");
    world.keep("yamada", &id);
    world.ocsp_says("yamada", "good");
}

/// Born on the first day of 平成, as the certificate says.
fn plain(world: &World, screens: &Screens<'_>) {
    let clerk = &screens.clerk;
    let card = world.scene.stack().resident_card(5);
    let id = clerk.receive(&WATANABE).unwrap();
    clerk.identify().unwrap();
    key_and_characters(screens, &WATANABE, &card, None).unwrap();
    clerk.issue().unwrap();
    assert_eq!(clerk.image().unwrap()["生年月日"], "平成元年1月8日");
    clerk.confirm_image().unwrap();
    clerk.write_card(WATANABE.password).unwrap();
    clerk.take_fee().unwrap();
    clerk.hand_over().unwrap();
    card.remove().unwrap();
    world.keep("watanabe", &id);
}

/// 総務 comes back: the password is forgotten.
fn forgotten_password(world: &World, screens: &Screens<'_>) {
    let clerk = &screens.clerk;
    let page = &clerk.page;
    let card = world.scene.stack().resident_card(0);
    card.insert("counter").unwrap();
    world.scene.window.wait_at_counter().unwrap();
    clerk.list().unwrap();
    clerk.press("F5").unwrap();
    clerk.press("F8").unwrap();
    clerk.document().unwrap();
    page.click("input[name=face]").unwrap();
    clerk.press("F10").unwrap();
    page.fill("#new", NEW_PASSWORD).unwrap();
    page.fill("#again", NEW_PASSWORD).unwrap();
    clerk.press("F10").unwrap();
    page.wait_for(".note.good").unwrap();
    card.remove().unwrap();
}

/// 総務 wants to see what is recorded about him: thirty days with the day of the request (Art 29).
fn disclosure(screens: &Screens<'_>) {
    let clerk = &screens.clerk;
    let page = &clerk.page;
    clerk.list().unwrap();
    clerk.press("F7").unwrap();
    clerk.press("F3").unwrap();
    page.fill("#resident", SOUMU_TARO.resident).unwrap();
    clerk.press("F6").unwrap();
    let filled = page.run("document.querySelector('#name').value").unwrap();
    assert_eq!(filled, SOUMU_TARO.name);
    clerk.document().unwrap();
    page.click("input[name=face]").unwrap();
    clerk.press("F10").unwrap();
    let told = shown_by(&screens.clerk);
    for part in ["請求を受け付けました", "令和8年11月24日", "令和8年12月23日"] {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
}

/// What 総務 thinks of instead.
const NEW_PASSWORD: &str = "KASUMI2026";
