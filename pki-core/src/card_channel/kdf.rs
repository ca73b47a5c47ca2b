//! Derivation of card and visit keys (NIST SP 800-108r1, counter mode, AES-CMAC).
//!
//! The masters are AES-256 keys. The gateway's live in its token, so the CMAC is
//! handed in as a function; the kiosk computes it from its sealed file with
//! [`cmac_aes_256`].

use aws_lc_rs::cmac;
use zeroize::Zeroize;

use super::key::{Key128, KeySet};

/// `CMAC(master, 01 || label || 00 || context || 00 80)`: one block of 128 bits
/// (`docs/card-interface.md` §3).
///
/// # Errors
/// What the CMAC function gives: the token may be away.
pub fn derive<E>(
    cmac: impl FnOnce(&[u8]) -> Result<[u8; 16], E>,
    label: &str,
    context: &[u8],
) -> Result<Key128, E> {
    let mut input = Vec::with_capacity(label.len() + context.len() + 4);
    input.push(1);
    input.extend_from_slice(label.as_bytes());
    input.push(0);
    input.extend_from_slice(context);
    input.extend_from_slice(&128_u16.to_be_bytes());
    let mut block = cmac(&input)?;
    let key = Key128::from(block);
    block.zeroize();
    Ok(key)
}

/// The key set of one card under the card master (key version `20`).
///
/// # Errors
/// What the CMAC function gives.
pub fn card_keys<E>(
    mut cmac: impl FnMut(&[u8]) -> Result<[u8; 16], E>,
    card: &[u8; 16],
) -> Result<KeySet, E> {
    Ok(KeySet {
        enc: derive(&mut cmac, "jitsuin card ENC", card)?,
        mac: derive(&mut cmac, "jitsuin card MAC", card)?,
        dek: derive(&mut cmac, "jitsuin card DEK", card)?,
    })
}

/// The key set of one visit of one card to one kiosk under that kiosk's master
/// (key version `30`).
///
/// # Errors
/// What the CMAC function gives.
pub fn visit_keys<E>(
    mut cmac: impl FnMut(&[u8]) -> Result<[u8; 16], E>,
    kiosk: &[u8; 9],
    card: &[u8; 16],
    visit: &[u8; 16],
) -> Result<KeySet, E> {
    let mut context = [0; 41];
    context[..9].copy_from_slice(kiosk);
    context[9..25].copy_from_slice(card);
    context[25..].copy_from_slice(visit);
    Ok(KeySet {
        enc: derive(&mut cmac, "jitsuin visit ENC", &context)?,
        mac: derive(&mut cmac, "jitsuin visit MAC", &context)?,
        dek: derive(&mut cmac, "jitsuin visit DEK", &context)?,
    })
}

/// AES-CMAC under an AES-256 master held in memory (a sealed file).
pub fn cmac_aes_256(master: &[u8; 32], message: &[u8]) -> [u8; 16] {
    let key = cmac::Key::new(cmac::AES_256, master).expect("an AES-256 key has 32 bytes");
    let tag = cmac::sign(&key, message).expect("CMAC of bytes in memory does not fail");
    tag.as_ref().try_into().expect("an AES-CMAC has 16 bytes")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const MASTER: [u8; 32] = [
        0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77,
        0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14,
        0xdf, 0xf4,
    ];

    /// NIST SP 800-38B examples for AES-256: Mlen = 0, 128 and 320.
    #[test]
    fn cmac_under_a_master_gives_the_examples_of_sp_800_38b() {
        let m = hex::decode(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
        )
        .unwrap();
        for (length, tag) in [
            (0, "028962f61b7bf89efc6b551f4667d983"),
            (16, "28a7023f452e8f82bd4bf28d8c37c35c"),
            (40, "aaf3d8f1de5640c232f5b169b9c911e6"),
        ] {
            assert_eq!(hex::encode(cmac_aes_256(&MASTER, &m[..length])), tag);
        }
    }

    #[test]
    fn the_input_of_the_derivation_is_laid_out_as_documented() {
        let seen = std::cell::RefCell::new(Vec::new());
        let _ = derive::<Infallible>(
            |input| {
                seen.borrow_mut().extend_from_slice(input);
                Ok([0; 16])
            },
            "label",
            b"context",
        );
        assert_eq!(seen.into_inner(), b"\x01label\x00context\x00\x80");
    }

    #[test]
    fn each_key_of_each_card_and_visit_is_another() {
        let cmac = |m: &[u8]| Ok::<_, Infallible>(cmac_aes_256(&MASTER, m));
        let Ok(card) = card_keys(cmac, &[1; 16]);
        let Ok(visit) = visit_keys(cmac, b"13101K001", &[1; 16], &[2; 16]);
        let Ok(elsewhere) = visit_keys(cmac, b"13101K002", &[1; 16], &[2; 16]);
        let Ok(of_another_card) = visit_keys(cmac, b"13101K001", &[3; 16], &[2; 16]);
        let Ok(of_another_visit) = visit_keys(cmac, b"13101K001", &[1; 16], &[3; 16]);
        let all = [
            &card.enc,
            &card.mac,
            &card.dek,
            &visit.enc,
            &visit.mac,
            &visit.dek,
            &elsewhere.enc,
            &elsewhere.mac,
            &elsewhere.dek,
            &of_another_card.enc,
            &of_another_card.mac,
            &of_another_card.dek,
            &of_another_visit.enc,
            &of_another_visit.mac,
            &of_another_visit.dek,
        ];
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }
}
