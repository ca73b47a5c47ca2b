//! A list is made in one pass over the list before it: what has ended is left out, what the feed
//! brought is put behind, all of it through a hash into a file beside the list's place. Memory and
//! the database's work do not grow with the list. Then it is read back as a verifier would.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    thread,
};

use pki_core::{
    certificate::{MessageDigest, Serial},
    revocation::{
        crl::{CrlFault, Frame, RawEntries, UnsignedFrame, continues, encode_entry},
        ground::ReasonCode,
    },
};
use sha2::{Digest, Sha256};

use super::{PublishError, standing::ListFile};
use crate::{
    app::{App, Authority},
    port::store::{CrlScope, EndedScope, Revoked},
};

/// Octets that are moved at once.
const PIECE: usize = 256 * 1024;

/// What of the list in place goes on.
pub struct Kept<'a> {
    list: &'a ListFile,
    /// Entries that have ended, as encoded.
    ended: HashSet<Vec<u8>>,
    octets: u64,
}

impl<'a> Kept<'a> {
    /// All of `list`, without what `ended` names.
    pub fn of(app: &App, list: &'a ListFile, ended: &EndedScope) -> Result<Self, PublishError> {
        let mut octets = list.entries_length();
        let mut entries = HashSet::new();
        let mut serials = Vec::new();
        let mut malformed = false;
        app.store
            .ended_revocations(ended, &mut |revoked| match encoded(&revoked) {
                Ok(entry) => {
                    octets = octets.saturating_sub(entry.len() as u64);
                    entries.insert(entry);
                    serials.push(revoked.serial);
                }
                Err(_) => malformed = true,
            })?;
        if malformed {
            return Err(PublishError::Serial);
        }
        // The certificates' own table has to say so too: better no list than a loss.
        for serial in serials {
            let stored = app.store.certificate(&ended.issuer, &serial)?;
            if stored.is_none_or(|stored| stored.not_after >= ended.ended.end) {
                return Err(PublishError::NotEnded);
            }
        }
        Ok(Self {
            list,
            ended: entries,
            octets,
        })
    }
}

/// A list that is signed, read back, on the disk, and not yet in its place.
pub struct Made {
    pub list: ListFile,
    pub entries: u64,
    pub sha256: [u8; 32],
    /// Octets of the entries that are not those of the list before it.
    pub added: u64,
    beside: Beside,
}

impl Made {
    /// Where it belongs.
    pub fn place(&self) -> &Path {
        &self.beside.place
    }

    /// Into its place. The caller holds the folder's turn.
    pub fn move_in(self) -> Result<(), PublishError> {
        self.beside.move_in()
    }
}

/// The file beside a list's place; it goes with the value unless it is moved in.
struct Beside {
    path: PathBuf,
    place: PathBuf,
}

impl Beside {
    fn create(place: PathBuf, node: &str, number: u64) -> Result<(Self, File), PublishError> {
        let path = place.with_extension(format!("crl.{node}.{number}"));
        let beside = Self { path, place };
        let file = fs::create_dir_all(beside.folder())
            .and_then(|()| open_new(&beside.path))
            .map_err(|source| beside.fault(source))?;
        Ok((beside, file))
    }

    fn move_in(self) -> Result<(), PublishError> {
        fs::rename(&self.path, &self.place)
            .and_then(|()| File::open(self.folder()))
            .and_then(|folder| folder.sync_all())
            .map_err(|source| self.fault(source))
    }

    fn folder(&self) -> &Path {
        self.place.parent().unwrap_or(Path::new("/"))
    }

    fn fault(&self, source: io::Error) -> PublishError {
        PublishError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // After `move_in` there is nothing of that name.
        let _ = fs::remove_file(&self.path);
    }
}

fn open_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
}

