//! The window through its screens: what clerk and resident press and type, in a real browser.

mod beside;
mod clerk;
mod office;
mod resident;
pub mod tour;

use std::cell::Cell;
use std::fs;
use std::path::Path;

pub use clerk::Clerk;
pub use resident::Resident;

use crate::browser::{Browser, COUNTER, KIOSK, Page};
use crate::fault::{OnPath, Result};
use crate::stack::Stack;

type Look<'a> = Box<dyn Fn(&Page, &str) -> Result<()> + 'a>;

/// Whoever looks at each screen as it is reached: pictures, an examination.
pub struct Album<'a> {
    look: Look<'a>,
}

impl<'a> Album<'a> {
    /// Pictures go to `folder` as `NN-name.png`, numbered in the order in which they were seen.
    pub fn into_folder(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).on(folder)?;
        let folder = folder.to_owned();
        let taken = Cell::new(0);
        Ok(Self::looking(move |page, name| {
            taken.set(taken.get() + 1);
            page.screenshot(&folder.join(format!("{:02}-{name}.png", taken.get())))
        }))
    }

    /// `look` is called with each screen and its name; it leaves the page as it was.
    pub fn looking(look: impl Fn(&Page, &str) -> Result<()> + 'a) -> Self {
        Self {
            look: Box::new(look),
        }
    }

    /// Nobody looks.
    pub fn none() -> Self {
        Self::looking(|_, _| Ok(()))
    }

    /// A screen was reached.
    pub fn take(&self, page: &Page, name: &str) -> Result<()> {
        (self.look)(page, name)
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
    pub fn open(browser: &Browser, stack: &Stack, album: &'a Album<'a>) -> Result<Self> {
        let at = stack.where_to();
        Ok(Self {
            clerk: Clerk::open(browser.page(COUNTER)?, &at.terminal_start(), album)?,
            resident: Resident::open(browser.page(KIOSK)?, &at.kiosk_start(), album)?,
        })
    }
}
