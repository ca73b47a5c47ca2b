//! The gateway as terminals and kiosks reach it: real TLS, real connections.

mod support;

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use pki_core::certificate::profile::Profile;
use pki_core::certificate::{Party, SignatureAlgorithm, Subject, pem};
use ra_gateway::{
    adapter::authority::HttpAuthority,
    app::App,
    config::{AuthorityConfig, Config, KeyFiles, LimitConfig, OnlineConfig, ProcedureConfig},
    http::lane::LaneConfig,
    port::{AuditEntry, Clock, MasterFault, Masters, PartyKind},
    startup,
};
use schema::wire::v1::ra;
use serde_json::{Value, json};
use service::tls;
use support::{
    Folder,
    certificate_support::{SoftKey, sample},
    holder::{identity, written},
    window::{CARD, KIOSK, OPERATOR, TERMINAL, World},
};
use ureq::{
    Agent,
    tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider},
};

const EC: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;

fn key_pem(key: &SoftKey) -> String {
    let SoftKey::Ec(pair) = key else {
        panic!("parties have P-256 keys")
    };
    let der = pair.to_pkcs8v1().unwrap();
    pem::encode(pem::PRIVATE_KEY, der.as_ref())
}

/// A gateway that listens, on the world's ports.
struct Served {
    address: String,
    admin: String,
    online: String,
    stop: Option<std::sync::mpsc::Sender<()>>,
    server: Option<thread::JoinHandle<()>>,
    infrastructure: Vec<u8>,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn serve(world: World, limit: u32) -> (Served, Parts) {
    serve_in_lanes(world, limit, LaneConfig::default())
}

fn serve_in_lanes(world: World, limit: u32, lanes: LaneConfig) -> (Served, Parts) {
    let World {
        app,
        clock,
        infrastructure,
        terminal,
        kiosk,
        operator,
        folder,
        ..
    } = world;
    let server_key = SoftKey::new(EC);
    let certificate = infrastructure
        .certify(
            &sample("server.toml", EC),
            clock.now(),
            9,
            &server_key.public(),
            Subject::Party(Party {
                id: "gateway-1",
                dns_names: &["localhost".to_owned()],
                ip_addresses: &[],
            }),
        )
        .into_der();
    let files = KeyFiles {
        certificate: folder.path("server.pem"),
        key: folder.path("server.key"),
    };
    std::fs::write(
        &files.certificate,
        pem::encode(pem::CERTIFICATE, &certificate),
    )
    .unwrap();
    support::write_private(&files.key, &key_pem(&server_key));
    let number = |n| std::num::NonZeroU32::new(n).unwrap();
    let token = "module = 'm.so'\nlabel = 'gateway'\nworker = '/bin/sh'";
    let config = Config {
        node: "test-1".into(),
        prefecture: app.settings.prefecture,
        profile: "signature".into(),
        database: String::new(),
        database_connections: 2,
        notice_connections: 2,
        register: folder.path("register.csv"),
        issuer: app.settings.issuer.clone(),
        user_authentication: None,
        officers: app.settings.officers.clone(),
        listen_gateway: ([127, 0, 0, 1], 0).into(),
        listen_admin: ([127, 0, 0, 1], 0).into(),
        mode: app.settings.mode,
        online: Some(OnlineConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            tls: files.clone(),
            per_minute: number(20),
        }),
        tls: files.clone(),
        infrastructure_ca: infrastructure.certificate.clone(),
        authority: AuthorityConfig {
            url: "https://localhost".into(),
            client: files,
            timeout: Duration::from_secs(1),
            attempts: 1,
        },
        token: toml::from_str::<hsm_config::TokenSpec>(token)
            .unwrap()
            .check(Path::new("/"))
            .unwrap(),
        session_s: 3600,
        session_idle_s: 3600,
        procedures: ProcedureConfig {
            inquiry_days: 30,
            open_days: 90,
        },
        limits: LimitConfig {
            workers: 1,
            body_bytes: 16_384,
            connections: 64,
            terminal: (number(limit), number(limit)),
            operator: (number(limit), number(limit)),
            act_skew_s: 300,
            lanes,
        },
    };
    let app = Arc::new(app);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (ready, at) = std::sync::mpsc::channel();
    let shared = Arc::clone(&app);
    let server = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let running = startup::listen(&config, shared).unwrap();
            let online = running.online.unwrap();
            ready
                .send((running.gateway, running.admin, online))
                .unwrap();
            let _ = actix_web::rt::task::spawn_blocking(move || stopped.recv()).await;
            running.stop().await.unwrap();
        });
    });
    let (gateway, admin, online) = at.recv().unwrap();
    let served = Served {
        address: format!("https://localhost:{}", gateway.port()),
        admin: format!("http://{admin}"),
        online: format!("https://localhost:{}", online.port()),
        stop: Some(stop),
        server: Some(server),
        infrastructure: infrastructure.certificate.clone(),
    };
    let parts = Parts {
        app,
        clock,
        operator,
        terminal,
        kiosk,
        _folder: folder,
    };
    (served, parts)
}

