//! The audit log as one value: a Merkle tree over its rows (RFC 9162 §2.1), and the head that
//! is signed for a state of it.

pub mod merkle;

use jiff::Timestamp;

pub use merkle::{Tree, leaf};

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
