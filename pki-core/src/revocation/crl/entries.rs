//! A list's entries one after the other, in memory that does not grow with the list, and how a
//! list's entries continue those of the list before it.

use std::collections::HashSet;
use std::io::Read;

use super::extent::Extent;
use super::image::{CrlEntry, CrlReadFault};
use crate::certificate::asn1::SEQUENCE;
use crate::certificate::serial::Serial;

/// Octets that are read at once.
const PIECE: usize = 256 * 1024;
/// Octets of the longest entry: a serial of 20 octets, a time and two extensions are below 100.
const LONGEST: usize = 1024;

/// The encoded entries of a list, read from where they begin.
pub struct RawEntries<R> {
    from: R,
    /// Octets that are still to be read.
    left: u64,
    held: Vec<u8>,
    /// What of `held` is still to be given.
    start: usize,
}

impl<R: Read> RawEntries<R> {
    /// Entries of `octets` octets in all, from a reader that stands at the first of them.
    pub fn new(from: R, octets: u64) -> Self {
        Self {
            from,
            left: octets,
            held: Vec::new(),
            start: 0,
        }
    }

    /// The next entry, as encoded; `None` after the last one. Its inside is not looked at:
    /// [`CrlEntry::decode`] does.
    ///
    /// # Errors
    /// What is no entry, or cannot be read.
    pub fn next_entry(&mut self) -> Result<Option<&[u8]>, CrlReadFault> {
        if self.held.len() - self.start < LONGEST && self.left > 0 {
            self.fill()?;
        }
        let held = &self.held[self.start..];
        if held.is_empty() {
            return Ok(None);
        }
        let end = Extent::read(held, 0)?.expect(SEQUENCE)?.content.end;
        match usize::try_from(end).ok().and_then(|end| held.get(..end)) {
            Some(entry) if entry.len() <= LONGEST => {
                self.start += entry.len();
                Ok(Some(entry))
            }
            _ => Err(CrlReadFault::Form("an entry that is too long or cut off")),
        }
    }

    fn fill(&mut self) -> Result<(), CrlReadFault> {
        self.held.drain(..self.start);
        self.start = 0;
        let before = self.held.len();
        let room = (PIECE - before) as u64;
        let more = room.min(self.left);
        self.held.resize(before + more as usize, 0);
        self.from.read_exact(&mut self.held[before..])?;
        self.left -= more;
        Ok(())
    }
}

/// Why a list's entries are not what they have to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContinuationFault {
    /// A certificate within its validity would be un-revoked.
    #[error("serial {0} would be lost from the list")]
    Lost(Serial),
    /// An entry stands there that was not to be there.
    #[error("serial {0} is in the list and was not to be in it")]
    Foreign(Serial),
    /// An entry that was to be added is missing.
    #[error("serial {0} was to be in the list and is not")]
    Missing(Serial),
    /// An entry cannot be read.
    #[error("an entry cannot be read")]
    Read(#[from] CrlReadFault),
}

/// How many entries a list has, that was read back and found to continue the list before it: the
/// entries of `before` in their order, without those that are in `ended`, and then those of
/// `added`, and nothing else. Each of `added` is decoded; the others are octet for octet those of
/// a list that was checked in its time.
///
/// # Errors
/// The first entry that is otherwise.
pub fn continues<N: Read, B: Read, A: Read>(
    new: &mut RawEntries<N>,
    before: Option<&mut RawEntries<B>>,
    ended: &HashSet<Vec<u8>>,
    added: &mut RawEntries<A>,
) -> Result<u64, ContinuationFault> {
    let mut count = 0;
    if let Some(before) = before {
        while let Some(old) = before.next_entry()? {
            if !ended.is_empty() && ended.contains(old) {
                continue;
            }
            if new.next_entry()? != Some(old) {
                return Err(ContinuationFault::Lost(serial(old)?));
            }
            count += 1;
        }
    }
    while let Some(wanted) = added.next_entry()? {
        let serial = serial(wanted)?;
        if new.next_entry()? != Some(wanted) {
            return Err(ContinuationFault::Missing(serial));
        }
        count += 1;
    }
    match new.next_entry()? {
        None => Ok(count),
        Some(other) => Err(ContinuationFault::Foreign(serial(other)?)),
    }
}

/// Whether a list has every entry of the list before it whose certificate `still_valid` knows to be
/// within its validity. For lists of which no more is known: it holds all serials of `new`.
///
/// # Errors
/// The first entry that would be lost.
pub fn loses_nothing<N: Read, B: Read>(
    new: &mut RawEntries<N>,
    before: &mut RawEntries<B>,
    still_valid: impl Fn(&[u8]) -> bool,
) -> Result<(), ContinuationFault> {
    let mut listed = HashSet::new();
    while let Some(entry) = new.next_entry()? {
        listed.insert(serial(entry)?);
    }
    while let Some(entry) = before.next_entry()? {
        let serial = serial(entry)?;
        if !listed.contains(&serial) && still_valid(serial.as_octets()) {
            return Err(ContinuationFault::Lost(serial));
        }
    }
    Ok(())
}

fn serial(entry: &[u8]) -> Result<Serial, CrlReadFault> {
    CrlEntry::decode(entry).map(|entry| entry.serial)
}
