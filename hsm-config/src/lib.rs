//! Everything that knows PKCS#11.
//!
//! A program names its token in a `[token]` table ([`TokenSpec`]), checks it
//! ([`TokenConfig`]) and opens it ([`Token::open`]). `open` returns at once: the
//! token is sought in the background, and [`Token::health`] says how that goes,
//! so that a server starts while its token is away.
//!
//! The vendor's PKCS#11 module never runs inside the server. Each token has one
//! child process (`hsm worker`), fed over a socket pair; a call past its deadline
//! ends in killing and restarting that child. Why: `docs/adr/0004`.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use hsm_config::{SignatureAlgorithm, Token, TokenSpec};
//! let spec: TokenSpec = toml::from_str("module = '/usr/lib/softhsm/libsofthsm2.so'\nlabel = 'ca'\npin_file = 'pin'")?;
//! let token = Token::open(spec.check(std::path::Path::new("/etc/jitsuin"))?);
//! let signature = token.sign("signing-ca", SignatureAlgorithm::RsaPkcs1Sha256, b"...", token.deadline())?;
//! # Ok(()) }
//! ```

pub mod ceremony;
pub mod config;
#[cfg(feature = "contract")]
pub mod contract;
pub mod pin;
pub mod spec;
pub mod token;

pub use config::{ConfigFault, TokenConfig, TokenName};
pub use pin::{Pin, PinFault, PinSource};
pub use spec::TokenSpec;
pub use token::{
    Health, KeyAlgorithm, KeyClass, KeyEntry, Refusal, SignatureAlgorithm, Token, TokenDescription,
    TokenError, TokenSet, Verified, initialise,
};
