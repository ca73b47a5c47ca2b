//! A CA room alone: the authority with its tokens and database, and the parties that a load generator plays.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fault::{Fault, OnPath, Result};
use crate::process::{self, Program};
use crate::stack::authority::{Authority, Party};
use crate::stack::layout::{Database, Layout};
use crate::stack::place::address;
use crate::stack::postgres::{self, Cluster};
use crate::stack::{ISSUER, MUNICIPALITY, Settings, by_name};
use crate::text;
use crate::workspace::Programs;

const TERMINAL: &str = "131010001";
const KIOSK: &str = "13101K001";
const OPERATOR: &str = "13101-0001";

/// The running room.
pub struct Room {
    /// `ca-server issue`.
    pub issue: Program,
    /// `ca-server status`.
    pub status: Program,
    /// From start to ready: `ca-server issue`, `ca-server status`.
    pub starts: [Duration; 2],
    ca: String,
    admin: String,
    public: String,
    cluster: Option<Cluster>,
    layout: Layout,
    programs: Programs,
    settings: Settings,
}

impl Room {
    /// Makes and starts a room in `dir`.
    pub fn open(
        programs: &Programs,
        dir: &Path,
        database: Database,
        issuer_key: &str,
    ) -> Result<Self> {
        Self::open_with(programs, dir, database, issuer_key, |_| Ok(()))
    }

    /// The same, with something put into the database before the authority is started.
    pub fn open_with(
        programs: &Programs,
        dir: &Path,
        database: Database,
        issuer_key: &str,
        fill: impl FnOnce(&str) -> Result<()>,
    ) -> Result<Self> {
        let (layout, _) = Layout::open(dir, Some(database), false)?;
        let settings = Settings {
            issuer_key: issuer_key.to_owned(),
            ca_sessions: 4,
            crl_after_revocation_s: 3600,
            ca_requests_per_second: 1_000_000,
            public_requests_per_second: 1_000_000,
            ..Settings::default()
        };
        let cluster = match database {
            Database::Sqlite => None,
            Database::Postgres => {
                let cluster = start_cluster(&layout, &postgres::Settings::default())?;
                cluster.ensure_database("ca")?;
                Some(cluster)
            }
        };
        let url = url(cluster.as_ref());
        let authority = Authority::open(&layout, programs)?;
        authority.ceremony(&settings)?;
        authority.write_trust()?;
        authority.configure(&url, &settings)?;
        enrol(&authority, &layout)?;
        authority.configure_status(&url, &settings)?;
        fill(&seen_from_outside(&layout, cluster.as_ref()))?;
        let begun = Instant::now();
        let (issue, ready) = authority.start_issue(&[])?;
        let issue_ready = begun.elapsed();
        let begun = Instant::now();
        let (status, status_ready) = authority.start_status()?;
        let status_ready_after = begun.elapsed();
        Ok(Self {
            starts: [issue_ready, status_ready_after],
            issue,
            status,
            ca: by_name(&address(&ready, "ca")?),
            admin: address(&ready, "admin")?,
            public: address(&status_ready, "public")?,
            cluster,
            programs: programs.clone(),
            settings,
            layout,
        })
    }

    /// Starts `ca-server issue` again, with this environment, after it has ended.
    pub fn restart_issue(&mut self, environment: &[(String, PathBuf)]) -> Result<()> {
        self.issue.end()?;
        let (issue, ready) = self.authority()?.start_issue(environment)?;
        self.issue = issue;
        self.ca = by_name(&address(&ready, "ca")?);
        self.admin = address(&ready, "admin")?;
        Ok(())
    }

    /// Ends the database's cluster in order.
    pub fn end_cluster(&mut self) -> Result<()> {
        self.cluster.as_mut().map_or(Ok(()), Cluster::end)
    }

    /// Kills the database's cluster.
    pub fn kill_cluster(&mut self) -> Result<()> {
        self.cluster.as_mut().map_or(Ok(()), Cluster::kill)
    }

