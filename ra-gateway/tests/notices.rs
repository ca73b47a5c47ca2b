//! Notices about a card that its holder has, with a card in software: the password services
//! and the erasure, interrupted anywhere; and finding a certificate.

mod support;

use pki_core::{
    card_channel::{Command, JPKI_AID, Response},
    certificate::CheckCode,
    id::Sha256Digest,
    revocation::ground::Ground,
};
use ra_gateway::app::{caller::Clerk, refusal::Failure};
use schema::wire::v1::ra;
use support::{
    holder::{identity, written},
    window::{CARD, Trouble, World, answers, licence, refusal},
};
use terminal::virtual_card::Card;

const FIRST: &[u8] = b"TARO1950";
const SECOND: &[u8] = b"KASUMI2026";

/// 総務太郎 has his card with his certificate.
struct Holder {
    world: World,
    clerk: Clerk,
    card: Card,
    application: ra::Application,
}

fn holder() -> Holder {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let application = written(&world, &clerk, &mut card);
    Holder {
        world,
        clerk,
        card,
        application,
    }
}

impl Holder {
    fn request(&self, service: ra::CardService) -> ra::NoticeRequest {
        ra::NoticeRequest {
            idempotency_key: self.world.wish(),
            service,
            card: hex::encode(CARD),
            certificate_kind: ra::CertificateKind::Signature,
            identity: (service != ra::CardService::Erase).then(identity),
        }
    }

    fn open(&self, service: ra::CardService) -> ra::Notice {
        self.world
            .app
            .open_notice(&self.clerk, &self.request(service))
            .unwrap()
    }

    /// Relays at most so many rounds; the interim password when the card has done it.
    fn relay(&mut self, id: &str, rounds: usize) -> Result<Option<String>, Failure> {
        let app = &self.world.app;
        let opened = app.open_notice_channel(&self.clerk, id)?;
        let mut commands = opened.commands;
        for _ in 0..rounds {
            let responses = answers(&mut self.card, &commands);
            let next = app.relay_notice(
                &self.clerk,
                &opened.channel,
                &ra::CardRelayRequest { responses },
            )?;
            if next.done {
                return Ok(next.interim.map(|password| password.0));
            }
            commands = next.commands;
        }
        Ok(None)
    }

    fn step(&self, id: &str) -> ra::NoticeStep {
        self.world.app.notice(&self.clerk, id).unwrap().step
    }

    fn select_jpki(&mut self) {
        let select = Command::new(0x00, 0xA4, 0x04, 0x0C).with_data(&JPKI_AID);
        assert!(self.card.process(&select.to_bytes()).ends_with(&[0x90, 0]));
        let file = Command::new(0x00, 0xA4, 0x02, 0x0C).with_data(&[0x00, 0x1B]);
        assert!(self.card.process(&file.to_bytes()).ends_with(&[0x90, 0]));
    }

    /// VERIFY of the signature password.
    fn present(&mut self, password: &[u8]) -> u16 {
        self.select_jpki();
        let verify = Command::new(0x00, 0x20, 0x00, 0x80).with_data(password);
        Response::parse(&self.card.process(&verify.to_bytes()))
            .unwrap()
            .sw
    }

    /// CHANGE to the holder's own, as a terminal does after VERIFY.
    fn change(&mut self, from: &[u8], to: &[u8]) {
        assert_eq!(self.present(from), 0x9000);
        let change = Command::new(0x00, 0x24, 0x01, 0x80).with_data(to);
        assert!(self.card.process(&change.to_bytes()).ends_with(&[0x90, 0]));
    }

    fn revoke(&self) {
        let identity = ra::RevocationIdentity {
            document: licence().document,
            face_matches: true,
        };
        let digest = Sha256Digest::of(&identity.digest_input());
        let act = self
            .world
            .revoke_act(&self.application, Ground::Article9, digest);
        let request = ra::WindowRevokeRequest { act, identity };
        self.world.app.revoke(&self.clerk, &request).unwrap();
    }
}

#[test]
fn a_locked_card_is_unlocked_and_keeps_its_password() {
    let mut holder = holder();
    for _ in 0..5 {
        holder.present(b"WRONG1");
    }
    assert_eq!(holder.present(FIRST), 0x6984, "blocked");
    let notice = holder.open(ra::CardService::Unlock);
    assert_eq!(notice.step, ra::NoticeStep::Open);
    assert_eq!(notice.items.name, "総務　太郎");
    // No authority is needed: it may be away the whole day.
    holder.world.authority.next(Trouble::TokenAway);
    assert_eq!(holder.relay(&notice.id, 9).unwrap(), None);
    assert_eq!(holder.step(&notice.id), ra::NoticeStep::Done);
    assert_eq!(holder.present(FIRST), 0x9000);
    assert_eq!(
        refusal(holder.relay(&notice.id, 9)),
        "step-not-due",
        "one notice unlocks once"
    );
}

