//! One worker process and the calls that are with it.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::wire::{FrameReader, FrameWriter, Greeting, Hello, PROTOCOL, Reply, Request};
use crate::config::TokenConfig;
use crate::pin::{Pin, PinSource};

/// Calls with the worker at one time, per session. Enough to keep it busy;
/// what is above waits in the program, where a deadline costs nothing.
const CALLS_PER_SESSION: usize = 16;

/// A call that was with the worker for less than this when its caller's deadline
/// came is no sign of a hung token: the caller was in a hurry.
const LEAST_PATIENCE: Duration = Duration::from_millis(200);

/// A worker process, started and greeted.
pub(super) struct Link {
    child: Mutex<Child>,
    pid: u32,
    writer: FrameWriter,
    stream: UnixStream,
    calls: Mutex<Calls>,
    room: Condvar,
    most_calls: usize,
    call_timeout: Duration,
}

struct Calls {
    open: bool,
    last: u32,
    with_worker: HashMap<u32, Arc<Call>>,
}

/// One call under way.
struct Call {
    answer: Mutex<Answer>,
    answered: Condvar,
    sent: Instant,
    changes_objects: bool,
}

enum Answer {
    Awaited,
    /// The caller left at its deadline.
    Abandoned,
    Here(Reply),
    Lost,
}

/// Why a call over the link has no reply.
pub(super) enum LinkFault {
    /// It was not sent.
    NotSent,
    /// It was not sent, since it does not fit a frame.
    TooLong,
    /// It was not sent, since the worker was busy until the deadline.
    Busy,
    /// It was sent and its answer never came.
    Lost,
    /// It was sent and no answer came before the deadline.
    Late,
}