    /// Starts the database's cluster again after it has ended, with these settings; the programs are told its
    /// new address and have to be started after it.
    pub fn restart_cluster(&mut self, settings: &postgres::Settings) -> Result<()> {
        let cluster = start_cluster(&self.layout, settings)?;
        let url = cluster.url("ca");
        self.cluster = Some(cluster);
        let authority = self.authority()?;
        authority.configure(&url, &self.settings)?;
        authority.configure_status(&url, &self.settings)
    }

    /// The authority's database as programs outside the room reach it.
    pub fn database_url(&self) -> String {
        seen_from_outside(&self.layout, self.cluster.as_ref())
    }

    /// The CA's base URL (mutual TLS).
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Processes whose CPU time an issuance costs.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids = vec![self.issue.pid()];
        pids.extend(self.cluster.as_ref().map(|cluster| cluster.program().pid()));
        pids
    }

    /// Raw signing of a token: (best rate over 1, 2 and 4 sessions, least CPU seconds per signature).
    pub fn raw(&self, token: &str, key: &str, rsa: bool) -> Result<(f64, f64)> {
        let (mut best, mut least) = (0f64, f64::INFINITY);
        for threads in ["1", "2", "4"] {
            let mut load = self.load("raw");
            load.env(
                "SOFTHSM2_CONF",
                self.layout.path(&format!("tokens/{token}/softhsm2.conf")),
            );
            load.args([
                "--module",
                "/usr/lib/softhsm/libsofthsm2.so",
                "--label",
                token,
                "--key",
                key,
            ]);
            load.args([
                "--kind",
                if rsa { "rsa" } else { "ec" },
                "--threads",
                threads,
                "--seconds",
                "2",
            ]);
            load.arg("--pin-file")
                .arg(self.layout.path(&format!("tokens/{token}/pin")));
            let figures = told(&mut load)?;
            best = best.max(number(&figures, "rate")?);
            least = least.min(number(&figures, "cpu_per_signature")?);
        }
        Ok((best, least))
    }

    /// Raw signing with the CA's key.
    pub fn raw_issuer(&self) -> Result<(f64, f64)> {
        self.raw("ca", "sign", self.settings.issuer_key.starts_with("rsa"))
    }

    /// Durable transactions per second of this room's database, of one row each over one connection.
    pub fn commits(&self) -> Result<f64> {
        let mut load = self.load("commits");
        load.args(["--url", &self.database_url(), "--seconds", "2"]);
        number(&told(&mut load)?, "rate")
    }

    /// Issues certificates; what the load generator reports.
    pub fn issue(&self, first: usize, count: usize, connections: usize) -> Result<Value> {
        told(&mut self.issue_load(first, count, connections))
    }

    /// The command that issues certificates.
    pub fn issue_load(&self, first: usize, count: usize, connections: usize) -> Command {
        let mut load = self.load("issue");
        let file = |name: &str| self.layout.path(name);
        load.args([
            "--ca",
            &self.ca,
            "--terminal",
            TERMINAL,
            "--operator",
            OPERATOR,
            "--kiosk",
            KIOSK,
        ]);
        load.args([
            "--count",
            &count.to_string(),
            "--connections",
            &connections.to_string(),
        ]);
        load.args(["--first-resident", &first.to_string()]);
        for (option, path) in [
            ("--trust", file("ceremony/infra.pem")),
            ("--certificate", file("load/gateway.pem")),
            ("--key", file("load/gateway.key")),
            ("--terminal-key", file("load/terminal.key")),
            ("--operator-key", file("load/operator.key")),
            ("--kiosk-key", file("load/kiosk.key")),
            ("--serials", self.serials()),
        ] {
            load.arg(option).arg(path);
        }
        load
    }

    /// Asks the responder, or another server in its place, for `seconds` with `post` or `get`.
    pub fn ask_ocsp(
        &self,
        public: &str,
        (way, nonce): (&str, bool),
        connections: usize,
        seconds: usize,
    ) -> Result<Value> {
        let mut load = self.load("ocsp");
        load.args(["--url", &format!("{public}/ocsp/{ISSUER}")]);
        load.args([
            "--way",
            way,
            "--nonce",
            if nonce { "yes" } else { "no" },
            "--connections",
            &connections.to_string(),
        ]);
        load.args(["--seconds", &seconds.to_string()]);
        load.arg("--issuer")
            .arg(self.layout.path("ceremony/ca/sign.cer"))
            .arg("--serials")
            .arg(self.serials());
        told(&mut load)
    }

    /// The room's files.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The officers' commands.
    pub fn authority(&self) -> Result<Authority<'_>> {
        Authority::open(&self.layout, &self.programs)
    }

    /// Where the programs are.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Health and metrics of `ca-server issue`.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// The public side's base URL.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The load generator.
    pub fn load(&self, command: &str) -> Command {
        let mut load = Command::new(self.programs.path("load"));
        load.arg(command);
        load
    }

    /// Ends everything.
    pub fn close(mut self) -> Result<()> {
        self.status.end()?;
        self.issue.end()?;
        if let Some(cluster) = &mut self.cluster {
            cluster.end()?;
        }
        std::fs::remove_dir_all(self.layout.dir()).on(self.layout.dir())
    }

    /// Where the load generator writes the serials that were acknowledged, one per line.
    pub fn serials(&self) -> PathBuf {
        self.layout.path("load/serials")
    }
}