struct Parts {
    app: Arc<App>,
    clock: Arc<support::HandClock>,
    operator: SoftKey,
    terminal: (SoftKey, Vec<u8>),
    kiosk: (SoftKey, Vec<u8>),
    _folder: Folder,
}

/// A client with one connection that it keeps.
struct Client {
    agent: Agent,
    address: String,
    session: String,
}

impl Client {
    fn new(served: &Served, identity: Option<&(SoftKey, Vec<u8>)>) -> Self {
        let roots = [Certificate::from_der(&served.infrastructure).to_owned()];
        let identity = identity.map(|(key, certificate)| {
            let chain = [Certificate::from_der(certificate).to_owned()];
            let key = PrivateKey::from_pem(key_pem(key).as_bytes()).unwrap();
            ClientCert::new_with_certs(&chain, key)
        });
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .client_cert(identity)
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        Self {
            agent: Agent::config_builder()
                .tls_config(tls)
                .http_status_as_error(false)
                .proxy(None)
                .max_idle_connections_per_host(1)
                .timeout_global(Some(Duration::from_secs(10)))
                .build()
                .into(),
            address: served.address.clone(),
            session: String::new(),
        }
    }

    fn post(&self, path: &str, body: &[u8]) -> (u16, Value) {
        let mut response = self
            .agent
            .post(format!("{}{path}", self.address))
            .header("Operator-Session", &self.session)
            .content_type("application/json")
            .send(body)
            .unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (
            response.status().as_u16(),
            serde_json::from_str(&text).unwrap_or(Value::Null),
        )
    }

    /// Whatever the answer is, or that there is none in time.
    fn send_and_forget(&self, path: &str, body: &[u8]) {
        let _ = self
            .agent
            .post(format!("{}{path}", self.address))
            .header("Operator-Session", &self.session)
            .content_type("application/json")
            .send(body);
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let mut response = self
            .agent
            .get(format!("{}{path}", self.address))
            .header("Operator-Session", &self.session)
            .call()
            .unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (
            response.status().as_u16(),
            serde_json::from_str(&text).unwrap_or(Value::Null),
        )
    }

    fn sign_in(&mut self, operator: &SoftKey) {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let (status, challenge) = self.post(
            "/v1/operator-challenges",
            json!({ "operator": OPERATOR }).to_string().as_bytes(),
        );
        assert_eq!(status, 201);
        let bytes = STANDARD
            .decode(challenge["challenge"].as_str().unwrap())
            .unwrap();
        let message = schema::wire::v1::ra::operator_challenge_message(TERMINAL, &bytes);
        let body = json!({
            "challenge_id": challenge["challenge_id"],
            "operator": OPERATOR,
            "signature": STANDARD.encode(operator.sign(EC, &message)),
        });
        let (status, session) = self.post("/v1/operator-sessions", body.to_string().as_bytes());
        assert_eq!(status, 201, "{session}");
        self.session = session["session"].as_str().unwrap().to_owned();
    }
}

fn kind(answer: &Value) -> &str {
    answer["type"]
        .as_str()
        .unwrap_or("no problem document")
        .trim_start_matches("urn:jitsuin:problem:")
}

