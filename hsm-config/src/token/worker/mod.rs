//! The child process in which the vendor's module runs (`hsm worker`).
//!
//! Threads: N that read requests and sign, each with a session of its own; one that
//! makes and destroys keys; one that keeps watch over the token and says twice a
//! second that the worker is alive; one that waits for the other end to close.
//! Whichever of them ends, the process ends: what is stuck inside a module can be
//! got rid of in no other way.

mod access;
mod encode;
mod initialise;
mod keeper;
mod ladder;
mod measure;
mod module;
mod objects;
mod operate;
mod outcome;
#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use self::measure::cpu_microseconds;
use self::module::Module;
use super::wire::{
    BY_ITSELF, Failure, Frame, FrameReader, FrameWriter, Greeting, PROTOCOL, Reply, Request,
};

/// What all threads of a worker share.
struct Worker {
    module: Module,
    /// Whichever signing thread is free reads the next request: no thread hands on
    /// to another what it could do itself.
    reader: Mutex<FrameReader>,
    writer: FrameWriter,
}

/// Runs a worker on the socket that is its standard input, until the other end closes.
///
/// # Errors
/// When standard input is no socket, or its first frame is no greeting.
pub fn run() -> io::Result<()> {
    keep_memory_private();
    leave_signals_to_the_program();
    let stream = socket_on_standard_input()?;
    let mut reader = FrameReader::new(stream.try_clone()?);
    let writer = FrameWriter::new(stream.try_clone()?);
    let mut frame = Frame::default();
    if !reader.next(&mut frame)? {
        return Ok(());
    }
    if frame.call != PROTOCOL {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the program and `hsm` are of different versions: install both together",
        ));
    }
    let greeting: Greeting = frame.body()?;
    drop(frame);
    let hello = match greeting {
        Greeting::Serve(hello) => hello,
        Greeting::Initialise(order) => {
            let reply = initialise::initialise(&order).map_or_else(Reply::Failed, |()| Reply::Done);
            return writer.send(BY_ITSELF, &reply, false);
        }
        Greeting::Measure(hello, order) => {
            let measured =
                Module::start(hello).and_then(|module| measure::measure(&module, &order));
            let reply = measured.map_or_else(Reply::Failed, Reply::Measured);
            return writer.send(BY_ITSELF, &reply, false);
        }
    };
    let sessions = usize::from(hello.sessions);
    let (ended, end) = mpsc::channel();
    spawn("watch", &ended, move || wait_for_close(&stream));

    let module = match Module::start(hello) {
        Ok(module) => module,
        Err(failure) => return writer.send(BY_ITSELF, &Reply::NotStarted(failure), false),
    };
    let worker = Arc::new(Worker {
        module,
        reader: Mutex::new(reader),
        writer,
    });
    let (to_maker, for_maker) = mpsc::channel();
    for desk in 0..sessions {
        let (worker, to_maker) = (Arc::clone(&worker), to_maker.clone());
        spawn("sign", &ended, move || worker.sign_on(desk, &to_maker));
    }
    let maker = Arc::clone(&worker);
    spawn("make", &ended, move || maker.make(&for_maker));
    let keeper = Arc::clone(&worker);
    spawn("keep", &ended, move || keeper.keep());
    // The first thread to end ends the worker, be it by a panic.
    let _ = end.recv();
    Ok(())
}

/// Sends when dropped, also while unwinding.
struct Ended(Sender<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

fn spawn(name: &str, ended: &Sender<()>, work: impl FnOnce() + Send + 'static) {
    let guard = Ended(ended.clone());
    let thread = std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            let _guard = guard;
            work();
        });
    if let Err(fault) = thread {
        // The guard went with the closure: the worker ends.
        tracing::error!(%fault, "no thread");
    }
}

impl Worker {
    /// A signing thread: takes the next request, answers it at its own desk.
    fn sign_on(&self, desk: usize, to_maker: &Sender<Frame>) {
        let mut frame = Frame::default();
        loop {
            let got = self
                .reader
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next(&mut frame);
            match got {
                Ok(true) => {}
                Ok(false) => return,
                Err(fault) => {
                    tracing::warn!(%fault, "the socket failed");
                    return;
                }
            }
            let answered = match frame.body::<Request<'_>>() {
                Ok(request) if request.changes_objects() => {
                    if to_maker.send(std::mem::take(&mut frame)).is_err() {
                        return;
                    }
                    continue;
                }
                Ok(request) => {
                    let reply = operate::answer(&self.module, desk, &request);
                    self.reply(frame.call, reply, matches!(request, Request::Unwrap { .. }))
                }
                Err(fault) => Err(fault),
            };
            if let Err(fault) = answered {
                tracing::warn!(%fault, "no answer could be given");
                return;
            }
        }
    }

    /// The thread that makes and destroys keys, one at a time: SoftHSM fails when
    /// several threads create token objects at once.
    fn make(&self, requests: &Receiver<Frame>) {
        while let Ok(frame) = requests.recv() {
            let answered = frame.body::<Request<'_>>().and_then(|request| {
                let reply = objects::change(&self.module, &request);
                self.reply(frame.call, reply, false)
            });
            if let Err(fault) = answered {
                tracing::warn!(%fault, "no answer could be given");
                return;
            }
        }
    }

    fn reply(&self, call: u32, outcome: Result<Reply, Failure>, secret: bool) -> io::Result<()> {
        let reply = outcome.unwrap_or_else(Reply::Failed);
        let sent = self.writer.send(call, &reply, secret);
        if secret && let Reply::Bytes(mut bytes) = reply {
            zeroize::Zeroize::zeroize(&mut bytes);
        }
        sent
    }
}

/// Standard input as the socket that it is.
#[allow(unsafe_code)]
fn socket_on_standard_input() -> io::Result<UnixStream> {
    let stdin = io::stdin();
    let fd = stdin.as_raw_fd();
    let mut kind: libc::c_int = 0;
    let mut length: libc::socklen_t = 4;
    // SAFETY: getsockopt writes at most `length` bytes, the size of `kind`; dup gives a
    // descriptor of our own, so that dropping the stream leaves standard input alone.
    let copy = unsafe {
        let asked = libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_TYPE,
            (&raw mut kind).cast(),
            &raw mut length,
        );
        if asked != 0 || kind != libc::SOCK_STREAM {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "standard input is no socket: `hsm worker` is started by other programs only",
            ));
        }
        libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3)
    };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `copy` was just made and is owned by nobody else.
    Ok(unsafe { UnixStream::from_raw_fd(copy) })
}

/// Returns when the other end has closed, whatever the other threads are stuck in.
#[allow(unsafe_code)]
fn wait_for_close(stream: &UnixStream) {
    loop {
        let mut waited = libc::pollfd {
            fd: stream.as_raw_fd(),
            events: libc::POLLRDHUP,
            revents: 0,
        };
        // SAFETY: one pollfd, owned by this frame.
        let ready = unsafe { libc::poll(&raw mut waited, 1, -1) };
        if ready > 0 {
            return;
        }
    }
}

/// This process holds the PIN: no core file, and no look into it by other processes of the user.
#[allow(unsafe_code)]
fn keep_memory_private() {
    // SAFETY: prctl with PR_SET_DUMPABLE takes plain numbers.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

/// A service manager stops all processes of a service at once. The program then still
/// needs its token to finish what is under way; the worker ends when the program has.
#[allow(unsafe_code)]
fn leave_signals_to_the_program() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        // SAFETY: SIG_IGN installs no handler.
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}
