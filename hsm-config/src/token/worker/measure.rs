//! The raw signing rate of a token: the yardstick for everything built on it.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use cryptoki::mechanism::Mechanism;

use super::access::find;
use super::encode;
use super::module::{Module, Up, away};
use crate::token::error::Refusal;
use crate::token::key::{self, KeyClass, SignatureAlgorithm};
use crate::token::wire::{Failure, Measured, Measurement};

/// Length of the message, about that of a certificate's bytes to sign.
const MESSAGE: [u8; 1200] = [0x5a; 1200];

/// Signs on each of the sessions without a pause and without the way to another process.
pub(super) fn measure(module: &Module, order: &Measurement) -> Result<Measured, Failure> {
    let live = module.read();
    let up = live
        .up
        .as_ref()
        .map_err(|reason| Failure::Away(reason.clone()))?;
    let together = Barrier::new(usize::from(order.sessions) + 1);
    let length = Duration::from_millis(order.milliseconds);
    let (counts, microseconds, cpu) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..order.sessions)
            .map(|_| scope.spawn(|| sign_for(module, up, order, &together, length)))
            .collect();
        together.wait();
        let (begun, cpu) = (Instant::now(), cpu_microseconds());
        let counts: Vec<_> = threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(Failure::Unknown("a thread broke down".into())))
            })
            .collect();
        (
            counts,
            begun.elapsed().as_micros(),
            cpu_microseconds().saturating_sub(cpu),
        )
    });
    let mut signatures = 0;
    for count in counts {
        signatures += count?;
    }
    Ok(Measured {
        signatures,
        microseconds: u64::try_from(microseconds).unwrap_or(u64::MAX),
        cpu_microseconds: cpu,
    })
}

fn sign_for(
    module: &Module,
    up: &Up,
    order: &Measurement,
    together: &Barrier,
    length: Duration,
) -> Result<u64, Failure> {
    let ready = (|| {
        let session = module.pkcs11().open_ro_session(up.slot).map_err(away)?;
        let found = find(&session, &order.key, KeyClass::Private).map_err(away)?;
        match found[..] {
            [handle] => Ok((session, handle)),
            _ => Err(Failure::Refused(Refusal::NoSuchKey(order.key.clone()))),
        }
    })();
    // Whatever came of it: the others wait.
    together.wait();
    let (session, handle) = ready?;
    let end = Instant::now() + length;
    let mut count = 0;
    while Instant::now() < end {
        let signed = match order.algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => {
                session.sign(&Mechanism::Sha256RsaPkcs, handle, &MESSAGE)
            }
            SignatureAlgorithm::RsaPkcs1Sha384 => {
                session.sign(&Mechanism::Sha384RsaPkcs, handle, &MESSAGE)
            }
            SignatureAlgorithm::EcdsaP256Sha256 | SignatureAlgorithm::EcdsaP384Sha384 => {
                let digest = key::digest(order.algorithm, &MESSAGE);
                session.sign(&Mechanism::Ecdsa, handle, &digest)
            }
        };
        let signature = signed.map_err(away)?;
        if !key::is_rsa(order.algorithm) && encode::ecdsa_signature(&signature).is_none() {
            return Err(Failure::Unknown("a malformed signature".into()));
        }
        count += 1;
    }
    Ok(count)
}

/// CPU time of this process, user and system.
#[allow(unsafe_code)]
pub(crate) fn cpu_microseconds() -> u64 {
    // SAFETY: getrusage writes the struct that we own.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let microseconds = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    microseconds(usage.ru_utime) + microseconds(usage.ru_stime)
}