fn form() -> Value {
    json!({
        "idempotency_key": "77".repeat(16),
        "kind": "first",
        "items": {
            "name": "総務　太郎",
            "birth_date": "昭和25年4月1日",
            "sex": "男",
            "address": "東京都千代田区霞が関２丁目１番２号",
        },
        "applied_on": "2026-11-22",
    })
}

#[test]
fn a_clerk_applies_over_mutual_tls_and_is_cut_off_on_the_open_connection() {
    let (served, parts) = serve(World::on(None), 1000);
    let mut client = Client::new(&served, Some(&parts.terminal));
    assert_eq!(client.get("/v1/applications").0, 401, "nobody is signed in");
    client.sign_in(&parts.operator);
    let (status, application) = client.post("/v1/applications", form().to_string().as_bytes());
    assert_eq!(status, 201, "{application}");
    let path = format!("/v1/applications/{}", application["id"].as_str().unwrap());
    assert_eq!(client.get(&path).1["step"], "received");
    let (status, list) = client.get("/v1/applications?open=true");
    assert_eq!(
        (status, list["applications"].as_array().unwrap().len()),
        (200, 1)
    );
    // The same connection, after an officer has suspended the operator, then the terminal.
    let suspend = |kind, id: &str| {
        let entry = AuditEntry {
            act: "suspend-party",
            ..AuditEntry::default()
        };
        let now = parts.clock.now();
        parts
            .app
            .store
            .set_suspended(kind, id, true, now, &entry)
            .unwrap();
    };
    suspend(PartyKind::Operator, OPERATOR);
    let (status, answer) = client.get(&path);
    assert_eq!((status, kind(&answer)), (401, "session-invalid"));
    suspend(PartyKind::Terminal, TERMINAL);
    let (status, answer) = client.get(&path);
    assert_eq!((status, kind(&answer)), (403, "party-suspended"));
}