#[test]
fn a_forgotten_password_is_replaced_and_an_interruption_is_taken_up_again() {
    let mut holder = holder();
    let notice = holder.open(ra::CardService::Initialise);
    let id = notice.id.as_str();
    assert_eq!(
        refusal(holder.world.app.password_set(&holder.clerk, id)),
        "step-not-due",
        "nothing is on the card yet"
    );
    // The line is cut after each round in turn; the same button begins again.
    for rounds in [0, 1, 2] {
        assert_eq!(holder.relay(id, rounds).unwrap(), None);
        assert_eq!(holder.step(id), ra::NoticeStep::Open);
        assert_eq!(holder.present(FIRST), 0x9000, "the old one holds still");
    }
    let lost = holder.relay(id, 9).unwrap().expect("an interim password");
    assert_eq!(holder.step(id), ra::NoticeStep::Interim);
    assert_eq!(holder.present(FIRST), 0x63C4, "the old one is gone");
    // The terminal lost it, so another is set.
    let interim = holder.relay(id, 9).unwrap().expect("another one");
    assert_ne!(interim, lost);
    assert_eq!(holder.present(lost.as_bytes()), 0x63C4);
    holder.change(interim.as_bytes(), SECOND);
    let done = holder.world.app.password_set(&holder.clerk, id).unwrap();
    assert_eq!(done.step, ra::NoticeStep::Done);
    let again = holder.world.app.password_set(&holder.clerk, id).unwrap();
    assert_eq!(again, done, "said twice, done once");
    assert_eq!(holder.present(SECOND), 0x9000);
    assert_eq!(holder.present(interim.as_bytes()), 0x63C4);
    let open = holder.world.app.notices(&holder.clerk, true).unwrap();
    assert!(open.notices.is_empty());
}

#[test]
fn a_change_is_made_at_the_card_and_recorded() {
    let mut holder = holder();
    let notice = holder.open(ra::CardService::Change);
    assert_eq!(
        refusal(holder.relay(&notice.id, 9)),
        "step-not-due",
        "the gateway has no business on the card"
    );
    holder.change(FIRST, SECOND);
    let done = holder
        .world
        .app
        .password_set(&holder.clerk, &notice.id)
        .unwrap();
    assert_eq!(done.step, ra::NoticeStep::Done);
    assert!(done.ended_at.is_some());
}

#[test]
fn only_the_identified_holder_is_served() {
    let holder = holder();
    let app = &holder.world.app;
    let ask = |change: &dyn Fn(&mut ra::NoticeRequest)| {
        let mut request = holder.request(ra::CardService::Unlock);
        change(&mut request);
        refusal(app.open_notice(&holder.clerk, &request))
    };
    let identity_of = |request: &mut ra::NoticeRequest,
                       change: &dyn Fn(&mut ra::NoticeIdentity)| {
        change(request.identity.as_mut().unwrap());
    };
    assert_eq!(ask(&|r| r.identity = None), "items-invalid");
    assert_eq!(
        ask(&|r| identity_of(r, &|i| i.face_matches = false)),
        "items-invalid"
    );
    assert_eq!(
        ask(&|r| identity_of(r, &|i| i.document.expires_on = Some("2026-11-21".into()))),
        "items-invalid"
    );
    assert_eq!(ask(&|r| r.card = "ee".repeat(16)), "not-found");
    assert_eq!(ask(&|r| r.card = "總".into()), "items-invalid");
    assert_eq!(
        ask(&|r| {
            r.service = ra::CardService::Erase;
            r.identity = None;
        }),
        "certificate-in-effect"
    );
    // The register says that he has moved meanwhile.
    let register = support::window::REGISTER.replace("１番２号,resident", "１番２号,moved");
    std::fs::write(holder.world.folder.path("register.csv"), register).unwrap();
    holder.world.clock.advance(60);
    assert_eq!(ask(&|_| ()), "not-identified");
}

