//! `cargo xtask up` as people and scripts use it: two side by side, stopped by signals, started again, and
//! killed without a chance to tidy up. Nothing is left running.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::local::Local;
use xtask::report::Report;
use xtask::workspace::{Profile, Programs, cargo, target_dir};
use xtask::{process, text};

struct Up {
    child: Child,
    state: PathBuf,
}

impl Up {
    fn start(state: &Path, database: &str) -> Self {
        let log = fs::File::create(state.with_extension("log")).unwrap();
        let child = Command::new(target_dir().join("debug/xtask"))
            .args(["up", "--database", database, "--state"])
            .arg(state)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let _ = fs::remove_file(state.join("endpoints.json"));
        Self {
            child,
            state: state.to_owned(),
        }
    }

    fn endpoints(&mut self) -> Value {
        let file = self.state.join("endpoints.json");
        let begun = Instant::now();
        loop {
            if let Ok(bytes) = fs::read(&file) {
                return serde_json::from_slice(&bytes).unwrap();
            }
            let log = || fs::read_to_string(self.state.with_extension("log")).unwrap_or_default();
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "up ended: {}",
                log()
            );
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "up did not become ready: {}",
                log()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn signal(mut self, name: &str) -> ExitStatus {
        process::run(
            Command::new("kill")
                .arg(format!("-{name}"))
                .arg(self.child.id().to_string()),
        )
        .unwrap();
        self.child.wait().unwrap()
    }
}

fn pids(endpoints: &Value) -> Vec<u64> {
    endpoints["pids"]
        .as_object()
        .unwrap()
        .values()
        .map(|pid| pid.as_u64().unwrap())
        .collect()
}

/// Which of them still run, after a moment's patience.
fn left(pids: &[u64]) -> Vec<u64> {
    let running = |pid: &&u64| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    let begun = Instant::now();
    loop {
        let left: Vec<u64> = pids.iter().filter(running).copied().collect();
        if left.is_empty() || begun.elapsed() > Duration::from_secs(12) {
            return left;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn serves(endpoints: &Value) -> bool {
    let public = Local::new(endpoints["public"].as_str().unwrap(), None);
    public
        .get("/crl/sign.crl")
        .is_ok_and(|answer| answer.status == 200)
}

/// A page of the officers' console, as the first officer's browser gets it.
fn officers_page(endpoints: &Value, path: &str) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let officer = &endpoints["officers"][0];
    let page = process::run(
        Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--fail",
                "--noproxy",
                "*",
                "--cacert",
            ])
            .arg(text(&endpoints["tls"]["ca_certificate"]))
            .arg("--cert")
            .arg(text(&officer["certificate"]))
            .arg("--key")
            .arg(text(&officer["key"]))
            .arg(format!("{}{path}", text(&endpoints["console"]))),
    );
    String::from_utf8(page.unwrap()).unwrap()
}

#[test]
fn two_stacks_run_side_by_side_and_nothing_is_left_of_them_however_they_end() {
    Programs::build(&Report::kept(), Profile::Dev).unwrap();
    process::run(cargo().args(["build", "--locked", "-p", "xtask"])).unwrap();
    let dir = target_dir()
        .join("scenes")
        .join(format!("up-{}", text::random_hex(4).unwrap()));
    fs::create_dir_all(&dir).unwrap();
    let (one, two) = (dir.join("one"), dir.join("two"));

    let mut first = Up::start(&one, "sqlite");
    let mut second = Up::start(&two, "postgres");
    let (first_at, second_at) = (first.endpoints(), second.endpoints());
    assert!(serves(&first_at) && serves(&second_at));
    for name in [
        "public",
        "ca",
        "gateway",
        "terminal_ui",
        "kiosk_ui",
        "console",
        "admin",
    ] {
        assert_ne!(first_at[name], second_at[name], "{name} is shared");
    }
    for role in ["gateway", "terminal", "kiosk"] {
        assert!(Path::new(first_at["tls"][role]["key"].as_str().unwrap()).is_file());
    }

    // The officers' pages open for an officer's certificate.
    for at in [&first_at, &second_at] {
        let page = officers_page(at, "/register");
        assert!(
            page.contains("住基異動") && page.contains("13101"),
            "{page}"
        );
        assert!(Path::new(at["officers"][1]["browser"].as_str().unwrap()).is_file());
    }

    // Ctrl-C and SIGTERM are the regular end; the neighbour does not notice.
    assert_eq!(first.signal("INT").code(), Some(0));
    assert_eq!(left(&pids(&first_at)), [0u64; 0]);
    assert!(serves(&second_at));

    // Killed: the kernel ends what it started.
    second.signal("KILL");
    assert_eq!(left(&pids(&second_at)), [0u64; 0]);

    // Started again from its state, after that death too.
    let mut again = Up::start(&two, "postgres");
    let again_at = again.endpoints();
    assert!(serves(&again_at));
    assert_eq!(again.signal("TERM").code(), Some(0));
    assert_eq!(left(&pids(&again_at)), [0u64; 0]);
    fs::remove_dir_all(dir).unwrap();
}
