//! From a configuration to a running gateway.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App as Service, HttpServer,
    dev::ServerHandle,
    rt::{
        self,
        signal::unix::{SignalKind, signal},
        time::interval,
    },
    web,
};
use hsm_config::Token;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use pki_core::{application::fee::FeeTable, person::substitution::SubstitutionList};

use crate::{
    adapter::{
        authority::HttpAuthority,
        database::Database,
        register_csv::CsvRegister,
        system::{SystemClock, SystemEntropy},
        token::TokenMasters,
        vault::{TokenAuditMac, TokenVault},
    },
    app::{App, Settings, channel::Channels},
    config::Config,
    http::{self, Gateway, Limits, tls},
    port::{Clock, Entropy, Masters, Store},
};

/// How long requests under way may take after a signal to end.
const DRAIN_S: u64 = 15;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The use-cases on real parts. Opens nothing that must be there: database, token,
/// register and authority may come later.
pub fn app(config: &Config) -> Result<App, Fault> {
    let masters: Arc<dyn Masters> = Arc::new(TokenMasters::new(Token::open(config.token.clone())));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let store: Arc<dyn Store> = Arc::new(Database::open(
        &config.database,
        config.database_connections,
        &config.node,
        Arc::new(TokenAuditMac::new(Arc::clone(&masters))),
    )?);
    Ok(App {
        vault: Arc::new(TokenVault::new(
            Arc::clone(&masters),
            Arc::clone(&store),
            Arc::clone(&entropy),
            Arc::clone(&clock),
        )),
        register: Arc::new(CsvRegister::new(&config.register)),
        authority: Arc::new(HttpAuthority::new(
            &config.authority,
            &config.infrastructure_ca,
        )?),
        settings: Settings {
            prefecture: config.prefecture,
            profile: config.profile.clone(),
            issuer: config.issuer.clone(),
            fees: FeeTable::standard(),
            substitutes: SubstitutionList::standard(),
            session_s: config.session_s,
            session_idle_s: config.session_idle_s,
            act_skew_s: config.limits.act_skew_s,
        },
        channels: Channels::default(),
        clock,
        entropy,
        store,
        masters,
    })
}

/// A gateway that listens.
pub struct Running {
    /// Where terminals and kiosks come (mutual TLS).
    pub gateway: SocketAddr,
    /// Where the machine's keepers come (plain HTTP).
    pub admin: SocketAddr,
    servers: [ServerHandle; 2],
    ends: [rt::task::JoinHandle<io::Result<()>>; 2],
}

impl Running {
    /// Lets requests under way finish, then stops.
    pub async fn stop(self) -> io::Result<()> {
        let [gateway, admin] = self.servers;
        gateway.stop(true).await;
        admin.stop(true).await;
        for end in self.ends {
            end.await.map_err(io::Error::other)??;
        }
        Ok(())
    }
}

/// Metrics of the process, described once.
pub fn metrics() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    // In a process with several gateways (tests) the first one's recorder counts for all.
    let _ = metrics::set_global_recorder(recorder);
    handle
}

/// Starts both servers; must run inside an actix system.
pub fn listen(config: &Config, app: Arc<App>) -> Result<Running, Fault> {
    let gateway = web::Data::new(Gateway {
        app,
        limits: Limits::new(config.limits.terminal, config.limits.operator),
        body_bytes: config.limits.body_bytes,
        metrics: metrics(),
    });
    let tls = tls::server_config(&config.tls, &config.infrastructure_ca)?;
    let listener = TcpListener::bind(config.listen_gateway)?;
    let admin_listener = TcpListener::bind(config.listen_admin)?;
    let (gateway_address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);

    let data = gateway.clone();
    let server = HttpServer::new(move || {
        Service::new()
            .app_data(data.clone())
            .configure(http::routes)
    })
    .on_connect(tls::keep_peer)
    .workers(config.limits.workers)
    .max_connections(config.limits.connections)
    .max_connection_rate(config.limits.connections)
    .client_request_timeout(Duration::from_secs(10))
    .tls_handshake_timeout(Duration::from_secs(10))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(DRAIN_S)
    .disable_signals()
    .listen_rustls_0_23(listener, tls)?
    .run();

    let data = gateway.clone();
    let admin = HttpServer::new(move || {
        Service::new()
            .app_data(data.clone())
            .configure(http::admin_routes)
    })
    .workers(1)
    .max_connections(64)
    .client_request_timeout(Duration::from_secs(5))
    .shutdown_timeout(2)
    .disable_signals()
    .listen(admin_listener)?
    .run();

    rt::spawn(async move {
        let mut minute = interval(Duration::from_secs(60));
        loop {
            minute.tick().await;
            gateway.limits.sweep();
        }
    });
    Ok(Running {
        gateway: gateway_address,
        admin: admin_address,
        servers: [server.handle(), admin.handle()],
        ends: [rt::spawn(server), rt::spawn(admin)],
    })
}

/// Runs until SIGTERM or SIGINT, then drains.
pub fn serve(config: &Config, ready_file: Option<&Path>) -> Result<(), Fault> {
    rt::System::new().block_on(async {
        // Signals first: one that comes while we start ends us all the same.
        let mut term = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let running = listen(config, Arc::new(app(config)?))?;
        tracing::info!(gateway = %running.gateway, admin = %running.admin, "ready");
        if let Some(path) = ready_file {
            write_ready_file(path, &running)?;
        }
        wait_for_either(&mut term, &mut interrupt).await;
        tracing::info!("draining");
        running.stop().await?;
        Ok(())
    })
}

async fn wait_for_either(
    term: &mut rt::signal::unix::Signal,
    interrupt: &mut rt::signal::unix::Signal,
) {
    std::future::poll_fn(|context| {
        if term.poll_recv(context).is_ready() || interrupt.poll_recv(context).is_ready() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

/// Says where the gateway listens: written whole or not at all.
fn write_ready_file(path: &Path, running: &Running) -> io::Result<()> {
    let content = serde_json::json!({
        "pid": std::process::id(),
        "listen": {
            "gateway": format!("https://{}", running.gateway),
            "admin": format!("http://{}", running.admin),
        },
    });
    let draft = path.with_extension("draft");
    fs::write(&draft, format!("{content}\n"))?;
    fs::rename(&draft, path)
}
