//! What comes with the years: an issue on 29 February, renewal, the end of the first certificates.

use xtask::window::SOUMU_TARO;

use super::people::{KOBAYASHI, SATO, SUZUKI};
use super::world::{World, album, from_card_to_hand_over, shown_by};

/// Until when a driving licence is valid that was renewed meanwhile.
pub const RENEWED_LICENCE: &str = "令和14年2月7日";

/// Three years that begin on 29 February end on 28 February: the day of issue counts, and the last year has no
/// 29 February (Civil Code Art 143 ②).
pub fn leap_day(world: &World) {
    let pictures = album("leap-day");
    let screens = world.open(&pictures);
    let clerk = &screens.clerk;
    // What the form would propose as its date is that day.
    clerk.look_up(&KOBAYASHI).unwrap();
    let today = clerk
        .page
        .run("document.querySelector('#applied').value")
        .unwrap();
    assert_eq!(today, "令和10年2月29日");
    let id = clerk.take_in(&KOBAYASHI).unwrap();
    clerk.identify().unwrap();
    let card = world.scene.stack().resident_card(3);
    from_card_to_hand_over(&screens, &KOBAYASHI, &card, None).unwrap();
    world.keep("kobayashi", &id);
    assert_eq!(world.end_of("kobayashi"), "Feb 28 14:59:59 2031 GMT");
    clerk.look_up(&KOBAYASHI).unwrap();
    let told = shown_by(&screens.clerk);
    for part in [
        "有効期限: 令和13年2月28日",
        "更新の受付開始: 令和12年12月1日",
    ] {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
}

/// Three years that begin on 31 May end on 30 May. Three months before that end, counted back from the day after
/// it: there is no 31 February, so renewal opens on its last day.
pub fn last_day_of_a_month(world: &World) {
    let pictures = album("last-day-of-a-month");
    let screens = world.open(&pictures);
    let clerk = &screens.clerk;
    let id = clerk.receive(&SUZUKI).unwrap();
    clerk.identify().unwrap();
    let card = world.scene.stack().resident_card(4);
    from_card_to_hand_over(&screens, &SUZUKI, &card, None).unwrap();
    world.keep("suzuki", &id);
    assert_eq!(world.end_of("suzuki"), "May 30 14:59:59 2031 GMT");
    clerk.look_up(&SUZUKI).unwrap();
    let told = shown_by(&screens.clerk);
    for part in [
        "有効期限: 令和13年5月30日",
        "更新の受付開始: 令和13年2月28日",
    ] {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
}

/// Renewal opens at midnight in Japan, three months before the end; the old certificate ends when the new one
/// begins.
pub fn renewal_opens_at_midnight(world: &World) {
    let pictures = album("renewal");
    let mut screens = world.open(&pictures);
    screens.clerk.licence_until = RENEWED_LICENCE;
    let clerk = &screens.clerk;
    clerk.look_up(&SOUMU_TARO).unwrap();
    let told = shown_by(&screens.clerk);
    assert!(told.contains("更新の受付開始: 令和11年8月24日"), "{told}");
    assert!(!told.contains("更新する"), "the day before: {told}");
    assert!(
        !clerk
            .page
            .has("form[action=\"/screens/new/receive\"]")
            .unwrap()
    );

    world.pass_to("2029-08-24 00:00:01");
    clerk.look_up(&SOUMU_TARO).unwrap();
    let told = shown_by(&screens.clerk);
    assert!(told.contains("更新 手数料"), "{told}");
    let id = clerk.take_in(&SOUMU_TARO).unwrap();
    assert_eq!(clerk.identify().unwrap(), 4);
    world.ocsp_says("taro", "good");
    let card = world.scene.stack().resident_card(0);
    let present = Some(SOUMU_TARO.password);
    let fee = from_card_to_hand_over(&screens, &SOUMU_TARO, &card, present).unwrap();
    assert_eq!(fee, "500 円");
    world.keep("taro-2", &id);
    assert_eq!(world.end_of("taro-2"), "Aug 23 14:59:59 2032 GMT");
    world.ocsp_says("taro", "revoked");
    world.ocsp_says("taro-2", "good");
    world.lists_say("13101", &[("taro", true), ("taro-2", false)]);
}

/// The first certificates run out at midnight in Japan, and are forgotten: the next application is a first one.
pub fn the_first_ones_end(world: &World) {
    let pictures = album("end");
    let mut screens = world.open(&pictures);
    screens.clerk.licence_until = RENEWED_LICENCE;
    let clerk = &screens.clerk;
    clerk.look_up(&SATO).unwrap();
    let told = shown_by(&screens.clerk);
    assert!(told.contains("有効期限: 令和11年11月23日"), "{told}");
    assert!(told.contains("更新 手数料"), "{told}");
    world.lists_say("13101", &[("sato", false), ("taro", true)]);

    world.pass_to("2029-11-24 00:00:01");
    clerk.look_up(&SATO).unwrap();
    let told = shown_by(&screens.clerk);
    for part in [
        "前の電子証明書は有効期間が満了しました。",
        "新規発行 手数料 500 円",
    ] {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
    world.has_expired("sato");
    let id = clerk.take_in(&SATO).unwrap();
    clerk.identify().unwrap();
    let card = world.scene.stack().resident_card(1);
    from_card_to_hand_over(&screens, &SATO, &card, Some(SATO.password)).unwrap();
    world.keep("sato-2", &id);
    world.ocsp_says("sato-2", "good");
    assert_eq!(world.end_of("sato-2"), "Nov 23 14:59:59 2032 GMT");

    // The one that was replaced stays on the lists until one of them was made after its end.
    let replaced = world.serial("taro");
    let authority = world.scene.stack().authority().unwrap();
    authority.ca(&["crl", "publish"]).unwrap();
    let first = world.full_list();
    assert!(first.contains(&replaced), "{first}");
    world.pass_to("2029-11-24 01:00:00");
    authority.ca(&["crl", "publish"]).unwrap();
    let second = world.full_list();
    assert!(!second.contains(&replaced), "{second}");
}
