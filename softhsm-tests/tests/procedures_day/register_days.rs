//! What the register tells afterwards: a death, a move, another notation of an address, a merger.

use std::time::Duration;

use pki_core::revocation::register_batch::closing_line;
use xtask::stack::second::CHUO_JIRO;
use xtask::window::{self, TAKAHASHI_HANAKO};

use super::people::{CHUO_AFTER, Register, WATANABE, WATANABE_AFTER, YAMADA};
use super::world::{World, album, from_card_to_hand_over, shown_by};

/// How long the authority may take to follow a batch; it looks every second.
const FOLLOWED: Duration = Duration::from_secs(60);

/// A batch as the municipality's system writes it.
fn batch(events: &[String]) -> String {
    let body = std::iter::once("sequence,resident,kind,recorded_at,former".to_owned())
        .chain(events.iter().cloned())
        .map(|line| line + "\n")
        .collect::<String>();
    let end = closing_line(body.as_bytes());
    body + &end
}

/// In one night the register hands over a death, a move and another notation; in the morning they are told at
/// the window.
pub fn told_at_the_window(world: &World, register: &mut Register) {
    let event = |number: u32, resident: &str, kind: &str| {
        format!("{number},{resident},{kind},2026-12-01T07:00:00+09:00,")
    };
    let stack = world.scene.stack();
    let events = [
        event(1, TAKAHASHI_HANAKO.resident, "death"),
        event(2, YAMADA.resident, "moved-out"),
        event(3, WATANABE.resident, "address-notation"),
    ];
    stack.register_batch("13101", 1, &batch(&events)).unwrap();
    register.gone(&TAKAHASHI_HANAKO, "deceased");
    register.gone(&YAMADA, "moved");
    register.readdress(&WATANABE, WATANABE_AFTER.address);
    stack
        .reception()
        .unwrap()
        .write_register(&register.text())
        .unwrap();
    for name in ["hanako", "yamada", "watanabe"] {
        window::wait("the revocation by the register", FOLLOWED, || {
            Ok(world.is_revoked(name).then_some(()))
        })
        .unwrap();
    }
    let revoked = [("hanako", true), ("yamada", true), ("watanabe", true)];
    world.lists_say("13101", &revoked);
    let pictures = album("register");
    let screens = world.open(&pictures);
    let clerk = &screens.clerk;
    for (person, said) in [
        (&TAKAHASHI_HANAKO, ["死亡", "申請は受け付けられません。"]),
        (&YAMADA, ["転出", "転出先の市区町村で申請"]),
    ] {
        clerk.search_by_name(person).unwrap();
        let told = shown_by(&screens.clerk);
        for part in said
            .into_iter()
            .chain(["前の電子証明書は失効しています。", "法第12条"])
        {
            assert!(told.contains(part), "{part} is not told: {told}");
        }
        assert!(
            !clerk
                .page
                .has("form[action=\"/screens/new/items\"]")
                .unwrap()
        );
    }

    // Nobody moved: free, on the same card.
    clerk.look_up(&WATANABE_AFTER).unwrap();
    let told = shown_by(&screens.clerk);
    for part in [
        "住所表記の変更により自動的に失効しました。",
        "再発行（住所表記の変更）",
        "0 円",
    ] {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
    let id = clerk.take_in(&WATANABE_AFTER).unwrap();
    assert_eq!(clerk.identify().unwrap(), 4);
    let card = stack.resident_card(2);
    let fee =
        from_card_to_hand_over(&screens, &WATANABE_AFTER, &card, Some(WATANABE.password)).unwrap();
    assert_eq!(fee, "0 円");
    world.keep("watanabe-2", &id);
    world.ocsp_says("watanabe-2", "good");
    world.lists_say("13101", &[("watanabe", true), ("watanabe-2", false)]);
}

/// 中央区 has become part of 千代田区: its certificates go on, its list too.
pub fn merged(world: &World, register: &mut Register) {
    let stack = world.scene.stack();
    register.merged(&CHUO_JIRO, &CHUO_AFTER);
    stack
        .reception()
        .unwrap()
        .write_register(&register.text())
        .unwrap();
    let event = format!(
        "4,{},merger,2027-04-01T00:00:00+09:00,13102/{}",
        CHUO_AFTER.resident, CHUO_JIRO.resident
    );
    stack.register_batch("13101", 2, &batch(&[event])).unwrap();
    // Done by hand, or by the program already: with the answer it is done.
    stack.authority().unwrap().ca(&["follow-register"]).unwrap();
    let pictures = album("merger");
    let screens = world.open(&pictures);
    screens.clerk.look_up(&CHUO_AFTER).unwrap();
    let told = shown_by(&screens.clerk);
    for part in [
        "有効な電子証明書があります。",
        "合併前の市町村の証明書です。このまま期限まで使えます。",
    ] {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
    world.ocsp_says("chuo", "good");
    world.lists_say("13102", &[("chuo", false)]);
}
