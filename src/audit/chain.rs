//! The hash chain over record lines, and the Merkle tree of a segment built from the same hashes.
//!
//! `h_n = SHA-256(0x00 ‖ h_{n-1} ‖ length ‖ line)` is at once the chain's head after record n and the leaf hash
//! (RFC 6962, section 2.1) of `h_{n-1} ‖ length ‖ line`: one hash a record serves both, and a record is proved in
//! its segment by showing that line alone.

use ring::digest::{Context, SHA256, digest};

/// SHA-256.
pub(super) type Hash = [u8; 32];

/// Prefixes keep a leaf from being passed off as an inner node (RFC 6962, section 2.1).
const LEAF: [u8; 1] = [0x00];
const NODE: [u8; 1] = [0x01];

/// What the first record of a trail follows: bound to the trail's id, so that no record of another can begin it.
pub(super) fn genesis(log: &str) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(b"tidegate.audit.log.v1\0");
    context.update(log.as_bytes());
    finish(context)
}

/// The head after `line` (without its newline) is appended to a chain that ends in `head`.
pub(super) fn link(head: &Hash, line: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&LEAF);
    context.update(head);
    context.update(&(line.len() as u64).to_be_bytes());
    context.update(line);
    finish(context)
}

/// Plain SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Hash {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&NODE);
    context.update(left);
    context.update(right);
    finish(context)
}

fn finish(context: Context) -> Hash {
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// A Merkle tree (RFC 6962, section 2.1) that grows by one leaf and keeps only the roots of its complete subtrees.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    leaves: u64,
    /// Largest first: one for each bit set in `leaves`.
    peaks: Vec<Hash>,
}

impl Tree {
    pub(super) fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Each trailing one bit is a complete subtree of the size that `node` now has.
        for _ in 0..self.leaves.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = parent(&left, &node);
            }
        }
        self.peaks.push(node);
        self.leaves += 1;
    }

    pub(super) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => sha256(b""),
            Some(smallest) => peaks.fold(*smallest, |right, left| parent(left, &right)),
        }
    }
}

/// All levels of the tree over some leaves, the leaves first: whatever paths are asked for, each node is hashed once.
#[derive(Debug)]
pub(super) struct Levels(Vec<Vec<Hash>>);

impl Levels {
    pub(super) fn new(leaves: Vec<Hash>) -> Levels {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            // What has no neighbour goes up as it is: so the left subtree of RFC 6962 is always full.
            let above = below.chunks(2).filter_map(|pair| match pair {
                [left, right] => Some(parent(left, right)),
                alone => alone.first().copied(),
            });
            levels.push(above.collect());
        }
        Levels(levels)
    }

    /// The hashes that lead from leaf `index` to the root, lowest first (RFC 6962, section 2.1.1).
    pub(super) fn path(&self, index: usize) -> Vec<Hash> {
        let steps = self.0.iter().enumerate();
        steps.filter_map(|(height, level)| level.get((index >> height) ^ 1).copied()).collect()
    }
}

/// The root that a path leads to from a leaf, in a tree of `size` leaves (RFC 9162, section 2.1.3.2).
#[cfg(test)]
pub(super) fn root_of(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let (mut node, mut at, mut last) = (leaf, index, size.checked_sub(1)?);
    for other in path {
        if at & 1 == 1 || at == last {
            node = parent(other, &node);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            node = parent(&node, other);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    (last == 0).then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::text::hex;

    #[test]
    fn every_leaf_is_proved_and_no_other() {
        let leaves: Vec<Hash> = (0u32..70).map(|i| sha256(&i.to_be_bytes())).collect();
        for size in 1..=leaves.len() {
            let root = naive_root(&leaves[..size]);
            let levels = Levels::new(leaves[..size].to_vec());
            for (index, leaf) in leaves[..size].iter().enumerate() {
                let path = levels.path(index);
                let proved = |leaf, at| root_of(leaf, at, size as u64, &path) == Some(root);
                assert!(proved(*leaf, index as u64), "{index} of {size}");
                assert!(!proved(sha256(b"other"), index as u64), "{index} of {size}");
                assert!(size == 1 || !proved(*leaf, (index as u64) ^ 1), "{index} of {size}");
            }
        }
    }

    /// The definition of RFC 6962, word for word.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => sha256(b""),
            1 => leaves[0],
            n => {
                let k = n.next_power_of_two() / 2;
                parent(&naive_root(&leaves[..k]), &naive_root(&leaves[k..]))
            }
        }
    }

    #[test]
    fn the_tree_is_that_of_the_rfc() {
        let leaves: Vec<Hash> = (0u32..130).map(|i| sha256(&i.to_be_bytes())).collect();
        let mut tree = Tree::default();
        assert_eq!(tree.root(), naive_root(&[]));
        for (i, leaf) in leaves.iter().enumerate() {
            tree.push(*leaf);
            assert_eq!(tree.root(), naive_root(&leaves[..=i]), "{i}");
        }
    }

    #[test]
    fn a_published_root_comes_out() {
        // The test vector of the certificate transparency reference implementation: eight leaves.
        let data = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let mut tree = Tree::default();
        for text in data {
            let bytes: Vec<u8> = (0..text.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
                .collect();
            tree.push(sha256(&[&LEAF[..], &bytes].concat()));
        }
        assert_eq!(hex(&tree.root()), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn a_link_is_the_stated_formula() {
        let head = sha256(b"x");
        let by_hand = sha256(&[&[0][..], &head, &5u64.to_be_bytes(), b"hello"].concat());
        assert_eq!(link(&head, b"hello"), by_hand);
        assert_ne!(genesis("a"), genesis("b"));
    }
}
