//! `hsm rate`: how fast the token signs, raw and through the facade.

use std::path::Path;
use std::time::Duration;

use hsm_config::token::measure::{Measured, facade_rate, raw_rate};
use hsm_config::{SignatureAlgorithm, Token};
use pki_core::certificate::public_key::PublicKey;

use super::{Trouble, open, read_config};

/// Prints one JSON line per measurement.
pub fn run(config: &Path, key: &str, seconds: f64) -> Result<(), Trouble> {
    let config = read_config(config)?;
    let token = open(config.clone())?;
    let algorithm = algorithm_of(&token, key)?;
    if !(0.05..=600.0).contains(&seconds) {
        return Err(Trouble::new("`--seconds` is 0.05 to 600"));
    }
    let length = Duration::from_secs_f64(seconds);
    for sessions in [1, 2, 4] {
        let measured = raw_rate(&config, key, algorithm, sessions, length).map_err(Trouble::new)?;
        print("raw", "sessions", sessions, &measured);
    }
    for threads in [1, 4, 16] {
        let measured =
            facade_rate(&token, key, algorithm, threads, length).map_err(Trouble::new)?;
        print("facade", "threads", threads, &measured);
    }
    Ok(())
}

fn algorithm_of(token: &Token, key: &str) -> Result<SignatureAlgorithm, Trouble> {
    let spki = token
        .public_key(key, token.deadline())
        .map_err(Trouble::new)?;
    let key = PublicKey::from_spki_der(&spki).map_err(Trouble::new)?;
    Ok(SignatureAlgorithm::usual_for(key.kind()))
}

fn print(way: &str, unit: &str, width: u16, measured: &Measured) {
    let line = serde_json::json!({
        "way": way,
        unit: width,
        "per_second": measured.per_second(),
        "cpu_microseconds_each": measured.cpu_each(),
    });
    println!("{line}");
}
