//! The register's side of the feed: a real server with mutual TLS that gives out batches, and
//! can be told to answer otherwise.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use actix_web::{
    App as Actix, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::{StatusCode, header},
    web,
};
use pki_core::{certificate::pem, id::Sha256Digest};
use service::tls::{KeyFiles, mutual};

use super::{room::private, window::PartyKey, world::World};
use crate::{
    app::enrol::{self, Enrolment},
    config::FeedConfig,
};

/// How the next answers are.
#[derive(Clone, Debug, Default)]
pub enum Mood {
    /// As the interface says.
    #[default]
    Well,
    /// Another status, with `Retry-After` in seconds.
    Status(u16, Option<u32>),
    /// A list or batch that is this.
    Body(Vec<u8>),
    /// No answer before the mood changes.
    Silent,
}

#[derive(Default)]
struct Desk {
    /// Municipality and number.
    batches: Mutex<BTreeMap<(String, u64), Vec<u8>>>,
    mood: Mutex<Mood>,
    moved: Condvar,
    /// Paths that were asked for, and whether the answer was "not modified".
    asked: Mutex<Vec<(String, bool)>>,
}

fn open<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().expect("no test breaks while it holds this")
}

/// See the module. Ends with the value.
pub struct RegisterSide {
    desk: Arc<Desk>,
    port: u16,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    /// Its certificates, and their files.
    world: World,
    authority: Vec<u8>,
}

impl RegisterSide {
    /// A server whose certificate, like its client's, comes from an authority of its own.
    pub fn start() -> Self {
        let world = World::today();
        let folder = world.folder.path();
        let authority = world.app.infrastructure.issuer.certificate_der();
        let authority = authority
            .expect("the infrastructure CA's certificate")
            .to_vec();
        let server = party(&world, folder, "server", "register-1", &["localhost"]);
        party(&world, folder, "gateway", "ca-1-feed", &[]);
        let tls = mutual(&server, &authority).expect("the server's TLS");
        let desk = Arc::new(Desk::default());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("the port").port();
        let (tell, told) = mpsc::channel();
        let data = web::Data::from(Arc::clone(&desk));
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new()
                .block_on(async move {
                    let server = HttpServer::new(move || {
                        Actix::new()
                            .app_data(data.clone())
                            .route(
                                "/feed/v1/municipalities/{code}/batches",
                                web::get().to(list),
                            )
                            .route(
                                "/feed/v1/municipalities/{code}/batches/{number}",
                                web::get().to(batch),
                            )
                    })
                    .workers(1)
                    .disable_signals()
                    .shutdown_timeout(1)
                    .listen_rustls_0_23(listener, tls)?
                    .run();
                    tell.send(server.handle()).expect("somebody waits");
                    server.await
                })
                .expect("the register's server");
        });
        Self {
            desk,
            port,
            handle: told.recv().expect("the server"),
            thread: Some(thread),
            world,
            authority,
        }
    }

    /// How the authority reaches it.
    pub fn config(&self) -> FeedConfig {
        let folder = self.world.folder.path();
        FeedConfig {
            url: format!("https://localhost:{}/feed", self.port),
            authority: self.authority.clone(),
            client: KeyFiles {
                certificate: folder.join("ca-1-feed.pem"),
                key: folder.join("ca-1-feed.key"),
            },
            timeout: Duration::from_secs(30),
        }
    }

    /// Leave a batch of 13101.
    pub fn put(&self, number: u64, bytes: impl Into<Vec<u8>>) {
        open(&self.desk.batches).insert(("13101".to_owned(), number), bytes.into());
    }

    /// Take a batch of 13101 away.
    pub fn remove(&self, number: u64) {
        open(&self.desk.batches).remove(&("13101".to_owned(), number));
    }

    /// How it answers from now on.
    pub fn mood(&self, mood: Mood) {
        *open(&self.desk.mood) = mood;
        self.desk.moved.notify_all();
    }

    /// What was asked for since the last time, and whether it was not modified.
    pub fn asked(&self) -> Vec<(String, bool)> {
        std::mem::take(&mut open(&self.desk.asked))
    }
}

