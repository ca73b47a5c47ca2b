//! Online revocation: the holder's signature is the permission, and nobody else's.

use ca_server::{
    app::{
        issue::issue,
        look_up,
        proof::{self, Signed},
        revoke_online::{OnlineError, revoke_online},
    },
    port::clock::Clock,
    testing::{
        window::{Applicant, CardKey},
        world::World,
    },
};
use jiff::SignedDuration;
use pki_core::{
    certificate::Serial,
    id::Sha256Digest,
    revocation::online::{LIFE_S, Statement},
};
use schema::wire::{bytes::Base64, v1::ca::OnlineRevokeRequest};

struct Holder {
    world: World,
    card: CardKey,
    serial: Serial,
}

fn holder() -> Holder {
    let world = World::new();
    let applicant = Applicant::soumu("R1");
    let wish = world.window.issue_request(&applicant, world.clock.now());
    let serial = issue(&world.app, "gw", &wish).unwrap().serial;
    Holder {
        world,
        card: applicant.card,
        serial,
    }
}

impl Holder {
    fn statement(&self) -> Statement {
        Statement::new(
            self.world.app.prefecture,
            self.serial.clone(),
            Sha256Digest::from_bytes([7; 32]),
            self.world.clock.now(),
        )
    }

    fn signed(&self, statement: &[u8], card: &CardKey) -> OnlineRevokeRequest {
        OnlineRevokeRequest {
            statement: Base64(statement.to_vec()),
            signature: Base64(card.sign(statement)),
        }
    }

    fn status(&self) -> &'static str {
        look_up::certificate(&self.world.app, "gw", &self.serial)
            .unwrap()
            .unwrap()
            .status
    }

    /// Refused, with this name in the audit, and nothing changed.
    #[track_caller]
    fn refuses(&self, wish: &OnlineRevokeRequest, name: &str) {
        let outcome = revoke_online(&self.world.app, "gw", wish);
        assert!(matches!(outcome, Err(OnlineError::NotAccepted)));
        let last = self.world.audit().pop().unwrap();
        assert_eq!(
            (last.event.as_str(), last.outcome.as_str()),
            ("revoke-online", name)
        );
        assert_eq!(self.status(), "live");
    }
}

#[test]
fn the_holder_revokes_with_the_very_key_and_no_token_is_needed() {
    let holder = holder();
    holder.world.signer.set_away(true);
    let wish = holder.signed(&holder.statement().to_bytes(), &holder.card);
    let revoked = revoke_online(&holder.world.app, "gw", &wish).unwrap();
    assert_eq!(revoked.ground, "article9");
    assert_eq!(holder.status(), "revoked");
    assert_eq!(
        revoke_online(&holder.world.app, "gw", &wish).unwrap(),
        revoked,
        "sent again, the first record stands"
    );
    // What the holder signed can be shown, and at rest nobody reads it.
    let store = &holder.world.app.store;
    let kept = store
        .proofs("sign", holder.serial.as_octets())
        .unwrap()
        .pop()
        .unwrap();
    let serial = holder.serial.to_string();
    let mut open = kept.proof.act.windows(serial.len());
    assert!(kept.proof.sealed && !open.any(|part| part == serial.as_bytes()));
    let shown = proof::read(&holder.world.app, &holder.serial).unwrap();
    let Signed::Holder { signed, statement } = &shown[1].by else {
        panic!("the holder signed it");
    };
    assert_eq!((signed, &statement.serial), (&wish, &holder.serial));
    let digest = hex::encode(shown[1].sha256);
    let rows = holder.world.audit();
    let row = rows.iter().find(|row| row.event == "revoke-online");
    assert!(row.unwrap().detail.contains(&digest));
}

#[test]
fn a_gateway_or_another_card_cannot_make_a_statement_of_the_holder() {
    let holder = holder();
    let bytes = holder.statement().to_bytes();
    let good = holder.signed(&bytes, &holder.card);
    holder.refuses(&holder.signed(&bytes, &CardKey::new()), "holder-signature");
    let mut changed = good.clone();
    changed.signature.0[9] ^= 1;
    holder.refuses(&changed, "holder-signature");
    // Signed for another certificate, put before this one.
    let other = Statement::new(
        holder.world.app.prefecture,
        "112233445566778899aabbccddeeff00".parse().unwrap(),
        Sha256Digest::from_bytes([7; 32]),
        holder.world.clock.now(),
    );
    holder.refuses(
        &holder.signed(&other.to_bytes(), &holder.card),
        "unknown-serial",
    );
    let text = String::from_utf8(bytes).unwrap();
    for (from, to, name) in [
        (
            "jitsuin-online-revocation-v1",
            "a-login",
            "statement-unreadable",
        ),
        ("\"13\"", "\"14\"", "other-prefecture"),
        ("article9", "article14", "ground"),
    ] {
        let other = text.replacen(from, to, 1);
        holder.refuses(&holder.signed(other.as_bytes(), &holder.card), name);
    }
    holder
        .world
        .clock
        .advance(SignedDuration::from_secs(LIFE_S + 1));
    holder.refuses(&good, "statement-time");
}
