//! The whole, started on loopback in a directory of its own, and ended again.

pub mod authority;
pub mod clock;
pub mod console;
mod endpoints;
pub mod layout;
pub mod pcscd;
pub mod place;
pub mod postgres;
pub mod reception;
pub mod second;
pub mod supervisor;
pub mod token;
pub mod users;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::fault::{Fault, OnPath, Result};
use crate::local::Local;
use crate::process::Program;
use crate::report::Report;
use crate::text;
use crate::window::{Card, Window};
use crate::workspace::Programs;
use authority::{Authority, Party};
use clock::Clock;
use console::Console;
use layout::{Database, Layout};
use pcscd::CardService;
use place::{CardProgram, address};
use postgres::Cluster;
use reception::Reception;

/// The signing issuer's segment in public addresses.
pub const ISSUER: &str = "sign";
/// The municipality of the demo's window: 千代田区.
pub const MUNICIPALITY: &str = "13101";
/// Municipalities of the demo's prefecture that have windows.
pub const MUNICIPALITIES: &[(&str, &str)] = &[("13101", "Chiyoda-ku"), ("13102", "Chuo-ku")];
/// The window.
pub const TERMINAL: &str = "131010001";
/// The kiosk beside it.
pub const KIOSK: &str = "13101K001";
/// The clerk.
pub const OPERATOR: &str = "13101-0001";
/// PIN of the clerk's card.
pub const OPERATOR_PIN: &str = "246810";

/// What a stack is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The state directory.
    pub state: PathBuf,
    /// The database; none: as the directory was made, or SQLite.
    pub database: Option<Database>,
    /// The rest.
    pub settings: Settings,
}

/// What measurements and tests set otherwise than the demo.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Kind of the signing key: `rsa-2048`, `p256`.
    pub issuer_key: String,
    /// Sessions of the CA's token.
    pub ca_sessions: u16,
    /// Seconds from a revocation to the CRL that lists it.
    pub crl_after_revocation_s: u32,
    /// Requests that the CA takes per second and terminal.
    pub ca_requests_per_second: u32,
    /// Requests that a status server takes per second and address.
    pub public_requests_per_second: u32,
    /// Requests that the gateway takes per second of one terminal and of one operator; none: as it has it.
    pub gateway_requests_per_second: Option<u32>,
    /// Seconds without a key after which the first window's screen locks; none: as the program has it.
    pub idle_lock_seconds: Option<u64>,
    /// Whether a second window can be opened ([`Stack::open_second`]).
    pub second_window: bool,
    /// Whether the certificate for signing in (利用者証明用) is issued too; what a directory was made with
    /// stays.
    pub user_authentication: bool,
    /// For training: the CAs and what they certify are marked so, and every program says so.
    pub training: bool,
    /// Environment of `ca-server issue`.
    pub ca_environment: Vec<(String, PathBuf)>,
    /// Whether the authority follows the register's batches in the folder `register`.
    pub follow_register: bool,
    /// Whether the officers' console runs, with two officers.
    pub console: bool,
    /// Resident cards that are made ready.
    pub resident_cards: usize,
    /// The resident register that the reception begins with.
    pub register: String,
    /// Municipalities that became part of another one: code and successor.
    pub successors: Vec<(String, String)>,
    /// What the clocks of the programs show when they are started (seconds since 1970); none: the true time.
    pub clock: Option<i64>,
    /// Machines, clerk and responder get new keys and certificates before the start of a directory that was
    /// complete: years have passed.
    pub renew_parties: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer_key: "rsa-2048".into(),
            ca_sessions: 2,
            crl_after_revocation_s: 2,
            ca_requests_per_second: 20,
            public_requests_per_second: 200,
            gateway_requests_per_second: None,
            idle_lock_seconds: None,
            second_window: false,
            user_authentication: false,
            training: false,
            ca_environment: Vec::new(),
            follow_register: false,
            console: false,
            resident_cards: 3,
            register: reception::REGISTER.into(),
            successors: Vec::new(),
            clock: None,
            renew_parties: false,
        }
    }
}

impl Options {
    /// A stack in this directory, as the demo has it.
    pub fn new(state: &Path, database: Option<Database>) -> Self {
        Self {
            state: state.to_owned(),
            database,
            settings: Settings::default(),
        }
    }
}

/// Everything running. Fields end in the order in which they stand here.
pub struct Stack {
    cards: Vec<CardProgram>,
    counter: Program,
    kiosk: Program,
    gateway: Program,
    status: Program,
    console: Option<Console>,
    issue: Program,
    service: CardService,
    cluster: Option<Cluster>,
    layout: Layout,
    programs: Programs,
    addresses: Addresses,
    clock: Option<Clock>,
}

