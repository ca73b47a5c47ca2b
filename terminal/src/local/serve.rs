//! Starting and ending a local server: loopback only, ready file, signals.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};

use super::body::LARGEST;
use super::fence::{self, Fence, guard};
use super::{Kind, Problem};

/// How a local server is started.
pub struct LocalServer<'a> {
    /// Name in the ready file: `terminal_ui`, `kiosk_ui`.
    pub name: &'static str,
    /// Loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where to say that it is ready.
    pub ready_file: Option<&'a Path>,
    /// Whether connections serve several requests. Not where secrets come in: a
    /// connection's buffers are erased when it closes.
    pub keep_alive: bool,
}

impl LocalServer<'_> {
    /// Serves until SIGTERM or SIGINT, then lets running requests end.
    ///
    /// # Errors
    /// When the address is not loopback or cannot be bound, or the ready file cannot
    /// be written.
    pub async fn run<R>(self, routes: R) -> io::Result<()>
    where
        R: Fn(&mut ServiceConfig) + Clone + Send + 'static,
    {
        if !self.listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the local server listens on loopback only",
            ));
        }
        let listener = TcpListener::bind(self.listen)?;
        let address = listener.local_addr()?;
        let fence = Fence::new(address.port()).map_err(io::Error::other)?;
        let secret = fence.secret().to_owned();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::new(fence.clone()))
                .app_data(web::PayloadConfig::new(LARGEST))
                .wrap(from_fn(guard))
                .route("/start/{secret}", web::get().to(fence::start))
                .configure(routes.clone())
                .default_service(web::to(nothing_here))
        })
        .workers(2)
        .shutdown_timeout(10)
        .keep_alive(if self.keep_alive {
            KeepAlive::Timeout(Duration::from_secs(30))
        } else {
            KeepAlive::Disabled
        })
        .client_request_timeout(Duration::from_secs(10))
        .listen(listener)?
        .run();
        if let Some(path) = self.ready_file {
            let url = format!("http://{address}");
            write_ready(path, self.name, &url, &secret)?;
        }
        tracing::info!(name = self.name, %address, "ready");
        server.await
    }
}

/// A machine behind a local server.
pub trait Machine: Send + Sync + 'static {
    /// Looks after what is at work until the machine is switched off; on a thread of its own.
    fn watch(self: Arc<Self>);
    /// Ends what is at work.
    fn switch_off(&self);
}

impl LocalServer<'_> {
    /// Watches and serves a machine until SIGTERM or SIGINT, then switches it off.
    ///
    /// # Errors
    /// Those of [`LocalServer::run`]; a thread that cannot be started.
    pub fn run_machine<M: Machine>(
        self,
        machine: Arc<M>,
        routes: fn(&mut ServiceConfig),
    ) -> io::Result<()> {
        let watch = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn({
                let machine = Arc::clone(&machine);
                move || machine.watch()
            })?;
        let served = actix_web::rt::System::new().block_on(self.run({
            let machine = Data::new(Arc::clone(&machine));
            move |config| {
                config.app_data(machine.clone());
                routes(config);
            }
        }));
        machine.switch_off();
        // The watch may be in the middle of a call to the gateway; its time-out bounds it.
        let _ = watch.join();
        served
    }
}

async fn nothing_here() -> Result<&'static str, Problem> {
    Err(Problem::new(
        Kind::NotFound,
        "there is no such address here",
        "その画面はありません。最初の画面に戻ってください。",
        "There is no such page. Go back to the first one.",
    ))
}

/// Writes the ready file in one step, readable by its owner only: it holds the secret.
fn write_ready(path: &Path, name: &str, url: &str, secret: &str) -> io::Result<()> {
    let text = serde_json::json!({
        "pid": std::process::id(),
        "listen": { name: url },
        "local_secret": secret,
        "start": format!("{url}/start/{secret}"),
    })
    .to_string();
    crate::files::write_private(path, text.as_bytes())
}
