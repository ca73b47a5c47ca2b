//! What the authority does with a request, and what is made of its answer.

use pki_core::{act::Deed, id::Sha256Digest};
use ra_gateway::app::refusal::Failure;
use schema::wire::v1::ra;

use crate::support::window::{Trouble, World, refusal};

#[test]
fn a_lost_answer_of_the_authority_is_asked_for_again_and_yields_one_certificate() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (application, _) = world.settled(&clerk, &world.taro(), &mut card);
    let id = &application.id;
    let key = world.wish();
    world.authority.next(Trouble::AnswerLost);
    let act = world.issue_act(&application, &key);
    assert!(matches!(
        world.app.request_issue(&clerk, id, &act),
        Err(Failure::Away {
            what: "authority-away",
            ..
        })
    ));
    // What may exist cannot be walked away from.
    assert_eq!(
        refusal(world.app.cancel(&clerk, id, &ra::CancelRequest {})),
        "step-not-due"
    );
    let other = world.issue_act(&application, &world.wish());
    assert_eq!(
        refusal(world.app.request_issue(&clerk, id, &other)),
        "idempotency-key-reused"
    );
    // Later, with a new act under the same key.
    world.clock.advance(600);
    assert_eq!(
        refusal(world.app.request_issue(&clerk, id, &act)),
        "act-invalid",
        "the act's time has run out"
    );
    let act = world.issue_act(&application, &key);
    let issued = world.app.request_issue(&clerk, id, &act).unwrap();
    assert_eq!(issued.step, ra::Step::Issued);
    let again = world.app.request_issue(&clerk, id, &act).unwrap();
    assert_eq!(again.certificate, issued.certificate);
    assert_eq!(world.authority.issued(), 1);
}

#[test]
fn an_absent_token_is_passed_on_and_a_refusal_frees_the_application() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (application, _) = world.settled(&clerk, &world.taro(), &mut card);
    let id = &application.id;
    world.authority.next(Trouble::Refuses);
    let act = world.issue_act(&application, &world.wish());
    assert_eq!(
        refusal(world.app.request_issue(&clerk, id, &act)),
        "authority-refused"
    );
    world.authority.next(Trouble::TokenAway);
    let key = world.wish();
    let act = world.issue_act(&application, &key);
    match world.app.request_issue(&clerk, id, &act) {
        Err(Failure::Away {
            what, retry_after, ..
        }) => assert_eq!((what, retry_after.as_secs()), ("token-away", 7)),
        other => panic!("{other:?}"),
    }
    assert!(world.app.request_issue(&clerk, id, &act).is_ok());
}

#[test]
fn an_act_about_anything_else_is_not_forwarded() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (application, _) = world.settled(&clerk, &world.taro(), &mut card);
    let id = &application.id;
    let issue = |act| {
        refusal(
            world
                .app
                .request_issue(&clerk, id, &ra::IssueActRequest { act }),
        )
    };
    let mut other = world.issue_deed(&application);
    other.items_sha256 = Sha256Digest::of(b"other items");
    assert_eq!(
        issue(world.signed(id, &world.wish(), Deed::Issue(other))),
        "act-invalid"
    );
    let elsewhere = "ee".repeat(16);
    let deed = Deed::Issue(world.issue_deed(&application));
    assert_eq!(
        issue(world.signed(&elsewhere, &world.wish(), deed.clone())),
        "act-invalid"
    );
    let mut swapped = world.signed(id, &world.wish(), deed);
    std::mem::swap(
        &mut swapped.terminal_signature,
        &mut swapped.operator_signature,
    );
    assert_eq!(issue(swapped), "act-invalid");
    assert_eq!(world.authority.issued(), 0);
}

#[test]
fn a_certificate_with_other_items_is_not_shown() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (application, _) = world.settled(&clerk, &world.taro(), &mut card);
    world.authority.next(Trouble::OtherItems);
    let act = world.issue_act(&application, &world.wish());
    assert_eq!(
        refusal(world.app.request_issue(&clerk, &application.id, &act)),
        "certificate-differs"
    );
    let after = world.app.application(&clerk, &application.id).unwrap();
    assert_eq!(after.step, ra::Step::CharactersSettled);
    assert!(after.certificate.is_none());
}

#[test]
fn what_the_authority_sends_is_compared_with_what_was_asked_before_anybody_sees_it() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (application, _) = world.settled(&clerk, &world.taro(), &mut world.card());
    let act = world.issue_act(&application, &world.wish());
    let ask = || world.app.request_issue(&clerk, &application.id, &act);
    for (trouble, what) in [
        (Trouble::Forged, "signature"),
        (Trouble::OtherIssuer, "issuer"),
        (Trouble::OtherSerial, "serial number"),
        (Trouble::OtherKey, "public key"),
    ] {
        world.authority.next(trouble);
        match ask() {
            Err(Failure::Refused(refused)) => {
                assert_eq!(refused.reason.name(), "certificate-differs", "{what}");
                assert!(refused.detail.contains(what), "{}", refused.detail);
            }
            other => panic!("{what}: {other:?}"),
        }
        let after = world.app.application(&clerk, &application.id).unwrap();
        assert_eq!(after.step, ra::Step::CharactersSettled, "{what}");
        assert!(after.certificate.is_none(), "{what}");
    }
    // The same wish is answered with the one certificate that there is.
    assert_eq!(ask().unwrap().step, ra::Step::Issued);
    assert_eq!(world.authority.issued(), 1);
}
