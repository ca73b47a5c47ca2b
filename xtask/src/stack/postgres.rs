//! A PostgreSQL cluster of the stack's own, on loopback with a password of its own.
//!
//! PostgreSQL refuses to run as root, so for root it runs as the account `postgres`, which the Debian
//! package makes. That account may not be able to reach the state directory (below `/root`, say), so the
//! server sees the directory through a bind mount in a mount namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::fault::{Fault, OnPath, Result};
use crate::port;
use crate::process::{self, Program, Start};
use crate::setup;

/// A running cluster.
pub struct Cluster {
    program: Program,
    port: u16,
    password: String,
}

/// Settings of the server that a stack may change.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Further `name=value` settings, as for `postgres -c`.
    pub extra: Vec<String>,
    /// Environment of the server.
    pub environment: Vec<(String, PathBuf)>,
}

impl Cluster {
    /// Starts the cluster in `dir`, making it first when it is not there.
    pub fn start(dir: &Path, log: PathBuf, password: &str, settings: &Settings) -> Result<Self> {
        let data = dir.join("data");
        if !data.join("PG_VERSION").exists() {
            make(dir, password)?;
        }
        let port = port::free()?;
        let mut server = view(dir, Start::new("postgres", "unshare", log.clone()), log);
        server = server
            .args([bin("postgres")?.as_os_str()])
            .args(["-D", &seen(dir, "data")])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
            ])
            .args(["-c".to_owned(), format!("port={port}")])
            .args([
                "-c",
                "max_connections=60",
                "-c",
                "shared_buffers=64MB",
                "-c",
                "wal_retrieve_retry_interval=200ms",
            ])
            .args(
                settings
                    .extra
                    .iter()
                    .flat_map(|pair| ["-c".to_owned(), pair.clone()]),
            );
        for (name, value) in &settings.environment {
            server = server.env(name, value);
        }
        let mut program = server.end_signal(libc::SIGINT).start()?;
        let pid = program.pid().to_string();
        program.wait_until("ready", Duration::from_secs(60), || {
            // A file of an earlier run may lie there: the first line tells whose it is.
            let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            (lines.first() == Some(&pid.as_str()) && lines.get(7) == Some(&"ready")).then_some(())
        })?;
        Ok(Self {
            program,
            port,
            password: password.to_owned(),
        })
    }

    /// The address of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://jitsuin:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    /// Makes a database unless it is there.
    pub fn ensure_database(&self, name: &str) -> Result<()> {
        let there = self.sql(
            "postgres",
            &format!("select 1 from pg_database where datname = '{name}'"),
        )?;
        if there.trim().is_empty() {
            self.sql("postgres", &format!("create database {name}"))?;
        }
        Ok(())
    }

    /// Runs one statement through `psql` and gives the unaligned answer.
    pub fn sql(&self, database: &str, statement: &str) -> Result<String> {
        let mut psql = Command::new("psql");
        psql.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
        ])
        .args([
            "-h",
            "127.0.0.1",
            "-U",
            "jitsuin",
            "-d",
            database,
            "-p",
            &self.port.to_string(),
        ])
        .env("PGPASSWORD", &self.password);
        process::run(&mut psql).map(|said| String::from_utf8_lossy(&said).into_owned())
    }

    /// How the server of a cluster in `dir` sees its data and another directory beside them.
    pub fn seen_data(dir: &Path, other: &str) -> (PathBuf, PathBuf) {
        (seen(dir, "data").into(), seen(dir, other).into())
    }

    /// The program behind it.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Ends it in order (fast shutdown).
    pub fn end(&mut self) -> Result<()> {
        self.program.end().map(drop)
    }

    /// Kills it with all its backends.
    pub fn kill(&mut self) -> Result<()> {
        self.program.kill().map(drop)
    }
}

/// `initdb`, with one role and its password.
fn make(dir: &Path, password: &str) -> Result<()> {
    fs::create_dir_all(dir).on(dir)?;
    let secret = dir.join("password");
    fs::write(&secret, format!("{password}\n")).on(&secret)?;
    if setup::is_root() {
        process::run(
            Command::new("chown")
                .args(["-R", "postgres:postgres"])
                .arg(dir),
        )?;
        process::run(Command::new("chmod").arg("700").arg(dir))?;
    }
    let log = dir.join("initdb.log");
    let mut start = view(
        dir,
        Start::new("initdb", "unshare", log.clone()),
        log.clone(),
    );
    start = start
        .args([bin("initdb")?.as_os_str()])
        .args(["-D", &seen(dir, "data"), "--pwfile", &seen(dir, "password")])
        .args([
            "-U",
            "jitsuin",
            "--auth=scram-sha-256",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]);
    let mut program = start.start()?;
    program.wait_until("done", Duration::from_secs(60), || {
        dir.join("data/PG_VERSION").exists().then_some(())
    })?;
    let status = wait(&mut program)?;
    let _ = fs::remove_file(&secret);
    if status.success() {
        Ok(())
    } else {
        Err(Fault::new(format!("initdb failed ({status})")).with_log(&log))
    }
}

fn wait(program: &mut Program) -> Result<std::process::ExitStatus> {
    for _ in 0..6_000 {
        if let Some(status) = program.poll()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    program.kill()
}

/// The words in front of a PostgreSQL program: for root, another account and its view of `dir`.
fn view(dir: &Path, as_root: Start, log: PathBuf) -> Start {
    if setup::is_root() {
        let script = "mount --bind \"$0\" /mnt && exec setpriv --reuid=postgres --regid=postgres --init-groups \
                      --pdeathsig=INT -- \"$@\"";
        as_root
            .args(["-m", "sh", "-c", script])
            .args([dir])
            .dir(Path::new("/"))
    } else {
        Start::new("postgres", "env", log)
    }
}

/// How a PostgreSQL program sees a file of `dir`.
fn seen(dir: &Path, name: &str) -> String {
    if setup::is_root() {
        format!("/mnt/{name}")
    } else {
        dir.join(name).to_string_lossy().into_owned()
    }
}

fn bin(name: &str) -> Result<PathBuf> {
    setup::find_file(&format!("/usr/lib/postgresql/*/bin/{name}"))
        .ok_or_else(|| Fault::new(format!("{name} of PostgreSQL is not installed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_made_started_and_started_again_with_its_data() {
        let dir = std::env::temp_dir().join(format!("jitsuin-pg-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let begin = || {
            Cluster::start(
                &dir.join("postgres"),
                dir.join("log"),
                "secret",
                &Settings::default(),
            )
            .unwrap()
        };
        let mut cluster = begin();
        cluster.ensure_database("ca").unwrap();
        cluster.ensure_database("ca").unwrap();
        cluster
            .sql(
                "ca",
                "create table kept (n int); insert into kept values (7)",
            )
            .unwrap();
        cluster.end().unwrap();
        let mut again = begin();
        assert_eq!(again.sql("ca", "select n from kept").unwrap().trim(), "7");
        again.kill().unwrap();
        drop(again);
        fs::remove_dir_all(dir).unwrap();
    }
}