#[test]
fn a_repeated_notice_is_one_and_another_under_its_key_is_refused() {
    let holder = holder();
    let app = &holder.world.app;
    let request = holder.request(ra::CardService::Unlock);
    let first = app.open_notice(&holder.clerk, &request).unwrap();
    let second = app.open_notice(&holder.clerk, &request).unwrap();
    assert_eq!(first, second);
    let other = ra::NoticeRequest {
        service: ra::CardService::Change,
        ..request
    };
    assert_eq!(
        refusal(app.open_notice(&holder.clerk, &other)),
        "idempotency-key-reused"
    );
    let given_up = app.give_up_notice(&holder.clerk, &first.id).unwrap();
    assert_eq!(given_up.step, ra::NoticeStep::GivenUp);
    assert_eq!(
        refusal(app.open_notice_channel(&holder.clerk, &first.id)),
        "step-not-due"
    );
    assert_eq!(app.notices(&holder.clerk, false).unwrap().notices.len(), 1);
}

#[test]
fn another_card_in_the_reader_and_a_foreign_relay_are_refused() {
    let mut holder = holder();
    let notice = holder.open(ra::CardService::Unlock);
    let app = &holder.world.app;
    let opened = app.open_notice_channel(&holder.clerk, &notice.id).unwrap();
    // Another card answers: its record names itself.
    let mut responses = answers(&mut holder.card, &opened.commands);
    responses[1].0[0] ^= 1;
    let outcome = app.relay_notice(
        &holder.clerk,
        &opened.channel,
        &ra::CardRelayRequest { responses },
    );
    assert_eq!(refusal(outcome), "card-refused");
    // A channel of the walk is none of a notice's.
    let unknown = app.relay_notice(
        &holder.clerk,
        &"00".repeat(16),
        &ra::CardRelayRequest {
            responses: Vec::new(),
        },
    );
    assert_eq!(refusal(unknown), "channel-unknown");
    assert_eq!(holder.step(&notice.id), ra::NoticeStep::Open);
}

#[test]
fn a_notice_given_up_while_the_card_is_written_to_stays_given_up() {
    let mut holder = holder();
    let notice = holder.open(ra::CardService::Initialise);
    let opened = holder
        .world
        .app
        .open_notice_channel(&holder.clerk, &notice.id)
        .unwrap();
    holder
        .world
        .app
        .give_up_notice(&holder.clerk, &notice.id)
        .unwrap();
    let mut commands = opened.commands;
    let mut refused = None;
    for _ in 0..9 {
        let responses = answers(&mut holder.card, &commands);
        let request = ra::CardRelayRequest { responses };
        match holder
            .world
            .app
            .relay_notice(&holder.clerk, &opened.channel, &request)
        {
            Ok(next) => {
                assert!(!next.done, "the interim password went out");
                commands = next.commands;
            }
            Err(failure) => {
                refused = Some(refusal(Err::<(), _>(failure)));
                break;
            }
        }
    }
    assert_eq!(refused, Some("changed-meanwhile"));
    assert_eq!(holder.step(&notice.id), ra::NoticeStep::GivenUp);
}

#[test]
fn another_municipality_finds_neither_notice_nor_certificate() {
    let holder = holder();
    let notice = holder.open(ra::CardService::Unlock);
    let app = &holder.world.app;
    let elsewhere = holder.world.clerk_elsewhere();
    assert_eq!(refusal(app.notice(&elsewhere, &notice.id)), "not-found");
    assert_eq!(
        refusal(app.give_up_notice(&elsewhere, &notice.id)),
        "not-found"
    );
    assert_eq!(
        refusal(app.open_notice_channel(&elsewhere, &notice.id)),
        "not-found"
    );
    assert!(app.notices(&elsewhere, false).unwrap().notices.is_empty());
    let again = holder.request(ra::CardService::Unlock);
    assert_eq!(refusal(app.open_notice(&elsewhere, &again)), "not-found");
    let issued = holder.application.certificate.clone().unwrap();
    let mut sha256 = [0; 32];
    hex::decode_to_slice(&issued.certificate_sha256, &mut sha256).unwrap();
    let ways: [&dyn Fn(&mut ra::CertificateSearchRequest); 4] = [
        &|r| r.serial = Some(issued.serial.clone()),
        &|r| r.check_code = Some(CheckCode::of(&sha256).to_string()),
        &|r| r.card = Some(hex::encode(CARD)),
        &|r| r.resident = Some("13101-000001".into()),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let mut search = ra::CertificateSearchRequest::default();
        way(&mut search);
        let here = app.find_certificates(&holder.clerk, &search).unwrap();
        assert_eq!(here.certificates.len(), 1, "way {number}");
        let there = app.find_certificates(&elsewhere, &search).unwrap();
        assert!(there.certificates.is_empty(), "way {number}");
    }
    assert_eq!(
        refusal(app.certificate(&elsewhere, &issued.serial)),
        "not-found"
    );
}

