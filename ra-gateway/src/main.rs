//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use pki_core::operator::Role;
use ra_gateway::{
    command::{Fault, audit, masters, officer, registration},
    config::Config,
    port::PartyKind,
    startup,
};
use service::log::causes;

/// The prefecture's reception server.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Configured {
    /// ra.toml
    #[arg(long)]
    config: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Terminal,
    Kiosk,
    Operator,
}

impl From<Kind> for PartyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Terminal => Self::Terminal,
            Kind::Kiosk => Self::Kiosk,
            Kind::Operator => Self::Operator,
        }
    }
}

#[derive(Args)]
struct Named {
    #[command(flatten)]
    configured: Configured,
    /// terminal, kiosk or operator
    #[arg(long)]
    kind: Kind,
    /// Its id as enrolled
    #[arg(long)]
    id: String,
}

#[derive(Subcommand)]
enum Command {
    /// Make or update the database's tables
    Migrate(Configured),
    /// Serve terminals and kiosks until SIGTERM
    Serve {
        #[command(flatten)]
        configured: Configured,
        /// Check the configuration and end; touches nothing
        #[arg(long)]
        check_config: bool,
        /// Written when the gateway listens
        #[arg(long)]
        ready_file: Option<PathBuf>,
    },
    /// Register a party from the record that `ca-server enrol` wrote
    Register {
        #[command(flatten)]
        configured: Configured,
        /// The record
        #[arg(long)]
        record: PathBuf,
        /// What the operator may do: clerk, supervisor or auditor
        #[arg(long)]
        role: Option<Role>,
    },
    /// Register a party in two steps, each by another officer
    Registration {
        #[command(subcommand)]
        command: RegistrationStep,
    },
    /// Give an operator another role, at their next request
    Role {
        #[command(flatten)]
        configured: Configured,
        /// The operator's id
        #[arg(long)]
        id: String,
        /// clerk, supervisor or auditor
        #[arg(long)]
        role: Role,
        /// The officer who decided
        #[arg(long)]
        by: String,
    },
    /// Load the file of places: who works where, for what, and when
    Places {
        #[command(flatten)]
        configured: Configured,
        /// The file that the prefecture reviewed
        #[arg(long)]
        file: PathBuf,
        /// The officer who loads it
        #[arg(long)]
        by: String,
    },
    /// Cut a party off, at its next request
    Suspend(Named),
    /// Let a suspended party in again
    Resume(Named),
    /// Make the gateway's masters in its token
    CardMaster(Configured),
    /// Make a kiosk's master: into the token and into a file for the kiosk
    KioskMaster {
        #[command(flatten)]
        configured: Configured,
        /// The kiosk's id
        #[arg(long)]
        kiosk: String,
        /// The file, 64 hexadecimal digits, mode 0600
        #[arg(long)]
        out: PathBuf,
    },
    /// Export a card's keys for its factory
    CardKeys {
        #[command(flatten)]
        configured: Configured,
        /// The card's id, 32 hexadecimal digits
        #[arg(long)]
        card: String,
        /// The file, JSON, mode 0600
        #[arg(long)]
        out: PathBuf,
    },
    /// Make the gateway's TLS key and its request for the authority
    EnrolmentRequest {
        /// The gateway's name
        #[arg(long)]
        id: String,
        /// Where the key goes (PKCS#8 PEM, mode 0600)
        #[arg(long)]
        key: PathBuf,
        /// Where the request goes (PKCS#10 PEM)
        #[arg(long)]
        out: PathBuf,
    },
    /// End the applications that have lapsed, as the server does once in an hour
    Lapse(Configured),
    /// The circuit breaker of issuing
    Breaker {
        #[command(subcommand)]
        command: Breaker,
    },
    /// The audit log
    Audit {
        #[command(subcommand)]
        command: Audit,
    },
}

