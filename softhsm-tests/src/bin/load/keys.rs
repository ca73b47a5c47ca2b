//! Residents' key pairs in number: every two of a few primes make a modulus. No two certificates get the same
//! key, and none of these keys protects anything.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PrivateKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use xtask::fault::{Fault, Result};

/// An endless supply, as far as `count` goes.
pub fn pairs(count: usize) -> Result<Vec<RsaPrivateKey>> {
    let mut wanted = 2;
    while wanted * (wanted - 1) / 2 < count {
        wanted += 1;
    }
    let mut primes: Vec<BigUint> = Vec::new();
    while primes.len() < wanted {
        let pair = KeyPair::generate(KeySize::Rsa2048)
            .map_err(|_| Fault::new("no RSA key could be made"))?;
        let der = pair
            .as_der()
            .map_err(|_| Fault::new("an RSA key could not be written"))?;
        let key = RsaPrivateKey::from_pkcs8_der(der.as_ref())
            .map_err(|error| Fault::new(error.to_string()))?;
        primes.extend(key.primes().iter().cloned());
    }
    let mut pairs = Vec::with_capacity(count);
    for (at, p) in primes.iter().enumerate() {
        for q in &primes[..at] {
            if pairs.len() == count {
                return Ok(pairs);
            }
            let key = RsaPrivateKey::from_p_q(p.clone(), q.clone(), BigUint::from(65_537u32))
                .map_err(|error| Fault::new(error.to_string()))?;
            pairs.push(key);
        }
    }
    Ok(pairs)
}
