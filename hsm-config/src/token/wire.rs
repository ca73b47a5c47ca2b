//! What runs over the socket pair between a program and its worker.
//!
//! A frame is `length (4, little-endian) || call number (4) || postcard`. The
//! length counts what follows it. Call number 0 is the worker speaking by itself.
//! The greeting carries [`PROTOCOL`] as its call number, so that a program and a worker
//! that were not installed together part at once.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::error::Refusal;
use super::health::TokenDescription;
use super::key::{KeyAlgorithm, KeyClass, KeyEntry, SignatureAlgorithm};
use crate::config::TokenName;

/// Raised with each change of what runs over the socket.
pub(crate) const PROTOCOL: u32 = 1;
/// Longest message that goes to the token whole; above it the digest goes.
pub(crate) const LONGEST_MESSAGE: usize = 64 * 1024;
/// Longest frame in either direction: a message and some, or a list of keys.
const LONGEST_FRAME: usize = 512 * 1024;
/// The worker's first frame that no call asked for.
pub(crate) const BY_ITSELF: u32 = 0;

/// The first frame to a worker: what it is for.
#[derive(Serialize, Deserialize)]
pub(crate) enum Greeting {
    /// Serve a token.
    Serve(Hello),
    /// Initialise an empty token, and end.
    Initialise(Initialise),
    /// Sign for a while without anyone asking, and end.
    Measure(Hello, Measurement),
}

/// A new token's label and PINs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Initialise {
    pub module: std::path::PathBuf,
    pub label: String,
    pub so_pin: String,
    pub pin: String,
}

impl Drop for Initialise {
    fn drop(&mut self) {
        self.so_pin.zeroize();
        self.pin.zeroize();
    }
}

/// What to measure.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub key: String,
    pub algorithm: SignatureAlgorithm,
    pub sessions: u16,
    pub milliseconds: u64,
}

/// What was measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Signatures made.
    pub signatures: u64,
    /// In this time.
    pub microseconds: u64,
    /// With this CPU time, user and system.
    pub cpu_microseconds: u64,
}

impl Measured {
    /// Signatures in a second.
    pub fn per_second(&self) -> f64 {
        self.signatures as f64 * 1e6 / self.microseconds.max(1) as f64
    }

    /// CPU time of one signature in microseconds.
    pub fn cpu_each(&self) -> f64 {
        self.cpu_microseconds as f64 / self.signatures.max(1) as f64
    }
}

/// Which token to serve.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub module: std::path::PathBuf,
    pub name: TokenName,
    pub pin: String,
    pub sessions: u16,
}

impl Drop for Hello {
    fn drop(&mut self) {
        self.pin.zeroize();
    }
}

/// What the token is asked for. No `Debug`: some of it is secret.
#[derive(Serialize, Deserialize)]
pub(crate) enum Request<'a> {
    /// Sign a whole message: the token hashes where it can.
    SignMessage {
        key: &'a str,
        algorithm: SignatureAlgorithm,
        #[serde(serialize_with = "whole::serialize")]
        message: &'a [u8],
    },
    /// Sign a digest made by us.
    SignDigest {
        key: &'a str,
        algorithm: SignatureAlgorithm,
        #[serde(serialize_with = "whole::serialize")]
        digest: &'a [u8],
    },
    PublicKey {
        key: &'a str,
    },
    Keys,
    Generate {
        label: &'a str,
        algorithm: KeyAlgorithm,
    },
    ImportCmac {
        label: &'a str,
        #[serde(serialize_with = "whole::serialize")]
        value: &'a [u8],
    },
    Cmac {
        key: &'a str,
        #[serde(serialize_with = "whole::serialize")]
        message: &'a [u8],
    },
    Random {
        length: u16,
    },
    Wrap {
        key: &'a str,
        #[serde(serialize_with = "whole::serialize")]
        data_key: &'a [u8],
    },
    Unwrap {
        key: &'a str,
        #[serde(serialize_with = "whole::serialize")]
        wrapped: &'a [u8],
    },
    Destroy {
        label: &'a str,
        class: KeyClass,
    },
}

