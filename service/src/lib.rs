//! What the programs of this workspace share as long-running programs: reading a
//! configuration, starting the log, telling the time, speaking TLS, saying that they
//! are ready, ending by a signal, answering problems, chaining an audit log. Nothing of the domain.

pub mod clock;
pub mod config;
pub mod log;

#[cfg(feature = "server")]
pub mod audit;
#[cfg(feature = "server")]
pub mod client;
#[cfg(feature = "server")]
pub mod knocks;
#[cfg(feature = "server")]
pub mod meters;
#[cfg(feature = "server")]
pub mod problem;
#[cfg(feature = "server")]
pub mod ready;
#[cfg(feature = "server")]
pub mod sealed;
#[cfg(feature = "server")]
pub mod signal;
#[cfg(feature = "server")]
pub mod tls;
