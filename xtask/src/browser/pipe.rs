//! Chromium over a pair of pipes, in its own protocol (Chrome DevTools Protocol, messages of JSON
//! ended by a NUL byte): no port is opened, and the browser ends with the pipes.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fault::{Fault, Result};
use crate::process::{Program, Start};
use crate::setup;

/// How long the browser may take to answer one command.
const ANSWER: Duration = Duration::from_secs(120);

/// Where answers go, and what the pages complained about, by session.
#[derive(Default)]
struct Waiting {
    answers: HashMap<u64, Sender<Value>>,
    complaints: HashMap<String, Vec<String>>,
    last: u64,
    gone: bool,
}

/// A running browser.
pub struct Pipe {
    to: Mutex<ChildStdin>,
    waiting: Arc<Mutex<Waiting>>,
    // Ends when the last page is dropped.
    _program: Program,
}

/// Starts the browser with its profile in `folder`.
pub fn start(folder: &Path) -> Result<Pipe> {
    let chromium = setup::find_program("chromium")
        .ok_or_else(|| Fault::new("there is no chromium; `cargo xtask setup` installs it"))?;
    std::fs::create_dir_all(folder)?;
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let mut words = vec![
        "--headless=new",
        "--remote-debugging-pipe",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
        "--force-color-profile=srgb",
        "--font-render-hinting=none",
        "--lang=ja",
        // Nothing but this machine is ever asked.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        &profile,
    ];
    if setup::is_root() {
        // Its sandbox refuses the super-user.
        words.push("--no-sandbox");
    }
    // The browser reads from descriptor 3 and writes to 4.
    let (program, to, from) = Start::new("chromium", "sh", folder.join("chromium.log"))
        .args(["-c", "exec \"$@\" 3<&0 4>&1 0</dev/null 1>&2", "sh"])
        .args([chromium])
        .args(words)
        .args(["about:blank"])
        .start_talking()?;
    let waiting = Arc::new(Mutex::new(Waiting::default()));
    let heard = Arc::clone(&waiting);
    thread::Builder::new()
        .name("chromium".into())
        .spawn(move || listen(from, &heard))?;
    Ok(Pipe {
        to: Mutex::new(to),
        waiting,
        _program: program,
    })
}

fn listen(from: ChildStdout, waiting: &Mutex<Waiting>) {
    let mut from = BufReader::new(from);
    let mut message = Vec::new();
    loop {
        message.clear();
        match from.read_until(0, &mut message) {
            Ok(1..) => {}
            _ => break,
        }
        message.pop();
        let Ok(message) = serde_json::from_slice::<Value>(&message) else {
            continue;
        };
        let mut waiting = hold(waiting);
        if let Some(asker) = message["id"]
            .as_u64()
            .and_then(|id| waiting.answers.remove(&id))
        {
            // Who asked may have given up.
            let _ = asker.send(message);
        } else if let Some(complaint) = complaint(&message) {
            let session = message["sessionId"].as_str().unwrap_or_default();
            let all = waiting.complaints.entry(session.to_owned()).or_default();
            all.push(complaint);
        }
    }
    let mut waiting = hold(waiting);
    waiting.gone = true;
    waiting.answers.clear();
}

/// What a page says went wrong: an exception of its script, an error in its log (a refused style,
/// a file that is not there).
fn complaint(event: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => {
            let details = &event["params"]["exceptionDetails"];
            text(&details["exception"]["description"]).or_else(|| text(&details["text"]))
        }
        "Log.entryAdded" if event["params"]["entry"]["level"] == "error" => {
            let entry = &event["params"]["entry"];
            let said = text(&entry["text"])?;
            let at = entry["url"].as_str().unwrap_or_default();
            Some(format!("{said} {at}"))
        }
        _ => None,
    }
}

fn hold(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipe {
    /// Gives one command, to the browser or to a page's session, and waits for its answer.
    pub fn call(&self, session: Option<&str>, method: &str, params: Value) -> Result<Value> {
        let (answer, answered) = mpsc::channel();
        let id = {
            let mut waiting = hold(&self.waiting);
            if waiting.gone {
                return Err(Fault::new("the browser has ended"));
            }
            waiting.last += 1;
            let id = waiting.last;
            waiting.answers.insert(id, answer);
            id
        };
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        {
            let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
            to.write_all(&bytes)?;
            to.flush()?;
        }
        let mut answer = answered.recv_timeout(ANSWER).map_err(|_| {
            hold(&self.waiting).answers.remove(&id);
            Fault::new(format!("the browser does not answer {method}"))
        })?;
        if let Some(said) = answer["error"]["message"].as_str() {
            return Err(Fault::new(format!("{method}: {said}")));
        }
        Ok(answer["result"].take())
    }

    /// Takes what a page complained about since it was last asked.
    pub fn complaints(&self, session: &str) -> Vec<String> {
        hold(&self.waiting)
            .complaints
            .remove(session)
            .unwrap_or_default()
    }
}
