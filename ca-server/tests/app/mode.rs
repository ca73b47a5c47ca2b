//! 本番 and 訓練: an authority takes no act of the other kind of environment, whoever signed it.

use ca_server::{
    app::{
        authorise::Refusal,
        issue::{IssueError, issue},
        look_up,
        revoke::{RevokeError, revoke},
    },
    port::clock::Clock,
    testing::{window::Applicant, world::World},
};
use pki_core::{act::Act, mode::Mode};
use schema::wire::v1::act::SignedActMessage;

/// The same act as a terminal of that mode makes it, signed by the same enrolled keys.
fn made_in(world: &World, mode: Mode, message: &SignedActMessage) -> SignedActMessage {
    let act = Act::from_payload(&message.payload.0).unwrap();
    world.window.sign(&act.made_in(mode))
}

#[test]
fn an_act_of_the_other_mode_is_refused_although_its_signers_are_enrolled() {
    for (ours, theirs) in [
        (Mode::Production, Mode::Training),
        (Mode::Training, Mode::Production),
    ] {
        let mut world = World::new();
        world.app.mode = ours;
        let applicant = Applicant::soumu("R1");
        let mut wish = world.window.issue_request(&applicant, world.clock.now());
        wish.act = made_in(&world, theirs, &wish.act);
        assert!(matches!(
            issue(&world.app, "gw", &wish),
            Err(IssueError::Refused(Refusal::OtherMode(_)))
        ));
        let row = world.audit().pop().unwrap();
        assert_eq!(
            (row.event.as_str(), row.outcome.as_str()),
            ("issue.request", "other-mode")
        );
        // Said by the right kind of terminal it is taken; its revocation again by that kind alone.
        wish.act = made_in(&world, ours, &wish.act);
        let serial = issue(&world.app, "gw", &wish).unwrap().serial;
        let ground = pki_core::revocation::ground::Ground::Article9;
        let now = world.clock.now();
        let mut end = world.window.revoke_request(&serial, ground, now);
        end.act = made_in(&world, theirs, &end.act);
        assert!(matches!(
            revoke(&world.app, "gw", &end),
            Err(RevokeError::Refused(Refusal::OtherMode(_)))
        ));
        let status = || look_up::certificate(&world.app, "gw", &serial).unwrap();
        assert_eq!(status().unwrap().status, "live");
        end.act = made_in(&world, ours, &end.act);
        revoke(&world.app, "gw", &end).unwrap();
        assert_eq!(status().unwrap().status, "revoked");
    }
}
