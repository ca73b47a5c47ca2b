//! The kiosk master: an AES-256 key that this kiosk and the gateway's token hold.
//! Its file is read when visit keys are needed, and erased from memory right after.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use pki_core::card_channel::{KeySet, kdf};
use thiserror::Error;
use zeroize::Zeroizing;

use service::config;

/// The sealed file cannot be used.
#[derive(Debug, Error)]
#[error(
    "the kiosk master in {0} cannot be used: it holds 32 bytes, or their 64 hexadecimal digits, and only its owner can read it"
)]
pub struct MasterFault(PathBuf);

/// Where the master is.
#[derive(Clone, Debug)]
pub struct SealedMaster(PathBuf);

impl SealedMaster {
    /// A master in a file of mode 0600.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Whether the master can be read; for the self-test.
    pub fn is_readable(&self) -> bool {
        self.read().is_ok()
    }

    /// The key set of one visit of one card to this kiosk.
    ///
    /// # Errors
    /// [`MasterFault`].
    pub fn visit_keys(
        &self,
        kiosk: &[u8; 9],
        card: &[u8; 16],
        visit: &[u8; 16],
    ) -> Result<KeySet, MasterFault> {
        let master = self.read()?;
        let cmac = |input: &[u8]| Ok::<_, Infallible>(kdf::cmac_aes_256(&master, input));
        let Ok(keys) = kdf::visit_keys(cmac, kiosk, card, visit);
        Ok(keys)
    }

    fn read(&self) -> Result<Zeroizing<[u8; 32]>, MasterFault> {
        let fault = || MasterFault(self.0.clone());
        config::owner_only("master", &self.0).map_err(|_| fault())?;
        let file = Zeroizing::new(std::fs::read(&self.0).map_err(|_| fault())?);
        let mut master = Zeroizing::new([0; 32]);
        if file.len() == 32 {
            master.copy_from_slice(&file);
            return Ok(master);
        }
        let digits = file.trim_ascii_end();
        hex::decode_to_slice(digits, &mut master[..]).map_err(|_| fault())?;
        Ok(master)
    }
}
