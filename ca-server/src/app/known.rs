//! What is read out of a party's certificate and key, kept for the next time. Whether the party
//! may act is looked up afresh at each request; the bytes of its certificate stay what they are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use pki_core::certificate::{PublicKey, image::CertificateImage};

use crate::port::store::Party;

/// So many are kept; above it all are forgotten, and read again as they come.
const KEPT: usize = 8192;

/// One party's certificate and key as read.
pub struct Read {
    certificate: Vec<u8>,
    public_key: Vec<u8>,
    image: Option<CertificateImage>,
    /// `None`: it cannot be read.
    pub key: Option<PublicKey>,
}

impl Read {
    fn new(party: &Party) -> Self {
        Self {
            certificate: party.certificate.clone(),
            public_key: party.public_key.clone(),
            image: CertificateImage::decode(&party.certificate).ok(),
            key: PublicKey::from_spki_der(&party.public_key).ok(),
        }
    }

    /// Whether it was read from these very bytes.
    fn is_of(&self, party: &Party) -> bool {
        self.certificate == party.certificate && self.public_key == party.public_key
    }

    /// Whether the certificate is valid at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.image
            .as_ref()
            .is_some_and(|image| image.is_in_effect(now))
    }
}

/// Certificates and keys by the certificate's SHA-256.
#[derive(Default)]
pub struct Known(Mutex<HashMap<[u8; 32], Arc<Read>>>);

impl Known {
    /// Certificate and key of a party.
    pub fn of(&self, party: &Party) -> Arc<Read> {
        let name = party.certificate_sha256;
        let known = self.lock().get(&name).cloned();
        if let Some(known) = known.filter(|known| known.is_of(party)) {
            return known;
        }
        let read = Arc::new(Read::new(party));
        let mut all = self.lock();
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(name, Arc::clone(&read));
        read
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<Read>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_serves_the_same_bytes_alone() {
        let known = Known::default();
        let party = |public_key: &[u8]| Party {
            kind: "terminal".to_owned(),
            id: "131010001".to_owned(),
            municipality: None,
            label: String::new(),
            certificate: b"no certificate".to_vec(),
            certificate_sha256: [1; 32],
            public_key: public_key.to_vec(),
            active: true,
        };
        let first = known.of(&party(b"a"));
        assert!(Arc::ptr_eq(&first, &known.of(&party(b"a"))));
        let other = known.of(&party(b"b"));
        assert!(!Arc::ptr_eq(&first, &other));
        assert!(Arc::ptr_eq(&other, &known.of(&party(b"b"))));
        assert!(!other.is_valid(Timestamp::UNIX_EPOCH) && other.key.is_none());
    }
}