impl Request<'_> {
    /// Whether the frame must be wiped after it was sent.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::ImportCmac { .. } | Self::Wrap { .. })
    }

    /// Whether token objects come or go: such calls run one at a time, may take long
    /// (RSA-4096: many seconds) and are never made twice by themselves.
    pub(crate) fn changes_objects(&self) -> bool {
        matches!(
            self,
            Self::Generate { .. } | Self::ImportCmac { .. } | Self::Destroy { .. }
        )
    }
}

/// What the worker answers.
#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    Bytes(#[serde(with = "whole")] Vec<u8>),
    Keys(Vec<KeyEntry>),
    Done,
    Failed(Failure),
    Measured(Measured),
    /// By itself: the token is there (after the start, and after each return).
    Usable(TokenDescription),
    /// By itself: the token is gone; the worker goes on looking for it.
    Gone(String),
    /// By itself: the token could not be started; the worker ends.
    NotStarted(Failure),
    /// By itself, twice a second: the worker is alive.
    Alive,
}

/// Octets written and read in one piece; serde's own way goes octet by octet.
mod whole {
    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(octets)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Octets;
        impl Visitor<'_> for Octets {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("octets")
            }

            fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<Vec<u8>, E> {
                Ok(octets.to_vec())
            }
        }
        from.deserialize_bytes(Octets)
    }
}

/// Why a call failed, without the times that only the program knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Failure {
    Away(String),
    Unknown(String),
    Refused(Refusal),
    Unsupported(String),
}

/// Sends frames; several threads share one system call when they meet.
pub(crate) struct FrameWriter {
    pending: Mutex<Pending>,
    stream: Mutex<UnixStream>,
}

/// Whole frames not yet written.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    secret: bool,
}

impl FrameWriter {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self {
            pending: Mutex::default(),
            stream: Mutex::new(stream),
        }
    }

    /// Sends one frame. On return it was written, by this thread or another one.
    ///
    /// # Errors
    /// `InvalidInput` when the frame is too long (nothing was sent); else the stream's
    /// errors, after which the stream is of no more use.
    pub(crate) fn send(&self, call: u32, body: &impl Serialize, secret: bool) -> io::Result<()> {
        let mut frame = encode(call, body, secret)?;
        {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.bytes.extend_from_slice(&frame);
            pending.secret |= secret;
        }
        if secret {
            frame.zeroize();
        }
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out =
            std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        if out.bytes.is_empty() {
            return Ok(());
        }
        let written = stream.write_all(&out.bytes);
        if out.secret {
            out.bytes.zeroize();
        }
        written
    }
}

fn encode(call: u32, body: &impl Serialize, secret: bool) -> io::Result<Vec<u8>> {
    // A secret frame never grows, so that no part of it stays in freed memory.
    let mut frame = Vec::with_capacity(if secret { 16 * 1024 } else { 256 });
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&call.to_le_bytes());
    let mut frame = postcard::to_extend(body, frame).map_err(io::Error::other)?;
    let length = frame.len() - 4;
    if length > LONGEST_FRAME {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "frame too long",
        ));
    }
    frame[..4].copy_from_slice(
        &u32::try_from(length)
            .map_err(io::Error::other)?
            .to_le_bytes(),
    );
    Ok(frame)
}

/// Takes frames off a stream. What was handed out is wiped from its buffer.
pub(crate) struct FrameReader {
    stream: UnixStream,
    buffer: Vec<u8>,
    filled: std::ops::Range<usize>,
}

/// One frame.
#[derive(Default)]
pub(crate) struct Frame {
    pub call: u32,
    body: Vec<u8>,
}