#[test]
fn what_a_notice_says_of_its_holder_is_sealed() {
    let holder = holder();
    let mut request = holder.request(ra::CardService::Unlock);
    let said = "母の旧姓で名乗った";
    request.identity.as_mut().unwrap().remark = Some(said.to_owned());
    let notice = holder.world.app.open_notice(&holder.clerk, &request);
    assert_eq!(notice.unwrap().items.name, "総務　太郎");
    let mut seen = 0;
    for file in std::fs::read_dir(&holder.world.folder.0).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("ra.db") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        seen += bytes.len();
        for text in [said, "太郎", "13101-000001"] {
            let found = bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            assert!(!found, "{text} in {name}");
        }
    }
    assert!(seen > 10_000);
}

#[test]
fn after_a_revocation_key_and_certificate_are_erased_from_the_card() {
    let mut holder = holder();
    let unlock = holder.open(ra::CardService::Unlock);
    holder.revoke();
    assert_eq!(
        refusal(holder.relay(&unlock.id, 9)),
        "changed-meanwhile",
        "a notice of before is left alone"
    );
    assert_eq!(
        refusal(
            holder
                .world
                .app
                .open_notice(&holder.clerk, &holder.request(ra::CardService::Initialise))
        ),
        "card-refused"
    );
    assert_eq!(holder.present(FIRST), 0x9000, "the key is there still");
    let erase = holder.open(ra::CardService::Erase);
    assert_eq!(holder.relay(&erase.id, 9).unwrap(), None);
    assert_eq!(holder.step(&erase.id), ra::NoticeStep::Done);
    assert_ne!(holder.present(FIRST), 0x9000);
    let record = Command::new(0x00, 0xA4, 0x04, 0x00)
        .with_data(&pki_core::card_channel::PERSONALISATION_AID)
        .with_le(256);
    assert!(
        holder
            .card
            .process(&record.to_bytes())
            .ends_with(&[0x90, 0])
    );
    let record = Command::new(0x80, 0xCA, 0x00, 0x01).with_le(256);
    let record = Response::parse(&holder.card.process(&record.to_bytes())).unwrap();
    assert_eq!(record.data[16], 0, "the card is blank again");
    let found = holder
        .world
        .app
        .find_certificates(
            &holder.clerk,
            &ra::CertificateSearchRequest {
                card: Some(hex::encode(CARD)),
                ..ra::CertificateSearchRequest::default()
            },
        )
        .unwrap();
    assert_eq!(found.certificates[0].standing, "revoked");
    assert!(found.certificates[0].erased_at.is_some());
}

#[test]
fn a_certificate_is_found_by_what_is_printed_by_its_card_and_by_its_holder() {
    let holder = holder();
    let issued = holder.application.certificate.clone().unwrap();
    let mut sha256 = [0; 32];
    hex::decode_to_slice(&issued.certificate_sha256, &mut sha256).unwrap();
    let code = CheckCode::of(&sha256).to_string();
    let find = |change: &dyn Fn(&mut ra::CertificateSearchRequest)| {
        let mut request = ra::CertificateSearchRequest::default();
        change(&mut request);
        holder.world.app.find_certificates(&holder.clerk, &request)
    };
    let ways: [&dyn Fn(&mut ra::CertificateSearchRequest); 5] = [
        &|r| r.serial = Some(issued.serial.clone()),
        &|r| r.check_code = Some(code.clone()),
        &|r| r.check_code = Some(code.to_lowercase().replace('-', " ")),
        &|r| r.card = Some(hex::encode(CARD)),
        &|r| r.resident = Some("13101-000001".into()),
    ];
    for way in ways {
        let found = find(way).unwrap().certificates;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].serial, issued.serial);
        assert_eq!(found[0].application, holder.application.id);
        assert_eq!(found[0].certificate, issued.certificate);
        assert_eq!(found[0].standing, "held");
    }
    let none: [&dyn Fn(&mut ra::CertificateSearchRequest); 4] = [
        &|r| r.serial = Some(format!("01{}", "ab".repeat(15))),
        &|r| r.check_code = Some("0000-0000-0000-0000".into()),
        &|r| r.card = Some("ee".repeat(16)),
        &|r| r.resident = Some("13101-000002".into()),
    ];
    for way in none {
        assert!(find(way).unwrap().certificates.is_empty());
    }
    let wrong: [&dyn Fn(&mut ra::CertificateSearchRequest); 3] =
        [&|_| (), &|r| r.check_code = Some("UUUU".into()), &|r| {
            r.serial = Some(issued.serial.clone());
            r.card = Some(hex::encode(CARD));
        }];
    for way in wrong {
        assert_eq!(refusal(find(way)), "items-invalid");
    }
}
