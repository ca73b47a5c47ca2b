//! Two servers in each process: the one it is for, and health on loopback.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use actix_web::{App as Routes, HttpServer, dev::ServerHandle, middleware::from_fn, rt, web};
use metrics_exporter_prometheus::PrometheusHandle;
use rustls::ServerConfig;
use service::{
    ready,
    signal::Ends,
    tls::{self, TlsFault},
};

use super::{
    addresses,
    admin::{self, Admin},
    authority,
    body::Limit,
    caller, certificates, disclosures, no_route, openapi, posted,
    public::{self, Askers},
    read_only, register_revocations, revocations, stops, verifier,
};
use crate::{
    app::{App, answer_ocsp::StatusApp},
    config::{IssueConfig, StatusConfig},
};

/// How long open requests may take to end after SIGTERM.
const DRAIN_SECONDS: u64 = 20;
/// How long a sender may take for a request's head.
const HEAD: Duration = Duration::from_secs(10);

/// Why a server did not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    #[error("TLS")]
    Tls(#[from] TlsFault),
    #[error("the server")]
    Server(#[from] io::Error),
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let fault = |error| ServeError::Listen(address, error);
    let listener = TcpListener::bind(address).map_err(fault)?;
    let bound = listener.local_addr().map_err(fault)?;
    Ok((listener, bound))
}

/// TLS of the inner interfaces: both sides show a certificate of the infrastructure CA.
fn inner_tls(config: &IssueConfig, app: &App) -> Result<ServerConfig, TlsFault> {
    let authority = app
        .infrastructure
        .issuer
        .certificate_der()
        .unwrap_or_default();
    tls::mutual(&config.tls, authority)
}

/// Serve the inner interface until a signal asks to end.
pub fn issue(
    config: &IssueConfig,
    app: Arc<App>,
    metrics: PrometheusHandle,
    ready_file: Option<&Path>,
) -> Result<(), ServeError> {
    let tls = inner_tls(config, &app)?;
    let (inner, inner_address) = listen(config.listen_ca)?;
    let (side, side_address) = listen(config.listen_admin)?;
    let app = web::Data::from(app);
    let admin = web::Data::new(Admin {
        checks: admin::issue_checks(app.clone()),
        metrics,
    });
    let body = config.limits.body_bytes;
    rt::System::new().block_on(async move {
        let inner = HttpServer::new(move || {
            Routes::new()
                .app_data(app.clone())
                .app_data(web::Data::new(Limit(body)))
                .configure(addresses)
                .service(
                    web::scope("/v1")
                        .wrap(from_fn(caller::gateways_only))
                        .service(read_only("/authority", web::to(authority::read)))
                        .service(posted("/certificates", web::to(certificates::issue)))
                        .service(read_only(
                            "/certificates/{serial}",
                            web::to(certificates::read),
                        ))
                        .service(posted("/revocations", web::to(revocations::revoke)))
                        .service(posted(
                            "/online-revocations",
                            web::to(revocations::revoke_online),
                        ))
                        .configure(disclosures::routes)
                        .service(posted("/stops", web::to(stops::report)))
                        .service(read_only(
                            "/register-revocations",
                            web::to(register_revocations::list),
                        ))
                        .default_service(web::to(no_route)),
                )
                .service(read_only("/openapi.json", web::to(openapi::issue)))
                .default_service(web::to(no_route))
        })
        .on_connect(tls::keep_peer)
        .workers(config.limits.workers)
        .worker_max_blocking_threads(64)
        .max_connections(config.limits.connections)
        .client_request_timeout(HEAD)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals()
        .listen_rustls_0_23(inner, tls)?
        .run();
        let side = side_server(side, admin)?;
        let addresses = BTreeMap::from([
            ("ca", format!("https://127.0.0.1:{}", inner_address.port())),
            ("admin", format!("http://{side_address}")),
        ]);
        tracing::info!(ca = %inner_address, admin = %side_address, "serving");
        until_signal(vec![inner, side], ready_file, &addresses).await
    })
}

/// Serve officers until a signal asks to end.
pub fn console(
    config: &IssueConfig,
    app: Arc<App>,
    ready_file: Option<&Path>,
) -> Result<(), ServeError> {
    let tls = inner_tls(config, &app)?;
    let (listener, address) = listen(config.listen_console)?;
    let app = web::Data::from(app);
    rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            Routes::new()
                .app_data(app.clone())
                .configure(crate::console::routes)
        })
        .on_connect(tls::keep_peer)
        .workers(1)
        .worker_max_blocking_threads(16)
        .max_connections(64)
        .client_request_timeout(HEAD)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals()
        .listen_rustls_0_23(listener, tls)?
        .run();
        let url = format!("https://127.0.0.1:{}", address.port());
        let addresses = BTreeMap::from([("console", url)]);
        tracing::info!(console = %address, "serving");
        until_signal(vec![server], ready_file, &addresses).await
    })
}

