//! The machine's clock and random source: the only place that asks for them.

pub use service::clock::SystemClock;

use crate::port::entropy::{Entropy, EntropyFailed};

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        getrandom::fill(bytes).map_err(|_| EntropyFailed)
    }
}
