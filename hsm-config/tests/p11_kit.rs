//! The same promises with the token at the end of a cable (p11-kit's remoting), and
//! the cable cut.

use std::time::{Duration, Instant};

use hsm_config::contract::{self, P11KitServer};
use hsm_config::{KeyAlgorithm, SignatureAlgorithm, TokenError};

#[test]
fn the_promises_hold_over_the_cable() {
    let server = P11KitServer::new();
    let token = server.open();
    contract::all_common(&token);
    // This version of the remoting carries neither AES-CMAC nor AES-GCM.
    contract::what_is_missing_is_unsupported(&token);
}

#[test]
fn a_cut_cable_is_away_and_heals_without_a_restart() {
    let mut server = P11KitServer::new();
    let token = server.open();
    let key = contract::make(&token, "ca", KeyAlgorithm::P256);
    let way = SignatureAlgorithm::EcdsaP256Sha256;
    for _ in 0..2 {
        server.cut();
        let cut = Instant::now();
        let mut away = 0;
        while cut.elapsed() < Duration::from_millis(1500) {
            let begun = Instant::now();
            match token.sign("ca", way, b"m", token.deadline()) {
                Err(TokenError::Away { .. }) => away += 1,
                Err(TokenError::Unknown { .. }) => {}
                other => panic!("signed without a cable: {other:?}"),
            }
            assert!(begun.elapsed() < Duration::from_secs(1), "a fast no");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(away > 10, "{away}");
        assert!(!token.health().is_usable());
        server.plug_in();
        let back = Instant::now();
        let signature = loop {
            match token.sign("ca", way, b"m", token.deadline()) {
                Ok(signature) => break signature,
                Err(fault) => assert!(fault.may_retry(), "{fault}"),
            }
            assert!(
                back.elapsed() < Duration::from_secs(5),
                "{:?}",
                token.health()
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        key.verify(way, b"m", &signature).unwrap();
    }
}
