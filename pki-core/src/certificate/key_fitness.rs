//! Whether a public key is good enough to be certified.
//!
//! That a key was never seen before is the CA's database's question, asked by
//! [`PublicKey::sha256`]; that an EC point lies on its curve was checked when the key
//! was read.

use std::sync::LazyLock;

use super::public_key::{KeyKind, PublicKey};

/// Why a key is not certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyUnfit {
    /// RSA moduli of other sizes than 2048, 3072 or 4096 bits (規則2: at least 2048 today).
    #[error("an RSA modulus of {bits} bits")]
    Size {
        /// Length of the modulus.
        bits: u32,
    },
    /// The exponent is not 65537.
    #[error("an RSA exponent other than 65537")]
    Exponent,
    /// The modulus is divisible by a small prime, 2 included.
    #[error("the modulus is divisible by {0}")]
    SmallFactor(u32),
    /// The modulus has the fingerprint of CVE-2017-15361 (ROCA): keys of certain chips,
    /// the national cards of Estonia and Slovakia among them, that can be factored.
    #[error("the modulus has the fingerprint of the ROCA weakness")]
    Roca,
}

/// Checks size, exponent, small factors and the ROCA fingerprint of an RSA key.
pub fn check(key: &PublicKey) -> Result<(), KeyUnfit> {
    let (KeyKind::Rsa { bits }, Some((modulus, exponent))) = (key.kind(), key.rsa_numbers()) else {
        return Ok(());
    };
    if !matches!(bits, 2048 | 3072 | 4096) {
        return Err(KeyUnfit::Size { bits });
    }
    if exponent != [1, 0, 1] {
        return Err(KeyUnfit::Exponent);
    }
    if modulus.last().is_some_and(|last| last & 1 == 0) {
        return Err(KeyUnfit::SmallFactor(2));
    }
    let mut fingerprint = true;
    for (group, remainder) in GROUPS.iter().zip(remainders(modulus)) {
        for prime in &group.primes {
            let remainder = (remainder % u64::from(prime.value)) as u32;
            if remainder == 0 {
                return Err(KeyUnfit::SmallFactor(prime.value));
            }
            fingerprint &= prime.is_power_of_65537(remainder);
        }
    }
    if fingerprint {
        return Err(KeyUnfit::Roca);
    }
    Ok(())
}

/// Primes below this bound are tried. The bound covers those of the fingerprint.
const BOUND: u32 = 1000;
/// Primes of the ROCA fingerprint: those of the primorial from which 512-bit and longer
/// keys were made, as far as the published detector looks.
const FINGERPRINT_BOUND: u32 = 167;
/// 32-bit words of a 4096-bit modulus.
const WORDS: usize = 128;

struct Prime {
    value: u32,
    /// Bit r is set when r is a power of 65537 modulo the prime; all bits for primes that
    /// the fingerprint does not look at.
    powers: [u64; 3],
}

impl Prime {
    fn new(value: u32) -> Self {
        let mut powers = [u64::MAX; 3];
        if value <= FINGERPRINT_BOUND {
            powers = [0; 3];
            let mut power = 1;
            while powers[power as usize / 64] & (1 << (power % 64)) == 0 {
                powers[power as usize / 64] |= 1 << (power % 64);
                power = power * (65537 % value) % value;
            }
        }
        Self { value, powers }
    }

    fn is_power_of_65537(&self, remainder: u32) -> bool {
        self.powers
            .get(remainder as usize / 64)
            .is_none_or(|word| word & (1 << (remainder % 64)) != 0)
    }
}

/// Primes whose product is below 2^26, so that 64 products of a 32-bit word and a remainder
/// add up within 64 bits: one pass of multiplications instead of a division per word.
struct Group {
    product: u32,
    primes: Vec<Prime>,
    /// 2^(32 i) modulo the product.
    word_weights: [u32; WORDS],
}

impl Group {
    fn new(primes: Vec<Prime>) -> Self {
        let product = primes.iter().map(|prime| prime.value).product();
        let mut word_weights = [1 % product; WORDS];
        for at in 1..WORDS {
            let next = (u64::from(word_weights[at - 1]) << 32) % u64::from(product);
            word_weights[at] = next as u32;
        }
        Self {
            product,
            primes,
            word_weights,
        }
    }

