//! The list that stands in its place: what the next one is made of, where it is one of ours.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use pki_core::revocation::crl::{CrlOutline, RawEntries};

use super::PublishError;
use crate::{
    app::{App, Authority},
    port::store::CrlRecord,
};

/// A list in a file, its entries on the disk.
pub struct ListFile {
    file: File,
    pub outline: CrlOutline,
}

impl ListFile {
    pub fn new(mut file: File) -> Result<Self, PublishError> {
        let outline = CrlOutline::read(&mut file)?;
        Ok(Self { file, outline })
    }

    /// The octets from there on. Readers of one file do not disturb each other.
    pub fn from(&self, at: u64) -> From<'_> {
        From {
            file: &self.file,
            at,
        }
    }

    /// The entries, without the first so many octets of them.
    pub fn entries(&self, without: u64) -> RawEntries<From<'_>> {
        let entries = &self.outline.entries;
        let start = entries.start + without;
        RawEntries::new(self.from(start), entries.end.saturating_sub(start))
    }

    pub fn entries_length(&self) -> u64 {
        self.outline.entries.end - self.outline.entries.start
    }

    pub fn file(&self) -> &File {
        &self.file
    }
}

/// Reads a file from somewhere on, whoever else reads it.
pub struct From<'a> {
    file: &'a File,
    at: u64,
}

impl io::Read for From<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(out, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// What stands in a list's place.
pub enum Standing {
    /// Nothing, or nothing that can be read.
    Nothing,
    /// A list that this database published: the next one may be made of it.
    Ours(ListFile, CrlRecord),
    /// A list that this database does not know. It is followed, and nothing is taken from it.
    Unknown(ListFile),
}

impl Standing {
    pub fn find(
        app: &App,
        authority: &Authority,
        scope: &str,
        place: &Path,
    ) -> Result<Self, PublishError> {
        let Some(list) = read(place)? else {
            return Ok(Self::Nothing);
        };
        let record = app
            .store
            .crl(&authority.name, scope, list.outline.number)?
            .filter(|record| record.published && record.this_update == list.outline.this_update);
        Ok(match record {
            Some(record) => Self::Ours(list, record),
            None => Self::Unknown(list),
        })
    }
}

/// The list in this place, where there is one that can be read.
pub fn read(place: &Path) -> Result<Option<ListFile>, PublishError> {
    let Ok(file) = File::open(place) else {
        return Ok(None);
    };
    match ListFile::new(file) {
        Ok(list) => Ok(Some(list)),
        Err(fault) => {
            set_aside(place, &fault)?;
            Ok(None)
        }
    }
}

/// A file that cannot be read, or was not signed by this authority, serves nobody, and must not
/// keep its scope without a list: numbers are kept rising by the database. It is kept for a look.
pub fn set_aside(place: &Path, fault: &PublishError) -> Result<(), PublishError> {
    tracing::error!(
        path = %place.display(), error = %crate::causes(fault),
        "the published list cannot be used; it is set aside"
    );
    let aside = place.with_extension("crl.unreadable");
    fs::rename(place, &aside).map_err(|source| PublishError::Write {
        path: aside,
        source,
    })
}
