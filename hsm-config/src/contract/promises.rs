//! The promises. Each function may be run on any token; labels begin with its own name.

use std::time::{Duration, Instant};

use pki_core::certificate::public_key::PublicKey;

use crate::token::{KeyAlgorithm, KeyClass, Refusal, SignatureAlgorithm, Token, TokenError};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn in_a_while() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Makes a key pair.
///
/// # Panics
/// When the token cannot.
pub fn make(token: &Token, label: &str, algorithm: KeyAlgorithm) -> PublicKey {
    let spki = token
        .generate(label, algorithm, in_a_while())
        .expect("a key")
        .expect("a pair has a public key");
    PublicKey::from_spki_der(&spki).expect("a SubjectPublicKeyInfo")
}

/// Signatures of every kind of key verify with the public key that the token gives.
pub fn signatures_verify(token: &Token) {
    for algorithm in [
        KeyAlgorithm::Rsa2048,
        KeyAlgorithm::P256,
        KeyAlgorithm::P384,
    ] {
        let label = format!("verify-{algorithm}");
        let key = make(token, &label, algorithm);
        let mut ways: Vec<_> = SignatureAlgorithm::ALL.into();
        ways.retain(|way| way.fits(key.kind()));
        assert!(!ways.is_empty());
        for way in ways {
            // The longest goes to the token as a digest.
            for length in [0, 1, 1200, 64 * 1024, 200_000] {
                let message = vec![0x5a; length];
                let signature = token
                    .sign(&label, way, &message, soon())
                    .expect("a signature");
                key.verify(way, &message, &signature)
                    .expect("a signature that verifies");
                assert!(key.verify(way, b"another message", &signature).is_err());
            }
        }
        let read = token.public_key(&label, soon()).expect("the public key");
        assert_eq!(read, key.spki_der());
    }
}

/// A digest made by the caller is signed as the message would be.
pub fn digests_are_signed(token: &Token) {
    let key = make(token, "digest", KeyAlgorithm::P256);
    let way = SignatureAlgorithm::EcdsaP256Sha256;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"message");
    let signature = token
        .sign_digest("digest", way, digest.as_ref(), soon())
        .expect("a signature");
    key.verify(way, b"message", &signature)
        .expect("a signature that verifies");
    let fault = token
        .sign_digest("digest", way, &[0; 31], soon())
        .unwrap_err();
    assert!(
        matches!(fault, TokenError::Refused(Refusal::BadInput(_))),
        "{fault}"
    );
}

/// What the token cannot do is refused with the reason, and the token stays usable.
pub fn refusals_are_precise(token: &Token) {
    make(token, "refuse", KeyAlgorithm::P256);
    let way = SignatureAlgorithm::EcdsaP256Sha256;
    assert_eq!(
        token.sign("no-such-key", way, b"m", soon()).unwrap_err(),
        TokenError::Refused(Refusal::NoSuchKey("no-such-key".into()))
    );
    assert_eq!(
        token
            .generate("refuse", KeyAlgorithm::P384, soon())
            .unwrap_err(),
        TokenError::Refused(Refusal::KeyExists("refuse".into()))
    );
    let fault = token
        .sign("refuse", SignatureAlgorithm::RsaPkcs1Sha256, b"m", soon())
        .unwrap_err();
    assert!(
        matches!(fault, TokenError::Refused(Refusal::WrongUse { .. })),
        "{fault}"
    );
    for label in ["", "a b", "日本", &"x".repeat(65)] {
        let fault = token
            .generate(label, KeyAlgorithm::P256, soon())
            .unwrap_err();
        assert!(
            matches!(fault, TokenError::Refused(Refusal::BadInput(_))),
            "{fault}"
        );
    }
    let long = "x".repeat(1_000_000);
    let fault = token.sign(&long, way, b"m", soon()).unwrap_err();
    assert!(matches!(fault, TokenError::Refused(_)), "{fault}");
    assert!(token.health().is_usable());
    token
        .sign("refuse", way, b"m", soon())
        .expect("still usable");
}

