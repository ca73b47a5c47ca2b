//! A chained audit log as a file: one row a line, JSON; each row's MAC covers the row
//! and the MAC before it in its lane, and a head tells how many rows there are and the
//! root of the Merkle tree over the lines. Lanes stand one after the other or mixed,
//! each in its own order from 1 without a gap.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, BufRead, Write},
};

use pki_core::audit::{Head, Tree, leaf};
use serde::{Serialize, de::DeserializeOwned};

/// A MAC; zeros stand before the first row.
pub type Mac = [u8; 32];

/// Where a lane ends: its name, its last row's number, its last row's MAC.
pub type End = (String, u64, Mac);

/// One row as it stands in a file.
pub trait Row: Serialize + DeserializeOwned {
    /// The chain that it belongs to.
    fn lane(&self) -> &str;
    /// Its number in the lane, counted from 1.
    fn sequence(&self) -> u64;
    /// Its MAC; `None` when it is none.
    fn mac(&self) -> Option<Mac>;
    /// The bytes that the MAC covers after a row with MAC `before`; two rows never have
    /// the same. `None` for a row that no program writes.
    fn covered(&self, before: &Mac) -> Option<Vec<u8>>;
}

/// Writes a log and counts it.
pub struct Export<W> {
    out: W,
    tree: Tree,
}

