//! The certificate for signing in (利用者証明用電子証明書) beside the one for signatures, for the
//! same person on the same card.

use pki_core::certificate::CertificateImage;
use ra_gateway::config::{IssuerConfig, UserAuthenticationConfig};
use schema::wire::v1::ra;
use terminal::virtual_card::Card;

use crate::support::{
    certificate_support::Governor,
    window::{Trouble, World, refusal},
};

/// His number in the register.
const TARO: &str = "13101-000001";

fn issuer(governor: &Governor) -> IssuerConfig {
    IssuerConfig {
        certificate: governor.certificate.clone(),
        subject: governor.issuer.subject().clone(),
        public_key: governor.issuer.public_key().clone(),
    }
}

/// A prefecture that issues it.
fn world() -> World {
    let mut world = World::on(None);
    let issuer = issuer(&world.authority.users);
    world.app.settings.user_authentication = Some(UserAuthenticationConfig {
        profile: "user-authentication".into(),
        issuer,
    });
    world
}

/// 総務太郎, taken over from the register.
fn taro(world: &World) -> ra::ReceiveRequest {
    ra::ReceiveRequest {
        resident: Some(TARO.into()),
        ..world.taro()
    }
}

fn form(world: &World) -> ra::ReceiveRequest {
    ra::ReceiveRequest {
        certificate_kind: ra::CertificateKind::UserAuthentication,
        ..taro(world)
    }
}

/// From the form to the card in the applicant's hand.
fn walk(world: &World, form: &ra::ReceiveRequest, card: &mut Card) -> ra::Application {
    let clerk = world.clerk();
    let (application, made) = world.settled(&clerk, form, card);
    let act = world.issue_act(&application, &world.wish());
    let issued = world
        .app
        .request_issue(&clerk, &application.id, &act)
        .unwrap();
    let certificate = issued.certificate.clone().unwrap();
    let id = &issued.id;
    let right = ra::ImageRequest {
        verdict: ra::ImageVerdict::Right,
        certificate_sha256: certificate.certificate_sha256.clone(),
        act: None,
    };
    world.app.confirm_image(&clerk, id, &right).unwrap();
    world
        .relay(&clerk, id, card, ra::ChannelPurpose::Write)
        .unwrap();
    let written = world
        .app
        .confirm_written(&clerk, id, &made.trial(&certificate.certificate_sha256))
        .unwrap();
    let fee = ra::FeeRequest {
        amount_yen: written.fee_yen,
        idempotency_key: world.wish(),
    };
    world.app.take_fee(&clerk, id, &fee).unwrap();
    world
        .app
        .hand_over(&clerk, id, &ra::HandOverRequest {})
        .unwrap()
}

#[test]
fn where_it_is_not_issued_the_form_is_not_taken_in() {
    let world = World::on(None);
    let clerk = world.clerk();
    assert_eq!(
        refusal(world.app.receive(&clerk, &form(&world))),
        "place-forbids"
    );
    let asked = ra::OpeningsRequest {
        resident: TARO.into(),
        certificate_kind: ra::CertificateKind::Signature,
    };
    let told = world.app.openings(&clerk, &asked).unwrap();
    assert_eq!(told.issued_here, [ra::CertificateKind::Signature]);
}

#[test]
fn both_certificates_come_onto_one_card_and_each_is_open_by_itself() {
    let world = world();
    let clerk = world.clerk();
    let mut card = world.card();
    let first = walk(&world, &taro(&world), &mut card);
    assert_eq!(first.profile, "signature");

    // The other one is open, this one is not; and the other way round.
    let open = |kind| {
        let asked = ra::OpeningsRequest {
            resident: TARO.into(),
            certificate_kind: kind,
        };
        let told = world.app.openings(&clerk, &asked).unwrap();
        (
            told.last.is_some_and(|held| held.in_effect),
            told.issued_here.len(),
        )
    };
    assert_eq!(open(ra::CertificateKind::Signature), (true, 2));
    assert_eq!(open(ra::CertificateKind::UserAuthentication), (false, 2));
    assert_eq!(
        refusal(world.app.receive(&clerk, &taro(&world))),
        "certificate-in-effect"
    );

    let second = walk(&world, &form(&world), &mut card);
    assert_eq!(
        (second.profile.as_str(), second.certificate_kind),
        (
            "user-authentication",
            ra::CertificateKind::UserAuthentication
        )
    );
    assert_eq!(open(ra::CertificateKind::UserAuthentication), (true, 2));
    assert_eq!(
        refusal(world.app.receive(&clerk, &form(&world))),
        "certificate-in-effect"
    );

    // On the card stand both, each in its file.
    let read = |card: &mut Card, file: u8| {
        let aid = [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
        let select = [&[0x00, 0xA4, 0x04, 0x0C, 0x0A][..], &aid].concat();
        assert_eq!(card.process(&select), [0x90, 0x00]);
        assert_eq!(
            card.process(&[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, file]),
            [0x90, 0x00]
        );
        let mut content = card.process(&[0x00, 0xB0, 0x00, 0x00, 0x00, 0x00, 0x00]);
        content.truncate(content.len() - 2);
        content
    };
    let certificate = &second.certificate.as_ref().unwrap().certificate.0;
    assert_eq!(&read(&mut card, 0x0A), certificate);
    assert_eq!(read(&mut card, 0x0B), world.authority.users.certificate);
    assert_eq!(read(&mut card, 0x02), world.authority.governor.certificate);
    let image = CertificateImage::decode(certificate).unwrap();
    assert!(image.personal.is_none() && image.user.is_some());
}

#[test]
fn a_certificate_of_the_other_kind_is_not_taken_for_it() {
    let world = world();
    let clerk = world.clerk();
    let mut card = world.card();
    let (application, _) = world.settled(&clerk, &form(&world), &mut card);
    world.authority.next(Trouble::OtherKind);
    let act = world.issue_act(&application, &world.wish());
    assert_eq!(
        refusal(world.app.request_issue(&clerk, &application.id, &act)),
        "certificate-differs"
    );
}

#[test]
fn an_act_that_names_the_other_profile_is_refused() {
    let world = world();
    let clerk = world.clerk();
    let mut card = world.card();
    let (mut application, _) = world.settled(&clerk, &form(&world), &mut card);
    application.profile = "signature".into();
    let act = world.issue_act(&application, &world.wish());
    assert_eq!(
        refusal(world.app.request_issue(&clerk, &application.id, &act)),
        "act-invalid"
    );
    assert_eq!(world.authority.issued(), 0);
}
