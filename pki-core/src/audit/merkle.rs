//! Merkle tree over the rows of the log (RFC 9162 §2.1, SHA-256): its head stands for
//! all of them, an inclusion proof shows that a row is among them, and a consistency
//! proof that a later head only added to an earlier one.

use sha2::{Digest, Sha256};

/// Hash of a leaf or node.
pub type Hash = [u8; 32];

/// Hash of one row: `SHA-256(00 || row)` (RFC 9162 §2.1.1).
#[must_use]
pub fn leaf(row: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0x00])
        .chain_update(row)
        .finalize()
        .into()
}

/// Hash of two subtrees: `SHA-256(01 || left || right)` (RFC 9162 §2.1.1).
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([0x01])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Head of the tree over these leaf hashes; that of no leaves is the hash of nothing.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// Largest power of two smaller than `n`, for `n` > 1.
const fn split(n: usize) -> usize {
    1 << (n - 1).ilog2()
}

/// RFC 9162 §2.1.3.1: hashes that lead from leaf `index` to the head. `None` when there
/// is no such leaf.
#[must_use]
pub fn inclusion_proof(index: usize, leaves: &[Hash]) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    let (mut index, mut leaves) = (index, leaves);
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if index < left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            index -= left.len();
            leaves = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// RFC 9162 §2.1.3.2.
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], head: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut fn_, mut sn, mut r) = (index, size - 1, *leaf);
    for p in proof {
        if sn == 0 {
            return false;
        }
        if fn_ & 1 == 1 || fn_ == sn {
            r = node(p, &r);
            while fn_ & 1 == 0 && fn_ != 0 {
                fn_ >>= 1;
                sn >>= 1;
            }
        } else {
            r = node(&r, p);
        }
        fn_ >>= 1;
        sn >>= 1;
    }
    sn == 0 && r == *head
}

/// RFC 9162 §2.1.4.1: hashes that show that the tree over all leaves begins with the tree
/// over the first `old_size`. `None` unless 0 < `old_size` ≤ the number of leaves.
#[must_use]
pub fn consistency_proof(old_size: usize, leaves: &[Hash]) -> Option<Vec<Hash>> {
    if old_size == 0 || old_size > leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    let (mut m, mut leaves, mut whole) = (old_size, leaves, true);
    while m != leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if m <= left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            m -= left.len();
            leaves = right;
            whole = false;
        }
    }
    if !whole {
        proof.push(root(leaves));
    }
    proof.reverse();
    Some(proof)
}

/// RFC 9162 §2.1.4.2. Heads of equal size are consistent when they are equal, with an
/// empty proof.
#[must_use]
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    old_head: &Hash,
    new_head: &Hash,
    proof: &[Hash],
) -> bool {
    if old_size == 0 || old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_head == new_head;
    }
    let (first, rest) = if old_size.is_power_of_two() {
        (*old_head, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else {
            return false;
        };
        (*first, rest)
    };
    if rest.is_empty() {
        return false;
    }
    let (mut fn_, mut sn) = (old_size - 1, new_size - 1);
    while fn_ & 1 == 1 {
        fn_ >>= 1;
        sn >>= 1;
    }
    let (mut fr, mut sr) = (first, first);
    for c in rest {
        if sn == 0 {
            return false;
        }
        if fn_ & 1 == 1 || fn_ == sn {
            fr = node(c, &fr);
            sr = node(c, &sr);
            while fn_ & 1 == 0 && fn_ != 0 {
                fn_ >>= 1;
                sn >>= 1;
            }
        } else {
            sr = node(&sr, c);
        }
        fn_ >>= 1;
        sn >>= 1;
    }
    sn == 0 && fr == *old_head && sr == *new_head
}

/// A tree that grows row by row and keeps only what its root needs:
/// one hash for each full subtree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of full subtrees, the largest first.
    peaks: Vec<Hash>,
}

