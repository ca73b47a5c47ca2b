//! Sessions: who is let in, and for how long.

use ra_gateway::port::PartyKind;
use schema::wire::{bytes::Base64, v1::ra};

use crate::support::window::{OPERATOR, TERMINAL, World, refusal};
use crate::suspend;

#[test]
fn a_terminal_of_another_municipality_finds_no_application() {
    let world = World::on(None);
    let clerk = world.clerk();
    let id = world.identified(&clerk, &world.taro()).id;
    let elsewhere = world.clerk_elsewhere();
    assert_eq!(refusal(world.app.application(&elsewhere, &id)), "not-found");
    assert_eq!(
        refusal(world.app.cancel(&elsewhere, &id, &ra::CancelRequest {})),
        "not-found"
    );
    // Nor does the operator of one municipality get a session at another's terminal.
    let token = world.sign_in().unwrap();
    let terminal = world.app.terminal(&world.elsewhere.1).unwrap();
    assert_eq!(
        refusal(world.app.clerk(terminal, Some(&token))),
        "session-invalid"
    );
}

#[test]
fn a_terminal_alone_does_nothing_for_a_resident() {
    let world = World::on(None);
    let terminal = || world.app.terminal(&world.terminal.1).unwrap();
    for token in [None, Some(""), Some("0000")] {
        let expected = match token {
            None => "session-required",
            Some(_) => "session-invalid",
        };
        assert_eq!(refusal(world.app.operator(terminal(), token)), expected);
        assert_eq!(refusal(world.app.clerk(terminal(), token)), expected);
        assert_eq!(refusal(world.app.supervisor(terminal(), token)), expected);
    }
}

#[test]
fn a_session_is_its_terminals_own() {
    let world = World::on(None);
    let token = world.sign_in().unwrap();
    let mut renewed = world.app.terminal(&world.terminal.1).unwrap();
    renewed.certificate_sha256[0] ^= 1;
    assert_eq!(
        refusal(world.app.clerk(renewed, Some(&token))),
        "session-invalid",
        "a terminal with another certificate signs in anew"
    );
    let mut neighbour = world.app.terminal(&world.terminal.1).unwrap();
    neighbour.id = "131010002".parse().unwrap();
    assert_eq!(
        refusal(world.app.clerk(neighbour, Some(&token))),
        "session-invalid",
        "a token carried to the next window opens nothing"
    );
    assert!(world.clerk_of(&token).is_ok());
}

#[test]
fn a_suspended_operator_or_terminal_is_cut_off_at_the_next_request() {
    let world = World::on(None);
    let token = world.sign_in().unwrap();
    assert!(world.clerk_of(&token).is_ok());
    suspend(&world, PartyKind::Operator, OPERATOR, true);
    assert_eq!(refusal(world.clerk_of(&token)), "session-invalid");
    assert_eq!(refusal(world.sign_in()), "party-suspended");
    suspend(&world, PartyKind::Operator, OPERATOR, false);
    assert_eq!(refusal(world.clerk_of(&token)), "session-invalid");
    assert!(world.clerk_of(&world.sign_in().unwrap()).is_ok());
    suspend(&world, PartyKind::Terminal, TERMINAL, true);
    assert_eq!(refusal(world.sign_in()), "party-suspended");
}

#[test]
fn a_session_ends_by_disuse_by_time_and_by_signing_out() {
    let world = World::on(None);
    let token = world.sign_in().unwrap();
    for _ in 0..19 {
        world.clock.advance(1_790);
        assert!(world.clerk_of(&token).is_ok(), "used, it goes on");
    }
    world.clock.advance(1_990);
    assert_eq!(refusal(world.clerk_of(&token)), "session-invalid");
    let token = world.sign_in().unwrap();
    world.clock.advance(1_801);
    assert_eq!(refusal(world.clerk_of(&token)), "session-invalid");
    let token = world.sign_in().unwrap();
    let clerk = world.clerk_of(&token).unwrap();
    world.app.sign_out(&clerk, &token).unwrap();
    assert_eq!(refusal(world.clerk_of(&token)), "session-invalid");
}

#[test]
fn a_challenge_opens_one_session_at_its_own_terminal_in_its_time() {
    let world = World::on(None);
    let here = world.app.terminal(&world.terminal.1).unwrap();
    let there = world.app.terminal(&world.elsewhere.1).unwrap();
    let signed = |challenge: &ra::OperatorChallengeResponse| ra::OperatorSessionRequest {
        challenge_id: challenge.challenge_id.clone(),
        operator: OPERATOR.into(),
        signature: Base64(world.operator.sign(
            pki_core::certificate::SignatureAlgorithm::EcdsaP256Sha256,
            &ra::operator_challenge_message(TERMINAL, &challenge.challenge.0),
        )),
    };
    let challenge = || {
        let request = ra::OperatorChallengeRequest {
            operator: OPERATOR.into(),
        };
        world.app.challenge_operator(&here, &request).unwrap()
    };
    let first = signed(&challenge());
    assert!(world.app.sign_in(&here, &first).is_ok());
    assert_eq!(refusal(world.app.sign_in(&here, &first)), "sign-in-refused");
    let second = signed(&challenge());
    assert_eq!(
        refusal(world.app.sign_in(&there, &second)),
        "sign-in-refused"
    );
    let third = signed(&challenge());
    world.clock.advance(121);
    assert_eq!(refusal(world.app.sign_in(&here, &third)), "sign-in-refused");
    let mut foreign = signed(&challenge());
    foreign.signature = first.signature;
    assert_eq!(
        refusal(world.app.sign_in(&here, &foreign)),
        "sign-in-refused"
    );
}