impl Frame {
    /// Decodes the frame; left-over bytes are a fault.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`].
    pub(crate) fn body<'a, T: Deserialize<'a>>(&'a self) -> io::Result<T> {
        match postcard::take_from_bytes(&self.body) {
            Ok((value, [])) => Ok(value),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "malformed frame",
            )),
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

impl FrameReader {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            buffer: vec![0; 16 * 1024],
            filled: 0..0,
        }
    }

    /// Waits for the next frame. `Ok(false)`: the other end has closed.
    ///
    /// # Errors
    /// `WouldBlock` or `TimedOut` when the stream has a time limit and it passed (call
    /// again); anything else ends the stream.
    pub(crate) fn next(&mut self, frame: &mut Frame) -> io::Result<bool> {
        loop {
            if let Some(whole) = self.whole_frame()? {
                let body = whole.start + 8..whole.end;
                let mut call = [0; 4];
                call.copy_from_slice(&self.buffer[whole.start + 4..whole.start + 8]);
                frame.call = u32::from_le_bytes(call);
                frame.body.zeroize();
                frame.body.extend_from_slice(&self.buffer[body]);
                self.buffer[whole.clone()].fill(0);
                self.filled.start = whole.end;
                return Ok(true);
            }
            if self.filled.start > 0 {
                self.buffer.copy_within(self.filled.clone(), 0);
                let kept = self.filled.len();
                self.buffer[kept..self.filled.end].fill(0);
                self.filled = 0..kept;
            }
            let got = match self.stream.read(&mut self.buffer[self.filled.end..]) {
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if got == 0 {
                return Ok(false);
            }
            self.filled.end += got;
        }
    }

    /// The range of the next whole frame; makes room for it when it is longer than the buffer.
    fn whole_frame(&mut self) -> io::Result<Option<std::ops::Range<usize>>> {
        let ready = &self.buffer[self.filled.clone()];
        let Some(length) = ready.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if !(4..=LONGEST_FRAME).contains(&length) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "frame length out of range",
            ));
        }
        let whole = length + 4;
        if ready.len() >= whole {
            return Ok(Some(self.filled.start..self.filled.start + whole));
        }
        if self.buffer.len() < whole {
            self.buffer.resize(whole, 0);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_any_cut() {
        let (a, b) = UnixStream::pair().unwrap();
        let writer = FrameWriter::new(a);
        let message = vec![7u8; 40_000];
        let sender = std::thread::spawn(move || {
            for call in 1..=50 {
                let request = Request::Cmac {
                    key: "k",
                    message: &message,
                };
                writer.send(call, &request, false).unwrap();
                writer.send(call + 1000, &Request::Keys, false).unwrap();
            }
        });
        let mut reader = FrameReader::new(b);
        let mut frame = Frame::default();
        for call in 1..=50 {
            assert!(reader.next(&mut frame).unwrap());
            assert_eq!(frame.call, call);
            assert!(
                matches!(frame.body().unwrap(), Request::Cmac { key: "k", message } if message == [7; 40_000])
            );
            assert!(reader.next(&mut frame).unwrap());
            assert_eq!(frame.call, call + 1000);
            assert!(matches!(frame.body().unwrap(), Request::Keys));
        }
        sender.join().unwrap();
        assert!(!reader.next(&mut frame).unwrap(), "the end is seen");
        assert!(
            reader.buffer.iter().all(|byte| *byte == 0),
            "nothing is left in the buffer"
        );
    }

    #[test]
    fn a_length_beyond_the_limit_ends_the_stream() {
        for length in [3u32, u32::try_from(LONGEST_FRAME).unwrap() + 1, u32::MAX] {
            let (mut a, b) = UnixStream::pair().unwrap();
            a.write_all(&length.to_le_bytes()).unwrap();
            let fault = FrameReader::new(b).next(&mut Frame::default()).unwrap_err();
            assert_eq!(fault.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn bytes_left_over_are_a_fault() {
        let (a, b) = UnixStream::pair().unwrap();
        FrameWriter::new(a).send(1, &(1u8, 2u8), false).unwrap();
        let mut frame = Frame::default();
        FrameReader::new(b).next(&mut frame).unwrap();
        assert!(frame.body::<u8>().is_err());
        assert!(frame.body::<(u8, u8)>().is_ok());
    }
}