/// Private and secret keys made in the token are sensitive and cannot be taken out;
/// destroying takes one class at a time.
pub fn keys_stay_inside(token: &Token) {
    make(token, "inside", KeyAlgorithm::P256);
    token
        .generate("inside-aes", KeyAlgorithm::Aes256Wrap, soon())
        .expect("an AES key");
    let keys = token.keys(soon()).expect("the keys");
    let mine: Vec<_> = keys
        .iter()
        .filter(|key| key.label.starts_with("inside"))
        .collect();
    let seen: Vec<_> = mine
        .iter()
        .map(|key| (key.label.as_str(), key.class, key.kind.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("inside", KeyClass::Private, "EC P-256"),
            ("inside", KeyClass::Public, "EC P-256"),
            ("inside-aes", KeyClass::Secret, "AES 256"),
        ]
    );
    for key in mine.iter().filter(|key| key.class != KeyClass::Public) {
        assert_eq!(
            (key.sensitive, key.extractable),
            (Some(true), Some(false)),
            "{key:?}"
        );
        assert_ne!(key.never_extractable, Some(false), "{key:?}");
    }
    token
        .destroy("inside", KeyClass::Private, soon())
        .expect("destroyed");
    token
        .destroy("inside", KeyClass::Public, soon())
        .expect("destroyed");
    assert_eq!(
        token
            .destroy("inside", KeyClass::Private, soon())
            .unwrap_err(),
        TokenError::Refused(Refusal::NoSuchKey("inside".into()))
    );
    let fault = token
        .sign("inside", SignatureAlgorithm::EcdsaP256Sha256, b"m", soon())
        .unwrap_err();
    assert_eq!(
        fault,
        TokenError::Refused(Refusal::NoSuchKey("inside".into()))
    );
    // The label is free again, and signatures come from the new key.
    let again = make(token, "inside", KeyAlgorithm::P256);
    let way = SignatureAlgorithm::EcdsaP256Sha256;
    let signature = token
        .sign("inside", way, b"m", soon())
        .expect("a signature");
    again.verify(way, b"m", &signature).expect("by the new key");
}