/// Makes a list of what is kept and of what `wanted` names, beside `place`.
pub fn make(
    app: &App,
    authority: &Authority,
    frame: &Frame<'_>,
    kept: Option<&Kept<'_>>,
    wanted: &CrlScope,
    place: PathBuf,
) -> Result<Made, PublishError> {
    let (beside, file) = Beside::create(place, &app.node, frame.number)?;
    let added = spool(app, wanted, &beside)?;
    let octets = kept.map_or(0, |kept| kept.octets) + added.octets;
    let unsigned = UnsignedFrame::new(frame, octets)?;
    let write = |at: u64| {
        write_signed(&unsigned, kept, &added, &file, at).map_err(|error| match error {
            CrlFault::Write(source) => beside.fault(source),
            CrlFault::Length { .. } if kept.is_some() => PublishError::Standing,
            other => other.into(),
        })
    };

    // The signature's length, and with it that of the outermost header, is known when it is made.
    let longest = unsigned.outer_prefix(&[0; 1024]).len() as u64;
    let (digest, genuine) = thread::scope(|scope| {
        let genuine = kept.map(|kept| scope.spawn(|| signed_by(authority, kept.list)));
        let digest = write(longest);
        let genuine = genuine.map_or(Ok(()), |thread| {
            thread.join().unwrap_or(Err(PublishError::Differs))
        });
        (digest, genuine)
    });
    genuine.map_err(|_| PublishError::Standing)?;
    let digest = digest?;
    let signature = app
        .signer
        .sign_digest(&authority.key, unsigned.algorithm(), &digest)?;
    let prefix = unsigned.outer_prefix(&signature);
    if prefix.len() as u64 != longest {
        write(prefix.len() as u64)?;
    }
    let signed_end = prefix.len() as u64 + unsigned.signed_length();
    let suffix = unsigned.outer_suffix(&signature);
    file.write_all_at(&prefix, 0)
        .and_then(|()| file.write_all_at(&suffix, signed_end))
        .and_then(|()| file.set_len(signed_end + suffix.len() as u64))
        .map_err(|source| beside.fault(source))?;

    let list = ListFile::new(file)?;
    // The disk has time while the list is read back.
    let (synced, read) = thread::scope(|scope| {
        let synced = scope.spawn(|| list.file().sync_all());
        let read = read_back(authority, frame, &list, kept, &added);
        (synced.join(), read)
    });
    let (entries, sha256) = read?;
    synced
        .map_err(|_| PublishError::Differs)?
        .map_err(|source| beside.fault(source))?;
    Ok(Made {
        list,
        entries,
        sha256,
        added: added.octets,
        beside,
    })
}

/// Entries that are new, on the disk without a name.
struct Spool {
    file: File,
    octets: u64,
}

