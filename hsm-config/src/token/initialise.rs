//! Makes an empty token into one with a label and a PIN.

use std::time::Duration;

use super::error::{Refusal, TokenError};
use super::link::spawn_worker;
use super::wire::{Frame, FrameReader, FrameWriter, Greeting, Initialise, PROTOCOL, Reply};
use crate::config::{TokenConfig, TokenName};
use crate::pin::Pin;

/// A token takes its time to wipe itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Initialises an empty token of the configured module: gives it the configured label,
/// the security officer's PIN and the user PIN. Never touches a token that is in use.
///
/// # Errors
/// `Refused` when the configuration names the token by serial, or a token with that
/// label exists; `Away` when no empty token is there (nothing was done); `Unknown` when
/// it may have been begun.
pub fn initialise(config: &TokenConfig, so_pin: &Pin, pin: &Pin) -> Result<(), TokenError> {
    let TokenName::Label(label) = config.name() else {
        return Err(TokenError::Refused(Refusal::BadInput(
            "a new token is named by its label; its serial is given by the token".into(),
        )));
    };
    let order = Greeting::Initialise(Initialise {
        module: config.module().to_owned(),
        label: label.clone(),
        so_pin: so_pin.expose().to_owned(),
        pin: pin.expose().to_owned(),
    });
    let (mut child, stream) = spawn_worker(config).map_err(|fault| TokenError::Away {
        retry_after: Duration::ZERO,
        reason: format!(
            "the worker {} cannot be started: {fault}",
            config.worker.display()
        ),
    })?;
    let answered = (|| {
        stream.set_read_timeout(Some(PATIENCE))?;
        FrameWriter::new(stream.try_clone()?).send(PROTOCOL, &order, true)?;
        let mut frame = Frame::default();
        let got = FrameReader::new(stream).next(&mut frame)?;
        if got {
            frame.body::<Reply>().map(Some)
        } else {
            Ok(None)
        }
    })();
    let _ = child.kill();
    let _ = child.wait();
    match answered {
        Ok(Some(Reply::Done)) => Ok(()),
        Ok(Some(Reply::Failed(failure))) => Err(failure.into()),
        Ok(_) => Err(TokenError::Unknown {
            reason: "the worker ended".into(),
        }),
        Err(fault) => Err(TokenError::Unknown {
            reason: fault.to_string(),
        }),
    }
}