impl<W: Write> Export<W> {
    /// Nothing is written yet.
    pub fn new(out: W) -> Self {
        Self {
            out,
            tree: Tree::default(),
        }
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Those of the file.
    pub fn row(&mut self, row: &impl Row) -> io::Result<()> {
        let line = serde_json::to_string(row).map_err(io::Error::other)?;
        self.tree.push(leaf(line.as_bytes()));
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }

    /// The head over what was written.
    pub fn head(&self, origin: String, at: jiff::Timestamp) -> Head {
        Head {
            origin,
            size: self.tree.size(),
            root: self.tree.root(),
            at,
        }
    }
}

/// What a check of a log found right.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    /// All rows.
    pub rows: u64,
    /// All lanes.
    pub lanes: usize,
    /// Root of the tree over the lines.
    pub root: [u8; 32],
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// The file.
    #[error("the log cannot be read")]
    Read(#[from] io::Error),
    /// The key of the MACs is not to be had.
    #[error("the log cannot be checked without its key")]
    Keyless(#[source] Box<dyn Error + Send + Sync>),
    /// No row.
    #[error("line {0} is not a row of an audit log")]
    Line(u64),
    /// Rows were dropped, repeated or reordered.
    #[error("line {line}: lane {lane} goes from row {before} to row {now}")]
    Gap {
        /// Counted from 1.
        line: u64,
        /// The chain.
        lane: String,
        /// The row before.
        before: u64,
        /// This row.
        now: u64,
    },
    /// The chain does not hold.
    #[error("line {0}: the row or one before it was changed")]
    Mac(u64),
    /// The database has lost rows that the log has, or has others.
    #[error("lane {lane}: the log has {found} rows, the database has {stored} or others")]
    Cut {
        /// The chain.
        lane: String,
        /// Rows in the log.
        found: u64,
        /// Rows in the database.
        stored: u64,
    },
    /// The head is no head.
    #[error("the head is malformed")]
    Head,
    /// The head was not made by who keeps the log.
    #[error("the head's signature does not verify")]
    Signature,
    /// The head was signed by somebody else.
    #[error("the head is signed by another key than the audit key")]
    Key,
    /// Rows were cut off or added.
    #[error("the head speaks of {head} rows, the log has {log}")]
    Size {
        /// Rows by the head.
        head: u64,
        /// Rows in the log.
        log: u64,
    },
    /// Other rows than those the head was made over.
    #[error("the head's root is not that of the log")]
    Root,
}

/// A log whose rows and chains hold.
pub struct Log {
    tree: Tree,
    lanes: BTreeMap<String, (u64, Mac)>,
}

impl Log {
    /// Reads a log and checks every MAC and every sequence.
    ///
    /// # Errors
    /// [`AuditFault::Line`], [`AuditFault::Gap`], [`AuditFault::Mac`] at the first line
    /// that is wrong; [`AuditFault::Keyless`] when `mac` fails.
    pub fn read<R: Row, E: Error + Send + Sync + 'static>(
        log: &mut impl BufRead,
        mac: impl Fn(&[u8]) -> Result<Mac, E>,
    ) -> Result<Self, AuditFault> {
        let mut read = Self {
            tree: Tree::default(),
            lanes: BTreeMap::new(),
        };
        let mut text = String::new();
        let mut number = 0;
        loop {
            text.clear();
            if log.read_line(&mut text)? == 0 {
                return Ok(read);
            }
            number += 1;
            let line = text.strip_suffix('\n').ok_or(AuditFault::Line(number))?;
            read.tree.push(leaf(line.as_bytes()));
            let row: R = serde_json::from_str(line).map_err(|_| AuditFault::Line(number))?;
            let (before, before_mac) = read.lanes.get(row.lane()).copied().unwrap_or_default();
            if row.sequence() != before + 1 {
                return Err(AuditFault::Gap {
                    line: number,
                    lane: row.lane().to_owned(),
                    before,
                    now: row.sequence(),
                });
            }
            let covered = row.covered(&before_mac).ok_or(AuditFault::Line(number))?;
            let expected = mac(&covered).map_err(|error| AuditFault::Keyless(Box::new(error)))?;
            if row.mac() != Some(expected) {
                return Err(AuditFault::Mac(number));
            }
            read.lanes
                .insert(row.lane().to_owned(), (row.sequence(), expected));
        }
    }

    /// Checks that the database has lost none of it since.
    ///
    /// # Errors
    /// [`AuditFault::Cut`].
    pub fn still_in(&self, ends: &[End]) -> Result<(), AuditFault> {
        for (lane, (found, found_mac)) in &self.lanes {
            let stored = ends.iter().find(|(name, ..)| name == lane);
            let kept = stored.is_some_and(|(_, sequence, mac)| {
                sequence > found || sequence == found && mac == found_mac
            });
            if !kept {
                return Err(AuditFault::Cut {
                    lane: lane.clone(),
                    found: *found,
                    stored: stored.map_or(0, |(_, sequence, _)| *sequence),
                });
            }
        }
        Ok(())
    }

    /// Checks that a head, whose maker was checked already, speaks of this log.
    ///
    /// # Errors
    /// [`AuditFault::Head`], [`AuditFault::Size`], [`AuditFault::Root`].
    pub fn is_under(&self, head: &str) -> Result<(), AuditFault> {
        let head = Head::from_text(head).map_err(|_| AuditFault::Head)?;
        if head.size != self.tree.size() {
            return Err(AuditFault::Size {
                head: head.size,
                log: self.tree.size(),
            });
        }
        if head.root != self.tree.root() {
            return Err(AuditFault::Root);
        }
        Ok(())
    }

    /// What was found right.
    pub fn verified(&self) -> Verified {
        Verified {
            rows: self.tree.size(),
            lanes: self.lanes.len(),
            root: self.tree.root(),
        }
    }
}

/// Writes a log and its head into files: each whole or not at all, the log first.
///
/// # Errors
/// What `write` failed with, or the files'.
pub fn into_files<E: From<io::Error>>(
    log: &std::path::Path,
    head: &std::path::Path,
    write: impl FnOnce(&mut io::BufWriter<std::fs::File>) -> Result<String, E>,
) -> Result<(), E> {
    let beside = |path: &std::path::Path| {
        let mut beside = path.to_owned();
        beside.as_mut_os_string().push(".part");
        beside
    };
    let mut out = io::BufWriter::new(std::fs::File::create(beside(log))?);
    let text = write(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    std::fs::write(beside(head), text)?;
    std::fs::rename(beside(log), log)?;
    std::fs::rename(beside(head), head)?;
    Ok(())
}
