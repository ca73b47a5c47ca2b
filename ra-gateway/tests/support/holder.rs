//! A resident who has the card with the certificate.

use ra_gateway::app::caller::Clerk;
use schema::wire::v1::ra;
use terminal::virtual_card::Card;

use super::window::{World, licence};

/// Walks until the certificate is on the card.
pub fn written(world: &World, clerk: &Clerk, card: &mut Card) -> ra::Application {
    let (issued, made) = world.issued(clerk, card);
    let sha256 = issued.certificate.clone().unwrap().certificate_sha256;
    let right = ra::ImageRequest {
        verdict: ra::ImageVerdict::Right,
        certificate_sha256: sha256.clone(),
        act: None,
    };
    world.app.confirm_image(clerk, &issued.id, &right).unwrap();
    world
        .relay(clerk, &issued.id, card, ra::ChannelPurpose::Write)
        .unwrap();
    world
        .app
        .confirm_written(clerk, &issued.id, &made.trial(&sha256))
        .unwrap()
}

/// The holder before the clerk.
pub fn identity() -> ra::NoticeIdentity {
    ra::NoticeIdentity {
        document: licence().document,
        face_matches: true,
        remark: None,
    }
}