impl Link {
    /// Starts a worker and sends it its greeting. The reader is the supervisor's.
    pub(super) fn start(config: &TokenConfig, pin: &Pin) -> io::Result<(Self, FrameReader)> {
        let (mut child, ours) = spawn_worker(config)?;
        let ends = ours
            .set_write_timeout(Some(config.call_timeout))
            .and_then(|()| Ok((ours.try_clone()?, ours.try_clone()?)));
        let (to_worker, stream) = match ends {
            Ok(ends) => ends,
            Err(fault) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(fault);
            }
        };
        let link = Self {
            pid: child.id(),
            child: Mutex::new(child),
            writer: FrameWriter::new(to_worker),
            stream,
            calls: Mutex::new(Calls {
                open: true,
                last: 0,
                with_worker: HashMap::new(),
            }),
            room: Condvar::new(),
            most_calls: CALLS_PER_SESSION * usize::from(config.sessions),
            call_timeout: config.call_timeout,
        };
        let hello = Hello {
            module: config.module.clone(),
            name: config.name.clone(),
            pin: pin.expose().to_owned(),
            sessions: config.sessions,
        };
        if let Err(fault) = link.writer.send(PROTOCOL, &Greeting::Serve(hello), true) {
            link.end();
            return Err(fault);
        }
        Ok((link, FrameReader::new(ours)))
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a request and waits for its reply until the deadline.
    pub(super) fn call(
        &self,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<Reply, LinkFault> {
        let (number, call) = self.enter(request, deadline)?;
        match self.writer.send(number, request, request.is_secret()) {
            Ok(()) => {}
            Err(fault) if fault.kind() == io::ErrorKind::InvalidInput => {
                self.lock().with_worker.remove(&number);
                self.room.notify_one();
                return Err(LinkFault::TooLong);
            }
            Err(_) => {
                // Part of the frame may have left: the worker cannot be used on.
                self.kill();
                return Err(LinkFault::Lost);
            }
        }
        let mut answer = call.lock();
        loop {
            match std::mem::replace(&mut *answer, Answer::Awaited) {
                Answer::Here(reply) => return Ok(reply),
                Answer::Lost => return Err(LinkFault::Lost),
                Answer::Awaited | Answer::Abandoned => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                *answer = Answer::Abandoned;
                drop(answer);
                let may_wait_for_a_key = !call.changes_objects && self.is_changing_objects();
                if call.sent.elapsed() >= LEAST_PATIENCE && !may_wait_for_a_key {
                    tracing::warn!(
                        worker = self.pid,
                        "a call passed its deadline; ending the worker"
                    );
                    self.kill();
                }
                return Err(LinkFault::Late);
            }
            answer = call
                .answered
                .wait_timeout(answer, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits for room and takes a number.
    fn enter(
        &self,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<(u32, Arc<Call>), LinkFault> {
        let mut calls = self.lock();
        while calls.open && calls.with_worker.len() >= self.most_calls {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(LinkFault::Busy);
            }
            calls = self
                .room
                .wait_timeout(calls, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if !calls.open {
            return Err(LinkFault::NotSent);
        }
        loop {
            calls.last = calls.last.wrapping_add(1);
            if calls.last != 0 && !calls.with_worker.contains_key(&calls.last) {
                break;
            }
        }
        let number = calls.last;
        let call = Arc::new(Call {
            answer: Mutex::new(Answer::Awaited),
            answered: Condvar::new(),
            sent: Instant::now(),
            changes_objects: request.changes_objects(),
        });
        calls.with_worker.insert(number, Arc::clone(&call));
        Ok((number, call))
    }

    /// Hands a reply to its caller.
    pub(super) fn deliver(&self, number: u32, reply: Reply) {
        let mut calls = self.lock();
        let was_full = calls.with_worker.len() >= self.most_calls;
        let call = calls.with_worker.remove(&number);
        drop(calls);
        if was_full {
            self.room.notify_one();
        }
        if let Some(call) = call {
            let mut answer = call.lock();
            if matches!(*answer, Answer::Awaited) {
                *answer = Answer::Here(reply);
                call.answered.notify_one();
            }
        }
    }

    /// Whether a call has been with the worker for longer than a call may take. Making a
    /// key may take longer and hold up others: then the maker's own deadline counts.
    pub(super) fn has_hung_call(&self) -> bool {
        let calls = self.lock();
        let mut under_way = calls.with_worker.values();
        !under_way.clone().any(|call| call.changes_objects)
            && under_way.any(|call| call.sent.elapsed() > self.call_timeout)
    }

    /// Whether a call is under way that may keep the token busy for long.
    pub(super) fn is_changing_objects(&self) -> bool {
        self.lock()
            .with_worker
            .values()
            .any(|call| call.changes_objects)
    }

    /// Ends the worker at once. Calls with it are lost; the supervisor's reader sees the end.
    pub(super) fn kill(&self) {
        self.lock().open = false;
        let _ = self
            .child
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .kill();
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        self.lose_calls();
    }

    /// Closes the socket, so that the worker ends by itself, and gives it a moment for that.
    pub(super) fn end(&self) {
        self.lock().open = false;
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        let patience = Instant::now() + Duration::from_millis(300);
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
        drop(child);
        self.lose_calls();
    }

    fn lose_calls(&self) {
        let lost: Vec<_> = self.lock().with_worker.drain().collect();
        self.room.notify_all();
        for (_, call) in lost {
            let mut answer = call.lock();
            if matches!(*answer, Answer::Awaited) {
                *answer = Answer::Lost;
                call.answered.notify_one();
            }
        }
    }

    /// Time limit of the reader, so that the supervisor can look around.
    pub(super) fn set_reader_pause(&self, pause: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(pause))
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a worker; gives it and our end of its socket.
pub(super) fn spawn_worker(config: &TokenConfig) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(&config.worker);
    command
        .arg("worker")
        .envs(&config.environment)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        // Ctrl-C on a terminal is for the program, which still needs its token to drain.
        .process_group(0);
    if let PinSource::Environment(name) = &config.pin {
        command.env_remove(name);
    }
    let child = command.spawn()?;
    // The command holds the child's end; without it the end of the child is seen.
    drop(command);
    Ok((child, ours))
}

impl Call {
    fn lock(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
