//! The certificate for signing in (利用者証明用電子証明書) beside the one for signatures, for the
//! same person on the same card.

use pki_core::{certificate::CertificateImage, id::Sha256Digest, revocation::ground::Ground};
use ra_gateway::config::{IssuerConfig, UserAuthenticationConfig};
use schema::wire::v1::ra;
use terminal::virtual_card::Card;

use crate::support::{
    certificate_support::Governor,
    holder::identity,
    window::{CARD, Trouble, World, answers, licence, refusal},
};

/// His number in the register.
pub const TARO: &str = "13101-000001";

fn issuer(governor: &Governor) -> IssuerConfig {
    IssuerConfig {
        certificate: governor.certificate.clone(),
        subject: governor.issuer.subject().clone(),
        public_key: governor.issuer.public_key().clone(),
    }
}

/// A prefecture that issues it.
pub fn world() -> World {
    let mut world = World::on(None);
    let issuer = issuer(&world.authority.users);
    world.app.settings.user_authentication = Some(UserAuthenticationConfig {
        profile: "user-authentication".into(),
        issuer,
    });
    world
}

/// 総務太郎, taken over from the register.
pub fn taro(world: &World) -> ra::ReceiveRequest {
    ra::ReceiveRequest {
        resident: Some(TARO.into()),
        ..world.taro()
    }
}