/// Where everything listens.
#[derive(Debug, Clone)]
pub struct Addresses {
    public: String,
    ca: String,
    gateway: String,
    terminal_ui: String,
    terminal_secret: Option<String>,
    kiosk_ui: String,
    kiosk_secret: Option<String>,
    ca_admin: String,
    status_admin: String,
    gateway_admin: String,
    online: String,
}

impl Stack {
    /// Makes what is missing in the state directory, starts everything, and waits until it is ready.
    pub fn start(programs: &Programs, options: &Options, report: &Report) -> Result<Self> {
        let (layout, complete) =
            Layout::open(&options.state, options.database, options.settings.training)?;
        let settings = &Settings {
            training: layout.training,
            ..options.settings.clone()
        };
        let clock = settings
            .clock
            .map(|at| Clock::begin(&layout.path("clock"), at))
            .transpose()?;
        let programs = &match &clock {
            Some(clock) => programs.with_environment(clock.environment()),
            None => programs.clone(),
        };
        let renew = complete && settings.renew_parties;
        let cluster = match layout.database {
            Database::Sqlite => None,
            Database::Postgres => Some(report.step("PostgreSQL, a cluster of its own", || {
                start_cluster(&layout)
            })?),
        };
        let (ca_database, ra_database) = match &cluster {
            None => ("sqlite:ca.sqlite".to_owned(), "sqlite:ra.sqlite".to_owned()),
            Some(cluster) => (cluster.url("ca"), cluster.url("ra")),
        };
        let (authority, reception) =
            report.step("HSM tokens of CA, OCSP responder and gateway", || {
                Ok((
                    Authority::open(&layout, programs)?,
                    Reception::open(&layout, programs)?,
                ))
            })?;
        if !complete {
            report.step(
                "key ceremony: CA keys and certificates, responder key",
                || {
                    authority.ceremony(settings)?;
                    authority.write_trust()
                },
            )?;
        }
        // The databases may have moved to another port.
        report.step("CA database and configuration", || {
            authority.configure(&ca_database, settings)
        })?;
        if !complete {
            report.step(
                "enrolment of servers, gateway, terminal, kiosk, clerk, responder",
                || {
                    enrol_authority_side(&authority, &layout, programs, false)?;
                    if settings.second_window {
                        second::enrol(&authority, &layout, programs)?;
                    }
                    Ok(())
                },
            )?;
        }
        if renew {
            report.step(
                "new keys and certificates for machines, clerk, responder",
                || {
                    authority.another_responder_key()?;
                    enrol_authority_side(&authority, &layout, programs, true)
                },
            )?;
        }
        authority.configure_status(&ca_database, settings)?;
        let (issue, ca_ready) = report.step("ca-server issue", || {
            authority.start_issue(&settings.ca_environment)
        })?;
        let console = match settings.console {
            false => None,
            true => Some(report.step("ca-server console, with two officers", || {
                console::start(&authority, &layout)
            })?),
        };
        let (status, status_ready) =
            report.step("ca-server status", || authority.start_status())?;
        let ca_url = by_name(&address(&ca_ready, "ca")?);
        report.step("gateway database and configuration", || {
            reception.configure(&ra_database, &ca_url, settings)
        })?;
        if !complete {
            report.step(
                "masters of card and visit keys, resident cards, parties",
                || {
                    set_up_reception(&reception, &layout, programs, settings)?;
                    if settings.second_window {
                        second::receive(&reception, &layout, programs)?;
                    }
                    Ok(())
                },
            )?;
        }
        if renew {
            register_parties(&reception, &layout)?;
        }
        let (gateway, ra_ready) = report.step("ra-gateway", || reception.start())?;
        let gateway_url = by_name(&address(&ra_ready, "gateway")?);
        let service = report.step("pcscd with two virtual readers", || {
            CardService::start(&layout.folder("pcscd")?, layout.log("pcscd")?)
        })?;
        let office = place::FIRST;
        let idle = settings.idle_lock_seconds;
        place::configure_counter(&layout, office.counter, TERMINAL, &gateway_url, idle)?;
        place::configure_kiosk(&layout, office.kiosk, KIOSK, &gateway_url)?;
        let (counter, counter_ready) = report.step("counter-terminal", || {
            place::start_terminal(
                &layout,
                programs,
                &service,
                "counter-terminal",
                office.counter,
            )
        })?;
        let (kiosk, kiosk_ready) = report.step("keygen-kiosk", || {
            place::start_terminal(&layout, programs, &service, "keygen-kiosk", office.kiosk)
        })?;
        let cards = report.step("IC cards: the clerk's and the residents'", || {
            let mut cards = vec![place::start_card(&layout, programs, &service, "operator")?];
            for number in 0..settings.resident_cards {
                cards.push(place::start_card(
                    &layout,
                    programs,
                    &service,
                    &resident_name(number),
                )?);
            }
            Ok(cards)
        })?;
        let addresses = Addresses {
            public: address(&status_ready, "public")?,
            ca: ca_url,
            gateway: gateway_url,
            terminal_ui: address(&counter_ready, "terminal_ui")?,
            terminal_secret: secret(&counter_ready),
            kiosk_ui: address(&kiosk_ready, "kiosk_ui")?,
            kiosk_secret: secret(&kiosk_ready),
            ca_admin: address(&ca_ready, "admin")?,
            status_admin: address(&status_ready, "admin")?,
            gateway_admin: address(&ra_ready, "admin")?,
            online: by_name(&address(&ra_ready, "online")?),
        };
        layout.complete()?;
        let stack = Self {
            cards,
            counter,
            kiosk,
            gateway,
            status,
            console,
            issue,
            service,
            cluster,
            layout,
            programs: programs.clone(),
            addresses,
            clock,
        };
        stack.write_endpoints()?;
        Ok(stack)
    }

