//! What lies sealed in a database: AES-256-GCM (NIST SP 800-38D) with a random nonce,
//! bound to its place. `format (1) || id of the data key (4, big-endian) || nonce (12) ||
//! ciphertext || tag (16)`.
//!
//! A data key seals far fewer than 2³² values in its life, the limit for random nonces.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use zeroize::Zeroizing;

/// First byte of everything sealed.
const FORMAT: u8 = 1;
/// Format, key id, nonce.
const HEAD: usize = 1 + 4 + NONCE_LEN;

/// Random bytes, drawn anew for each value.
pub type SealNonce = [u8; NONCE_LEN];

/// It was not sealed by this key, not for this place, or it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed data do not open: they were changed or moved")]
pub struct NotOurs;

/// The id of the data key that something was sealed under.
///
/// # Errors
/// [`NotOurs`] when it is nothing sealed.
pub fn key_id(sealed: &[u8]) -> Result<u32, NotOurs> {
    match sealed {
        [FORMAT, a, b, c, d, ..] if sealed.len() >= HEAD => {
            Ok(u32::from_be_bytes([*a, *b, *c, *d]))
        }
        _ => Err(NotOurs),
    }
}

/// What one data key does: it seals, and it hashes for look-ups.
pub struct DataKey {
    id: u32,
    sealing: LessSafeKey,
    hashing: hmac::Key,
}

impl DataKey {
    /// From two keys that were derived from the data key, each for its use alone.
    #[must_use]
    pub fn new(id: u32, sealing: &[u8; 32], hashing: &[u8; 32]) -> Self {
        let sealing = UnboundKey::new(&AES_256_GCM, sealing)
            .expect("an AES-256 key has 32 bytes, and so has this");
        Self {
            id,
            sealing: LessSafeKey::new(sealing),
            hashing: hmac::Key::new(hmac::HMAC_SHA256, hashing),
        }
    }

    /// Seals for a place: elsewhere it does not open.
    ///
    /// # Errors
    /// [`NotOurs`] for more than AES-GCM takes (64 GiB).
    pub fn seal(&self, place: &str, nonce: SealNonce, plain: &[u8]) -> Result<Vec<u8>, NotOurs> {
        let mut sealed = Vec::with_capacity(HEAD + plain.len() + AES_256_GCM.tag_len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.id.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .sealing
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut sealed[HEAD..],
            )
            .map_err(|_| NotOurs)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what this key sealed for that place.
    ///
    /// # Errors
    /// [`NotOurs`].
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOurs> {
        if key_id(sealed)? != self.id {
            return Err(NotOurs);
        }
        let (head, body) = sealed.split_at(HEAD);
        let nonce = Nonce::try_assume_unique_for_key(&head[5..]).map_err(|_| NotOurs)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .sealing
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut body)
            .map_err(|_| NotOurs)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// HMAC-SHA-256 over the parts one after the other, for look-ups. The caller sees to
    /// it that no two lists of parts read the same.
    #[must_use]
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.hashing);
        for part in parts {
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "application/01/items";

    fn key(id: u32, byte: u8) -> DataKey {
        DataKey::new(id, &[byte; 32], &[byte + 1; 32])
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_in_its_place_only() {
        let sealed = key(7, 1).seal(PLACE, [9; 12], b"plain").unwrap();
        assert_eq!(key_id(&sealed), Ok(7));
        assert_eq!(*key(7, 1).open(PLACE, &sealed).unwrap(), b"plain");
        assert_eq!(
            key(7, 1).open("application/02/items", &sealed),
            Err(NotOurs)
        );
        assert_eq!(key(7, 3).open(PLACE, &sealed), Err(NotOurs));
        assert_eq!(key(8, 1).open(PLACE, &sealed), Err(NotOurs));
    }

    #[test]
    fn no_byte_can_be_changed_and_none_be_missing() {
        let sealed = key(7, 1).seal(PLACE, [9; 12], b"plain").unwrap();
        assert_eq!(sealed.len(), 1 + 4 + 12 + 5 + 16);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key(7, 1).open(PLACE, &changed), Err(NotOurs), "byte {at}");
            assert_eq!(
                key(7, 1).open(PLACE, &sealed[..at]),
                Err(NotOurs),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn hashes_differ_by_key_and_value() {
        let hash = key(1, 1).hash(&[b"resident", b"13101"]);
        assert_eq!(
            hash,
            key(2, 1).hash(&[b"resident", b"13101"]),
            "the id is no part"
        );
        assert_ne!(hash, key(1, 2).hash(&[b"resident", b"13101"]));
        assert_ne!(hash, key(1, 1).hash(&[b"resident", b"13102"]));
    }
}