impl Tree {
    /// From what was stored; `None` when the number of peaks does not belong to the size.
    #[must_use]
    pub fn restore(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Roots of its full subtrees, the largest first: with the size, all that has to be stored.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Append a row's hash.
    pub fn push(&mut self, leaf: Hash) {
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
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return Sha256::digest([]).into();
        };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries and heads of the reference tests of Certificate Transparency
    /// (RFC 6962, whose tree RFC 9162 keeps).
    const ENTRIES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const HEADS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    const D: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    const E: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    const F: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

    fn leaves() -> Vec<Hash> {
        ENTRIES
            .iter()
            .map(|entry| leaf(&hex::decode(entry).unwrap()))
            .collect()
    }

    fn texts(proof: &[Hash]) -> Vec<String> {
        proof.iter().map(hex::encode).collect()
    }

    #[test]
    fn heads_are_those_of_the_published_vectors() {
        let leaves = leaves();
        let mut tree = Tree::default();
        for (size, expected) in HEADS.iter().enumerate() {
            assert_eq!(hex::encode(root(&leaves[..size])), *expected, "{size}");
            assert_eq!(hex::encode(tree.root()), *expected, "{size}");
            let stored = Tree::restore(tree.size(), tree.peaks().to_vec());
            assert_eq!(stored.as_ref(), Some(&tree));
            if size < leaves.len() {
                tree.push(leaves[size]);
            }
        }
        assert_eq!(Tree::restore(3, vec![leaves[0]]), None);
    }

    #[test]
    fn proofs_are_those_of_the_published_vectors() {
        let leaves = leaves();
        let inclusion =
            |index, size: usize| texts(&inclusion_proof(index, &leaves[..size]).unwrap());
        assert_eq!(inclusion(0, 8), [A, B, C]);
        assert_eq!(inclusion(5, 8), [D, E, HEADS[4]]);
        assert_eq!(inclusion(2, 3), [HEADS[2]]);
        assert_eq!(inclusion(1, 5), [HEADS[1], B, D]);
        let consistency =
            |old, size: usize| texts(&consistency_proof(old, &leaves[..size]).unwrap());
        assert_eq!(consistency(1, 1), [""; 0]);
        assert_eq!(consistency(1, 8), [A, B, C]);
        assert_eq!(consistency(6, 8), [F, E, HEADS[4]]);
        assert_eq!(consistency(2, 5), [B, D]);
    }

    #[test]
    fn every_proof_of_every_tree_to_seventy_leaves_verifies_and_proves_nothing_else() {
        let leaves: Vec<Hash> = (0_u8..70).map(|n| leaf(&[n])).collect();
        let other = leaf(b"other");
        for size in 1..=leaves.len() {
            let tree = &leaves[..size];
            let (head, n) = (root(tree), size as u64);
            for index in 0..size {
                let proof = inclusion_proof(index, tree).unwrap();
                let at = index as u64;
                assert!(verify_inclusion(&tree[index], at, n, &proof, &head));
                assert!(!verify_inclusion(&other, at, n, &proof, &head));
                assert!(!verify_inclusion(&tree[index], n, n, &proof, &head));
                assert!(!verify_inclusion(
                    &tree[index],
                    at,
                    n,
                    &[&proof[..], &[other]].concat(),
                    &head
                ));
                if let Some((_, short)) = proof.split_last() {
                    assert!(!verify_inclusion(&tree[index], at, n, short, &head));
                }
            }
            for old in 1..=size {
                let proof = consistency_proof(old, tree).unwrap();
                let old_head = root(&tree[..old]);
                let m = old as u64;
                assert!(
                    verify_consistency(m, n, &old_head, &head, &proof),
                    "{old} {size}"
                );
                assert!(!verify_consistency(m, n, &other, &head, &proof));
                assert!(!verify_consistency(m, n, &old_head, &other, &proof));
                assert!(!verify_consistency(
                    m,
                    n,
                    &old_head,
                    &head,
                    &[&proof[..], &[other]].concat()
                ));
            }
        }
    }

    #[test]
    fn there_is_no_proof_for_what_is_not_there() {
        let leaves = leaves();
        assert_eq!(inclusion_proof(8, &leaves), None);
        assert_eq!(inclusion_proof(0, &[]), None);
        assert_eq!(consistency_proof(0, &leaves), None);
        assert_eq!(consistency_proof(9, &leaves), None);
        let head = root(&leaves);
        let proof = inclusion_proof(0, &leaves).unwrap();
        assert!(verify_inclusion(&leaves[0], 0, 8, &proof, &head));
        assert!(
            !verify_inclusion(&leaves[0], 0, 16, &proof, &head),
            "a longer log has longer proofs"
        );
        let proof = consistency_proof(1, &leaves).unwrap();
        assert!(verify_consistency(1, 8, &leaves[0], &head, &proof));
        assert!(!verify_consistency(1, 16, &leaves[0], &head, &proof));
        assert!(!verify_consistency(0, 8, &head, &head, &[]));
        assert!(!verify_consistency(9, 8, &head, &head, &[]));
        assert!(!verify_consistency(8, 8, &head, &head, &[head]));
        assert!(!verify_consistency(4, 8, &head, &head, &[]));
    }
}