#[derive(Args)]
struct AuditFiles {
    #[command(flatten)]
    configured: Configured,
    /// The log (JSON lines)
    #[arg(long)]
    out: PathBuf,
    /// Its head; `audit-head.txt` beside the log when not given
    #[arg(long)]
    head: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Audit {
    /// Write the log as JSON lines, and beside it its head
    Export(AuditFiles),
    /// Check a log that was exported: chains, gaps, ends, and its head
    Verify {
        #[command(flatten)]
        files: AuditFiles,
        /// Look at the log alone: not at the database for where its chains end
        #[arg(long)]
        offline: bool,
    },
}

#[derive(Subcommand)]
enum RegistrationStep {
    /// Hand in the record that `ca-server enrol` wrote
    Request {
        #[command(flatten)]
        configured: Configured,
        /// The record
        #[arg(long)]
        record: PathBuf,
        /// What the operator may do: clerk, supervisor or auditor
        #[arg(long)]
        role: Option<Role>,
        /// The officer who hands it in
        #[arg(long)]
        by: String,
    },
    /// Show what waits for a second officer
    Show(Configured),
    /// Approve what another officer handed in: the party is registered
    Approve {
        #[command(flatten)]
        configured: Configured,
        /// As `request` and `show` name it
        #[arg(long)]
        id: String,
        /// The second officer
        #[arg(long)]
        by: String,
    },
}

#[derive(Subcommand)]
enum Breaker {
    /// Show the stops
    Show(Configured),
    /// Open issuing again by a release that two officers signed; the server fetches it by
    /// itself where it reaches the authority
    Release {
        #[command(flatten)]
        configured: Configured,
        /// The release, from the stop's page of the officers' console
        #[arg(long)]
        file: PathBuf,
    },
}

fn run(command: Command) -> Result<String, Fault> {
    match command {
        Command::Migrate(configured) => {
            officer::migrate(&configured.config)?;
            Ok("the database is up to date".into())
        }
        Command::Serve {
            configured,
            check_config,
            ready_file,
        } => {
            let config = Config::load(&configured.config)?;
            if check_config {
                return Ok("the configuration is sound".into());
            }
            startup::serve(&config, ready_file.as_deref())?;
            Ok("stopped".into())
        }
        Command::Register {
            configured,
            record,
            role,
        } => officer::register(&configured.config, &record, role),
        Command::Registration { command } => match command {
            RegistrationStep::Request {
                configured,
                record,
                role,
                by,
            } => registration::request(&configured.config, &record, role, &by),
            RegistrationStep::Show(configured) => registration::show(&configured.config),
            RegistrationStep::Approve { configured, id, by } => {
                registration::approve(&configured.config, &id, &by)
            }
        },
        Command::Role {
            configured,
            id,
            role,
            by,
        } => officer::set_role(&configured.config, &id, role, &by),
        Command::Places {
            configured,
            file,
            by,
        } => officer::load_places(&configured.config, &file, &by),
        Command::Suspend(named) => {
            officer::set_suspended(&named.configured.config, named.kind.into(), &named.id, true)
        }
        Command::Resume(named) => officer::set_suspended(
            &named.configured.config,
            named.kind.into(),
            &named.id,
            false,
        ),
        Command::CardMaster(configured) => masters::card_master(&configured.config),
        Command::KioskMaster {
            configured,
            kiosk,
            out,
        } => masters::kiosk_master_command(&configured.config, &kiosk, &out),
        Command::CardKeys {
            configured,
            card,
            out,
        } => masters::card_keys(&configured.config, &card, &out),
        Command::EnrolmentRequest { id, key, out } => officer::enrolment_request(&id, &key, &out),
        Command::Audit {
            command: Audit::Export(files),
        } => audit::export(&files.configured.config, &files.out, files.head),
        Command::Audit {
            command: Audit::Verify { files, offline },
        } => audit::verify(&files.configured.config, &files.out, files.head, offline),
        Command::Lapse(configured) => {
            let ended = startup::app(&Config::load(&configured.config)?)?.lapse()?;
            Ok(format!("{ended} applications have lapsed"))
        }
        Command::Breaker {
            command: Breaker::Show(configured),
        } => officer::breaker_show(&configured.config),
        Command::Breaker {
            command: Breaker::Release { configured, file },
        } => officer::breaker_release(&configured.config, &file),
    }
}

fn main() -> ExitCode {
    service::log::start();
    match run(Arguments::parse().command) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", causes(&*error));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