#[test]
fn bodies_that_are_not_the_interfaces_are_refused_with_a_problem_document() {
    let (served, parts) = serve(World::on(None), 1000);
    let mut client = Client::new(&served, Some(&parts.terminal));
    client.sign_in(&parts.operator);
    let mut unknown = form();
    unknown["remark"] = "x".into();
    let (status, answer) = client.post("/v1/applications", unknown.to_string().as_bytes());
    assert_eq!((status, kind(&answer)), (400, "body-invalid"));
    assert!(
        answer["detail"]
            .as_str()
            .unwrap()
            .contains("unknown field `remark`")
    );
    let (status, answer) = client.post("/v1/applications", &vec![b' '; 20_000]);
    assert_eq!((status, kind(&answer)), (413, "body-too-large"));
    let mut impossible = form();
    impossible["items"]["birth_date"] = "昭和25年2月30日".into();
    let (status, answer) = client.post("/v1/applications", impossible.to_string().as_bytes());
    assert_eq!((status, kind(&answer)), (422, "items-invalid"));
    assert_eq!(answer["errors"][0]["pointer"], "/items/birth_date");
    assert!(!answer.to_string().contains("総務"));
    let (status, answer) = client.get("/v1/applications?open=x");
    assert_eq!((status, kind(&answer)), (400, "query-invalid"));
    let (status, answer) = client.get("/v1/applications?open=true&more=1");
    assert_eq!((status, kind(&answer)), (400, "query-invalid"));
    assert_eq!(client.get("/v1/applications?open=true").0, 200);
    let (status, answer) = client.get("/v1/applications/%FF");
    assert_eq!((status, kind(&answer)), (404, "not-found"));
    assert_eq!(client.get("/v1/nothing").0, 404);
    let (status, answer) = client.get("/v1/register-lookups");
    assert_eq!((status, kind(&answer)), (405, "method-not-allowed"));
    let allowed = |path: &str| {
        let reply = client
            .agent
            .delete(format!("{}{path}", client.address))
            .call()
            .unwrap();
        reply
            .headers()
            .get("allow")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(allowed("/v1/register-lookups"), "POST");
    assert_eq!(allowed("/v1/applications"), "POST, GET");
    assert_eq!(client.get("/openapi.json").1["openapi"], "3.1.0");
}

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
    support::write_private(&files.key, &key_pem(key));
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
fn a_terminal_that_asks_too_often_is_told_when_to_come_again() {
    let (served, parts) = serve(World::on(None), 3);
    // At once: on a slow machine one after the other would not be too often.
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..12)
            .map(|_| {
                let client = Client::new(&served, Some(&parts.terminal));
                scope.spawn(move || client.get("/v1/nothing").0)
            })
            .collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    assert!(answers.contains(&404));
    assert!(answers.contains(&429), "{answers:?}");
    let kiosk = Client::new(&served, Some(&parts.kiosk));
    assert_eq!(kiosk.get("/openapi.json").0, 200, "another one is served");
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
        let profile = include_str!("../../pki-core/profiles/terminal.toml");
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

/// Masters that hold everyone who derives a card's key until the test lets them go.
struct Held {
    inner: Arc<support::MemoryMasters>,
    gate: (Mutex<(bool, usize)>, Condvar),
}

impl Held {
    fn waiting(&self) -> usize {
        self.gate.0.lock().unwrap().1
    }

    fn let_go(&self) {
        self.gate.0.lock().unwrap().0 = true;
        self.gate.1.notify_all();
    }
}

impl Masters for Held {
    fn cmac(&self, label: &str, message: &[u8]) -> Result<[u8; 16], MasterFault> {
        if label == "card-master" {
            let mut state = self.gate.0.lock().unwrap();
            state.1 += 1;
            while !state.0 {
                state = self.gate.1.wait(state).unwrap();
            }
        }
        self.inner.cmac(label, message)
    }

    fn trouble(&self) -> Option<String> {
        None
    }
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Two lanes of two places each; whoever derives a card's key waits in its lane.
fn lanes_that_hold() -> (Served, Parts, Arc<Held>, [String; 2]) {
    let mut world = World::on(None);
    let clerk = world.clerk();
    let application = world.identified(&clerk, &world.hanako());
    written(&world, &clerk, &mut world.card());
    let notice = ra::NoticeRequest {
        idempotency_key: world.wish(),
        service: ra::CardService::Unlock,
        card: hex::encode(CARD),
        certificate_kind: ra::CertificateKind::Signature,
        identity: Some(identity()),
    };
    let notice = world.app.open_notice(&clerk, &notice).unwrap();
    let held = Arc::new(Held {
        inner: Arc::clone(&world.masters),
        gate: Default::default(),
    });
    world.app.masters = Arc::clone(&held) as Arc<dyn Masters>;
    let sizes = LaneConfig {
        window: 2,
        notices: 2,
        papers: 1,
    };
    let (served, parts) = serve_in_lanes(world, 1000, sizes);
    (served, parts, held, [application.id, notice.id])
}

#[test]
fn saturated_issuing_leaves_the_password_services_their_lane_and_the_next_is_told_to_wait() {
    let (served, parts, held, [application, _]) = lanes_that_hold();
    let mut client = Client::new(&served, Some(&parts.terminal));
    client.sign_in(&parts.operator);
    let prepare = format!("/v1/applications/{application}/card-channels");
    let body = json!({ "card": "c1".repeat(16), "purpose": "prepare" }).to_string();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut busy = Client::new(&served, Some(&parts.terminal));
                busy.session.clone_from(&client.session);
                busy.send_and_forget(&prepare, body.as_bytes());
            });
        }
        until("both places are taken", || held.waiting() == 2);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let (status, list) = client.get("/v1/notices");
            assert_eq!(status, 200, "{list}");
            let (status, answer) = client.get("/v1/applications");
            assert_eq!((status, kind(&answer)), (503, "lane-full"));
            assert!(answer["retry_after"].as_u64() >= Some(1));
        }));
        held.let_go();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    assert_eq!(client.get("/v1/applications").0, 200, "then it goes on");
}

