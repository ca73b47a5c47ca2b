//! Programs that are started, waited for and ended: none outlives the command that started it.
//!
//! Each program leads a process group of its own, so that its children can be ended with it, and asks
//! the kernel for SIGTERM should its parent die without a word (`PR_SET_PDEATHSIG`). That signal is
//! bound to the *thread* that started the child, so one thread of the process starts them all and
//! lives as long as the process does.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fault::{Fault, OnPath, Result};

/// How long a program may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(8);

/// Process groups that are running; what [`end_all`] ends.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

type Order = (Command, Sender<std::io::Result<Child>>);

/// The one thread that starts children.
static STARTER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (orders, queue) = mpsc::channel::<Order>();
    thread::Builder::new()
        .name("starter".into())
        .spawn(move || {
            for (mut command, answer) in queue {
                let started = command.spawn();
                if let Ok(child) = &started {
                    running().insert(group_of(child));
                }
                // The asker waits for this answer; it cannot have gone.
                let _ = answer.send(started);
            }
        })
        .expect("a process that cannot start one thread cannot start programs either");
    Mutex::new(orders)
});

/// What to start, and how.
pub struct Start {
    name: String,
    command: Command,
    log: PathBuf,
    ready_file: Option<PathBuf>,
    end_signal: i32,
}

impl Start {
    /// `name` is used in messages; standard output and error go to the file `log`.
    pub fn new(name: &str, program: impl AsRef<OsStr>, log: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            command: Command::new(program),
            log,
            ready_file: None,
            end_signal: libc::SIGTERM,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Passes `--ready-file` and lets [`Program::wait_ready`] read it.
    #[must_use]
    pub fn ready_file(mut self, file: PathBuf) -> Self {
        let _ = fs::remove_file(&file);
        self.command.arg("--ready-file").arg(&file);
        self.ready_file = Some(file);
        self
    }

    /// The signal that asks the program to end, SIGTERM when not set.
    #[must_use]
    pub fn end_signal(mut self, signal: i32) -> Self {
        self.end_signal = signal;
        self
    }

    /// Starts it.
    pub fn start(self) -> Result<Program> {
        let log = self.open_log()?;
        self.launch(Stdio::null(), log.into())
    }

    /// Starts it with its standard input and output in the caller's hands; only its errors go to
    /// the log.
    pub fn start_talking(self) -> Result<(Program, ChildStdin, ChildStdout)> {
        let mut program = self.launch(Stdio::piped(), Stdio::piped())?;
        match (program.child.stdin.take(), program.child.stdout.take()) {
            (Some(to), Some(from)) => Ok((program, to, from)),
            _ => Err(Fault::new(format!("{} has no pipes", program.name))),
        }
    }

    fn open_log(&self) -> Result<File> {
        File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .on(&self.log)
    }

    fn launch(mut self, input: Stdio, output: Stdio) -> Result<Program> {
        let log = self.open_log()?;
        self.command
            .stdin(input)
            .stdout(output)
            .stderr(log)
            .process_group(0);
        die_with_parent(&mut self.command);
        let (answer, answered) = mpsc::channel();
        STARTER
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send((self.command, answer))
            .expect("the starter thread lives as long as the process");
        let child = answered
            .recv()
            .expect("the starter thread answers each order")
            .map_err(|error| Fault::new(format!("{} cannot be started: {error}", self.name)))?;
        Ok(Program {
            name: self.name,
            child,
            log: self.log,
            ready_file: self.ready_file,
            end_signal: self.end_signal,
            ended: None,
        })
    }
}

/// A running program; ended when dropped.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    ready_file: Option<PathBuf>,
    end_signal: i32,
    ended: Option<ExitStatus>,
}

impl Program {
    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until the program has written its ready file; an early end or the deadline is a fault
    /// that quotes the log.
    pub fn wait_ready(&mut self, deadline: Duration) -> Result<Value> {
        let file = self
            .ready_file
            .clone()
            .ok_or_else(|| Fault::new(format!("{} was started without a ready file", self.name)))?;
        self.wait_until("ready", deadline, || {
            fs::read(&file)
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        })
    }

