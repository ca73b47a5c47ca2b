//! Disclosure at the window (Arts 29 to 31): the gateway carries what was signed, and that alone.

mod support;

use pki_core::{
    act::{Deed, DeliverDeed, DiscloseDeed},
    disclosure::{Delivery, Identification, Person, RequestContent, Wish},
    id::Sha256Digest,
};
use schema::wire::v1::disclosure::{DeliveryRequest, DisclosureRequest};
use support::window::{World, refusal};

fn identification() -> Identification {
    Identification {
        document: "drivers-licence".into(),
        issuer: Some("東京都公安委員会".into()),
        expires_on: Some("2028-05-01".parse().unwrap()),
        face_matches: true,
    }
}

fn content() -> RequestContent {
    RequestContent {
        version: 1,
        wish: Wish::Disclosure,
        person: Person {
            name: "総務　太郎".into(),
            birth_date: "319500401".into(),
            address: "東京都千代田区霞が関２丁目１番２号".into(),
            resident: None,
            serial: None,
        },
        proxy: None,
        requested_on: "2026-11-22".parse().unwrap(),
        delivery: Delivery::Window,
        identification: identification(),
    }
}

const ID: &str = "d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1";

fn request(world: &World, content: &RequestContent) -> DisclosureRequest {
    let bytes = content.to_bytes();
    let deed = DiscloseDeed {
        request_sha256: Sha256Digest::of(&bytes),
        identity_sha256: content.identification.digest(),
    };
    DisclosureRequest {
        act: world.signed(ID, &world.wish(), Deed::Disclose(deed)),
        request: bytes.into(),
    }
}

fn delivery(world: &World, id: &str, shown: &Identification) -> DeliveryRequest {
    let bytes = shown.to_bytes();
    let deed = DeliverDeed {
        identity_sha256: Sha256Digest::of(&bytes),
    };
    DeliveryRequest {
        act: world.signed(id, &world.wish(), Deed::Deliver(deed)),
        identification: bytes.into(),
    }
}

#[test]
fn a_request_is_taken_in_listed_and_answered_at_the_window() {
    let world = World::on(None);
    let clerk = world.clerk();
    let line = world
        .app
        .disclose(&clerk, &request(&world, &content()))
        .unwrap();
    assert_eq!(line.id, ID);
    let list = world.app.disclosures(&clerk).unwrap();
    assert_eq!(list.disclosures, std::slice::from_ref(&line));
    assert_eq!(world.app.disclosure(&clerk, ID).unwrap(), line);
    assert_eq!(
        refusal(world.app.disclosure(&clerk, &"00".repeat(16))),
        "not-found"
    );
    let fetched = world
        .app
        .deliver_disclosure(&clerk, ID, &delivery(&world, ID, &identification()))
        .unwrap();
    assert!(fetched.answer.0.starts_with(b"%PDF"));
}

#[test]
fn what_the_clerk_did_not_sign_is_not_carried() {
    let world = World::on(None);
    let clerk = world.clerk();
    let good = request(&world, &content());
    let mut other = good.clone();
    let mut changed = content();
    changed.person.name = "総務　花子".into();
    other.request = changed.to_bytes().into();
    assert_eq!(refusal(world.app.disclose(&clerk, &other)), "act-invalid");
    let mut forged = good.clone();
    forged.act.operator_signature = good.act.terminal_signature.clone();
    assert_eq!(refusal(world.app.disclose(&clerk, &forged)), "act-invalid");
    let mut another = good.clone();
    another.act = delivery(&world, ID, &identification()).act;
    assert_eq!(refusal(world.app.disclose(&clerk, &another)), "act-invalid");
    // A request without a person identified, or with a document that has run out.
    let mut nobody = content();
    nobody.identification.face_matches = false;
    assert_eq!(
        refusal(world.app.disclose(&clerk, &request(&world, &nobody))),
        "items-invalid"
    );
    let mut old = content();
    old.identification.expires_on = Some("2020-01-01".parse().unwrap());
    assert_eq!(
        refusal(world.app.disclose(&clerk, &request(&world, &old))),
        "items-invalid"
    );
    assert!(
        world
            .app
            .disclosures(&clerk)
            .unwrap()
            .disclosures
            .is_empty()
    );

    // The answer goes to who was identified, for an act about this very request.
    world.app.disclose(&clerk, &good).unwrap();
    let fetch =
        |id: &str, wish: &DeliveryRequest| refusal(world.app.deliver_disclosure(&clerk, id, wish));
    let foreign = delivery(&world, &"00".repeat(16), &identification());
    assert_eq!(fetch(ID, &foreign), "act-invalid");
    let mut swapped = delivery(&world, ID, &identification());
    let mut passport = identification();
    passport.document = "passport".into();
    swapped.identification = passport.to_bytes().into();
    assert_eq!(fetch(ID, &swapped), "act-invalid");
    let unseen = Identification {
        face_matches: false,
        ..identification()
    };
    assert_eq!(fetch(ID, &delivery(&world, ID, &unseen)), "items-invalid");
}
