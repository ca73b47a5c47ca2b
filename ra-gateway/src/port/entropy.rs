//! Randomness, drawn where it is needed and handed to pure code.

/// Draws random bytes.
///
/// Promise: every byte is unpredictable to everyone outside the process; a source
/// that cannot promise that panics rather than answer.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// Sixteen random bytes: an identifier.
    fn id(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }

    /// Thirty-two random bytes: a challenge or a session token.
    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        bytes
    }
}