    /// Polls `probe` until it gives a value.
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        mut probe: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(value) = probe() {
                return Ok(value);
            }
            if let Some(status) = self.poll()? {
                return Err(Fault::new(format!(
                    "{} ended before it was {what} ({status})",
                    self.name
                ))
                .with_log(&self.log));
            }
            if begun.elapsed() > deadline {
                let waited = deadline.as_secs();
                return Err(
                    Fault::new(format!("{} was not {what} within {waited} s", self.name))
                        .with_log(&self.log),
                );
            }
            thread::sleep(Duration::from_millis(15));
        }
    }

    /// The exit status when the program has ended by itself.
    pub fn poll(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Asks it to end, kills it when it does not within the grace, and kills what is left of its
    /// process group. The status tells whether it drained by itself.
    pub fn end(&mut self) -> Result<ExitStatus> {
        if self.poll()?.is_none() {
            signal(self.child.id().cast_signed(), self.end_signal);
        }
        self.reap(GRACE)
    }

    /// Kills it and its children at once, as a power switch would.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        signal(-group_of(&self.child), libc::SIGKILL);
        self.reap(GRACE)
    }

    fn reap(&mut self, grace: Duration) -> Result<ExitStatus> {
        let group = group_of(&self.child);
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.poll()? {
                break status;
            }
            if begun.elapsed() > grace {
                signal(-group, libc::SIGKILL);
                let status = self.child.wait()?;
                self.ended = Some(status);
                break status;
            }
            thread::sleep(Duration::from_millis(10));
        };
        if running().remove(&group) {
            signal(-group, libc::SIGKILL);
        }
        Ok(status)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nothing can be done about a program that even SIGKILL does not end.
        let _ = self.end();
    }
}

/// Runs a command to its end and gives its standard output; a fault quotes what it printed.
pub fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let mut said = output.stdout;
    said.extend_from_slice(&output.stderr);
    Err(
        Fault::new(format!("{} failed ({})", told(command), output.status))
            .with_lines(&String::from_utf8_lossy(&said), 25),
    )
}

/// Runs a command to its end whatever its status.
pub fn output(command: &mut Command) -> Result<std::process::Output> {
    die_with_parent(command);
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Fault::new(format!("{} cannot be run: {error}", told(command))))
}

/// The command as a person would type it.
pub fn told(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.contains(' ') {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    }));
    words.join(" ")
}

/// Ends every program that is running, kindly first: for the signal thread, which cannot reach
/// the [`Program`] values.
pub fn end_all() {
    let groups: Vec<i32> = running().iter().copied().collect();
    for group in &groups {
        signal(*group, libc::SIGTERM);
    }
    let begun = Instant::now();
    while begun.elapsed() < GRACE && groups.iter().any(|group| alive(*group)) {
        thread::sleep(Duration::from_millis(20));
    }
    for group in groups {
        signal(-group, libc::SIGKILL);
        reap(group);
    }
}

/// Takes the exit status of a child that has ended, so that nothing of it is left in the process table.
#[allow(unsafe_code)]
fn reap(child: i32) {
    // SAFETY: a null status pointer is allowed; an id that is no child's is an error answer.
    unsafe {
        libc::waitpid(child, std::ptr::null_mut(), libc::WNOHANG);
    }
}

fn running() -> std::sync::MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn group_of(child: &Child) -> i32 {
    child.id().cast_signed()
}

/// Whether the process still runs: gone and zombie both count as ended.
fn alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit(") ").next().map(|rest| !rest.starts_with('Z')))
        .unwrap_or(false)
}

#[allow(unsafe_code)]
fn signal(target: i32, signal: i32) {
    // SAFETY: kill takes two integers and touches no memory; an id that is gone is an error answer.
    unsafe {
        libc::kill(target, signal);
    }
}

/// Lets the kernel end the command should this process (in truth: the thread that starts it) end first.
#[allow(unsafe_code)]
pub fn die_with_parent(command: &mut Command) {
    let parent = std::process::id().cast_signed();
    // SAFETY: between fork and exec only prctl and getppid are called, both async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            // The parent may have died before the request took hold.
            if libc::getppid() != parent {
                return Err(std::io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("jitsuin-process-{}-{name}.log", std::process::id()))
    }

    #[test]
    fn a_program_is_ended_with_its_children() {
        let log = log("children");
        let mut program = Start::new("shell", "sh", log.clone())
            .args([
                "-c",
                "trap '' TERM; sleep 600 & echo $!; trap 'exit 3' TERM; wait",
            ])
            .start()
            .unwrap();
        let child: i32 = program
            .wait_until("started", Duration::from_secs(5), || {
                fs::read_to_string(&log).ok()?.trim().parse().ok()
            })
            .unwrap();
        assert!(alive(child));
        assert_eq!(program.end().unwrap().code(), Some(3));
        let begun = Instant::now();
        while alive(child) && begun.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(
            !alive(child),
            "the sleep that ignores SIGTERM was left behind"
        );
        let _ = fs::remove_file(log);
    }

    #[test]
    fn an_early_end_is_told_with_what_the_log_says() {
        let log = log("early");
        let mut program = Start::new("shell", "sh", log.clone())
            .args(["-c", "echo the key is not there; exit 4"])
            .start()
            .unwrap();
        let fault = program
            .wait_until("ready", Duration::from_secs(5), || None::<()>)
            .unwrap_err()
            .to_string();
        assert!(fault.contains("shell ended before it was ready"), "{fault}");
        assert!(fault.contains("the key is not there"), "{fault}");
        let _ = fs::remove_file(log);
    }
}
