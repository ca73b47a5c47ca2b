//! From a configuration to a running gateway.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App as Service, HttpServer,
    dev::ServerHandle,
    rt::{self, time::interval},
    web,
};
use hsm_config::Token;
use pki_core::{application::fee::FeeTable, person::substitution::SubstitutionList};
use service::{knocks::Knocks, log::causes, meters, ready, signal::Ends, tls};

use crate::{
    adapter::{
        authority::HttpAuthority,
        database::Database,
        register_csv::CsvRegister,
        system::{SystemClock, SystemEntropy},
        token::TokenMasters,
        vault::{TokenAuditMac, TokenVault},
    },
    app::{
        App, KnownPlaces, Settings, channel::Channels, register_events::RegisterEvents,
        stops::RefusedRelease,
    },
    config::{Config, OnlineConfig},
    http::{
        self, Gateway, Limits,
        lane::{Apps, Lanes},
        online::{PLACES, Public},
    },
    port::{Clock, Entropy, Masters, Store},
};

/// How long requests under way may take after a signal to end.
const DRAIN_S: u64 = 15;
/// How often stops are told, and their releases asked for; while there are none nobody is asked.
const STOPS_S: u64 = 5;

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
        authority_mode: Arc::default(),
        settings: Settings {
            mode: config.mode,
            prefecture: config.prefecture,
            profile: config.profile.clone(),
            issuer: config.issuer.clone(),
            user_authentication: config.user_authentication.clone(),
            officers: config.officers.clone(),
            fees: FeeTable::standard(),
            substitutes: SubstitutionList::standard(),
            session_s: config.session_s,
            session_idle_s: config.session_idle_s,
            act_skew_s: config.limits.act_skew_s,
            inquiry_days: config.procedures.inquiry_days,
            open_days: config.procedures.open_days,
        },
        channels: Channels::default(),
        knocks: Knocks::default(),
        places: KnownPlaces::default(),
        events: RegisterEvents::default(),
        refused_release: RefusedRelease::default(),
        clock,
        entropy,
        store,
        masters,
    })
}

/// The use-cases of each lane: the notices' have connections of their own to the database.
pub fn apps(config: &Config) -> Result<Apps, Fault> {
    let window = app(config)?;
    let notices = window.beside(Arc::new(Database::open(
        &config.database,
        config.notice_connections,
        &config.node,
        Arc::new(TokenAuditMac::new(Arc::clone(&window.masters))),
    )?));
    Ok(Apps {
        window: Arc::new(window),
        notices: Arc::new(notices),
    })
}

/// A gateway that listens.
pub struct Running {
    /// Where terminals and kiosks come (mutual TLS).
    pub gateway: SocketAddr,
    /// Where the machine's keepers come (plain HTTP).
    pub admin: SocketAddr,
    /// Where holders revoke online (TLS), if they may.
    pub online: Option<SocketAddr>,
    state: web::Data<Gateway>,
    servers: Vec<ServerHandle>,
    ends: Vec<rt::task::JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Lets requests under way finish, then stops.
    pub async fn stop(self) -> io::Result<()> {
        for server in self.servers {
            server.stop(true).await;
        }
        for end in self.ends {
            end.await.map_err(io::Error::other)??;
        }
        sum_up(&self.state).await;
        Ok(())
    }
}

/// Starts both servers; must run inside an actix system.
pub fn listen(config: &Config, apps: impl Into<Apps>) -> Result<Running, Fault> {
    let apps = apps.into();
    let gateway = web::Data::new(Gateway {
        app: Arc::clone(&apps.window),
        lanes: Lanes::new(apps, config.limits.lanes),
        limits: Limits::new(config.limits.terminal, config.limits.operator),
        body_bytes: config.limits.body_bytes,
        metrics: meters::page(),
    });
    let tls = tls::mutual(&config.tls, &config.infrastructure_ca)?;
    let listener = TcpListener::bind(config.listen_gateway)?;
    let admin_listener = TcpListener::bind(config.listen_admin)?;
    let (gateway_address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);

    let app = Arc::clone(&gateway.app);
    let data = gateway.clone();
    let server = HttpServer::new(move || {
        Service::new()
            .app_data(data.clone())
            .configure(http::routes)
    })
    .on_connect(tls::keep_peer)
    .workers(config.limits.workers)
    // Whatever worker a lane's requests come to, there is a thread for each of its places.
    .worker_max_blocking_threads(config.limits.lanes.threads())
    .max_connections(config.limits.connections)
    .max_connection_rate(config.limits.connections)
    .client_request_timeout(Duration::from_secs(10))
    .tls_handshake_timeout(Duration::from_secs(10))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(DRAIN_S)
    .disable_signals()
    .listen_rustls_0_23(listener, tls)?
    .run();

    let public = config
        .online
        .as_ref()
        .map(|online| serve_online(online, Arc::clone(&gateway.app)))
        .transpose()?;

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

    let asking = gateway.clone();
    rt::spawn(async move {
        let mut again = interval(ASK_MODE);
        loop {
            again.tick().await;
            let asking = asking.clone();
            if let Ok(true) = web::block(move || asking.app.ask_mode()).await {
                break;
            }
        }
    });
    let state = gateway.clone();
    let askers = public.as_ref().map(|(_, public, _)| public.clone());
    rt::spawn(async move {
        let mut minute = interval(Duration::from_secs(60));
        loop {
            minute.tick().await;
            gateway.limits.sweep();
            if let Some(askers) = &askers {
                askers.sweep();
            }
            sum_up(&gateway).await;
            delete_papers(&gateway).await;
        }
    });
    rt::spawn(async move {
        let mut hour = interval(Duration::from_secs(3600));
        loop {
            hour.tick().await;
            let app = Arc::clone(&app);
            match web::block(move || app.lapse()).await {
                Ok(Ok(0)) => {}
                Ok(Ok(ended)) => tracing::info!(ended, "applications have lapsed"),
                Ok(Err(fault)) => {
                    tracing::warn!(error = &fault as &dyn std::error::Error, "lapsing waits");
                }
                Err(fault) => {
                    tracing::warn!(error = &fault as &dyn std::error::Error, "lapsing ended");
                }
            }
        }
    });
    let stopped = state.clone();
    rt::spawn(async move {
        let mut tick = interval(Duration::from_secs(STOPS_S));
        loop {
            tick.tick().await;
            follow_stops(&stopped).await;
        }
    });
    let mut servers = vec![server.handle(), admin.handle()];
    let mut ends = vec![rt::spawn(server), rt::spawn(admin)];
    let online = public.map(|(address, _, server)| {
        servers.push(server.handle());
        ends.push(rt::spawn(server));
        address
    });
    Ok(Running {
        gateway: gateway_address,
        admin: admin_address,
        online,
        state,
        servers,
        ends,
    })
}