    /// The window, to be walked.
    pub fn window(&self) -> Window {
        Window {
            counter: Local::new(
                &self.addresses.terminal_ui,
                self.addresses.terminal_secret.clone(),
            ),
            kiosk: Local::new(
                &self.addresses.kiosk_ui,
                self.addresses.kiosk_secret.clone(),
            ),
        }
    }

    /// The public side.
    pub fn public(&self) -> Local {
        Local::new(&self.addresses.public, None)
    }

    /// The clerk's card.
    pub fn operator_card(&self) -> Card {
        self.cards[0].card.clone()
    }

    /// A resident's card, blank at first.
    pub fn resident_card(&self, number: usize) -> Card {
        self.cards[1 + number].card.clone()
    }

    /// The card service, for OpenSC's tools.
    pub fn card_service(&self) -> &CardService {
        &self.service
    }

    /// Where everything listens.
    pub fn where_to(&self) -> &Addresses {
        &self.addresses
    }

    /// Base URL of the officers' console, where it runs.
    pub fn console(&self) -> Option<&str> {
        self.console.as_ref().map(|console| console.base.as_str())
    }

    /// The state directory.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The municipality's register system hands batch `number` over; it ends with its closing line.
    pub fn register_batch(&self, municipality: &str, number: u32, batch: &str) -> Result<()> {
        let folder = format!("register/{municipality}");
        let part = self
            .layout
            .write_private(&format!("{folder}/{number:06}.part"), batch)?;
        let whole = part.with_extension("csv");
        std::fs::rename(&part, &whole).on(&whole)
    }

    /// The clock of the programs, where they have one of their own.
    pub fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// A directory for intermediate files.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        self.layout.folder(&format!("scratch/{name}"))
    }

    /// The authority's commands.
    pub fn authority(&self) -> Result<Authority<'_>> {
        Authority::open(&self.layout, &self.programs)
    }

    /// The gateway's commands.
    pub fn reception(&self) -> Result<Reception<'_>> {
        Reception::open(&self.layout, &self.programs)
    }

    /// Exports and verifies the audit log; gives the number of rows.
    pub fn export_audit(&self, log: &Path, head: &Path) -> Result<usize> {
        let authority = self.authority()?;
        let _ = std::fs::remove_file(log);
        let out = log.to_string_lossy();
        authority.ca(&["audit", "export", "--out", &out])?;
        let said = authority.ca(&["audit", "verify", "--out", &out])?;
        if !head.exists() {
            std::fs::write(head, said)?;
        }
        Ok(std::fs::read_to_string(log)?.lines().count())
    }

    /// Ends everything, each program by draining; a program that does not is a fault.
    pub fn end(mut self) -> Result<()> {
        let mut faults = Vec::new();
        for card in &mut self.cards {
            drained(&mut card.program, &mut faults);
        }
        if let Some(console) = &mut self.console {
            drained(&mut console.program, &mut faults);
        }
        for program in [
            &mut self.counter,
            &mut self.kiosk,
            &mut self.gateway,
            &mut self.status,
            &mut self.issue,
        ] {
            drained(program, &mut faults);
        }
        self.service.end()?;
        if let Some(cluster) = &mut self.cluster {
            cluster.end()?;
        }
        match faults.into_iter().next() {
            None => Ok(()),
            Some(fault) => Err(fault),
        }
    }
}

