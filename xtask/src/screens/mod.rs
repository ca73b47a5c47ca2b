//! The window through its screens: what clerk and resident press and type, in a real browser.

mod clerk;
mod resident;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;

pub use clerk::Clerk;
pub use resident::Resident;

use crate::browser::{Browser, COUNTER, KIOSK, Page};
use crate::fault::{OnPath, Result};
use crate::stack::Stack;

/// Pictures of the screens, numbered in the order in which they were seen; or none.
pub struct Album {
    folder: Option<PathBuf>,
    taken: Mutex<usize>,
}

impl Album {
    /// Pictures go to `folder` as `NN-name.png`.
    pub fn into_folder(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).on(folder)?;
        Ok(Self {
            folder: Some(folder.to_owned()),
            taken: Mutex::new(0),
        })
    }

    /// No pictures are taken.
    pub fn none() -> Self {
        Self {
            folder: None,
            taken: Mutex::new(0),
        }
    }

    /// Takes a picture of a page as it is now.
    pub fn take(&self, page: &Page, name: &str) -> Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        page.screenshot(&folder.join(format!("{:02}-{name}.png", *taken)))
    }
}

/// The two screens of the window.
pub struct Screens<'a> {
    /// At the counter.
    pub clerk: Clerk<'a>,
    /// At the kiosk.
    pub resident: Resident<'a>,
}

impl<'a> Screens<'a> {
    /// Opens both by their start addresses.
    pub fn open(browser: &Browser, stack: &Stack, album: &'a Album) -> Result<Self> {
        let at = stack.where_to();
        Ok(Self {
            clerk: Clerk::open(browser.page(COUNTER)?, &at.terminal_start(), album)?,
            resident: Resident::open(browser.page(KIOSK)?, &at.kiosk_start(), album)?,
        })
    }
}
