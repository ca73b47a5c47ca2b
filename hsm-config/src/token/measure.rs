//! Rates of a token: raw, and through the facade.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error::{Refusal, TokenError};
use super::key::SignatureAlgorithm;
use super::link::spawn_worker;
use super::pool::Token;
pub use super::wire::Measured;
use super::wire::{Frame, FrameReader, FrameWriter, Greeting, Hello, Measurement, PROTOCOL, Reply};
use super::worker::cpu_microseconds;
use crate::config::TokenConfig;

/// Signs for a while inside a worker of its own, one thread and session each, without
/// the way between processes: the token's best. CPU time is the worker's.
///
/// # Errors
/// [`TokenError`], as for signing.
pub fn raw_rate(
    config: &TokenConfig,
    key: &str,
    algorithm: SignatureAlgorithm,
    sessions: u16,
    length: Duration,
) -> Result<Measured, TokenError> {
    let pin = config.pin().map_err(|fault| TokenError::Away {
        retry_after: Duration::ZERO,
        reason: fault.to_string(),
    })?;
    let hello = Hello {
        module: config.module().to_owned(),
        name: config.name().clone(),
        pin: pin.expose().to_owned(),
        sessions,
    };
    let measurement = Measurement {
        key: key.to_owned(),
        algorithm,
        sessions,
        milliseconds: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
    };
    let unknown = |reason: String| TokenError::Unknown { reason };
    let (mut child, stream) = spawn_worker(config).map_err(|fault| unknown(fault.to_string()))?;
    let answered = (|| {
        stream.set_read_timeout(Some(length + Duration::from_secs(30)))?;
        FrameWriter::new(stream.try_clone()?).send(
            PROTOCOL,
            &Greeting::Measure(hello, measurement),
            true,
        )?;
        let mut frame = Frame::default();
        let got = FrameReader::new(stream).next(&mut frame)?;
        if got {
            frame.body::<Reply>().map(Some)
        } else {
            Ok(None)
        }
    })();
    let _ = child.kill();
    let _ = child.wait();
    match answered {
        Ok(Some(Reply::Measured(measured))) => Ok(measured),
        Ok(Some(Reply::Failed(failure) | Reply::NotStarted(failure))) => Err(failure.into()),
        Ok(_) => Err(unknown("the worker ended".into())),
        Err(fault) => Err(unknown(fault.to_string())),
    }
}

/// Signs for a while through the facade from that many threads, verification included.
/// CPU time is this process's alone.
///
/// # Errors
/// The first failure of any thread.
pub fn facade_rate(
    token: &Token,
    key: &str,
    algorithm: SignatureAlgorithm,
    threads: u16,
    length: Duration,
) -> Result<Measured, TokenError> {
    let message = [0x5a; 1200];
    token.sign(key, algorithm, &message, token.deadline())?;
    let signatures = AtomicU64::new(0);
    let (begun, cpu) = (Instant::now(), cpu_microseconds());
    std::thread::scope(|scope| {
        let work = || {
            while begun.elapsed() < length {
                token.sign(key, algorithm, &message, token.deadline())?;
                signatures.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| {
                Err(TokenError::Refused(Refusal::Token(
                    "a thread broke down".into(),
                )))
            })
        })
    })?;
    Ok(Measured {
        signatures: signatures.into_inner(),
        microseconds: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        cpu_microseconds: cpu_microseconds().saturating_sub(cpu),
    })
}
