//! A clock for the programs of one stack, by libfaketime: the product has no switch for its clock, and none
//! is wanted. What the machine, PostgreSQL, `pcscd` and the browser see is the true time.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::fault::{Fault, OnPath, Result};
use crate::setup;

/// The preloaded library, as Debian and Ubuntu have it.
pub const LIBRARY: &str = "/usr/lib/*/faketime/libfaketime.so.1";

/// The clock: a file with the distance to the true time, read by each program whenever it asks for the time.
#[derive(Debug, Clone)]
pub struct Clock {
    file: PathBuf,
    library: PathBuf,
}

impl Clock {
    /// A clock kept in `file` that shows `at` (seconds since 1970) now and goes on from there.
    pub fn begin(file: &Path, at: i64) -> Result<Self> {
        let library = setup::find_file(LIBRARY)
            .ok_or_else(|| Fault::new("libfaketime is not installed (`cargo xtask setup`)"))?;
        let clock = Self {
            file: file.to_owned(),
            library,
        };
        clock.set(at)?;
        Ok(clock)
    }

    /// Sets it: for all programs at once, at their next look.
    pub fn set(&self, at: i64) -> Result<()> {
        // A program that looks meanwhile must see the old or the new text and nothing else.
        let part = self.file.with_extension("part");
        fs::write(&part, format!("{:+}\n", at - true_time())).on(&part)?;
        fs::rename(&part, &self.file).on(&self.file)
    }

    /// What it shows.
    pub fn now(&self) -> Result<i64> {
        let text = fs::read_to_string(&self.file).on(&self.file)?;
        let distance: i64 = text.trim().parse().map_err(|_| {
            Fault::new(format!("{} holds no distance: {text}", self.file.display()))
        })?;
        Ok(true_time() + distance)
    }

    /// What makes a program live by this clock. Waiting goes by the true time, and files keep their own.
    pub fn environment(&self) -> Vec<(String, OsString)> {
        let set = |name: &str, value: &str| (name.to_owned(), OsString::from(value));
        vec![
            ("LD_PRELOAD".to_owned(), self.library.clone().into()),
            (
                "FAKETIME_TIMESTAMP_FILE".to_owned(),
                self.file.clone().into(),
            ),
            set("FAKETIME_NO_CACHE", "1"),
            set("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            set("NO_FAKE_STAT", "1"),
        ]
    }
}

/// Seconds since 1970 on the machine's clock.
pub fn true_time() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::process;

    #[test]
    fn a_program_lives_by_the_clock_that_it_is_given() {
        let file = std::env::temp_dir().join(format!("jitsuin-clock-{}", std::process::id()));
        let clock = Clock::begin(&file, 1_556_636_400).unwrap();
        let asked = || {
            let mut date = Command::new("date");
            date.args(["-u", "+%F"]).envs(clock.environment());
            String::from_utf8(process::run(&mut date).unwrap()).unwrap()
        };
        assert_eq!(asked().trim(), "2019-04-30");
        clock.set(1_830_000_000).unwrap();
        assert_eq!(asked().trim(), "2027-12-28");
        assert!((clock.now().unwrap() - 1_830_000_000).abs() < 60);
        let _ = fs::remove_file(file);
    }
}
