//! A gateway that listens, and who connects to it.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pki_core::certificate::{Party, SignatureAlgorithm, Subject, pem};
use ra_gateway::app::App;
use ra_gateway::config::{
    AuthorityConfig, Config, KeyFiles, LimitConfig, OnlineConfig, ProcedureConfig,
};
use ra_gateway::http::lane::LaneConfig;
use ra_gateway::port::Clock;
use ra_gateway::startup;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

use crate::support::Folder;
use crate::support::certificate_support::{SoftKey, sample};
use crate::support::window::{OPERATOR, TERMINAL, World};

pub const EC: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;

pub fn key_pem(key: &SoftKey) -> String {
    let SoftKey::Ec(pair) = key else {
        panic!("parties have P-256 keys")
    };
    let der = pair.to_pkcs8v1().unwrap();
    pem::encode(pem::PRIVATE_KEY, der.as_ref())
}

/// A gateway that listens, on the world's ports.
pub struct Served {
    pub address: String,
    pub admin: String,
    pub online: String,
    pub stop: Option<std::sync::mpsc::Sender<()>>,
    pub server: Option<thread::JoinHandle<()>>,
    pub infrastructure: Vec<u8>,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

pub fn serve(world: World, limit: u32) -> (Served, Parts) {
    serve_in_lanes(world, limit, LaneConfig::default())
}

pub fn serve_in_lanes(world: World, limit: u32, lanes: LaneConfig) -> (Served, Parts) {
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
    crate::support::write_private(&files.key, &key_pem(&server_key));
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

pub struct Parts {
    pub app: Arc<App>,
    pub clock: Arc<crate::support::HandClock>,
    pub operator: SoftKey,
    pub terminal: (SoftKey, Vec<u8>),
    pub kiosk: (SoftKey, Vec<u8>),
    pub _folder: Folder,
}

/// A client with one connection that it keeps.
pub struct Client {
    pub agent: Agent,
    pub address: String,
    pub session: String,
}

impl Client {
    pub fn new(served: &Served, identity: Option<&(SoftKey, Vec<u8>)>) -> Self {
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

    pub fn post(&self, path: &str, body: &[u8]) -> (u16, Value) {
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
    pub fn send_and_forget(&self, path: &str, body: &[u8]) {
        let _ = self
            .agent
            .post(format!("{}{path}", self.address))
            .header("Operator-Session", &self.session)
            .content_type("application/json")
            .send(body);
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
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

    pub fn sign_in(&mut self, operator: &SoftKey) {
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

pub fn kind(answer: &Value) -> &str {
    answer["type"]
        .as_str()
        .unwrap_or("no problem document")
        .trim_start_matches("urn:jitsuin:problem:")
}

pub fn form() -> Value {
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