/// AES-CMAC gives the values of NIST SP 800-38B, appendix D.3.
pub fn cmac_is_nists(token: &Token) {
    let key = hex::decode("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
        .expect("hex");
    token
        .import_cmac_key("cmac", &key, soon())
        .expect("an imported key");
    for (message, mac) in [
        ("", "028962f61b7bf89efc6b551f4667d983"),
        (
            "6bc1bee22e409f96e93d7e117393172a",
            "28a7023f452e8f82bd4bf28d8c37c35c",
        ),
        (
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
            "aaf3d8f1de5640c232f5b169b9c911e6",
        ),
    ] {
        let message = hex::decode(message).expect("hex");
        assert_eq!(
            hex::encode(token.cmac("cmac", &message, soon()).expect("a MAC")),
            mac
        );
    }
    assert_eq!(
        token.import_cmac_key("cmac", &key, soon()).unwrap_err(),
        TokenError::Refused(Refusal::KeyExists("cmac".into()))
    );
    token
        .generate("cmac-made", KeyAlgorithm::Aes256Cmac, soon())
        .expect("a made key");
    let one = token.cmac("cmac-made", b"m", soon()).expect("a MAC");
    assert_eq!(one, token.cmac("cmac-made", b"m", soon()).expect("a MAC"));
    assert_ne!(one, token.cmac("cmac-made", b"n", soon()).expect("a MAC"));
    // One purpose each.
    let fault = token.wrap("cmac-made", &[7; 32], soon()).unwrap_err();
    assert!(
        matches!(fault, TokenError::Refused(Refusal::WrongUse { .. })),
        "{fault}"
    );
}

/// Where the token lacks AES-CMAC or AES-GCM the answer is `Unsupported`, never a value
/// from elsewhere.
pub fn what_is_missing_is_unsupported(token: &Token) {
    for (label, algorithm) in [
        ("missing-cmac", KeyAlgorithm::Aes256Cmac),
        ("missing-gcm", KeyAlgorithm::Aes256Wrap),
    ] {
        token.generate(label, algorithm, soon()).expect("a key");
    }
    let missing = |what: &str| TokenError::Unsupported { what: what.into() };
    let fault = token.cmac("missing-cmac", b"m", soon()).unwrap_err();
    assert_eq!(fault, missing("CKM_AES_CMAC"));
    let fault = token.wrap("missing-gcm", &[7; 32], soon()).unwrap_err();
    assert_eq!(fault, missing("CKM_AES_GCM"));
}

/// A wrapped data key comes back, and only whole, under its own key.
pub fn data_keys_wrap(token: &Token) {
    token
        .generate("wrap-a", KeyAlgorithm::Aes256Wrap, soon())
        .expect("a key");
    token
        .generate("wrap-b", KeyAlgorithm::Aes256Wrap, soon())
        .expect("a key");
    let data_key = [0x42; 32];
    let wrapped = token.wrap("wrap-a", &data_key, soon()).expect("wrapped");
    assert_eq!(wrapped.len(), 61);
    assert_ne!(
        wrapped,
        token.wrap("wrap-a", &data_key, soon()).expect("wrapped"),
        "a fresh IV"
    );
    assert_eq!(
        *token.unwrap("wrap-a", &wrapped, soon()).expect("unwrapped"),
        data_key
    );
    for at in [0, 1, 13, 60] {
        let mut changed = wrapped.clone();
        changed[at] ^= 1;
        let fault = token.unwrap("wrap-a", &changed, soon()).unwrap_err();
        assert!(
            matches!(fault, TokenError::Refused(Refusal::BadInput(_))),
            "octet {at}: {fault}"
        );
    }
    let fault = token.unwrap("wrap-b", &wrapped, soon()).unwrap_err();
    assert!(
        matches!(fault, TokenError::Refused(Refusal::BadInput(_))),
        "{fault}"
    );
    assert!(token.unwrap("wrap-a", &wrapped[..60], soon()).is_err());
    assert_eq!(
        *token.unwrap("wrap-a", &wrapped, soon()).expect("unwrapped"),
        data_key
    );
}

/// Random bytes are of the length asked for and do not repeat.
pub fn random_bytes_differ(token: &Token) {
    let one = token.random(64, soon()).expect("random bytes");
    assert_eq!(one.len(), 64);
    assert_ne!(one, token.random(64, soon()).expect("random bytes"));
    assert_eq!(
        token.random(4096, soon()).expect("random bytes").len(),
        4096
    );
    assert!(token.random(0, soon()).is_err());
}

/// A deadline that has passed means that nothing is done, at once.
pub fn a_past_deadline_does_nothing(token: &Token) {
    make(token, "deadline", KeyAlgorithm::P256);
    let begun = Instant::now();
    for _ in 0..20 {
        let fault = token
            .sign("deadline", SignatureAlgorithm::EcdsaP256Sha256, b"m", begun)
            .unwrap_err();
        assert!(matches!(fault, TokenError::Away { .. }), "{fault}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    token
        .sign(
            "deadline",
            SignatureAlgorithm::EcdsaP256Sha256,
            b"m",
            soon(),
        )
        .expect("still usable");
}

/// Many threads sign at once; each gets the signature of its own message.
pub fn many_threads_sign(token: &Token) {
    let keys = [
        (
            make(token, "many-rsa", KeyAlgorithm::Rsa2048),
            "many-rsa",
            SignatureAlgorithm::RsaPkcs1Sha256,
        ),
        (
            make(token, "many-ec", KeyAlgorithm::P256),
            "many-ec",
            SignatureAlgorithm::EcdsaP256Sha256,
        ),
    ];
    std::thread::scope(|scope| {
        for thread in 0..32 {
            let (key, label, way) = &keys[thread % 2];
            scope.spawn(move || {
                for round in 0..10 {
                    let message = format!("message {round} of thread {thread}");
                    let signature = token
                        .sign(label, *way, message.as_bytes(), soon())
                        .expect("a signature");
                    key.verify(*way, message.as_bytes(), &signature)
                        .expect("of this message");
                }
            });
        }
    });
}

/// Threads that make and destroy keys at once all get their keys, while others sign.
pub fn many_threads_make_keys(token: &Token) {
    make(token, "making", KeyAlgorithm::P256);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0..5 {
                    let label = format!("made-{thread}-{round}");
                    let key = make(token, &label, KeyAlgorithm::P256);
                    let way = SignatureAlgorithm::EcdsaP256Sha256;
                    let signature = token.sign(&label, way, b"m", soon()).expect("a signature");
                    key.verify(way, b"m", &signature).expect("by that key");
                    token
                        .destroy(&label, KeyClass::Private, in_a_while())
                        .expect("destroyed");
                    token
                        .destroy(&label, KeyClass::Public, in_a_while())
                        .expect("destroyed");
                }
            });
        }
        scope.spawn(move || {
            for _ in 0..200 {
                token
                    .sign("making", SignatureAlgorithm::EcdsaP256Sha256, b"m", soon())
                    .expect("a signature");
            }
        });
    });
    let left = token.keys(soon()).expect("the keys");
    assert!(
        left.iter().all(|key| !key.label.starts_with("made-")),
        "{left:?}"
    );
}

/// All promises but those that a token may answer with `Unsupported`
/// ([`cmac_is_nists`], [`data_keys_wrap`]), one after the other.
pub fn all_common(token: &Token) {
    signatures_verify(token);
    digests_are_signed(token);
    refusals_are_precise(token);
    keys_stay_inside(token);
    random_bytes_differ(token);
    a_past_deadline_does_nothing(token);
    many_threads_sign(token);
    many_threads_make_keys(token);
}
