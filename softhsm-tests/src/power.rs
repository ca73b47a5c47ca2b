//! A power switch: a directory whose unsynced writes are gone when it is thrown.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use xtask::fault::{Fault, OnPath, Result};
use xtask::process;

/// What the disk does with pages that were written and not yet synced when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    /// None of them reached the disk.
    Gone,
    /// Some of them did, in no order, chosen by this seed.
    Some(u64),
}

/// A directory on a disk that forgets.
pub struct ForgetfulDisk {
    live: PathBuf,
    shadow: PathBuf,
    shim: PathBuf,
}

impl ForgetfulDisk {
    /// Makes `live` forgetful; what is in it now counts as synced. `shadow` must lie outside it.
    pub fn new(live: &Path, shadow: &Path) -> Result<Self> {
        let disk = Self {
            live: live.to_owned(),
            shadow: shadow.to_owned(),
            shim: compile_shim()?,
        };
        disk.copy(&disk.live, &disk.shadow)?;
        Ok(disk)
    }

    /// Environment for each process that writes to the directory, which it knows under the name `live_seen`
    /// (and its shadow under `shadow_seen`).
    pub fn environment(&self, live_seen: &Path, shadow_seen: &Path) -> Vec<(String, PathBuf)> {
        vec![
            ("LD_PRELOAD".into(), self.shim.clone()),
            ("POWERCUT_LIVE".into(), live_seen.to_owned()),
            ("POWERCUT_SHADOW".into(), shadow_seen.to_owned()),
        ]
    }

    /// The environment for a process that sees the directories as this one does.
    pub fn environment_here(&self) -> Vec<(String, PathBuf)> {
        self.environment(&self.live, &self.shadow)
    }

    /// Cuts the power: every process that writes is killed, those included that left the process group of
    /// whom they belong to, as PostgreSQL's do. The directory then holds what a restart finds on the disk.
    pub fn cut(&self, unsynced: Unsynced) -> Result<()> {
        self.kill_writers()?;
        if let Unsynced::Some(seed) = unsynced {
            self.keep_some(seed)?;
        }
        self.copy(&self.shadow, &self.live)
    }

    /// Kills every process that has the shim in it, and waits until none is left.
    fn kill_writers(&self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let writers = self.writers()?;
            if writers.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Fault::new(format!("{writers:?} outlive the power cut")));
            }
            for pid in writers {
                // One that ended meanwhile makes kill fail, which is as well.
                let _ = process::output(Command::new("kill").args(["-KILL", &pid.to_string()]));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn writers(&self) -> Result<Vec<u32>> {
        let name = self.shim.file_name().unwrap_or_default().to_string_lossy();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let entry = entry?;
            let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
                continue;
            };
            // Those of other accounts cannot be read and are none of ours; a zombie's maps are empty.
            let maps = fs::read_to_string(entry.path().join("maps")).unwrap_or_default();
            if maps.contains(&*name) {
                found.push(pid);
            }
        }
        Ok(found)
    }

    /// Lets some pages of files that the disk knows slip through.
    fn keep_some(&self, mut seed: u64) -> Result<()> {
        const PAGE: usize = 4096;
        for file in files(&self.shadow)? {
            let live = self
                .live
                .join(file.strip_prefix(&self.shadow).unwrap_or(&file));
            let Ok(new) = fs::read(&live) else { continue };
            let mut disk = fs::File::options()
                .read(true)
                .write(true)
                .open(&file)
                .on(&file)?;
            let mut old = Vec::new();
            disk.read_to_end(&mut old).on(&file)?;
            for (index, page) in new.chunks(PAGE).enumerate() {
                let at = index * PAGE;
                if old.get(at..at + page.len()) == Some(page) {
                    continue;
                }
                // xorshift64*: any spread will do, the seed makes it repeatable.
                seed ^= seed >> 12;
                seed ^= seed << 25;
                seed ^= seed >> 27;
                if seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 63 == 0 {
                    disk.seek(SeekFrom::Start(at as u64)).on(&file)?;
                    disk.write_all(page).on(&file)?;
                }
            }
        }
        Ok(())
    }

    /// Makes `to` a copy of `from`, owners kept.
    fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        if to.exists() {
            for entry in fs::read_dir(to).on(to)? {
                let path = entry?.path();
                if path.is_dir() {
                    fs::remove_dir_all(&path)
                } else {
                    fs::remove_file(&path)
                }
                .on(&path)?;
            }
        }
        process::run(Command::new("cp").arg("-aT").arg(from).arg(to)).map(drop)
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).on(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// Compiles the shim into a place of this process's own.
fn compile_shim() -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_cut/shim.c");
    let library = std::env::temp_dir().join(format!(
        "jitsuin-power-{}-{}.so",
        std::process::id(),
        xtask::text::random_hex(4)?
    ));
    process::run(
        Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl"),
    )?;
    if library.is_file() {
        Ok(library)
    } else {
        Err(Fault::new("cc reported success and made no library"))
    }
}

impl Drop for ForgetfulDisk {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.shim);
    }
}
