//! Chance, handed in.

/// Gives random bytes fit for keys and serial numbers.
pub trait Entropy: Send + Sync {
    /// Fill `bytes`, all of them, or fail without having given anything usable.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed>;
}

/// The system gave no random bytes; nothing may be issued.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct EntropyFailed;

/// An array of random bytes.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyFailed> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}
