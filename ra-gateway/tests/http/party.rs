//! Who gets in, and what the keepers are told.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pki_core::certificate::profile::Profile;
use pki_core::certificate::{Party, Subject, pem};
use ra_gateway::adapter::authority::HttpAuthority;
use ra_gateway::config::{AuthorityConfig, KeyFiles};
use ra_gateway::port::{AuditEntry, Clock, PartyKind};
use serde_json::json;
use service::tls;
use ureq::Agent;

use crate::served::{Client, EC, key_pem, kind, serve};
use crate::support::certificate_support::SoftKey;
use crate::support::window::{KIOSK, TERMINAL, World};

#[test]
fn a_key_that_others_can_read_makes_no_server_and_no_client() {
    use std::os::unix::fs::PermissionsExt;

    let world = World::on(None);
    let files = KeyFiles {
        certificate: world.folder.path("own.pem"),
        key: world.folder.path("own.key"),
    };
    let (key, certificate) = &world.terminal;
    std::fs::write(
        &files.certificate,
        pem::encode(pem::CERTIFICATE, certificate),
    )
    .unwrap();
    crate::support::write_private(&files.key, &key_pem(key));
    let authority = &world.infrastructure.certificate;
    let client = || {
        let config = AuthorityConfig {
            url: "https://localhost".into(),
            client: files.clone(),
            timeout: Duration::from_secs(1),
            attempts: 1,
        };
        HttpAuthority::new(&config, authority)
    };
    assert!(tls::mutual(&files, authority).is_ok());
    assert!(client().is_ok());
    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        tls::mutual(&files, authority),
        Err(tls::TlsFault::Key(_))
    ));
    assert!(client().is_err());
}

#[test]
fn nobody_gets_in_without_a_certificate_and_kiosks_get_no_further_than_theirs() {
    let (served, parts) = serve(World::on(None), 1000);
    let stranger = Client::new(&served, None);
    assert!(
        stranger
            .agent
            .get(format!("{}/openapi.json", served.address))
            .call()
            .is_err()
    );
    let foreign = World::on(None);
    let other_ca = Client::new(&served, Some(&foreign.terminal));
    assert!(
        other_ca
            .agent
            .get(format!("{}/openapi.json", served.address))
            .call()
            .is_err()
    );
    let kiosk = Client::new(&served, Some(&parts.kiosk));
    let (status, answer) = kiosk.get("/v1/applications");
    assert_eq!((status, kind(&answer)), (403, "wrong-party"));
    let health = json!({
        "self_test": "passed",
        "software_sha256": "ab".repeat(32),
        "state": "idle",
        "time": "2026-11-22T05:00:00Z",
    });
    let say = || kiosk.post("/v1/kiosk/health", health.to_string().as_bytes());
    assert_eq!(say().1["suspended"], false);
    let entry = AuditEntry {
        act: "suspend-party",
        ..AuditEntry::default()
    };
    let now = parts.clock.now();
    parts
        .app
        .store
        .set_suspended(PartyKind::Kiosk, KIOSK, true, now, &entry)
        .unwrap();
    assert_eq!(say().1["suspended"], true, "it is told so");
}

#[test]
fn the_keepers_page_says_why_the_gateway_is_not_ready() {
    let world = World::on(None);
    let masters = Arc::clone(&world.masters);
    let (served, _parts) = serve(world, 1000);
    let get = |path: &str| {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let mut response = agent.get(format!("{}{path}", served.admin)).call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), text)
    };
    assert_eq!(get("/healthz").0, 200);
    assert_eq!(get("/readyz").0, 200);
    masters.away(true);
    let (status, why) = get("/readyz");
    assert_eq!(status, 503);
    assert!(why.contains("taken away"), "{why}");
    masters.away(false);
    assert_eq!(get("/readyz").0, 200);
    assert_eq!(get("/metrics").0, 200);
}

#[test]
fn a_gateway_before_an_authority_of_the_other_mode_sends_nothing_and_says_why() {
    use pki_core::mode::Mode;
    use ra_gateway::port::Announced;

    for (announced, said) in [
        (
            Announced::Mode(Mode::Training),
            "it is of training, and this is production",
        ),
        (Announced::Stranger, "infrastructure CA"),
    ] {
        let world = World::on(None);
        let authority = Arc::clone(&world.authority);
        authority.announces(announced);
        let (served, parts) = serve(world, 1000);
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let asked = std::time::Instant::now();
        let why = loop {
            let address = format!("{}/readyz", served.admin);
            let mut response = agent.get(address).call().unwrap();
            if response.status() == 503 {
                break response.body_mut().read_to_string().unwrap();
            }
            assert!(
                asked.elapsed().as_secs() < 60,
                "it never asks the authority"
            );
            thread::yield_now();
        };
        assert!(why.contains(said), "{why}");
        // It asks again, and is ready as soon as the right one answers.
        authority.announces(Announced::Mode(Mode::Production));
        assert!(parts.app.ask_mode());
        let address = format!("{}/readyz", served.admin);
        assert_eq!(agent.get(address).call().unwrap().status(), 200);
    }
}

#[test]
fn a_terminal_whose_certificate_has_run_out_or_begins_later_does_not_get_in() {
    let world = World::on(None);
    let certified_at = |at: &str, days: &str, random| {
        let key = SoftKey::new(EC);
        let profile = include_str!("../../../pki-core/profiles/terminal.toml");
        let profile = profile.replace("days = 397", &format!("days = {days}"));
        let certificate = world
            .infrastructure
            .certify(
                &Profile::parse(&profile).unwrap(),
                at.parse().unwrap(),
                random,
                &key.public(),
                Subject::Party(Party {
                    id: TERMINAL,
                    dns_names: &[],
                    ip_addresses: &[],
                }),
            )
            .into_der();
        (key, certificate)
    };
    let today = certified_at("2026-11-22T05:00:00Z", "3000", 0x21);
    let others = [
        certified_at("2026-02-01T00:00:00Z", "30", 0x22),
        certified_at("2034-01-01T00:00:00Z", "397", 0x23),
    ];
    let (served, _parts) = serve(world, 1000);
    let asks = |identity| {
        let client = Client::new(&served, Some(identity));
        let address = format!("{}/openapi.json", served.address);
        client.agent.get(address).call().is_ok()
    };
    assert!(asks(&today), "in its time the handshake succeeds");
    for identity in &others {
        assert!(!asks(identity), "outside its time it does not");
    }
}
