//! The card's non-volatile memory: what is written is there after the power
//! goes, and is either the old or the new content, never a mixture.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

/// Where a card keeps its image.
pub trait Memory: Send {
    /// The last image written.
    ///
    /// # Errors
    /// The medium cannot be read; the card does not start.
    fn read(&mut self) -> io::Result<Zeroizing<Vec<u8>>>;

    /// Replaces the image; durable on return.
    ///
    /// # Errors
    /// Afterwards either the old or the new image is there, and the card must
    /// read it again before it goes on.
    fn write(&mut self, image: &[u8]) -> io::Result<()>;
}

/// A file, mode 0600, replaced by renaming a synced copy over it. A lock file
/// beside it (`<name>.lock`) keeps a second program off the same card.
pub struct FileMemory {
    path: PathBuf,
    _lock: File,
}

impl FileMemory {
    /// Opens the memory of an existing card.
    ///
    /// # Errors
    /// No such file, or another program has this card.
    pub fn open(path: &Path) -> io::Result<FileMemory> {
        let memory = FileMemory {
            path: path.to_owned(),
            _lock: lock(path)?,
        };
        fs::metadata(path)?;
        Ok(memory)
    }

    /// Makes the memory of a new card.
    ///
    /// # Errors
    /// `AlreadyExists` when there is a file: a card is never overwritten.
    pub fn create(path: &Path, image: &[u8]) -> io::Result<FileMemory> {
        let mut memory = FileMemory {
            path: path.to_owned(),
            _lock: lock(path)?,
        };
        if path.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        memory.write(image)?;
        Ok(memory)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        with_suffix(&self.path, suffix)
    }
}

impl Memory for FileMemory {
    fn read(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut image = Zeroizing::new(Vec::with_capacity(16 * 1024));
        File::open(&self.path)?.read_to_end(&mut image)?;
        Ok(image)
    }

    fn write(&mut self, image: &[u8]) -> io::Result<()> {
        let copy = self.beside(".new");
        // A copy left by a crash is of no use and may have another mode.
        match fs::remove_file(&copy) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&copy)?;
        file.write_all(image)?;
        file.sync_all()?;
        fs::rename(&copy, &self.path)?;
        let directory = self
            .path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn lock(path: &Path) -> io::Result<File> {
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(with_suffix(path, ".lock"))?;
    lock.try_lock().map_err(|fault| match fault {
        fs::TryLockError::WouldBlock => {
            io::Error::new(io::ErrorKind::ResourceBusy, "another program has this card")
        }
        fs::TryLockError::Error(error) => error,
    })?;
    Ok(lock)
}

/// Memory that lives as long as someone holds it: clones share one content, so
/// that a card can lose its power and be started again on what it had written.
#[derive(Clone)]
pub struct SharedMemory(Arc<Mutex<Zeroizing<Vec<u8>>>>);

impl SharedMemory {
    /// Memory with a first image.
    pub fn new(image: &[u8]) -> SharedMemory {
        SharedMemory(Arc::new(Mutex::new(Zeroizing::new(image.to_vec()))))
    }

    /// What is in it now.
    pub fn snapshot(&self) -> Zeroizing<Vec<u8>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Memory for SharedMemory {
    fn read(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    fn write(&mut self, image: &[u8]) -> io::Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Zeroizing::new(image.to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("card-memory-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("temporary directory");
            Self(path)
        }

        fn card(&self) -> PathBuf {
            self.0.join("card.json")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_was_written_is_read_by_the_next_who_opens() {
        let folder = Folder::new("reopen");
        let path = folder.card();
        let mut memory = FileMemory::create(&path, b"first").expect("new");
        memory.write(b"second").expect("written");
        drop(memory);
        let mut memory = FileMemory::open(&path).expect("there");
        assert_eq!(memory.read().expect("readable").as_slice(), b"second");
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_copy_torn_by_a_crash_changes_nothing_and_is_not_in_the_way() {
        let folder = Folder::new("torn");
        let path = folder.card();
        drop(FileMemory::create(&path, b"whole").expect("new"));
        fs::write(with_suffix(&path, ".new"), b"who").expect("torn copy");
        let mut memory = FileMemory::open(&path).expect("there");
        assert_eq!(memory.read().expect("readable").as_slice(), b"whole");
        memory.write(b"next").expect("written");
        assert_eq!(memory.read().expect("readable").as_slice(), b"next");
        assert!(!with_suffix(&path, ".new").exists());
    }

    #[test]
    fn a_card_is_neither_overwritten_nor_held_twice() {
        let folder = Folder::new("twice");
        let path = folder.card();
        let memory = FileMemory::create(&path, b"whole").expect("new");
        assert_eq!(
            FileMemory::open(&path).err().map(|e| e.kind()),
            Some(io::ErrorKind::ResourceBusy)
        );
        drop(memory);
        assert_eq!(
            FileMemory::create(&path, b"other").err().map(|e| e.kind()),
            Some(io::ErrorKind::AlreadyExists)
        );
        assert_eq!(
            FileMemory::open(&path.with_file_name("none"))
                .err()
                .map(|e| e.kind()),
            Some(io::ErrorKind::NotFound)
        );
    }
}