fn start_cluster(layout: &Layout, settings: &postgres::Settings) -> Result<Cluster> {
    Cluster::start(
        &layout.folder("postgres")?,
        layout.log("postgres")?,
        &layout.password,
        settings,
    )
}

fn seen_from_outside(layout: &Layout, cluster: Option<&Cluster>) -> String {
    match cluster {
        None => format!("sqlite:{}", layout.path("ca/ca.sqlite").display()),
        cluster => url(cluster),
    }
}

/// What the authority's configuration says; a SQLite file lies beside it.
fn url(cluster: Option<&Cluster>) -> String {
    cluster.map_or_else(
        || "sqlite:ca.sqlite".to_owned(),
        |cluster| cluster.url("ca"),
    )
}

fn enrol(authority: &Authority<'_>, layout: &Layout) -> Result<()> {
    let parties = [
        ("server", "ca-1", None, "ca/server"),
        ("gateway", "gateway-1", None, "load/gateway"),
        ("terminal", TERMINAL, Some(MUNICIPALITY), "load/terminal"),
        ("operator", OPERATOR, Some(MUNICIPALITY), "load/operator"),
        ("kiosk", KIOSK, Some(MUNICIPALITY), "load/kiosk"),
    ];
    for (kind, id, municipality, place) in parties {
        let (_, request) = authority.key_and_request("ca-server", id, place)?;
        let party = Party {
            kind,
            id,
            municipality,
            label: "load",
        };
        authority.enrol(&party, &request)?;
    }
    let request = layout.path("ceremony/ocsp/ocsp.csr");
    let party = Party {
        kind: "ocsp-responder",
        id: "ocsp-1",
        municipality: None,
        label: "load",
    };
    let (certificate, _) = authority.enrol(&party, &request)?;
    let mut command = Command::new("openssl");
    command
        .args(["x509", "-outform", "DER", "-in"])
        .arg(certificate)
        .arg("-out")
        .arg(layout.path("ca/ocsp.cer"));
    process::run(&mut command).map(drop)
}

/// Runs a load command and reads its report.
pub fn told(command: &mut Command) -> Result<Value> {
    Ok(serde_json::from_slice(&process::run(command)?)?)
}

/// A figure of a report.
pub fn number(report: &Value, name: &str) -> Result<f64> {
    report[name].as_f64().ok_or_else(|| {
        Fault::new(format!(
            "the load generator reports no {name}: {}",
            text::toml(&report.to_string())
        ))
    })
}
