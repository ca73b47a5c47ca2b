//! What terminal and operator signed: whose it is, for which kind of environment, and what may be
//! revoked with it at a window.

use pki_core::{
    act::{Act, Deed},
    certificate::SignatureAlgorithm::RsaPkcs1Sha256 as RSA,
    id::Sha256Digest,
    mode::Mode,
    revocation::ground::Ground,
};
use ra_gateway::{app::caller::Clerk, port::Announced};
use schema::wire::{
    bytes::Base64,
    v1::{ca::OnlineRevokeRequest, ra},
};

use crate::support::window::{World, licence, refusal};

fn identity() -> ra::RevocationIdentity {
    ra::RevocationIdentity {
        document: licence().document,
        face_matches: true,
    }
}

/// The holder's wish on that ground, as it is sent from the window.
fn wish(
    world: &World,
    issued: &ra::Application,
    ground: Ground,
    identity: ra::RevocationIdentity,
) -> ra::WindowRevokeRequest {
    let digest = Sha256Digest::of(&identity.digest_input());
    ra::WindowRevokeRequest {
        act: world.revoke_act(issued, ground, digest),
        identity,
    }
}

fn standing(world: &World, clerk: &Clerk, issued: &ra::Application) -> String {
    let serial = &issued.certificate.as_ref().unwrap().serial;
    world.app.certificate(clerk, serial).unwrap().status
}

#[test]
fn an_act_of_a_terminal_for_training_goes_nowhere_though_both_signatures_hold() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (application, _) = world.settled(&clerk, &world.taro(), &mut world.card());
    let id = &application.id;
    let deed = Deed::Issue(world.issue_deed(&application));
    let act = world.act(id, &world.wish(), deed);
    let ask = |act: &Act| {
        let request = ra::IssueActRequest {
            act: world.sign(act),
        };
        world.app.request_issue(&clerk, id, &request)
    };
    let training = act.clone().made_in(Mode::Training);
    assert_eq!(refusal(ask(&training)), "other-mode");
    assert_eq!(world.authority.issued(), 0);
    let after = world.app.application(&clerk, id).unwrap();
    assert_eq!(after.step, ra::Step::CharactersSettled);
    // The same wish from a terminal of this mode.
    let issued = ask(&act).unwrap();
    let mut revoke = wish(&world, &issued, Ground::Article9, identity());
    let said = Act::from_payload(&revoke.act.payload.0).unwrap();
    let right = std::mem::replace(&mut revoke.act, world.sign(&said.made_in(Mode::Training)));
    assert_eq!(refusal(world.app.revoke(&clerk, &revoke)), "other-mode");
    assert_eq!(standing(&world, &clerk, &issued), "live");
    revoke.act = right;
    world.app.revoke(&clerk, &revoke).unwrap();
    assert_eq!(standing(&world, &clerk, &issued), "revoked");
}

#[test]
fn nothing_is_sent_to_an_authority_of_the_other_mode() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (application, made) = world.settled(&clerk, &world.taro(), &mut world.card());
    let announce = |mode| {
        world.authority.announces(Announced::Mode(mode));
        let agrees = world.app.ask_mode();
        assert_eq!(agrees, mode == Mode::Production);
        // One that does not answer is still what it was.
        world.authority.announces(Announced::Nothing);
        assert!(world.app.ask_mode() == agrees);
    };
    announce(Mode::Training);
    let act = world.issue_act(&application, &world.wish());
    let ask = || world.app.request_issue(&clerk, &application.id, &act);
    assert_eq!(refusal(ask()), "other-mode");
    assert_eq!(world.authority.issued(), 0);
    announce(Mode::Production);
    let issued = ask().unwrap();
    assert_eq!(issued.step, ra::Step::Issued);

    announce(Mode::Training);
    let revoke = wish(&world, &issued, Ground::Article9, identity());
    assert_eq!(refusal(world.app.revoke(&clerk, &revoke)), "other-mode");
    let serial = issued.certificate.as_ref().unwrap().serial.clone();
    let question = ra::OnlineChallengeRequest { serial };
    let statement = world.app.challenge_online(&question).unwrap().statement;
    let online = OnlineRevokeRequest {
        signature: Base64(made.pair.sign(RSA, &statement.0)),
        statement,
    };
    assert_eq!(refusal(world.app.revoke_online(&online)), "other-mode");
    assert_eq!(standing(&world, &clerk, &issued), "live");
    announce(Mode::Production);
    world.app.revoke_online(&online).unwrap();
    assert_eq!(standing(&world, &clerk, &issued), "revoked");
}

