//! The machine's clock and random source: the only place that asks for them.

pub use service::clock::SystemClock;

use std::time::Duration;

use crate::port::{
    clock::Stopwatch,
    entropy::{Entropy, EntropyFailed},
};

/// The machine's clock since it was started (`CLOCK_BOOTTIME`, clock_gettime(2)), which goes on
/// while the machine sleeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemStopwatch;

impl Stopwatch for SystemStopwatch {
    #[allow(unsafe_code)]
    fn elapsed(&self) -> Duration {
        // SAFETY: clock_gettime fills the struct that is handed to it and nothing else. It fails
        // for unknown clocks alone, and Linux has had this one since 2.6.39.
        let time = unsafe {
            let mut time: libc::timespec = std::mem::zeroed();
            libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time);
            time
        };
        Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    }
}

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        getrandom::fill(bytes).map_err(|_| EntropyFailed)
    }
}
