//! `hsm keys`: what is in the token.

use std::path::Path;

use hsm_config::{KeyClass, KeyEntry};

use super::{Trouble, open, read_config};

/// Prints the keys of the token.
pub fn run(config: &Path) -> Result<(), Trouble> {
    let token = open(read_config(config)?)?;
    let keys = token.keys(token.deadline()).map_err(Trouble::new)?;
    print(&keys);
    Ok(())
}

/// A table of keys; says of each private one whether it could be taken out.
pub fn print(keys: &[KeyEntry]) {
    if keys.is_empty() {
        println!("no keys");
    }
    for key in keys {
        let class = match key.class {
            KeyClass::Private => "private",
            KeyClass::Public => "public",
            KeyClass::Secret => "secret",
        };
        println!(
            "{:<32} {class:<8} {:<10} {}",
            key.label,
            key.kind,
            care(key)
        );
    }
}

/// What an officer must know of the key's protection.
pub fn care(key: &KeyEntry) -> &'static str {
    match (key.class, key.extractable, key.sensitive, key.local) {
        (KeyClass::Public, ..) => "",
        (_, Some(true), ..) => "EXTRACTABLE: not fit for a CA",
        (_, _, Some(false), _) => "NOT SENSITIVE: not fit for a CA",
        (_, _, _, Some(false)) => "brought in from outside",
        _ => "made here, stays here",
    }
}