fn drained(program: &mut Program, faults: &mut Vec<Fault>) {
    match program.end() {
        Ok(status) if status.success() => {}
        Ok(status) => faults.push(
            Fault::new(format!(
                "{} did not drain and exit 0 on SIGTERM ({status})",
                program.name()
            ))
            .with_log(program.log()),
        ),
        Err(fault) => faults.push(fault),
    }
}

fn start_cluster(layout: &Layout) -> Result<Cluster> {
    let cluster = Cluster::start(
        &layout.folder("postgres")?,
        layout.log("postgres")?,
        &layout.password,
        &postgres::Settings::default(),
    )?;
    cluster.ensure_database("ca")?;
    cluster.ensure_database("ra")?;
    Ok(cluster)
}

/// Servers, parties and the responder: keys made where they are used, certificates from the CA room.
fn enrol_authority_side(
    authority: &Authority<'_>,
    layout: &Layout,
    programs: &Programs,
    again: bool,
) -> Result<()> {
    let enrol = |party: &Party<'_>, request: &Path| {
        if again {
            authority.enrol_again(party, request)
        } else {
            authority.enrol(party, request)
        }
    };
    let own = |kind, id, municipality, label| Party {
        kind,
        id,
        municipality,
        label,
    };
    let parties = [
        (
            "ca-server",
            "ca/server",
            own("server", "ca-1", None, "CA server 1"),
        ),
        (
            "ra-gateway",
            "gateway/server",
            own("server", "gateway-1", None, "reception server 1"),
        ),
        (
            "ra-gateway",
            "gateway/client",
            own("gateway", "gateway-1", None, "reception server 1"),
        ),
        (
            "counter-terminal",
            "counter/terminal",
            own("terminal", TERMINAL, Some(MUNICIPALITY), "千代田区 窓口1"),
        ),
        (
            "keygen-kiosk",
            "kiosk/kiosk",
            own(
                "kiosk",
                KIOSK,
                Some(MUNICIPALITY),
                "千代田区 鍵ペア生成装置1",
            ),
        ),
    ];
    for (program, place, party) in parties {
        if again {
            layout.remove(&format!("{place}.key"))?;
            layout.remove(&format!("{place}.csr"))?;
        }
        let (_, request) = authority.key_and_request(program, party.id, place)?;
        enrol(&party, &request)?;
    }
    let name = place::FIRST.operator;
    if again {
        // One key, one certificate: the clerk gets another card.
        layout.remove(&format!("cards/{name}.card"))?;
        layout.remove(&format!("cards/{name}.csr"))?;
    }
    let request = place::make_operator_card(layout, programs, name, OPERATOR, OPERATOR_PIN)?;
    let (certificate, _) = enrol(
        &own("operator", OPERATOR, Some(MUNICIPALITY), "千代田 職員一"),
        &request,
    )?;
    place::certify_operator_card(layout, programs, name, &certificate)?;
    authority.enrol_responders(again)
}

fn set_up_reception(
    reception: &Reception<'_>,
    layout: &Layout,
    programs: &Programs,
    settings: &Settings,
) -> Result<()> {
    reception.masters(KIOSK, &layout.path("kiosk/master.key"))?;
    register_parties(reception, layout)?;
    for number in 0..settings.resident_cards {
        let card = text::random_hex(16)?;
        let keys = layout
            .folder("cards")?
            .join(format!("{}.keys", resident_name(number)));
        reception.card_keys(&card, &keys)?;
        place::make_resident_card(layout, programs, &resident_name(number), &card, &keys)?;
    }
    Ok(())
}

/// At the gateway: who was enrolled.
fn register_parties(reception: &Reception<'_>, layout: &Layout) -> Result<()> {
    for record in [
        "counter/terminal.json",
        "kiosk/kiosk.json",
        "cards/operator.json",
    ] {
        reception.register(&layout.path(record))?;
    }
    Ok(())
}

/// The secret of a terminal's start.
fn secret(ready: &Value) -> Option<String> {
    ready["local_secret"].as_str().map(str::to_owned)
}

fn resident_name(number: usize) -> String {
    format!("resident-{}", number + 1)
}

/// Server certificates name `localhost`, not the address.
pub fn by_name(address: &str) -> String {
    address.replace("127.0.0.1", "localhost")
}

/// Today in Japan (UTC+9, no summer time), `YYYY-MM-DD`.
pub fn today_in_japan() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
        + 9 * 3600;
    civil_date(now / 86_400)
}

/// Gregorian date of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil_date(days: u64) -> String {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil_date(0), "1970-01-01");
        assert_eq!(civil_date(11_016), "2000-02-29");
        assert_eq!(civil_date(20_779), "2026-11-22");
    }
}
