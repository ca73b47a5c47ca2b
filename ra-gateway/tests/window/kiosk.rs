//! Which kiosk a visit is for, whose the channel to the card is, and that no two applications have
//! one key.

use ra_gateway::port::PartyKind;
use schema::wire::v1::ra;

use crate::{
    support::window::{CARD, KIOSK, World, answers, refusal},
    suspend,
};

fn preparing() -> ra::CardChannelRequest {
    ra::CardChannelRequest {
        card: hex::encode(CARD),
        purpose: ra::ChannelPurpose::Prepare,
    }
}

#[test]
fn a_channel_to_a_card_is_its_clerks_own_and_is_given_up_after_two_minutes() {
    let world = World::on(None);
    let clerk = world.clerk();
    let colleague = world.supervisor();
    let mut card = world.card();
    let id = world.identified(&clerk, &world.taro()).id;
    let opened = world
        .app
        .open_card_channel(&clerk, &id, &preparing())
        .unwrap();
    let round = |card: &mut _, commands: &[_]| ra::CardRelayRequest {
        responses: answers(card, commands),
    };
    let first = round(&mut card, &opened.commands);
    let relay = |by: &_, round: &_| world.app.relay_card(by, &opened.channel, round);
    assert_eq!(refusal(relay(&colleague, &first)), "channel-unknown");
    world.clock.advance(119);
    let next = relay(&clerk, &first).unwrap();
    assert!(!next.done, "a colleague's attempt took nothing away");
    let second = round(&mut card, &next.commands);
    world.clock.advance(120);
    assert_eq!(refusal(relay(&clerk, &second)), "channel-unknown");
    let after = world.app.application(&clerk, &id).unwrap();
    assert_eq!(after.step, ra::Step::Identified);
    world
        .relay(&clerk, &id, &mut card, ra::ChannelPurpose::Prepare)
        .unwrap();
}

#[test]
fn an_application_given_up_while_its_card_is_prepared_stays_given_up() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let id = world.identified(&clerk, &world.taro()).id;
    let opened = world
        .app
        .open_card_channel(&clerk, &id, &preparing())
        .unwrap();
    world
        .app
        .cancel(&clerk, &id, &ra::CancelRequest {})
        .unwrap();
    let mut commands = opened.commands;
    let refused = loop {
        let round = ra::CardRelayRequest {
            responses: answers(&mut card, &commands),
        };
        match world.app.relay_card(&clerk, &opened.channel, &round) {
            Ok(next) => {
                assert!(!next.done, "the card's work was taken");
                commands = next.commands;
            }
            refused => break refusal(refused),
        }
    };
    assert_eq!(refused, "changed-meanwhile");
    let after = world.app.application(&clerk, &id).unwrap();
    assert_eq!(after.step, ra::Step::Cancelled);
    assert_eq!(after.visit, None);
}

#[test]
fn without_a_kiosk_in_service_no_visit_is_opened() {
    let world = World::on(None);
    let clerk = world.clerk();
    let id = world.identified(&clerk, &world.taro()).id;
    let open = || world.app.open_card_channel(&clerk, &id, &preparing());
    suspend(&world, PartyKind::Kiosk, KIOSK, true);
    assert_eq!(refusal(open()), "no-kiosk");
    let after = world.app.application(&clerk, &id).unwrap();
    assert_eq!(after.step, ra::Step::Identified);
    suspend(&world, PartyKind::Kiosk, KIOSK, false);
    open().unwrap();
}

#[test]
fn two_applications_do_not_have_one_key() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (_, made) = world.key_read(&clerk, &world.taro(), &mut world.card());
    // A broken kiosk gives the next card the key that it made before.
    let second = world.identified(&clerk, &world.hanako()).id;
    let number = [0xC2; 16];
    let mut card = world.card_of(number);
    let prepare = |card: &mut _| {
        let purpose = ra::ChannelPurpose::Prepare;
        world
            .relay_of(number, &clerk, &second, card, purpose)
            .unwrap();
        world.app.application(&clerk, &second).unwrap()
    };
    let prepared = prepare(&mut card);
    let reused = world.kiosk_visit_with(&mut card, &prepared, made.pair);
    let read = |made: &ra::PublicKeyRequest| world.app.read_public_key(&clerk, &second, made);
    assert_eq!(refusal(read(&reused.message())), "public-key-reused");
    let after = world.app.application(&clerk, &second).unwrap();
    assert_eq!(after.step, ra::Step::CardPrepared);
    assert_eq!(after.spki_sha256, None);
    // Sent to the kiosk again, with a key of its own it goes on.
    let prepared = prepare(&mut card);
    let fresh = world.kiosk_visit(&mut card, &prepared);
    assert_eq!(read(&fresh.message()).unwrap().step, ra::Step::KeyRead);
}
