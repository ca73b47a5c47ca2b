//! The circuit breaker: a wrong governor's name or date stops the gateway until two officers of
//! the authority release it.

use std::sync::Arc;

use pki_core::{
    certificate::SignatureAlgorithm,
    id::{ApplicationId, Sha256Digest},
    officer::{OfficerDeed, Part, Statement},
};
use ra_gateway::{
    adapter::{database::Database, vault::TokenAuditMac},
    app::stops::Followed,
    port::{AuditLog, Clock, Masters},
};
use schema::wire::v1::{
    ra,
    stop::{OfficerSignature, StopRelease},
};

use crate::support::{
    certificate_support::CertifiedParty,
    window::{World, refusal},
};

const EC: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;

fn certified(world: &World, id: &'static str, profile: &str, random: u8) -> CertifiedParty {
    world
        .infrastructure
        .party(id, profile, world.clock.now(), random)
}

/// What the two sign about this stop, as the authority gives it.
fn release(
    stop: &str,
    serial: &str,
    first: &CertifiedParty,
    second: &CertifiedParty,
) -> StopRelease {
    let act = ApplicationId::from_bytes([9; 16]);
    let deed = OfficerDeed::ReleaseStop {
        gateway: "gw-1".into(),
        stop: stop.into(),
        serial: serial.into(),
        reason: "設定を改めた".into(),
    };
    let signed = |person: &CertifiedParty, part| {
        let statement = Statement {
            version: 1,
            prefecture: "13".into(),
            officer: person.id.parse().unwrap(),
            act,
            part,
            deed: deed.name().into(),
            subject: deed.subject(),
            deed_sha256: Sha256Digest::of(&deed.to_bytes()),
        };
        OfficerSignature {
            officer: person.id.into(),
            certificate: person.certificate.clone().into(),
            signature: person.key.sign(EC, &statement.message()).into(),
        }
    };
    StopRelease {
        stop: stop.into(),
        act: act.to_string(),
        proposer: signed(first, Part::Propose),
        second: signed(second, Part::Approve),
        deed: deed.to_bytes().into(),
    }
}

fn verdict(application: &ra::Application, verdict: ra::ImageVerdict) -> ra::ImageRequest {
    let certificate = application.certificate.as_ref().unwrap();
    ra::ImageRequest {
        verdict,
        certificate_sha256: certificate.certificate_sha256.clone(),
        act: None,
    }
}

fn releases_in_the_log(world: &World) -> Vec<(String, Option<String>)> {
    let url = format!("sqlite:{}", world.folder.path("ra.db").display());
    let mac = Arc::new(TokenAuditMac::new(
        Arc::clone(&world.masters) as Arc<dyn Masters>
    ));
    let log = Database::open(&url, 1, "reader", mac).unwrap();
    let rows = log.audit_rows(None, 1_000).unwrap().into_iter();
    rows.filter(|row| row.act == "release-breaker")
        .map(|row| (row.outcome, row.reason))
        .collect()
}

#[test]
fn a_wrong_governor_stops_issuing_and_writing_until_two_officers_release_it() {
    let world = World::on(None);
    let clerk = world.clerk();
    // One applicant whose certificate looks right, one who waits for his, one who sees the fault.
    let mut card = world.card();
    let settled = |card: &mut _| world.settled(&clerk, &world.taro(), card).0;
    let (next, other) = (settled(&mut world.card()), settled(&mut world.card()));
    let issued = |application: &ra::Application| {
        let act = world.issue_act(application, &world.wish());
        let issued = world.app.request_issue(&clerk, &application.id, &act);
        issued.unwrap()
    };
    let confirmed = issued(&settled(&mut card));
    let right = verdict(&confirmed, ra::ImageVerdict::Right);
    world
        .app
        .confirm_image(&clerk, &confirmed.id, &right)
        .unwrap();
    let faulty = issued(&other);
    let wrong = verdict(&faulty, ra::ImageVerdict::IssuerWrong);
    assert_eq!(world.app.follow_stops().unwrap(), Followed::default());
    for _ in 0..2 {
        world.app.confirm_image(&clerk, &faulty.id, &wrong).unwrap();
    }
    let stops = world.app.store.stops().unwrap();
    assert_eq!(stops.len(), 1);
    let stop = &stops[0];
    let stopped = |card: &mut _| {
        let act = world.issue_act(&next, &world.wish());
        let issuing = world.app.request_issue(&clerk, &next.id, &act);
        assert_eq!(refusal(issuing), "issuing-stopped");
        let writing = world.relay(&clerk, &confirmed.id, card, ra::ChannelPurpose::Write);
        assert_eq!(refusal(writing), "issuing-stopped");
    };
    stopped(&mut card);

    // The authority is told who saw what, and its own word releases nothing.
    let followed = world.app.follow_stops().unwrap();
    assert_eq!((followed.released, followed.open), (0, 1));
    let told = world.authority.stops.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].id.as_str(), told[0].serial.as_str()),
        (stop.id.as_str(), stop.serial.as_str())
    );
    assert_eq!(told[0].operator, clerk.operator.to_string());
    let one = certified(&world, "OFF-1", "officer.toml", 21);
    let two = certified(&world, "OFF-2", "officer.toml", 22);
    let clerk_card = certified(&world, "13101-0077", "operator.toml", 23);
    let mut forged = release(&stop.id, &stop.serial, &one, &two);
    forged.second.signature = forged.proposer.signature.clone();
    for refused in [
        forged,
        release(&stop.id, &stop.serial, &one, &one),
        release(&stop.id, &stop.serial, &one, &clerk_card),
        release(&stop.id, "0badcafe", &one, &two),
    ] {
        *world.authority.releases.lock().unwrap() = vec![refused];
        // What is refused comes again with every answer, and has one row.
        for _ in 0..2 {
            assert_eq!(world.app.follow_stops().unwrap().released, 0);
        }
        stopped(&mut card);
    }
    let refused = ("refused".to_owned(), Some("release-refused".to_owned()));
    assert_eq!(releases_in_the_log(&world), vec![refused; 4]);

    // Two officers' signatures over this stop do.
    *world.authority.releases.lock().unwrap() = vec![release(&stop.id, &stop.serial, &one, &two)];
    let followed = world.app.follow_stops().unwrap();
    assert_eq!((followed.released, followed.open), (1, 0));
    assert_eq!(
        releases_in_the_log(&world).last().unwrap().0,
        "done".to_owned()
    );
    world
        .relay(&clerk, &confirmed.id, &mut card, ra::ChannelPurpose::Write)
        .unwrap();
}

#[test]
fn a_release_by_file_is_judged_like_any_other() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (issued, _) = world.issued(&clerk, &mut world.card());
    let wrong = verdict(&issued, ra::ImageVerdict::IssuerWrong);
    world.app.confirm_image(&clerk, &issued.id, &wrong).unwrap();
    let stop = world.app.store.stops().unwrap().remove(0);
    let one = certified(&world, "OFF-1", "officer.toml", 21);
    let two = certified(&world, "OFF-2", "officer.toml", 22);
    let by_file = |release: &StopRelease| world.app.release_by_file(release).unwrap();
    assert!(!by_file(&release(&stop.id, &stop.serial, &two, &two)));
    assert!(!by_file(&release(
        &"0".repeat(32),
        &stop.serial,
        &one,
        &two
    )));
    let good = release(&stop.id, &stop.serial, &one, &two);
    assert!(by_file(&good));
    assert!(!by_file(&good), "there is nothing left to release");
    assert!(world.app.store.stops().unwrap().is_empty());
}