/// Serve relying parties until a signal asks to end.
pub fn status(
    config: &StatusConfig,
    app: Arc<StatusApp>,
    metrics: PrometheusHandle,
    ready_file: Option<&Path>,
) -> Result<(), ServeError> {
    let registered = match &config.registered {
        Some(registered) => Some(tls::mutual(&registered.tls, &registered.authority)?),
        None => None,
    };
    let (outer_listener, outer_address) = listen(config.listen_public)?;
    let (side, side_address) = listen(config.listen_admin)?;
    let app = web::Data::from(app);
    let admin = web::Data::new(Admin {
        checks: admin::status_checks(app.clone()),
        metrics,
    });
    let askers = web::Data::new(Askers::new(config.requests_per_second));
    rt::System::new().block_on(async move {
        let sweeping = askers.clone();
        rt::spawn(async move {
            loop {
                rt::time::sleep(Duration::from_secs(60)).await;
                sweeping.forget_old();
            }
        });
        let outer = HttpServer::new(move || {
            Routes::new()
                .app_data(app.clone())
                .app_data(askers.clone())
                .wrap(from_fn(verifier::registered_only))
                .wrap(from_fn(public::limit))
                .configure(addresses)
                .configure(public::routes)
                .default_service(web::to(no_route))
        })
        .workers(config.workers)
        .max_connections(config.connections)
        .client_request_timeout(HEAD)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals()
        .on_connect(tls::keep_peer);
        let (scheme, outer) = match registered {
            Some(tls) => ("https", outer.listen_rustls_0_23(outer_listener, tls)?),
            None => ("http", outer.listen(outer_listener)?),
        };
        let outer = outer.run();
        let side = side_server(side, admin)?;
        let addresses = BTreeMap::from([
            ("public", format!("{scheme}://{outer_address}")),
            ("admin", format!("http://{side_address}")),
        ]);
        tracing::info!(public = %outer_address, admin = %side_address, "serving");
        until_signal(vec![outer, side], ready_file, &addresses).await
    })
}

fn side_server(
    listener: TcpListener,
    admin: web::Data<Admin>,
) -> io::Result<actix_web::dev::Server> {
    Ok(HttpServer::new(move || {
        Routes::new()
            .app_data(admin.clone())
            .configure(admin::routes)
            .default_service(web::to(no_route))
    })
    .workers(1)
    .client_request_timeout(HEAD)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?
    .run())
}

/// Run until SIGTERM or SIGINT, then let open requests end.
async fn until_signal(
    servers: Vec<actix_web::dev::Server>,
    ready_file: Option<&Path>,
    addresses: &BTreeMap<&'static str, String>,
) -> Result<(), ServeError> {
    let mut ends = Ends::listen()?;
    let handles: Vec<ServerHandle> = servers.iter().map(actix_web::dev::Server::handle).collect();
    let running: Vec<_> = servers.into_iter().map(rt::spawn).collect();
    if let Some(path) = ready_file {
        ready::write(path, addresses)?;
    }
    ends.wait().await;
    tracing::info!("draining");
    for handle in handles {
        handle.stop(true).await;
    }
    for server in running {
        let _ = server.await;
    }
    Ok(())
}
