//! Which kiosk a visit is for, and that no two applications have one key.

use ra_gateway::port::PartyKind;
use schema::wire::v1::ra;

use crate::{
    support::window::{CARD, KIOSK, World, refusal},
    suspend,
};

#[test]
fn without_a_kiosk_in_service_no_visit_is_opened() {
    let world = World::on(None);
    let clerk = world.clerk();
    let id = world.identified(&clerk, &world.taro()).id;
    let request = ra::CardChannelRequest {
        card: hex::encode(CARD),
        purpose: ra::ChannelPurpose::Prepare,
    };
    let open = || world.app.open_card_channel(&clerk, &id, &request);
    suspend(&world, PartyKind::Kiosk, KIOSK, true);
    assert_eq!(refusal(open()), "no-kiosk");
    let after = world.app.application(&clerk, &id).unwrap();
    assert_eq!(after.step, ra::Step::Identified);
    suspend(&world, PartyKind::Kiosk, KIOSK, false);
    open().unwrap();
}

#[test]
fn a_key_that_was_in_an_application_is_taken_in_no_other() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (first, made) = world.key_read(&clerk, &world.taro(), &mut card);
    world
        .app
        .cancel(&clerk, &first.id, &ra::CancelRequest {})
        .unwrap();
    // The same card comes with somebody else, and the kiosk gives it the key that it made before.
    let second = world.identified(&clerk, &world.hanako()).id;
    world
        .relay(&clerk, &second, &mut card, ra::ChannelPurpose::Prepare)
        .unwrap();
    let prepared = world.app.application(&clerk, &second).unwrap();
    let again = world.kiosk_visit_with(&mut card, &prepared, made.pair);
    let read = |made: &ra::PublicKeyRequest| world.app.read_public_key(&clerk, &second, made);
    assert_eq!(refusal(read(&again.message())), "public-key-reused");
    let after = world.app.application(&clerk, &second).unwrap();
    assert_eq!(after.step, ra::Step::CardPrepared);
    assert_eq!(after.spki_sha256, None);
    // Sent to the kiosk again, with a key of its own it goes on.
    world
        .relay(&clerk, &second, &mut card, ra::ChannelPurpose::Prepare)
        .unwrap();
    let prepared = world.app.application(&clerk, &second).unwrap();
    let fresh = world.kiosk_visit(&mut card, &prepared);
    assert_eq!(read(&fresh.message()).unwrap().step, ra::Step::KeyRead);
}
