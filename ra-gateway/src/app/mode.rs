//! 本番 and 訓練: what this gateway knows of the authority behind it. One of the other mode gets nothing
//! sent, and the gateway says so to its keepers.

use std::sync::RwLock;

use pki_core::mode::{Mode, OtherMode};

use super::{
    App,
    refusal::{Failure, Reason, refuse},
};
use crate::port::Announced;

/// What is known of the authority's mode.
#[derive(Default)]
pub struct AuthorityMode(RwLock<Known>);

#[derive(Clone, Copy, Default)]
enum Known {
    /// It has not answered yet.
    #[default]
    Nothing,
    Stranger,
    Agrees,
    Other(OtherMode),
}

impl AuthorityMode {
    fn known(&self) -> Known {
        // Nothing panics while it is held; what stands there is whole either way.
        *self
            .0
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl App {
    /// Asks the authority; `true` once it is known to be of this gateway's mode.
    pub fn ask_mode(&self) -> bool {
        let known = match self.authority.announced() {
            Announced::Mode(theirs) => match self.settings.mode.takes(theirs) {
                Ok(()) => Known::Agrees,
                Err(other) => Known::Other(other),
            },
            Announced::Stranger => Known::Stranger,
            // What was known before is still the best that is known.
            Announced::Nothing => self.authority_mode.known(),
        };
        let mode = &self.authority_mode.0;
        *mode
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = known;
        matches!(known, Known::Agrees)
    }

    /// Why this gateway is before the wrong authority, for its keepers. One that is away is no
    /// reason: much is done without it.
    pub fn mode_trouble(&self) -> Option<String> {
        let ours = self.settings.mode;
        match self.authority_mode.known() {
            Known::Nothing | Known::Agrees => None,
            Known::Other(other) => Some(format!("the certificate authority: {other}")),
            Known::Stranger => Some(format!(
                "the certificate authority is not of this gateway's infrastructure CA ({ours}): see \
                 ca.url, and whether one of the two is for training"
            )),
        }
    }

    /// Nothing goes to an authority of the other mode.
    pub(super) fn before_its_authority(&self) -> Result<(), Failure> {
        match self.authority_mode.known() {
            Known::Other(other) => refuse(
                Reason::OtherMode,
                format!("the certificate authority behind this gateway: {other}"),
            ),
            _ => Ok(()),
        }
    }

    /// An act of a terminal of the other mode goes nowhere.
    pub(super) fn same_mode(&self, theirs: Mode) -> Result<(), Failure> {
        match self.settings.mode.takes(theirs) {
            Ok(()) => self.before_its_authority(),
            Err(other) => refuse(Reason::OtherMode, format!("the act: {other}")),
        }
    }
}
