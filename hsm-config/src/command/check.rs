//! `hsm check`: module, token, mechanisms, keys; what fails and what to do.

use std::path::Path;

use hsm_config::{Health, KeyClass, KeyEntry, SignatureAlgorithm, Token, TokenError};

use super::{Trouble, keys, open, read_config};

/// What the parts of the CA need, and for what.
const NEEDED: [(&str, &str); 5] = [
    ("CKM_RSA_PKCS", "RSA signatures"),
    ("CKM_ECDSA", "ECDSA signatures"),
    ("CKM_AES_GCM", "data keys for encryption at rest"),
    ("CKM_AES_CMAC", "card and kiosk masters"),
    ("CKM_SHA256_RSA_PKCS", "hashing inside the token (optional)"),
];

/// Checks the token and prints what was found.
pub fn run(config: &Path) -> Result<(), Trouble> {
    let config = read_config(config)?;
    println!("module      {}", config.module().display());
    let exposed = config.exposed_pin_file().map(Path::to_owned);
    let token = open(config)?;
    let Health::Usable(found) = token.health() else {
        return Err(Trouble::new("the token went away while it was checked"));
    };
    println!("            {}", found.module);
    println!(
        "token       {} (serial {}), {}",
        found.label, found.serial, found.model
    );
    println!("PIN         accepted");
    println!(
        "mechanisms  {} in all; of those that are needed:",
        found.mechanisms.len()
    );
    for (name, purpose) in NEEDED {
        let there = found.mechanisms.iter().any(|offered| offered == name);
        println!(
            "            {} {name:<20} {purpose}",
            if there { "+" } else { "-" }
        );
    }
    println!("keys");
    let entries = token.keys(token.deadline()).map_err(Trouble::new)?;
    keys::print(&entries);
    let mut unfit = 0;
    for entry in &entries {
        if entry.class == KeyClass::Private {
            match trial(&token, entry) {
                Ok(algorithm) => println!("{:<32} signs with {algorithm:?}", entry.label),
                Err(fault) => {
                    unfit += 1;
                    println!("{:<32} does not sign: {fault}", entry.label);
                }
            }
        }
        if entry.extractable == Some(true) || entry.sensitive == Some(false) {
            unfit += 1;
        }
    }
    if unfit > 0 {
        return Err(Trouble::with(
            format!("{unfit} finding(s) in the keys, as printed above"),
            "make a fresh key in a ceremony; a key that can be taken out may have been",
        ));
    }
    if let Some(path) = exposed {
        let path = path.display();
        return Err(Trouble::with(
            format!("{path} with the PIN can be read by others than its owner"),
            &format!("chmod 600 {path}"),
        ));
    }
    println!("all is well");
    Ok(())
}

/// A signature with the key, verified with its public half.
fn trial(token: &Token, key: &KeyEntry) -> Result<SignatureAlgorithm, TokenError> {
    let spki = token.public_key(&key.label, token.deadline())?;
    let kind = pki_core::certificate::public_key::PublicKey::from_spki_der(&spki)
        .map(|key| key.kind())
        .map_err(|fault| TokenError::Unsupported {
            what: fault.to_string(),
        })?;
    let algorithm = SignatureAlgorithm::usual_for(kind);
    token.sign(
        &key.label,
        algorithm,
        b"jitsuin hsm check",
        token.deadline(),
    )?;
    Ok(algorithm)
}
