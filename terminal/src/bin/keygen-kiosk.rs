//! The key-pair machine (鍵ペア生成装置).

use std::error::Error;
use std::process::ExitCode;

use pki_core::id::Sha256Digest;
use terminal::card::pcsc::{PcscReader, Service};
use terminal::gateway::HttpsGateway;
use terminal::kiosk::app::Parts;
use terminal::kiosk::{Kiosk, KioskConfig, http, hygiene};
use terminal::local::command::{self, Serve};
use terminal::local::serve::LocalServer;
use terminal::party::PartyKey;

/// Every piece of heap memory is overwritten when it is freed, whoever freed it.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    command::run(serve)
}

fn serve(arguments: Serve) -> Result<(), Box<dyn Error>> {
    let config = KioskConfig::read(&arguments.config)?;
    if arguments.check_config {
        return Ok(());
    }
    let hygiene = hygiene::harden();
    let program = std::fs::read("/proc/self/exe")?;
    let kiosk = Kiosk::new(Parts {
        reader: Box::new(PcscReader::new(&Service::new(), &config.reader)),
        gateway: Box::new(HttpsGateway::new(&config.gateway)?),
        key: PartyKey::read(&config.gateway.key)?,
        hygiene,
        software_sha256: Sha256Digest::of(&program),
        config: config.clone(),
    })?;
    drop(program);
    let server = LocalServer {
        name: "kiosk_ui",
        listen: config.listen,
        ready_file: arguments.ready_file.as_deref(),
        keep_alive: false,
    };
    Ok(server.run_machine(kiosk, http::routes)?)
}
