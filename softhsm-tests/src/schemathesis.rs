//! schemathesis asks a running interface, as its own description has it, for whatever it can think
//! of, and judges each answer by that description.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use xtask::fault::{Fault, OnPath, Result};
use xtask::process;
use xtask::workspace::root;

use crate::judges::environment;

const VERSION: &str = "schemathesis-4.32.5";

/// What every answer is judged by: no server error, no undocumented status, media type, header or
/// body; what the description forbids is refused; other methods are refused and told the right ones.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_headers_conformance,response_schema_conformance,negative_data_rejection,\
     unsupported_method,allow_header_conformance";

/// Answers that tell of the caller, the method, the media type or the rate, not of the operation.
const AT_THE_DOOR: &[u16] = &[401, 403, 405, 415, 429];

/// Environment that would send the requests elsewhere or trust others.
const FOREIGN: &[&str] = &[
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];

/// schemathesis in an environment of its own.
pub struct Schemathesis {
    python: PathBuf,
    program: PathBuf,
    work: PathBuf,
}

/// An interface and how to ask it.
#[derive(Default)]
pub struct Asking<'a> {
    /// Name of its files.
    pub name: &'a str,
    /// Base URL.
    pub url: &'a str,
    /// The caller's certificate and key, PEM, and whom to trust.
    pub tls: Option<(&'a Path, &'a Path, &'a Path)>,
    /// Session of an operator.
    pub session: Option<&'a str>,
    /// Values that exist, by parameter: `path.id`, `body.resident`.
    pub known: &'a [(&'a str, Vec<String>)],
    /// Only these paths; all of them when empty.
    pub only: &'a [&'a str],
    /// Not these paths.
    pub without: &'a [&'a str],
    /// Most examples for each operation beside those of its boundaries.
    pub examples: u32,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Answers {
    /// How often each status was answered, by operation.
    pub statuses: BTreeMap<String, BTreeMap<u16, usize>>,
}

impl Answers {
    /// Operations that never got beyond who calls and how.
    pub fn at_the_door(&self) -> BTreeSet<&str> {
        self.statuses
            .iter()
            .filter(|(_, statuses)| statuses.keys().all(|status| AT_THE_DOOR.contains(status)))
            .map(|(operation, _)| operation.as_str())
            .collect()
    }

    /// How many operations answered with this class of status (2 for 2xx).
    pub fn with_class(&self, class: u16) -> usize {
        self.statuses
            .values()
            .filter(|statuses| statuses.keys().any(|status| status / 100 == class))
            .count()
    }

    /// How many answers there were.
    pub fn count(&self) -> usize {
        self.statuses.values().flat_map(BTreeMap::values).sum()
    }
}

impl Schemathesis {
    /// Makes the environment when it is not there; `work` is for its files.
    pub fn ready(work: &Path) -> Result<Self> {
        fs::create_dir_all(work).on(work)?;
        let pins = root().join("softhsm-tests/judges/schemathesis.txt");
        let pins = pins.to_string_lossy();
        let bin = environment(
            "schemathesis",
            VERSION,
            &["--require-hashes", "--requirement", &pins],
        )?;
        Ok(Self {
            python: bin.join("python"),
            program: bin.join("schemathesis"),
            work: work.to_owned(),
        })
    }

    /// Asks; a failed check is a fault that shows the request.
    pub fn ask(&self, asking: &Asking<'_>) -> Result<Answers> {
        let file = |ending: &str| self.work.join(format!("{}.{ending}", asking.name));
        let (config, report) = (file("toml"), file("ndjson"));
        fs::write(&config, configuration(asking)).on(&config)?;
        let _ = fs::remove_file(&report);
        // The scripts name their interpreter by its first place; the environment may have been moved.
        let mut command = Command::new(&self.python);
        command.arg(&self.program).arg("--no-color");
        command.arg("--config-file").arg(&config);
        command.args(["run", &format!("{}/openapi.json", asking.url)]);
        command.args(["--phases", "coverage,fuzzing", "--checks", CHECKS]);
        command.args(["--seed", "20031229", "--generation-database", "none"]);
        command.args(["-n", &asking.examples.to_string()]);
        // A slow machine is no finding.
        command.args(["--suppress-health-check", "all", "--request-timeout", "60"]);
        command.args(["--report", "ndjson", "--report-ndjson-path"]);
        command.arg(&report);
        if let Some((certificate, key, trust)) = asking.tls {
            command.arg("--request-cert").arg(certificate);
            command.arg("--request-cert-key").arg(key);
            command.arg("--tls-verify").arg(trust);
        }
        for path in asking.only {
            command.args(["--include-path", path]);
        }
        for path in asking.without {
            command.args(["--exclude-path", path]);
        }
        command.env("PYTHONPATH", root().join("softhsm-tests/judges"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        for name in FOREIGN {
            command.env_remove(name);
        }
        let output = process::output(command.current_dir(&self.work))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        fs::write(file("log"), &said).on(&self.work)?;
        if !output.status.success() {
            let from = said
                .find("= FAILURES =")
                .or_else(|| said.find("= ERRORS ="));
            return Err(Fault::new(format!(
                "schemathesis finds {} other than its description; all of it is in {}",
                asking.name,
                file("log").display()
            ))
            .with_lines(&said[from.unwrap_or(0)..], 60));
        }
        answers(&fs::read_to_string(&report).on(&report)?)
    }
}

fn configuration(asking: &Asking<'_>) -> String {
    use std::fmt::Write as _;
    let quote = |text: &str| xtask::text::toml(text);
    let (mut values, mut parameters) = (String::new(), String::new());
    for (at, (parameter, known)) in asking.known.iter().enumerate() {
        let list: Vec<String> = known.iter().map(|value| quote(value)).collect();
        // Writing into a string cannot fail.
        let _ = writeln!(
            values,
            "[dictionaries.known{at}]\nvalues = [{}]",
            list.join(", ")
        );
        let _ = writeln!(
            parameters,
            "{} = {{ dictionary = \"known{at}\", probability = 0.8 }}",
            quote(parameter)
        );
    }
    if let Some(session) = asking.session {
        let _ = writeln!(
            parameters,
            "\"header.Operator-Session\" = {}",
            quote(session)
        );
    }
    format!("hooks = \"hooks\"\n{values}[parameters]\n{parameters}")
}

/// The statuses out of the report: one JSON object on each line.
fn answers(report: &str) -> Result<Answers> {
    let mut answers = Answers::default();
    for line in report.lines() {
        let event: Value = serde_json::from_str(line)?;
        let recorder = &event["ScenarioFinished"]["recorder"];
        let Some(operation) = recorder["label"].as_str() else {
            continue;
        };
        let statuses = answers.statuses.entry(operation.to_owned()).or_default();
        for asked in recorder["interactions"]
            .as_object()
            .into_iter()
            .flat_map(|asked| asked.values())
        {
            let status = asked["response"]["status_code"].as_u64();
            let status = status.and_then(|status| u16::try_from(status).ok());
            *statuses.entry(status.unwrap_or(0)).or_default() += 1;
        }
    }
    Ok(answers)
}
