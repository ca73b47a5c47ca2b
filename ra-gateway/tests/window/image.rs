//! The look at the certificate, and the card as written.

use pki_core::{id::Sha256Digest, revocation::ground::Ground};
use ra_gateway::app::refusal::Failure;
use schema::wire::{bytes::Base64, v1::ra};

use crate::support::window::{Trouble, World, refusal};

#[test]
fn a_person_misread_is_revoked_under_article_13_even_when_the_authority_was_away() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (issued, _) = world.issued(&clerk, &mut card);
    let identity: Sha256Digest = issued.identity_sha256.as_deref().unwrap().parse().unwrap();
    let verdict = |act| ra::ImageRequest {
        verdict: ra::ImageVerdict::PersonWrong,
        certificate_sha256: issued
            .certificate
            .as_ref()
            .unwrap()
            .certificate_sha256
            .clone(),
        act,
    };
    let judge = |act| world.app.confirm_image(&clerk, &issued.id, &verdict(act));
    assert_eq!(refusal(judge(None)), "act-invalid");
    let wrong_ground = world.revoke_act(&issued, Ground::Article9, identity);
    assert_eq!(refusal(judge(Some(wrong_ground))), "act-invalid");
    let act = world.revoke_act(&issued, Ground::Article13, identity);
    world.authority.next(Trouble::AnswerLost);
    assert!(matches!(
        judge(Some(act.clone())),
        Err(Failure::Away { .. })
    ));
    // The verdict stands meanwhile: nothing is written.
    assert_eq!(
        refusal(world.relay(&clerk, &issued.id, &mut card, ra::ChannelPurpose::Write)),
        "step-not-due"
    );
    let mut right = verdict(None);
    right.verdict = ra::ImageVerdict::Right;
    assert_eq!(
        refusal(world.app.confirm_image(&clerk, &issued.id, &right)),
        "step-not-due"
    );
    let revoked = judge(Some(act)).unwrap();
    assert_eq!(revoked.step, ra::Step::Revoked);
    assert_eq!(revoked.end.unwrap().cause, "person-wrong");
}

#[test]
fn a_card_that_was_not_written_right_is_not_handed_over() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (issued, made) = world.issued(&clerk, &mut card);
    let id = &issued.id;
    let sha256 = issued
        .certificate
        .as_ref()
        .unwrap()
        .certificate_sha256
        .clone();
    let mut right = ra::ImageRequest {
        verdict: ra::ImageVerdict::Right,
        certificate_sha256: "00".repeat(32),
        act: None,
    };
    assert_eq!(
        refusal(world.app.confirm_image(&clerk, id, &right)),
        "image-foreign"
    );
    right.certificate_sha256 = sha256.clone();
    world.app.confirm_image(&clerk, id, &right).unwrap();
    let written = |request: &ra::WrittenRequest| world.app.confirm_written(&clerk, id, request);
    assert_eq!(
        refusal(written(&made.trial(&"00".repeat(32)))),
        "image-foreign"
    );
    let mut bad = made.trial(&sha256);
    bad.trial_message = Base64(b"another message than was signed".to_vec());
    assert_eq!(refusal(written(&bad)), "trial-signature-invalid");
    assert!(written(&made.trial(&sha256)).is_ok());
    let fee = |amount_yen| {
        world.app.take_fee(
            &clerk,
            id,
            &ra::FeeRequest {
                amount_yen,
                idempotency_key: world.wish(),
            },
        )
    };
    assert_eq!(refusal(fee(499)), "fee-differs");
    assert!(fee(500).is_ok());
}
