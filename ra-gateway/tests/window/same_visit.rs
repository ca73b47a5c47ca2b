//! The identification of a visit serves the other certificate of the card.

use ra_gateway::app::caller::Clerk;
use schema::wire::v1::ra;

use super::user_authentication::{TARO, form, taro, world};
use crate::support::window::{World, refusal};

fn found(world: &World, clerk: &Clerk, id: &str) -> Option<ra::EarlierIdentity> {
    world.app.identity_of_visit(clerk, id).unwrap().found
}

/// He is identified for the one certificate and has applied for the other. Gives both ids.
fn both(world: &World, clerk: &Clerk) -> (String, String) {
    let first = world.identified(clerk, &taro(world)).id;
    world.clock.advance(600);
    let second = world.app.receive(clerk, &form(world)).unwrap().id;
    (first, second)
}

#[test]
fn who_was_identified_for_the_one_certificate_is_for_the_other_by_one_key() {
    let world = world();
    let clerk = world.clerk();
    let (first, second) = both(&world, &clerk);
    let earlier = found(&world, &clerk, &second).unwrap();
    assert_eq!(earlier.application, first);
    assert_eq!(earlier.certificate_kind, ra::CertificateKind::Signature);
    assert_eq!(earlier.document.kind, "drivers-licence");
    let asked = ra::IdentityOfVisitRequest {
        identity_sha256: earlier.identity_sha256,
    };
    let identified = world.app.reuse_identity(&clerk, &second, &asked).unwrap();
    assert_eq!(identified.step, ra::Step::Identified);
    assert_eq!(identified.resident.as_deref(), Some(TARO));
    let view = identified.identity.clone().unwrap();
    assert_eq!(view.of_visit.as_deref(), Some(first.as_str()));
    assert_eq!(view.document, "drivers-licence");
    // A record of its own: the acts of the two name different decisions.
    assert_ne!(
        identified.identity_sha256,
        Some(asked.identity_sha256.clone())
    );
    // Pressed again, it is done once.
    let again = world.app.reuse_identity(&clerk, &second, &asked).unwrap();
    assert_eq!(again, identified);
    assert_eq!(
        refusal(world.app.identity_of_visit(&clerk, &second)),
        "step-not-due"
    );
}

#[test]
fn what_is_over_or_of_somebody_else_serves_nobody() {
    let world = world();
    let clerk = world.clerk();
    let (_, second) = both(&world, &clerk);
    let digest = found(&world, &clerk, &second).unwrap().identity_sha256;
    let ask = |clerk: &Clerk, identity_sha256: &str| {
        let asked = ra::IdentityOfVisitRequest {
            identity_sha256: identity_sha256.to_owned(),
        };
        world.app.reuse_identity(clerk, &second, &asked)
    };
    assert_eq!(refusal(ask(&clerk, &"00".repeat(32))), "not-identified");
    assert_eq!(refusal(ask(&clerk, "none")), "items-invalid");
    let colleague = world.supervisor();
    assert_eq!(found(&world, &colleague, &second), None);
    assert_eq!(refusal(ask(&colleague, &digest)), "not-identified");
    // Another resident's application.
    let hanako = ra::ReceiveRequest {
        resident: Some("13101-000002".into()),
        certificate_kind: ra::CertificateKind::UserAuthentication,
        ..world.hanako()
    };
    let hers = world.app.receive(&clerk, &hanako).unwrap().id;
    assert_eq!(found(&world, &clerk, &hers), None);
    // The visit is over.
    world.clock.advance(90 * 60);
    let clerk = world.clerk();
    assert_eq!(found(&world, &clerk, &second), None);
    assert_eq!(refusal(ask(&clerk, &digest)), "not-identified");
    assert_eq!(
        world.app.application(&clerk, &second).unwrap().step,
        ra::Step::Received
    );
}
