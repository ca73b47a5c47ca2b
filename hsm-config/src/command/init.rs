//! `hsm init`: an empty token gets its label and PIN.

use std::path::Path;

use hsm_config::{PinSource, initialise};

use super::{Trouble, read_config};

/// Initialises an empty token.
pub fn run(config: &Path, so_pin_file: &Path) -> Result<(), Trouble> {
    let config = read_config(config)?;
    let so_pin = PinSource::File(so_pin_file.to_owned())
        .read()
        .map_err(Trouble::new)?;
    let pin = config.pin().map_err(Trouble::new)?;
    initialise(&config, &so_pin, &pin).map_err(Trouble::new)?;
    println!("{} is ready", config.name());
    Ok(())
}
