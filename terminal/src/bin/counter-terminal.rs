//! The window PC (受付窓口端末).

use std::error::Error;
use std::process::ExitCode;

use terminal::card::pcsc::{PcscReader, Service};
use terminal::counter::app::Parts;
use terminal::counter::{Counter, CounterConfig, http};
use terminal::gateway::HttpsGateway;
use terminal::local::command::{self, Serve};
use terminal::local::serve::LocalServer;
use terminal::party::PartyKey;

/// PIN and password pass through this program: freed memory is overwritten.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    command::run(serve)
}

fn serve(arguments: Serve) -> Result<(), Box<dyn Error>> {
    let config = CounterConfig::read(&arguments.config)?;
    if arguments.check_config {
        return Ok(());
    }
    let cards = Service::new();
    let counter = Counter::new(Parts {
        resident_reader: Box::new(PcscReader::new(&cards, &config.readers.resident)),
        operator_reader: Box::new(PcscReader::new(&cards, &config.readers.operator)),
        gateway: Box::new(HttpsGateway::new(&config.gateway)?),
        key: PartyKey::read(&config.gateway.key)?,
        config: config.clone(),
    })?;
    let server = LocalServer {
        name: "terminal_ui",
        listen: config.listen,
        ready_file: arguments.ready_file.as_deref(),
        keep_alive: false,
    };
    Ok(server.run_machine(counter, http::routes)?)
}