impl Drop for RegisterSide {
    fn drop(&mut self) {
        self.mood(Mood::Well);
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn party(world: &World, folder: &Path, kind: &str, id: &str, names: &[&str]) -> KeyFiles {
    let key = PartyKey::new();
    let wish = Enrolment {
        kind: kind.to_owned(),
        id: id.to_owned(),
        municipality: None,
        label: id.to_owned(),
        request: key.request(id),
        dns_names: names.iter().map(|name| (*name).to_owned()).collect(),
        addresses: Vec::new(),
        replace: false,
    };
    let party = enrol::enrol(&world.app, &wish).expect("the enrolment");
    let files = KeyFiles {
        certificate: folder.join(format!("{id}.pem")),
        key: folder.join(format!("{id}.key")),
    };
    let certificate = pem::encode(pem::CERTIFICATE, &party.certificate);
    std::fs::write(&files.certificate, certificate).expect("a file");
    private(&files.key, &pem::encode(pem::PRIVATE_KEY, &key.to_pkcs8()));
    files
}

/// The answer of a mood that is not well; waits while it is silent.
async fn moody(desk: &web::Data<Desk>) -> Option<HttpResponse> {
    let desk = desk.clone();
    let mood = web::block(move || {
        let mood = open(&desk.mood);
        let silent = |mood: &mut Mood| matches!(mood, Mood::Silent);
        let mood = desk.moved.wait_while(mood, silent);
        mood.expect("no test breaks while it holds this").clone()
    })
    .await
    .expect("the pool");
    match mood {
        Mood::Well | Mood::Silent => None,
        Mood::Body(bytes) => Some(HttpResponse::Ok().body(bytes)),
        Mood::Status(status, after) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let mut answer = HttpResponse::build(status);
            if let Some(seconds) = after {
                answer.insert_header((header::RETRY_AFTER, seconds));
            }
            Some(answer.insert_header((header::LOCATION, "/")).finish())
        }
    }
}

#[derive(serde::Deserialize)]
struct After {
    after: u64,
}

async fn list(
    request: HttpRequest,
    desk: web::Data<Desk>,
    code: web::Path<String>,
    query: web::Query<After>,
) -> HttpResponse {
    open(&desk.asked).push((request.uri().to_string(), false));
    if let Some(answer) = moody(&desk).await {
        return answer;
    }
    let batches = open(&desk.batches);
    let numbers: Vec<u64> = batches
        .keys()
        .filter(|(municipality, number)| *municipality == *code && *number > query.after)
        .map(|(_, number)| *number)
        .take(1_000)
        .collect();
    HttpResponse::Ok().json(serde_json::json!({ "batches": numbers }))
}

async fn batch(
    request: HttpRequest,
    desk: web::Data<Desk>,
    path: web::Path<(String, u64)>,
) -> HttpResponse {
    if let Some(answer) = moody(&desk).await {
        open(&desk.asked).push((request.uri().to_string(), false));
        return answer;
    }
    let bytes = open(&desk.batches).get(&path.into_inner()).cloned();
    let tag = bytes
        .as_ref()
        .map(|bytes| format!("\"{}\"", Sha256Digest::of(bytes)));
    let known = request.headers().get(header::IF_NONE_MATCH);
    let same = known.is_some() && known.and_then(|value| value.to_str().ok()) == tag.as_deref();
    open(&desk.asked).push((request.uri().to_string(), same));
    match (bytes, tag) {
        (Some(_), _) if same => HttpResponse::NotModified().finish(),
        (Some(bytes), Some(tag)) => HttpResponse::Ok()
            .content_type("text/csv")
            .insert_header((header::ETAG, tag))
            .body(bytes),
        _ => HttpResponse::NotFound().finish(),
    }
}
