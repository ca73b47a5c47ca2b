//! One at a time puts lists into the folder. Several processes publish there: nodes that share it,
//! and the officers' console. One of them may be stopped for minutes between the database's word
//! that its list is the newest and the renaming of the file, while another publishes a newer one;
//! so whoever renames holds the folder's lock and looks at what stands there.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{PublishError, standing};

/// How long another process may take to rename two files.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);

/// Held while files are put into their places. The system lets go of it when the process ends.
pub struct Turn(#[expect(dead_code, reason = "the lock goes with the file")] File);

impl Turn {
    /// The next turn in this folder of lists.
    pub fn take(folder: &Path) -> Result<Self, PublishError> {
        let path = folder.join(".turn");
        let fault = |source| PublishError::Write {
            path: path.clone(),
            source,
        };
        let file = fs::create_dir_all(folder)
            .and_then(|()| {
                OpenOptions::new()
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(&path)
            })
            .map_err(fault)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => thread::sleep(LOOK),
                Err(TryLockError::WouldBlock) => {
                    return Err(fault(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "another process has held the folder's turn for too long",
                    )));
                }
                Err(TryLockError::Error(source)) => return Err(fault(source)),
            }
        }
    }

    /// Whether the list of this number is newer than the one in that place.
    pub fn newer(&self, number: u64, place: &Path) -> Result<bool, PublishError> {
        let stands = standing::read(place)?;
        Ok(stands.is_none_or(|stands| stands.outline.number < number))
    }
}
