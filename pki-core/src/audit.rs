//! The Merkle tree over the audit log (RFC 9162 §2.1) and its signed head.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Hash of one row: `SHA-256(00 || row)`.
#[must_use]
pub fn leaf(row: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update([0x00])
        .chain_update(row)
        .finalize()
        .into()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update([0x01])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// A tree that grows row by row and keeps only what its root needs:
/// one hash for each full subtree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of full subtrees, the largest first.
    peaks: Vec<[u8; 32]>,
}

impl Tree {
    /// Append a row's hash.
    pub fn push(&mut self, leaf: [u8; 32]) {
        let mut hash = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            let left = self
                .peaks
                .pop()
                .expect("a tree has a peak for each bit of its size");
            hash = node(&left, &hash);
            size >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// How many rows.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root (RFC 9162 §2.1.1); of no rows, the hash of nothing.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return Sha256::digest([]).into();
        };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}

/// What is signed for a state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Who keeps the log (`sign`, the issuer's name).
    pub origin: String,
    /// How many rows.
    pub size: u64,
    /// Root of the tree over them.
    pub root: [u8; 32],
    /// When it was taken.
    pub at: Timestamp,
}

/// Why a text is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the head of an audit log")]
pub struct NoHead;

impl Head {
    /// The signed text: four lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "jitsuin-audit-head-v1 {}\n{}\n{}\n{}\n",
            self.origin,
            self.size,
            hex::encode(self.root),
            self.at
        )
    }

    /// Reads what [`Head::to_text`] wrote.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn from_text(text: &str) -> Result<Self, NoHead> {
        let mut lines = text.lines();
        let origin = lines
            .next()
            .and_then(|line| line.strip_prefix("jitsuin-audit-head-v1 "))
            .ok_or(NoHead)?;
        let size = lines
            .next()
            .and_then(|line| line.parse().ok())
            .ok_or(NoHead)?;
        let mut root = [0; 32];
        hex::decode_to_slice(lines.next().ok_or(NoHead)?, &mut root).map_err(|_| NoHead)?;
        let at = lines
            .next()
            .and_then(|line| line.parse().ok())
            .ok_or(NoHead)?;
        let head = Self {
            origin: origin.to_owned(),
            size,
            root,
            at,
        };
        if head.to_text() == text {
            Ok(head)
        } else {
            Err(NoHead)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9162 §2.1.1, written down as it stands there.
    fn by_definition(rows: &[&[u8]]) -> [u8; 32] {
        match rows {
            [] => Sha256::digest([]).into(),
            [row] => leaf(row),
            _ => {
                let split = rows.len().next_power_of_two() / 2;
                node(
                    &by_definition(&rows[..split]),
                    &by_definition(&rows[split..]),
                )
            }
        }
    }

    #[test]
    fn the_growing_tree_has_the_root_of_the_definition_at_every_size() {
        let rows: Vec<Vec<u8>> = (0..70_u8).map(|number| vec![number; 3]).collect();
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let mut tree = Tree::default();
        for size in 0..rows.len() {
            assert_eq!(tree.root(), by_definition(&rows[..size]), "size {size}");
            assert_eq!(tree.size(), size as u64);
            tree.push(leaf(rows[size]));
        }
    }

    #[test]
    fn the_empty_tree_has_the_published_root() {
        assert_eq!(
            hex::encode(Tree::default().root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn a_head_comes_back_and_nothing_else_is_one() {
        let head = Head {
            origin: "sign".to_owned(),
            size: 7,
            root: [9; 32],
            at: "2026-11-22T15:00:00Z".parse().unwrap(),
        };
        let text = head.to_text();
        assert_eq!(Head::from_text(&text), Ok(head));
        assert_eq!(Head::from_text(&format!("{text}more\n")), Err(NoHead));
        assert_eq!(Head::from_text(&text.replace("v1", "v2")), Err(NoHead));
    }
}
