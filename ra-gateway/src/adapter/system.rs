//! The operating system's clock and random source.

pub use service::clock::SystemClock;

use crate::port::Entropy;

/// The kernel's random source (getrandom(2)).
#[derive(Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("getrandom(2) does not fail once the kernel has booted");
    }
}
