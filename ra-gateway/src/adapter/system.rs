//! The operating system's clock and random source.

use jiff::Timestamp;

use crate::port::{Clock, Entropy};

/// The machine's clock; it is expected to be kept by NTP.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The kernel's random source (getrandom(2)).
#[derive(Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("getrandom(2) does not fail once the kernel has booted");
    }
}