    /// The number, least significant word first, modulo the product.
    fn remainder(&self, words: &[u32]) -> u64 {
        let product = u64::from(self.product);
        words
            .chunks(64)
            .zip(self.word_weights.chunks(64))
            .map(|(words, weights)| {
                let sum: u64 = words
                    .iter()
                    .zip(weights)
                    .map(|(word, weight)| u64::from(*word) * u64::from(*weight))
                    .sum();
                sum % product
            })
            .sum::<u64>()
            % product
    }
}

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let is_prime = |n: &u32| {
        (2..*n)
            .take_while(|d| d * d <= *n)
            .all(|d| !n.is_multiple_of(d))
    };
    let mut groups = Vec::new();
    let mut group: Vec<Prime> = Vec::new();
    let mut product = 1u32;
    for prime in (3..BOUND).filter(is_prime) {
        if u64::from(product) * u64::from(prime) >= 1 << 26 {
            groups.push(Group::new(std::mem::take(&mut group)));
            product = 1;
        }
        product *= prime;
        group.push(Prime::new(prime));
    }
    groups.push(Group::new(group));
    groups
});

/// The modulus, big-endian, modulo each group's product.
fn remainders(modulus: &[u8]) -> impl Iterator<Item = u64> {
    let mut words = [0u32; WORDS];
    for (word, octets) in words.iter_mut().zip(modulus.rchunks(4)) {
        *word = octets
            .iter()
            .fold(0, |word, octet| word << 8 | u32::from(*octet));
    }
    let count = modulus.len().div_ceil(4).min(WORDS);
    GROUPS
        .iter()
        .map(move |group| group.remainder(&words[..count]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Product of two random primes of 1024 bits.
    const PLAIN: &str = include_str!("../../tests/fixtures/modulus-plain.hex");
    /// Product of two primes of the form k·M + (65537^a mod M), M the primorial of 167.
    const ROCA: &str = include_str!("../../tests/fixtures/modulus-roca.hex");
    /// A number whose smallest factor is 997.
    const SMALL: &str = include_str!("../../tests/fixtures/modulus-small-factor.hex");

    fn key(modulus: &[u8], exponent: u32) -> PublicKey {
        PublicKey::from_rsa_numbers(modulus, &exponent.to_be_bytes()).unwrap()
    }

    fn number(text: &str) -> Vec<u8> {
        let digits: String = text.split_whitespace().collect();
        hex::decode(digits).unwrap()
    }

    #[test]
    fn a_random_key_passes_and_each_weakness_is_told_from_the_others() {
        let plain = number(PLAIN);
        assert_eq!(check(&key(&plain, 65537)), Ok(()));
        assert_eq!(check(&key(&plain, 3)), Err(KeyUnfit::Exponent));
        assert_eq!(check(&key(&plain, 65539)), Err(KeyUnfit::Exponent));
        assert_eq!(
            check(&key(&plain[1..], 65537)),
            Err(KeyUnfit::Size { bits: 2040 })
        );
        let mut even = plain.clone();
        even[255] &= 0xFE;
        assert_eq!(check(&key(&even, 65537)), Err(KeyUnfit::SmallFactor(2)));
        assert_eq!(
            check(&key(&number(SMALL), 65537)),
            Err(KeyUnfit::SmallFactor(997))
        );
        assert_eq!(check(&key(&number(ROCA), 65537)), Err(KeyUnfit::Roca));
    }

    #[test]
    fn the_fingerprint_is_the_published_one() {
        // Masks of the published detector for 3, 5, 7, 11, 13, 17, 19 and 37.
        for (prime, mask) in [
            (3, 6),
            (5, 30),
            (7, 126),
            (11, 1026),
            (13, 5658),
            (17, 107_286),
            (19, 199_410),
            (37, 67_109_890),
        ] {
            assert_eq!(Prime::new(prime).powers, [mask, 0, 0], "{prime}");
        }
    }

    #[test]
    fn remainders_agree_with_long_division() {
        let modulus = number(PLAIN);
        for (group, found) in GROUPS.iter().zip(remainders(&modulus)) {
            let product = u64::from(group.product);
            let expected = modulus
                .iter()
                .fold(0, |rest, octet| (rest << 8 | u64::from(*octet)) % product);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_point_off_its_curve_is_no_key() {
        use crate::certificate::public_key::PublicKeyFault;
        let mut point = [0u8; 65];
        point[0] = 4;
        point[64] = 1;
        assert_eq!(PublicKey::from_ec_point(&point), Err(PublicKeyFault::Point));
        assert_eq!(
            PublicKey::from_ec_point(&[4; 97]),
            Err(PublicKeyFault::Point)
        );
    }
}