#[test]
fn an_act_that_names_another_terminal_or_operator_is_not_forwarded_whoever_signed_it() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (application, _) = world.settled(&clerk, &world.taro(), &mut world.card());
    let deed = Deed::Issue(world.issue_deed(&application));
    let act = world.act(&application.id, &world.wish(), deed);
    let mut next_window = act.clone();
    next_window.terminal = "131010002".parse().unwrap();
    let mut colleague = act.clone();
    colleague.operator = "13101-0002".parse().unwrap();
    for act in [next_window, colleague] {
        let request = ra::IssueActRequest {
            act: world.sign(&act),
        };
        let asked = world.app.request_issue(&clerk, &application.id, &request);
        assert_eq!(refusal(asked), "act-invalid");
    }
    assert_eq!(world.authority.issued(), 0);
}

#[test]
fn a_window_revokes_under_articles_9_and_10_alone() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (issued, _) = world.issued(&clerk, &mut world.card());
    for ground in [Ground::Article12, Ground::Article13] {
        let revoke = wish(&world, &issued, ground, identity());
        assert_eq!(
            refusal(world.app.revoke(&clerk, &revoke)),
            "act-invalid",
            "{}",
            ground.as_str()
        );
    }
    let deed = Deed::Issue(world.issue_deed(&issued));
    let mut other_deed = wish(&world, &issued, Ground::Article9, identity());
    other_deed.act = world.signed(&issued.id, &world.wish(), deed);
    assert_eq!(
        refusal(world.app.revoke(&clerk, &other_deed)),
        "act-invalid"
    );
    assert_eq!(standing(&world, &clerk, &issued), "live");
}

#[test]
fn who_is_not_identified_by_a_document_in_force_has_nothing_revoked() {
    type Spoil = fn(&mut ra::RevocationIdentity);
    let spoilt: [(&str, Spoil); 6] = [
        ("/identity/document/kind", |identity| {
            // No photo, no face to compare.
            identity.document.kind = "inquiry-reply".into();
            identity.document.expires_on = None;
        }),
        ("/identity/document/kind", |identity| {
            identity.document.kind = "library-card".into();
        }),
        ("/identity/document/expires_on", |identity| {
            identity.document.expires_on = None;
        }),
        ("/identity/document/expires_on", |identity| {
            identity.document.expires_on = Some("2026-11-21".into());
        }),
        ("/identity/document/expires_on", |identity| {
            // A kind that prints no end.
            identity.document.kind = "driving-record-certificate".into();
        }),
        ("/identity/face_matches", |identity| {
            identity.face_matches = false;
        }),
    ];
    let world = World::on(None);
    let clerk = world.clerk();
    let (issued, _) = world.issued(&clerk, &mut world.card());
    for (pointer, spoil) in spoilt {
        let mut shown = identity();
        spoil(&mut shown);
        let revoke = wish(&world, &issued, Ground::Article9, shown);
        match world.app.revoke(&clerk, &revoke) {
            Err(ra_gateway::app::refusal::Failure::Refused(refused)) => {
                assert_eq!(refused.reason.name(), "items-invalid", "{pointer}");
                let pointers: Vec<&str> = refused
                    .errors
                    .iter()
                    .map(|item| item.pointer.as_str())
                    .collect();
                assert_eq!(pointers, [pointer]);
            }
            other => panic!("{pointer}: {other:?}"),
        }
    }
    assert_eq!(standing(&world, &clerk, &issued), "live");
    // Its last day is a day of its force.
    let mut shown = identity();
    shown.document.expires_on = Some("2026-11-22".into());
    let revoke = wish(&world, &issued, Ground::Article9, shown);
    world.app.revoke(&clerk, &revoke).unwrap();
    assert_eq!(standing(&world, &clerk, &issued), "revoked");
}