/// From one question to the authority for its mode to the next, until it is known.
const ASK_MODE: Duration = Duration::from_secs(10);

/// The public listener, with a worker, threads and connections of its own.
fn serve_online(
    config: &OnlineConfig,
    app: Arc<App>,
) -> Result<(SocketAddr, web::Data<Public>, actix_web::dev::Server), Fault> {
    let public = web::Data::new(Public::new(app, config.per_minute));
    let tls = tls::open(&config.tls)?;
    let listener = TcpListener::bind(config.listen)?;
    let address = listener.local_addr()?;
    let data = public.clone();
    let server = HttpServer::new(move || {
        Service::new()
            .app_data(data.clone())
            .configure(http::public_routes)
    })
    .workers(1)
    .worker_max_blocking_threads(PLACES)
    .max_connections(128)
    .max_connection_rate(32)
    .client_request_timeout(Duration::from_secs(5))
    .tls_handshake_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(15))
    .shutdown_timeout(2)
    .disable_signals()
    .listen_rustls_0_23(listener, tls)?
    .run();
    Ok((address, public, server))
}

/// One row for the refusals that have none; a database that is away is asked again.
async fn sum_up(gateway: &web::Data<Gateway>) {
    let shared = gateway.clone();
    let summed = web::block(move || {
        let mut apps = shared.lanes.apps().into_iter();
        apps.try_for_each(|app| app.sum_up_knocks().map(drop))
    });
    match summed.await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(error = %causes(&error), "refusals are not summed yet"),
        Err(error) => tracing::warn!(%error, "refusals are not summed yet"),
    }
}

/// The authority is told what has stopped; what is away is asked again at the next tick.
async fn follow_stops(gateway: &web::Data<Gateway>) {
    let shared = gateway.clone();
    match web::block(move || shared.app.follow_stops()).await {
        Ok(Ok(followed)) if followed.released == 0 => {}
        Ok(Ok(followed)) => tracing::info!(
            released = followed.released,
            open = followed.open,
            "officers released stops of issuing"
        ),
        Ok(Err(error)) => tracing::warn!(error = %causes(&error), "stops are not told yet"),
        Err(error) => tracing::warn!(%error, "stops are not told yet"),
    }
}

/// Kept papers whose day has come are deleted; what is away is asked again a minute later.
async fn delete_papers(gateway: &web::Data<Gateway>) {
    let shared = gateway.clone();
    match web::block(move || shared.app.delete_due_papers()).await {
        Ok(Ok((0, _))) => {}
        Ok(Ok((deleted, more))) => tracing::info!(deleted, more, "papers were deleted by rule"),
        Ok(Err(error)) => tracing::warn!(error = %causes(&error), "due papers are still there"),
        Err(error) => tracing::warn!(%error, "due papers are still there"),
    }
}

/// Runs until SIGTERM or SIGINT, then drains.
pub fn serve(config: &Config, ready_file: Option<&Path>) -> Result<(), Fault> {
    rt::System::new().block_on(async {
        // Signals first: one that comes while we start ends us all the same.
        let mut ends = Ends::listen()?;
        let running = listen(config, apps(config)?)?;
        tracing::info!(gateway = %running.gateway, admin = %running.admin, "ready");
        if let Some(path) = ready_file {
            let mut addresses = BTreeMap::from([
                ("gateway", format!("https://{}", running.gateway)),
                ("admin", format!("http://{}", running.admin)),
            ]);
            if let Some(online) = running.online {
                addresses.insert("online", format!("https://{online}"));
            }
            ready::write(path, &addresses)?;
        }
        ends.wait().await;
        tracing::info!("draining");
        running.stop().await?;
        Ok(())
    })
}