pub fn form(world: &World) -> ra::ReceiveRequest {
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

    // Each is counted as what it is.
    let counted = world.app.statistics(&clerk, "2026-11").unwrap();
    let issued = &counted.months.last().unwrap().issued;
    let count = |class: &str| issued.iter().find(|one| one.class == class).unwrap().count;
    assert_eq!(count("first"), 1);
    assert_eq!(count("user-authentication.first"), 1);
    assert_eq!(count("user-authentication.renewal"), 0);
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

#[test]
fn nobody_is_asked_for_substitutes_where_the_certificate_carries_no_name() {
    let world = world();
    let clerk = world.clerk();
    let mut card = world.card();
    let form = ra::ReceiveRequest {
        resident: Some("13101-000002".into()),
        certificate_kind: ra::CertificateKind::UserAuthentication,
        ..world.hanako()
    };
    let (read, _) = world.key_read(&clerk, &form, &mut card);
    assert_eq!(read.step, ra::Step::CharactersSettled);
    assert_eq!(read.certificate_items.as_ref().unwrap().name, "＊橋　花子");
    let findings = world.app.characters(&clerk, &read.id).unwrap();
    assert!(findings.findings.is_empty());
    // What is sent to the step all the same changes nothing.
    let chosen = ra::CharacterChoices {
        choices: vec![ra::CharacterChoice {
            item: "name".into(),
            position: 0,
            substitute: "高".into(),
        }],
    };
    assert_eq!(
        refusal(world.app.settle_characters(&clerk, &read.id, &chosen)),
        "substitute-invalid"
    );
    let act = world.issue_act(&read, &world.wish());
    let issued = world.app.request_issue(&clerk, &read.id, &act).unwrap();
    assert_eq!(issued.step, ra::Step::Issued);
}

/// Presents a password to a key of the card: `18` the PIN, `1B` the password for signatures.
fn present(card: &mut Card, file: u8, password: &[u8]) -> Vec<u8> {
    let aid = [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
    let select = [&[0x00, 0xA4, 0x04, 0x0C, 0x0A][..], &aid].concat();
    assert_eq!(card.process(&select), [0x90, 0x00]);
    assert_eq!(
        card.process(&[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, file]),
        [0x90, 0x00]
    );
    let length = u8::try_from(password.len()).unwrap();
    card.process(&[&[0x00, 0x20, 0x00, 0x80, length][..], password].concat())
}

/// Takes a notice in about one of the card's keys and carries it out; the interim password.
fn serve(
    world: &World,
    card: &mut Card,
    service: ra::CardService,
    kind: ra::CertificateKind,
) -> Option<String> {
    let clerk = world.clerk();
    let request = ra::NoticeRequest {
        idempotency_key: world.wish(),
        service,
        card: hex::encode(CARD),
        certificate_kind: kind,
        identity: (service != ra::CardService::Erase).then(identity),
    };
    let notice = world.app.open_notice(&clerk, &request).unwrap();
    assert_eq!(notice.certificate_kind, kind);
    let opened = world.app.open_notice_channel(&clerk, &notice.id).unwrap();
    let mut commands = opened.commands;
    loop {
        let responses = answers(card, &commands);
        let request = ra::CardRelayRequest { responses };
        let next = world
            .app
            .relay_notice(&clerk, &opened.channel, &request)
            .unwrap();
        if next.done {
            return next.interim.map(|interim| interim.0);
        }
        commands = next.commands;
    }
}

#[test]
fn each_key_has_its_own_password_services_and_tries() {
    let world = world();
    let mut card = world.card();
    walk(&world, &taro(&world), &mut card);
    let second = walk(&world, &form(&world), &mut card);
    let user = ra::CertificateKind::UserAuthentication;

    // Three wrong tries shut the PIN; the other password knows nothing of it.
    for _ in 0..3 {
        present(&mut card, 0x18, b"0000");
    }
    assert_eq!(present(&mut card, 0x18, b"8274"), [0x69, 0x84]);
    assert_eq!(present(&mut card, 0x1B, b"TARO1950"), [0x90, 0x00]);
    serve(&world, &mut card, ra::CardService::Unlock, user);
    assert_eq!(present(&mut card, 0x18, b"8274"), [0x90, 0x00]);

    // A forgotten PIN: the interim one keeps the rule of four digits.
    let interim = serve(&world, &mut card, ra::CardService::Initialise, user).unwrap();
    assert!(interim.len() == 4 && interim.bytes().all(|b| b.is_ascii_digit()));
    assert_eq!(
        present(&mut card, 0x18, interim.as_bytes()),
        [0x90, 0x00],
        "what stands on the card is what the terminal replaces"
    );
    assert_eq!(present(&mut card, 0x1B, b"TARO1950"), [0x90, 0x00]);

    // In effect it is not erased; revoked, it alone is.
    let clerk = world.clerk();
    let erase = |kind| ra::NoticeRequest {
        idempotency_key: world.wish(),
        service: ra::CardService::Erase,
        card: hex::encode(CARD),
        certificate_kind: kind,
        identity: None,
    };
    assert_eq!(
        refusal(world.app.open_notice(&clerk, &erase(user))),
        "certificate-in-effect"
    );
    let identity = ra::RevocationIdentity {
        document: licence().document,
        face_matches: true,
    };
    let digest = Sha256Digest::of(&identity.digest_input());
    let act = world.revoke_act(&second, Ground::Article9, digest);
    let request = ra::WindowRevokeRequest { act, identity };
    world.app.revoke(&clerk, &request).unwrap();
    serve(&world, &mut card, ra::CardService::Erase, user);
    assert_eq!(present(&mut card, 0x18, interim.as_bytes()), [0x69, 0x84]);
    assert_eq!(present(&mut card, 0x1B, b"TARO1950"), [0x90, 0x00]);
    assert_eq!(
        refusal(
            world
                .app
                .open_notice(&clerk, &erase(ra::CertificateKind::Signature))
        ),
        "certificate-in-effect"
    );

    // Found by the card, each with its kind and standing.
    let asked = ra::CertificateSearchRequest {
        card: Some(hex::encode(CARD)),
        ..ra::CertificateSearchRequest::default()
    };
    let found = world.app.find_certificates(&clerk, &asked).unwrap();
    let mut standings: Vec<_> = found
        .certificates
        .iter()
        .map(|one| (one.certificate_kind, one.standing.as_str()))
        .collect();
    standings.sort_unstable();
    assert_eq!(
        standings,
        [(ra::CertificateKind::Signature, "held"), (user, "revoked")]
    );
    assert!(
        found
            .certificates
            .iter()
            .all(|one| (one.certificate_kind == user) == one.erased_at.is_some())
    );
}