impl Spool {
    fn reader(&self) -> io::Result<&File> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

fn spool(app: &App, wanted: &CrlScope, beside: &Beside) -> Result<Spool, PublishError> {
    let name = PathBuf::from(format!("{}.entries", beside.path.display()));
    let fault = |source| beside.fault(source);
    let file = open_new(&name)
        .and_then(|file| fs::remove_file(&name).map(|()| file))
        .map_err(fault)?;
    let mut out = BufWriter::with_capacity(PIECE, file);
    let mut octets = 0;
    let mut failed = None;
    app.store.revocations(wanted, &mut |revoked| {
        if failed.is_none() {
            failed = encoded(&revoked)
                .and_then(|entry| {
                    octets += entry.len() as u64;
                    out.write_all(&entry).map_err(fault)
                })
                .err();
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let file = out
        .into_inner()
        .map_err(|error| fault(error.into_error()))?;
    Ok(Spool { file, octets })
}

fn encoded(revoked: &Revoked) -> Result<Vec<u8>, PublishError> {
    let serial = Serial::from_octets(&revoked.serial).map_err(|_| PublishError::Serial)?;
    let reason = revoked.reason.and_then(ReasonCode::from_code);
    Ok(encode_entry(&serial, revoked.revoked_at, reason, None))
}

/// Writes the bytes to sign into the file, from `at` on, and gives their digest.
fn write_signed(
    unsigned: &UnsignedFrame,
    kept: Option<&Kept<'_>>,
    added: &Spool,
    file: &File,
    at: u64,
) -> Result<MessageDigest, CrlFault> {
    let mut to = file;
    to.seek(SeekFrom::Start(at))?;
    let mut hasher = unsigned.algorithm().hasher();
    let both = Both {
        file: BufWriter::with_capacity(PIECE, to),
        hasher: &mut hasher,
    };
    let mut list = unsigned.begin(both)?;
    if let Some(kept) = kept {
        if kept.ended.is_empty() {
            let entries = kept.list.from(kept.list.outline.entries.start);
            pieces(entries.take(kept.octets), |piece| list.entries(piece))?;
        } else {
            let mut entries = kept.list.entries(0);
            // What cannot be read of the list in place is short of what was announced.
            while let Ok(Some(entry)) = entries.next_entry() {
                if !kept.ended.contains(entry) {
                    list.entries(entry)?;
                }
            }
        }
    }
    pieces(added.reader()?, |piece| list.entries(piece))?;
    list.end()?.file.flush()?;
    Ok(hasher.finish())
}

/// Everything that is written goes through the hash.
struct Both<'a, W, H> {
    file: W,
    hasher: &'a mut H,
}

impl<W: Write, H: Write> Write for Both<'_, W, H> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.file.write(octets)?;
        self.hasher.write_all(&octets[..written])?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn pieces<E: From<io::Error>>(
    mut from: impl Read,
    mut with: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            read => with(&piece[..read])?,
        }
    }
}

/// Feeds a part of a list to a hash.
fn hash(
    list: &ListFile,
    part: Range<u64>,
    mut update: impl FnMut(&[u8]),
) -> Result<(), PublishError> {
    let from = list.from(part.start).take(part.end - part.start);
    pieces(from, |piece| {
        update(piece);
        Ok(())
    })
    .map_err(PublishError::Read)
}

/// Whether the authority's key signed this list.
fn signed_by(authority: &Authority, list: &ListFile) -> Result<(), PublishError> {
    let algorithm = list.outline.algorithm.ok_or(PublishError::Differs)?;
    let mut hasher = algorithm.hasher();
    hash(list, list.outline.signed.clone(), |piece| {
        hasher.update(piece)
    })?;
    list.outline
        .verify_digest(authority.issuer.public_key(), hasher.finish())
        .map_err(|invalid| CrlFault::from(invalid).into())
}

/// Reads a list that was made as a verifier would, and compares it with what was to be in it.
/// Gives the number of its entries and the SHA-256 of the file.
fn read_back(
    authority: &Authority,
    frame: &Frame<'_>,
    list: &ListFile,
    kept: Option<&Kept<'_>>,
    added: &Spool,
) -> Result<(u64, [u8; 32]), PublishError> {
    if list.outline.number != frame.number || list.outline.base != frame.base {
        return Err(PublishError::Differs);
    }
    thread::scope(|scope| {
        let signed = scope.spawn(|| signed_by(authority, list));
        let whole = scope.spawn(|| {
            let mut hasher = Sha256::new();
            hash(list, 0..list.outline.length, |piece| hasher.update(piece))?;
            Ok::<[u8; 32], PublishError>(hasher.finalize().into())
        });
        let none = HashSet::new();
        let entries = continues(
            &mut list.entries(0),
            kept.map(|kept| kept.list.entries(0)).as_mut(),
            kept.map_or(&none, |kept| &kept.ended),
            &mut RawEntries::new(added.reader().map_err(PublishError::Read)?, added.octets),
        );
        let joined = |_| PublishError::Differs;
        signed.join().map_err(joined)??;
        let sha256 = whole.join().map_err(joined)??;
        Ok((entries?, sha256))
    })
}