#[test]
fn a_flood_of_password_work_leaves_issuing_its_lane() {
    let (served, parts, held, [_, notice]) = lanes_that_hold();
    let mut client = Client::new(&served, Some(&parts.terminal));
    client.sign_in(&parts.operator);
    let unlock = format!("/v1/notices/{notice}/card-channels");
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let mut busy = Client::new(&served, Some(&parts.terminal));
                busy.session.clone_from(&client.session);
                busy.send_and_forget(&unlock, b"{}");
            });
        }
        until("both places are taken", || held.waiting() >= 2);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let (status, answer) = client.post("/v1/applications", form().to_string().as_bytes());
            assert_eq!(status, 201, "{answer}");
            assert_eq!(client.get("/v1/applications?open=true").0, 200);
        }));
        held.let_go();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn the_holder_revokes_online_with_the_cards_own_key_and_nobody_else_does() {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let world = World::on(None);
    let clerk = world.clerk();
    let (issued, made) = world.issued(&clerk, &mut world.card());
    let serial = issued.certificate.unwrap().serial;
    let (served, parts) = serve(world, 1000);
    // No client certificate, another address.
    let mut holder = Client::new(&served, None);
    holder.address.clone_from(&served.online);
    let mut page = holder
        .agent
        .get(format!("{}/", served.online))
        .call()
        .unwrap();
    let policy = page.headers().get("content-security-policy").unwrap();
    assert!(policy.to_str().unwrap().starts_with("default-src 'none'"));
    let page = page.body_mut().read_to_string().unwrap();
    assert!(page.contains("オンライン失効申請"));
    assert_eq!(
        holder.get("/v1/applications").0,
        404,
        "nothing else is here"
    );

    let ask = |serial: &str| {
        let body = json!({ "serial": serial }).to_string();
        holder.post("/v1/online-revocation-challenges", body.as_bytes())
    };
    let (status, answer) = ask("not a serial");
    assert_eq!((status, kind(&answer)), (422, "items-invalid"));
    assert_eq!(
        ask(&"3b".repeat(16)).0,
        201,
        "whether there is such a certificate is not told"
    );
    let statement = |serial: &str| {
        let (status, challenge) = ask(serial);
        assert_eq!(status, 201, "{challenge}");
        STANDARD
            .decode(challenge["statement"].as_str().unwrap())
            .unwrap()
    };
    let send = |statement: &[u8], key: &SoftKey| {
        let signature = key.sign(SignatureAlgorithm::RsaPkcs1Sha256, statement);
        let body = json!({
            "statement": STANDARD.encode(statement),
            "signature": STANDARD.encode(signature),
        });
        holder.post("/v1/online-revocations", body.to_string().as_bytes())
    };
    let good = statement(&serial);
    let stranger = SoftKey::new(SignatureAlgorithm::RsaPkcs1Sha256);
    let (status, answer) = send(&good, &stranger);
    assert_eq!((status, kind(&answer)), (409, "authority-refused"));
    // A statement that the gateway did not make, and one that was changed.
    let changed = String::from_utf8(good.clone()).unwrap();
    let changed = changed.replace(&serial, &"3b".repeat(16));
    let (status, answer) = send(changed.as_bytes(), &made.pair);
    assert_eq!((status, kind(&answer)), (422, "statement-invalid"));
    let (status, answer) = holder.post("/v1/online-revocations", &[b' '; 9000]);
    assert_eq!((status, kind(&answer)), (413, "body-too-large"));
    let record = parts.app.find_certificates(&clerk, &by_serial(&serial));
    assert_eq!(record.unwrap().certificates[0].standing, "issued");

    let (status, revoked) = send(&good, &made.pair);
    assert_eq!(status, 200, "{revoked}");
    assert_eq!(revoked["ground"], "article9");
    let record = parts.app.find_certificates(&clerk, &by_serial(&serial));
    assert_eq!(record.unwrap().certificates[0].standing, "revoked");
    assert_eq!(
        send(&good, &made.pair).1,
        revoked,
        "the first record stands"
    );
    // Ten minutes later the statement is worth nothing.
    parts.clock.advance(601);
    let (status, answer) = send(&good, &made.pair);
    assert_eq!((status, kind(&answer)), (422, "statement-invalid"));

    let answers: Vec<_> = (0..20).map(|_| holder.get("/").0).collect();
    assert!(answers.contains(&429), "one address asks without end");
}

fn by_serial(serial: &str) -> ra::CertificateSearchRequest {
    ra::CertificateSearchRequest {
        serial: Some(serial.to_owned()),
        ..ra::CertificateSearchRequest::default()
    }
}
