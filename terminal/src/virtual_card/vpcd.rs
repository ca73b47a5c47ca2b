//! The card in a reader: client of the `vpcd` driver inside `pcscd`.
//!
//! The driver listens; connecting is inserting the card, disconnecting is
//! removing it. Each message is a 2-byte big-endian length and a body; the
//! driver always speaks first. Bodies of one byte are the reader's own
//! (0 power off, 1 power on, 2 reset: no answer; 4 ATR: answered); every other
//! body is a command APDU, answered by a response APDU.
//!
//! A `pcscd` of one's own, as root (otherwise `unshare -rm`), with a directory
//! `/tmp/pcsc` holding `conf/vpcd`:
//!
//! ```text
//! FRIENDLYNAME "Jitsuin Counter"
//! DEVICENAME   /dev/null:0x55CB
//! LIBPATH      /tmp/pcsc/counter.so
//! CHANNELID    0x55CB
//! ```
//!
//! ```text
//! cp -L /usr/lib/pcsc/drivers/serial/libifdvpcd.so /tmp/pcsc/counter.so
//! unshare -m sh -c 'mount -t tmpfs none /run && mkdir /run/pcscd && exec pcscd -f -c /tmp/pcsc/conf' & pid=$!
//! virtual-card serve --state card.json --reader counter=127.0.0.1:21963 --insert counter &
//! PCSCLITE_CSOCK_NAME=/proc/$pid/root/run/pcscd/pcscd.comm opensc-tool --list-readers
//! ```
//!
//! Each reader has two slots, on its port and the next. Two readers of one
//! `pcscd` need a copy of the driver each: the driver keeps its slots in one
//! table per loaded library, and a second reader would take over the first
//! one's. Ports lie below 32768, out of the range of client ports; `-c` takes
//! an absolute path.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::card::{ATR, Card};

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const GET_ATR: u8 = 4;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Between two attempts, while `pcscd` is away.
const RETRY: Duration = Duration::from_millis(200);

/// A card that several threads may ask, one at a time.
pub type SharedCard = Arc<Mutex<Card>>;

/// A card being in a reader. It is taken out by [`Insertion::remove`] or on drop;
/// when `pcscd` goes and comes back the card is in the reader again.
pub struct Insertion {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    link: Mutex<Link>,
    changed: Condvar,
}

#[derive(Default)]
struct Link {
    stop: bool,
    stream: Option<TcpStream>,
    /// The reader has spoken: a connection alone may wait behind another card's.
    taken: bool,
}

impl Shared {
    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Insertion {
    /// Puts the card into the reader slot listening at `address`, now or as soon as it is there.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn start(card: SharedCard, address: SocketAddr) -> io::Result<Insertion> {
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new()
            .name("card in reader".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || stay_inserted(&shared, &card, address)
            })?;
        Ok(Insertion {
            shared,
            thread: Some(thread),
        })
    }

    /// Whether the reader has the card.
    pub fn is_connected(&self) -> bool {
        self.shared.link().taken
    }

    /// Waits until the reader has the card; false when the time is over.
    pub fn wait_connected(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut link = self.shared.link();
        while !link.taken {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            link = self
                .shared
                .changed
                .wait_timeout(link, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Takes the card out; its volatile state is gone on return.
    pub fn remove(self) {}
}

impl Drop for Insertion {
    fn drop(&mut self) {
        let mut link = self.shared.link();
        link.stop = true;
        if let Some(stream) = &link.stream {
            // It may be closed by the other side already: that is what is wanted.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(link);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the card in the reader panicked");
        }
    }
}

fn stay_inserted(shared: &Shared, card: &SharedCard, address: SocketAddr) {
    loop {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
            .and_then(|stream| Ok((stream.try_clone()?, stream)))
        {
            Ok((kept, stream)) => {
                {
                    let mut link = shared.link();
                    if link.stop {
                        return;
                    }
                    link.stream = Some(kept);
                }
                let taken = || {
                    shared.link().taken = true;
                    shared.changed.notify_all();
                    tracing::info!(%address, "card inserted");
                };
                if let Err(error) = talk(stream, card, taken) {
                    tracing::info!(%address, %error, "the reader let go of the card");
                }
                card.lock().unwrap_or_else(PoisonError::into_inner).reset();
                let mut link = shared.link();
                (link.stream, link.taken) = (None, false);
            }
            Err(error) => tracing::debug!(%address, %error, "no reader there"),
        }
        let link = shared.link();
        if link.stop {
            return;
        }
        let (link, _) = shared
            .changed
            .wait_timeout(link, RETRY)
            .unwrap_or_else(PoisonError::into_inner);
        if link.stop {
            return;
        }
    }
}

/// Answers the reader until it disconnects; `taken` is called at its first word.
fn talk(mut stream: TcpStream, card: &SharedCard, taken: impl FnOnce()) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut body = Vec::new();
    let mut taken = Some(taken);
    loop {
        let mut length = [0; 2];
        read_exact(&mut stream, &mut length)?;
        if let Some(taken) = taken.take() {
            taken();
        }
        body.resize(usize::from(u16::from_be_bytes(length)), 0);
        read_exact(&mut stream, &mut body)?;
        let mut card = card.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match body[..] {
            [POWER_OFF | POWER_ON | RESET] => {
                card.reset();
                continue;
            }
            [GET_ATR] => ATR.to_vec(),
            [] | [_] => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "not a message of a reader",
                ));
            }
            _ => card.process(&body),
        };
        drop(card);
        let length = u16::try_from(answer.len()).map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "an answer longer than a message can be",
            )
        })?;
        // One write, so that the driver never waits for a second segment.
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
    }
}

/// Reads, acknowledging at once: the driver writes length and body separately,
/// and Nagle's algorithm on its side waits for the acknowledgement of the first.
fn read_exact(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&*stream).set_tcp_quickack(true)?;
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
